"""The REST API's own tables: tokens, remembered calls, webhooks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.clock import now
from core.db import db
from core.model.people import User


class ApiToken(db.Model):
    """A key to the API. Personal ones act as their user; service ones (``service``) as the user they were made for, without a person.

    Only the hash is kept; ``prefix`` is shown so that a person can tell tokens apart.
    """

    __tablename__ = "api_token"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    service: Mapped[bool] = mapped_column(default=False)
    prefix: Mapped[str] = mapped_column(String(12))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[Any]] = mapped_column(default=list)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    user: Mapped[User] = relationship()


class ApiCall(db.Model):
    """A call made with an Idempotency-Key, and its answer: the same key again gets the same answer for a day."""

    __tablename__ = "api_call"
    __table_args__ = (UniqueConstraint("token_id", "key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    token_id: Mapped[int] = mapped_column(ForeignKey("api_token.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(120))
    fingerprint: Mapped[str] = mapped_column(String(64))
    status: Mapped[int | None]
    body: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(default=now, index=True)


class Webhook(db.Model):
    """Where events are sent, signed with ``secret``; ``events`` are names or ``*``. ``old_secret`` signs as well until ``old_secret_until``. Deliveries are rows of the outbox."""

    __tablename__ = "webhook"
    id: Mapped[int] = mapped_column(primary_key=True)
    url: Mapped[str] = mapped_column(String(500))
    secret: Mapped[str] = mapped_column(String(80))
    old_secret: Mapped[str] = mapped_column(String(80), default="")
    old_secret_until: Mapped[datetime | None]
    events: Mapped[list[Any]] = mapped_column(default=list)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    failures: Mapped[int] = mapped_column(default=0)
    last_status: Mapped[str] = mapped_column(String(200), default="")
    last_at: Mapped[datetime | None]
