"""What agents use: canned replies, the rules of services, and how far each side of a conversation has read."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.clock import now
from core.db import db
from core.model import Service

GREETINGS = ("none", "automatic", "suggested")


class CannedSection(db.Model):
    """A section of canned replies; ``owner_id`` makes it personal, ``team_id`` a team's, neither everybody's."""

    __tablename__ = "chat_canned_section"
    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("chat_canned_section.id", ondelete="CASCADE"), index=True)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(String(120))
    position: Mapped[int] = mapped_column(default=0)


class Canned(db.Model):
    """A canned reply (заготовленный ответ): HTML with ``%AF %AL %F %L`` and ``$(…)``; for whom is its section's or its own."""

    __tablename__ = "chat_canned"
    id: Mapped[int] = mapped_column(primary_key=True)
    section_id: Mapped[int | None] = mapped_column(ForeignKey("chat_canned_section.id", ondelete="CASCADE"), index=True)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(String(160))
    html: Mapped[str] = mapped_column(Text)
    position: Mapped[int] = mapped_column(default=0)
    changed_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class ServiceRule(db.Model):
    """How a service chats. Times in seconds, None for never: a warning after ``warn_seconds`` of a visitor's silence, the end
    ``close_seconds`` after the warning; the bar turns orange ``answer_seconds`` after an unanswered message.
    """

    __tablename__ = "chat_service_rule"
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id", ondelete="CASCADE"), primary_key=True)
    answer_seconds: Mapped[int | None]
    warn_seconds: Mapped[int | None]
    warning_en: Mapped[str] = mapped_column(Text, default="")
    warning_ru: Mapped[str] = mapped_column(Text, default="")
    close_seconds: Mapped[int | None]
    closing_en: Mapped[str] = mapped_column(Text, default="")
    closing_ru: Mapped[str] = mapped_column(Text, default="")
    greeting: Mapped[str] = mapped_column(String(10), default="none")
    greeting_en: Mapped[str] = mapped_column(Text, default="")
    greeting_ru: Mapped[str] = mapped_column(Text, default="")
    service: Mapped[Service] = relationship()


class Reading(db.Model):
    """How far both sides of a conversation have read, as message ids, and the message that warned a silent visitor."""

    __tablename__ = "chat_reading"
    interaction_id: Mapped[int] = mapped_column(
        ForeignKey("interaction.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    visitor_read_id: Mapped[int] = mapped_column(default=0)
    agent_read_id: Mapped[int] = mapped_column(default=0)
    warned_message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id", ondelete="SET NULL"))
    warned_at: Mapped[datetime | None]
