"""Which conversations a bot holds, before an agent does."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import db


class BotTalk(db.Model):
    """A conversation in state ``bot``; the row goes with the bot. Changed in :mod:`core.live.bots` only.

    ``due_at`` is set while there is something to answer, ``answered_up_to`` the newest message that was; ``memory`` is the bot's own.
    """

    __tablename__ = "live_bot_talk"
    __table_args__ = (Index("ix_live_bot_talk_due_at", "due_at"), Index("ix_live_bot_talk_heard_at", "heard_at"))
    interaction_id: Mapped[int] = mapped_column(ForeignKey("interaction.id", ondelete="CASCADE"), primary_key=True)
    bot: Mapped[str] = mapped_column(String(40))
    answered_up_to: Mapped[int] = mapped_column(default=0)
    memory: Mapped[dict[str, Any]] = mapped_column(default=dict)
    heard_at: Mapped[datetime] = mapped_column(default=now)
    due_at: Mapped[datetime | None]
