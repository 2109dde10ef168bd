"""Recorded messages, and what each agent and each service has chosen of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.clock import now
from core.db import db
from core.model import User


class VoiceMessage(db.Model):
    """A recorded message: an agent's own (``owner_id``) or central. The file is a WAV that a call can play at once.

    ``key`` names central ones in menus. ``peaks`` are loudness 0–100 at even steps, for the waveform.
    """

    __tablename__ = "voice_message"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str | None] = mapped_column(String(40), unique=True)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(String(120))
    sha256: Mapped[str] = mapped_column(ForeignKey("stored_file.sha256"), index=True)
    seconds: Mapped[float] = mapped_column(default=0.0)
    peaks: Mapped[list[Any]] = mapped_column(default=list)
    created_at: Mapped[datetime] = mapped_column(default=now)
    owner: Mapped[User | None] = relationship()


class VoiceChoice(db.Model):
    """What an agent has chosen: the greeting played on answering, and what is left on an answering machine."""

    __tablename__ = "voice_choice"
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    greeting_id: Mapped[int | None] = mapped_column(ForeignKey("voice_message.id", ondelete="SET NULL"), index=True)
    machine_id: Mapped[int | None] = mapped_column(ForeignKey("voice_message.id", ondelete="SET NULL"), index=True)


class VoiceRule(db.Model):
    """How the calls of a service are treated; a service without a row has the defaults.

    ``record``: never, ask (the agent begins it) or always. ``consent_id`` is announced before a recording. ``keep_days``: 0 keeps
    for ever. ``voicemail_seconds``: after so long a wait the caller may leave a message (0: never); ``closed_voicemail``: outside
    of the hours at once. ``callback``: waiting callers may ask to be called back.
    """

    __tablename__ = "voice_rule"
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id", ondelete="CASCADE"), primary_key=True)
    record: Mapped[str] = mapped_column(String(6), default="never")
    consent_id: Mapped[int | None] = mapped_column(ForeignKey("voice_message.id", ondelete="SET NULL"), index=True)
    keep_days: Mapped[int] = mapped_column(default=90)
    welcome_id: Mapped[int | None] = mapped_column(ForeignKey("voice_message.id", ondelete="SET NULL"), index=True)
    music_id: Mapped[int | None] = mapped_column(ForeignKey("voice_message.id", ondelete="SET NULL"), index=True)
    callback: Mapped[bool] = mapped_column(default=True)
    voicemail_seconds: Mapped[int] = mapped_column(default=0)
    closed_voicemail: Mapped[bool] = mapped_column(default=False)
