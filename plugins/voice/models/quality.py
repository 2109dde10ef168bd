"""What agents say of the sound of their calls."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.clock import now
from core.db import db
from core.model import User

FAULTS = ("choppy", "echo", "noise", "one_side", "delay", "dropped", "other")


class SoundReport(db.Model):
    """That the sound of a call was bad for an agent in it; ``fault`` is one of :data:`FAULTS`."""

    __tablename__ = "voice_sound_report"
    call_id: Mapped[int] = mapped_column(ForeignKey("voice_call.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, index=True)
    fault: Mapped[str] = mapped_column(String(12))
    comment: Mapped[str] = mapped_column(String(500), default="")
    at: Mapped[datetime] = mapped_column(default=now)
    user: Mapped[User] = relationship()
