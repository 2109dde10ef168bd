"""Recordings of calls."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.clock import now
from core.db import db
from core.model import User
from plugins.voice.models.calls import VoiceCall

RAW = text("state = 'raw'")


class CallRecording(db.Model):
    """A recording. ``state``: recording, raw (a WAV at ``path``, not yet encoded), done, failed, removed.

    ``paused_at`` is set while card data are told; ``pauses`` are (from, to) in seconds of the recording. ``user_id`` had the call when it began.
    """

    __tablename__ = "voice_recording"
    __table_args__ = (Index("ix_voice_recording_raw", "id", sqlite_where=RAW, postgresql_where=RAW),)
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(80), unique=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("voice_call.id", ondelete="CASCADE"), index=True)
    case_id: Mapped[int | None] = mapped_column(ForeignKey("case.id", ondelete="CASCADE"), index=True)
    service_id: Mapped[int | None] = mapped_column(ForeignKey("service.id", ondelete="SET NULL"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"), index=True)
    state: Mapped[str] = mapped_column(String(10), default="recording")
    path: Mapped[str] = mapped_column(String(500), default="")
    sha256: Mapped[str | None] = mapped_column(ForeignKey("stored_file.sha256"), index=True)
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    seconds: Mapped[float] = mapped_column(default=0.0)
    peaks: Mapped[list[Any]] = mapped_column(default=list)
    pauses: Mapped[list[Any]] = mapped_column(default=list)
    paused_at: Mapped[datetime | None]
    failure: Mapped[str] = mapped_column(String(300), default="")
    started_at: Mapped[datetime] = mapped_column(default=now, index=True)
    expires_at: Mapped[datetime | None] = mapped_column(index=True)
    call: Mapped[VoiceCall] = relationship()
    user: Mapped[User | None] = relationship()
