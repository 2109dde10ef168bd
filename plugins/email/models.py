"""Tables of the email plugin: where polling of a mailbox has got to, and mail kept instead of sent."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import db


class Mailbox(db.Model):
    """How far a mailbox has been read; ``retry`` are the UIDs that could not be taken in yet."""

    __tablename__ = "email_mailbox"
    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    uidvalidity: Mapped[int] = mapped_column(BigInteger, default=0)
    last_uid: Mapped[int] = mapped_column(BigInteger, default=0)
    retry: Mapped[list[Any]] = mapped_column(default=list)
    polled_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(Text, default="")


class CaughtMail(db.Model):
    """A letter that would have left the house: without an SMTP server set it is kept for the demo's mailbox page."""

    __tablename__ = "email_caught"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(160), unique=True)
    sender: Mapped[str] = mapped_column(String(254))
    recipients: Mapped[list[Any]] = mapped_column(default=list)
    subject: Mapped[str] = mapped_column(String(998), default="")
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(default=now, index=True)
