"""What an agent's desk keeps: notifications, favourites of the directory, help documents, reports of problems, screen pops."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.clock import now
from core.db import db
from core.model.people import Role, Team, User
from core.model.services import Service


class Notification(db.Model):
    """A line of the notification centre. ``kind`` is a dotted word (``case.mention``), ``data`` what its words need."""

    __tablename__ = "notification"
    __table_args__ = (
        Index("ix_notification_user_id_id", "user_id", "id"),
        Index("ix_notification_user_id_read_at", "user_id", "read_at"),
        Index("ix_notification_at", "at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(40))
    url: Mapped[str] = mapped_column(String(300), default="")
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(default=now)
    read_at: Mapped[datetime | None]
    actor: Mapped[User | None] = relationship(foreign_keys=[actor_id])


class Favourite(db.Model):
    """A pinned entry of the directory. ``kind``: user, contact or service; at most 50 a user."""

    __tablename__ = "favourite"
    __table_args__ = (UniqueConstraint("user_id", "kind", "object_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(10))
    object_id: Mapped[int]
    position: Mapped[int] = mapped_column(default=0)


class HelpDocument(db.Model):
    """A document of the help screen: an address, or a text in Markdown; for a role and a team, or for all."""

    __tablename__ = "help_document"
    id: Mapped[int] = mapped_column(primary_key=True)
    title_en: Mapped[str] = mapped_column(String(160))
    title_ru: Mapped[str] = mapped_column(String(160))
    url: Mapped[str] = mapped_column(String(500), default="")
    text_en: Mapped[str] = mapped_column(Text, default="")
    text_ru: Mapped[str] = mapped_column(Text, default="")
    role_id: Mapped[int | None] = mapped_column(ForeignKey("role.id", ondelete="CASCADE"))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)
    role: Mapped[Role | None] = relationship()
    team: Mapped[Team | None] = relationship()


class ProblemReport(db.Model):
    """«Report a problem» of an agent, with the browser's own log."""

    __tablename__ = "problem_report"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    text: Mapped[str] = mapped_column(Text)
    page: Mapped[str] = mapped_column(String(300), default="")
    browser: Mapped[str] = mapped_column(Text, default="")
    log: Mapped[list[Any]] = mapped_column(default=list)
    at: Mapped[datetime] = mapped_column(default=now, index=True)
    closed_at: Mapped[datetime | None]
    user: Mapped[User] = relationship()


class ScreenPop(db.Model):
    """What opens when an interaction of a service arrives. ``kind``: url (template), form (case fields) or script (HTML text).

    ``template`` holds variables ``$(case.number)``; in an url they are percent-encoded. ``service_id`` None means every service.
    ``embed``: the page lets itself be framed; others get a link.
    """

    __tablename__ = "screen_pop"
    id: Mapped[int] = mapped_column(primary_key=True)
    service_id: Mapped[int | None] = mapped_column(ForeignKey("service.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(8), default="url")
    title_en: Mapped[str] = mapped_column(String(120))
    title_ru: Mapped[str] = mapped_column(String(120))
    template: Mapped[str] = mapped_column(Text, default="")
    embed: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)
    service: Mapped[Service | None] = relationship()
