"""Adapters of messengers that the house talks with."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import db


class MessengerLink(db.Model):
    """An adapter: ``key`` is the address of the service's entry, ``url`` takes our messages, ``secret`` signs both ways.

    For a day after a rotation ``old_secret`` is taken as well. Changed in :mod:`plugins.messenger.links` only.
    """

    __tablename__ = "messenger_link"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    url: Mapped[str] = mapped_column(String(500), default="")
    secret: Mapped[str] = mapped_column(String(100))
    old_secret: Mapped[str] = mapped_column(String(100), default="")
    old_secret_until: Mapped[datetime | None]
    active: Mapped[bool] = mapped_column(default=True)
    last_status: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
