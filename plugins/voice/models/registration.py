"""Which case each incoming call belongs to, and who wishes to be called back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.clock import now
from core.db import db
from core.model import Case, Interaction, Service, User

OPEN = text("state IN ('waiting', 'calling')")
PROMISED = text("due_at IS NOT NULL")


class CallLink(db.Model):
    """That an agent has registered a call at a case."""

    __tablename__ = "voice_call_link"
    call_id: Mapped[int] = mapped_column(ForeignKey("voice_call.id", ondelete="CASCADE"), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id", ondelete="CASCADE"), index=True)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"), index=True)
    at: Mapped[datetime] = mapped_column(default=now)
    case: Mapped[Case] = relationship()
    by: Mapped[User | None] = relationship()


class VoiceCallback(db.Model):
    """A caller who hung up and is to be called back in turn. ``state``: waiting, calling, done, failed, cancelled.

    ``due_at``: it waits out of the queue until then, because an agent (``by_id``) has promised it for that time, or, without one,
    for the next try after nobody was reached. ``by_id`` else is who has called or cancelled it last, ``reason`` why it was cancelled.
    """

    __tablename__ = "voice_callback"
    __table_args__ = (
        Index("uq_voice_callback_open", "interaction_id", unique=True, sqlite_where=OPEN, postgresql_where=OPEN),
        Index("ix_voice_callback_state_wanted_at", "state", "wanted_at"),
        Index("ix_voice_callback_due_at", "due_at", sqlite_where=PROMISED, postgresql_where=PROMISED),
        Index("ix_voice_callback_open_number", "number", sqlite_where=OPEN, postgresql_where=OPEN),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    interaction_id: Mapped[int] = mapped_column(ForeignKey("interaction.id", ondelete="CASCADE"))
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id", ondelete="CASCADE"), index=True)
    number: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    attempts: Mapped[int] = mapped_column(default=0)
    wanted_at: Mapped[datetime] = mapped_column(default=now)
    called_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"), index=True)
    reason: Mapped[str] = mapped_column(String(200), default="")
    interaction: Mapped[Interaction] = relationship()
    service: Mapped[Service] = relationship()
    by: Mapped[User | None] = relationship()
