"""Voicemail of agents and services, and where their calls are forwarded."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.clock import now
from core.db import db
from core.model import Service, User

GREETINGS = 3
ACTIVE = text("active")
RAW = text("state = 'raw'")


class VoicemailBox(db.Model):
    """A box: of a user or of a service. ``email_as``: none, link or attachment; ``email`` "" means the owner's own address."""

    __tablename__ = "voicemail_box"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), unique=True)
    service_id: Mapped[int | None] = mapped_column(ForeignKey("service.id", ondelete="CASCADE"), unique=True)
    active: Mapped[bool] = mapped_column(default=False)
    email: Mapped[str] = mapped_column(String(254), default="")
    email_as: Mapped[str] = mapped_column(String(10), default="none")
    user: Mapped[User | None] = relationship()
    service: Mapped[Service | None] = relationship()
    greetings: Mapped[list[VoicemailGreeting]] = relationship(
        back_populates="box", cascade="all, delete-orphan", order_by="VoicemailGreeting.id"
    )


class VoicemailGreeting(db.Model):
    """One of at most three greetings of a box; the partial unique index keeps one in use."""

    __tablename__ = "voicemail_greeting"
    __table_args__ = (
        Index("uq_voicemail_greeting_active", "box_id", unique=True, sqlite_where=ACTIVE, postgresql_where=ACTIVE),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    box_id: Mapped[int] = mapped_column(ForeignKey("voicemail_box.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(String(120))
    active: Mapped[bool] = mapped_column(default=False)
    sha256: Mapped[str] = mapped_column(ForeignKey("stored_file.sha256"), index=True)
    seconds: Mapped[float] = mapped_column(default=0.0)
    peaks: Mapped[list[Any]] = mapped_column(default=list)
    box: Mapped[VoicemailBox] = relationship(back_populates="greetings")


class Voicemail(db.Model):
    """What a caller has left. ``state``: raw (a WAV at ``path``, not yet encoded), done, failed. ``key`` is the recording's."""

    __tablename__ = "voicemail"
    __table_args__ = (
        Index("ix_voicemail_box_id_id", "box_id", "id"),
        Index("ix_voicemail_raw", "id", sqlite_where=RAW, postgresql_where=RAW),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(80), unique=True)
    box_id: Mapped[int] = mapped_column(ForeignKey("voicemail_box.id", ondelete="CASCADE"))
    call_id: Mapped[int | None] = mapped_column(ForeignKey("voice_call.id", ondelete="SET NULL"), index=True)
    case_id: Mapped[int | None] = mapped_column(ForeignKey("case.id", ondelete="SET NULL"), index=True)
    number: Mapped[str] = mapped_column(String(80), default="")
    name: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[str] = mapped_column(String(6), default="raw")
    path: Mapped[str] = mapped_column(String(500), default="")
    sha256: Mapped[str | None] = mapped_column(ForeignKey("stored_file.sha256"), index=True)
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    seconds: Mapped[float] = mapped_column(default=0.0)
    peaks: Mapped[list[Any]] = mapped_column(default=list)
    created_at: Mapped[datetime] = mapped_column(default=now)
    heard_at: Mapped[datetime | None]
    heard_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"), index=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    box: Mapped[VoicemailBox] = relationship()


class VoiceForwarding(db.Model):
    """Where calls to a user go: ``occasion`` is always, busy or no_answer (after ``seconds`` of ringing)."""

    __tablename__ = "voice_forwarding"
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    occasion: Mapped[str] = mapped_column(String(10), primary_key=True)
    number: Mapped[str] = mapped_column(String(40))
    seconds: Mapped[int] = mapped_column(default=20)
    active: Mapped[bool] = mapped_column(default=True)
