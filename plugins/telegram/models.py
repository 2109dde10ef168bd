"""The bots of the house."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import db


class TelegramBot(db.Model):
    """A bot: ``username`` is the address of the service's entry. ``next_update`` is the first update not yet taken in.

    ``error`` says what went wrong last, "" while all is well; ``heard_at`` when the last update came. Changed in
    :mod:`plugins.telegram.bots` and :mod:`plugins.telegram.receiving`.
    """

    __tablename__ = "telegram_bot"
    id: Mapped[int] = mapped_column(primary_key=True)
    telegram_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    username: Mapped[str] = mapped_column(String(40), unique=True)
    title: Mapped[str] = mapped_column(String(200), default="")
    token: Mapped[str] = mapped_column(String(120))
    webhook_secret: Mapped[str] = mapped_column(String(80))
    active: Mapped[bool] = mapped_column(default=True)
    next_update: Mapped[int] = mapped_column(BigInteger, default=0)
    error: Mapped[str] = mapped_column(String(500), default="")
    heard_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
