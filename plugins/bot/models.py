"""For which services the bot speaks first."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import db


class BotRule(db.Model):
    """How the bot behaves in a service; there is a row once somebody has set it. Changed in :mod:`plugins.bot.rules` only."""

    __tablename__ = "bot_rule"
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id", ondelete="CASCADE"), primary_key=True)
    active: Mapped[bool] = mapped_column(default=False)
    greeting_ru: Mapped[str] = mapped_column(String(500), default="")
    greeting_en: Mapped[str] = mapped_column(String(500), default="")
    attempts: Mapped[int] = mapped_column(default=2)
