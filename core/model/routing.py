"""Who may serve what: skills with levels, support lines, opening hours, pings to experts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.clock import now
from core.db import db
from core.model.cases import Case
from core.model.people import Team, User


class Calendar(db.Model):
    """Opening hours and holidays by name; ``settings`` is what :meth:`core.calendars.Calendar.from_dict` reads."""

    __tablename__ = "calendar"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    title_en: Mapped[str] = mapped_column(String(120))
    title_ru: Mapped[str] = mapped_column(String(120))
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Skill(db.Model):
    """Something that agents know to a level of 1 to 5 (навык)."""

    __tablename__ = "skill"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    title_en: Mapped[str] = mapped_column(String(120))
    title_ru: Mapped[str] = mapped_column(String(120))


class UserSkill(db.Model):
    """How well a user knows a skill, 1 to 5."""

    __tablename__ = "user_skill"
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    skill_id: Mapped[int] = mapped_column(ForeignKey("skill.id", ondelete="CASCADE"), primary_key=True, index=True)
    level: Mapped[int] = mapped_column(default=3)
    skill: Mapped[Skill] = relationship()


class ServiceSkill(db.Model):
    """What a service asks for. Every ``relax_seconds`` of waiting (0: never) lowers ``level`` by one, not below ``floor``."""

    __tablename__ = "service_skill"
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id", ondelete="CASCADE"), primary_key=True)
    skill_id: Mapped[int] = mapped_column(ForeignKey("skill.id", ondelete="CASCADE"), primary_key=True, index=True)
    level: Mapped[int] = mapped_column(default=1)
    relax_seconds: Mapped[int] = mapped_column(default=0)
    floor: Mapped[int] = mapped_column(default=0)
    skill: Mapped[Skill] = relationship()


class SupportLine(db.Model):
    """A line of a service (1-я, 2-я, 3-я линия) with its own targets (OLA) in seconds; 0 for none."""

    __tablename__ = "support_line"
    __table_args__ = (UniqueConstraint("service_id", "number"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id", ondelete="CASCADE"))
    number: Mapped[int]
    title_en: Mapped[str] = mapped_column(String(120))
    title_ru: Mapped[str] = mapped_column(String(120))
    take_seconds: Mapped[int] = mapped_column(default=0)
    solve_seconds: Mapped[int] = mapped_column(default=0)


class LineStay(db.Model):
    """How long a case was on a line: entered, taken by an agent, left; reports compare it with the line's targets."""

    __tablename__ = "line_stay"
    __table_args__ = (Index("ix_line_stay_case_id_id", "case_id", "id"), Index("ix_line_stay_entered_at", "entered_at"))
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id", ondelete="CASCADE"))
    line: Mapped[int]
    entered_at: Mapped[datetime] = mapped_column(default=now)
    taken_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]
    moved_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    note: Mapped[str] = mapped_column(Text, default="")


class PingTarget(db.Model):
    """Whom a ping reaches. ``kind``: expert, supervisor, expert_support; ``fields``: ``[{"key", "title_en", "title_ru", "required"}]``."""

    __tablename__ = "ping_target"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    title_en: Mapped[str] = mapped_column(String(120))
    title_ru: Mapped[str] = mapped_column(String(120))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="SET NULL"))
    fields: Mapped[list[Any]] = mapped_column(default=list)
    target_seconds: Mapped[int] = mapped_column(default=900)
    active: Mapped[bool] = mapped_column(default=True)
    team: Mapped[Team | None] = relationship()


class Ping(db.Model):
    """A question from a case (пинг). ``state``: waiting, taken, answered, withdrawn; moved by compare-and-swap."""

    __tablename__ = "ping"
    __table_args__ = (
        Index("ix_ping_state_target_id_asked_at", "state", "target_id", "asked_at"),
        Index("ix_ping_case_id_id", "case_id", "id"),
        Index("ix_ping_answered_by_id_state", "answered_by_id", "state"),
        Index("ix_ping_asked_by_id_id", "asked_by_id", "id"),
        Index("ix_ping_asked_at", "asked_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id", ondelete="CASCADE"))
    interaction_id: Mapped[int | None] = mapped_column(ForeignKey("interaction.id", ondelete="SET NULL"))
    target_id: Mapped[int] = mapped_column(ForeignKey("ping_target.id"))
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    question: Mapped[str] = mapped_column(Text, default="")
    values: Mapped[dict[str, Any]] = mapped_column(default=dict)
    answer: Mapped[str] = mapped_column(Text, default="")
    asked_at: Mapped[datetime] = mapped_column(default=now)
    taken_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    case: Mapped[Case] = relationship()
    target: Mapped[PingTarget] = relationship()
    asked_by: Mapped[User] = relationship(foreign_keys=[asked_by_id])
    answered_by: Mapped[User | None] = relationship(foreign_keys=[answered_by_id])
