"""Who serves: users, roles with privileges, teams, their presence and their sign-ins."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.clock import now
from core.db import db


class UserRole(db.Model):
    """Membership of a role."""

    __tablename__ = "user_role"
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    role_id: Mapped[int] = mapped_column(ForeignKey("role.id", ondelete="CASCADE"), primary_key=True)


class Role(db.Model):
    """A named set of privileges (полномочия)."""

    __tablename__ = "role"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    title_en: Mapped[str] = mapped_column(String(80))
    title_ru: Mapped[str] = mapped_column(String(80))
    privileges: Mapped[list[Any]] = mapped_column(default=list)


class User(db.Model):
    """A person who signs in. ``disabled_at`` keeps the history of one who left."""

    __tablename__ = "user"
    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(80), unique=True)
    email: Mapped[str] = mapped_column(String(254), default="")
    first_name: Mapped[str] = mapped_column(String(80))
    last_name: Mapped[str] = mapped_column(String(80), default="")
    nickname: Mapped[str] = mapped_column(String(80), default="")
    password_hash: Mapped[str] = mapped_column(String(200), default="")
    language: Mapped[str] = mapped_column(String(5), default="")
    timezone: Mapped[str] = mapped_column(String(60), default="")
    preferences: Mapped[dict[str, Any]] = mapped_column(default=dict)
    phone: Mapped[str] = mapped_column(String(40), default="")
    location: Mapped[str] = mapped_column(String(120), default="")
    photo_sha: Mapped[str] = mapped_column(String(64), default="")
    capacity: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now)
    disabled_at: Mapped[datetime | None]

    roles: Mapped[list[Role]] = relationship(secondary="user_role", order_by="Role.id")
    memberships: Mapped[list[TeamMember]] = relationship(back_populates="user", cascade="all, delete-orphan")

    @property
    def name(self) -> str:
        """First and last name, or the login when both are empty."""
        return f"{self.first_name} {self.last_name}".strip() or self.login


class Team(db.Model):
    """A group of agents (группа) with its routing rules.

    ``capacity``: ``{channel: {"push": n, "limit": n}}``, what one agent may have in hand; ``mix``: lists of channels that may
    be in hand together. ``after_…``: the state that follows (``ready`` or ``not_ready``), "" for the house's setting. The
    first team of an agent (by id) rules the agent. Minutes: ``away_minutes`` of idleness (0: never), ``break_minutes`` a day.
    """

    __tablename__ = "team"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    title_en: Mapped[str] = mapped_column(String(120))
    title_ru: Mapped[str] = mapped_column(String(120))
    capacity: Mapped[dict[str, Any]] = mapped_column(default=dict)
    mix: Mapped[list[Any]] = mapped_column(default=list)
    after_sign_in: Mapped[str] = mapped_column(String(10), default="")
    after_work: Mapped[str] = mapped_column(String(10), default="")
    after_reject: Mapped[str] = mapped_column(String(10), default="")
    after_no_answer: Mapped[str] = mapped_column(String(10), default="")
    away_minutes: Mapped[int] = mapped_column(default=15)
    break_minutes: Mapped[int] = mapped_column(default=60)
    start_url: Mapped[str] = mapped_column(String(300), default="")
    members: Mapped[list[TeamMember]] = relationship(back_populates="team", cascade="all, delete-orphan")


class TeamMember(db.Model):
    """A user's place in a team."""

    __tablename__ = "team_member"
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, index=True)
    supervisor: Mapped[bool] = mapped_column(default=False)
    user: Mapped[User] = relationship(back_populates="memberships")
    team: Mapped[Team] = relationship(back_populates="members")


class Presence(db.Model):
    """The agent's state now. Every change goes through :mod:`core.presence`, by compare-and-swap on ``version``.

    ``next_state`` is what the agent, or the supervisor ``next_by_id``, asked for while busy: it comes when the last
    interaction ends. ``active_at`` is the last sign of a person at the desk (``seen_at``: of the page). ``idle_since``
    orders by longest idle.
    """

    __tablename__ = "presence"
    __table_args__ = (Index("ix_presence_state_since", "state", "since"),)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    state: Mapped[str] = mapped_column(String(12), default="offline")
    reason: Mapped[str] = mapped_column(String(40), default="")
    since: Mapped[datetime] = mapped_column(default=now)
    seen_at: Mapped[datetime] = mapped_column(default=now)
    active_at: Mapped[datetime] = mapped_column(default=now)
    idle_since: Mapped[datetime] = mapped_column(default=now)
    next_state: Mapped[str] = mapped_column(String(12), default="")
    next_reason: Mapped[str] = mapped_column(String(40), default="")
    next_by_id: Mapped[int | None]
    version: Mapped[int] = mapped_column(default=0)


class PresenceChange(db.Model):
    """One change of state with its cause; feeds reports."""

    __tablename__ = "presence_change"
    __table_args__ = (Index("ix_presence_change_user_id_at", "user_id", "at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(default=now)
    before: Mapped[str] = mapped_column(String(12))
    after: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str] = mapped_column(String(40), default="")
    cause: Mapped[str] = mapped_column(String(40))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))


class StateReason(db.Model):
    """A reason for Not ready. ``automatic`` ones are set by the system only; ``is_break`` counts against the team's break time."""

    __tablename__ = "state_reason"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    title_en: Mapped[str] = mapped_column(String(80))
    title_ru: Mapped[str] = mapped_column(String(80))
    icon: Mapped[str] = mapped_column(String(40), default="clock-pause")
    automatic: Mapped[bool] = mapped_column(default=False)
    is_break: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)


class SignIn(db.Model):
    """A session of a browser; ending the row ends the session wherever its cookie is. ``left_at``: its page said good-bye."""

    __tablename__ = "sign_in"
    __table_args__ = (UniqueConstraint("token_hash"), Index("ix_sign_in_user_id_ended_at", "user_id", "ended_at"))
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    token_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=now)
    seen_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]
    ended_why: Mapped[str] = mapped_column(String(40), default="")
    left_at: Mapped[datetime | None]
    ip: Mapped[str] = mapped_column(String(64), default="")
    user_agent: Mapped[str] = mapped_column(Text, default="")
