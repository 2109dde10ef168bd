"""What the contact wants solved: cases, their links, their immutable timeline, drafts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.clock import now
from core.db import db
from core.model.contacts import Contact, Organisation
from core.model.people import User
from core.model.services import Service

CASE_STATUSES = ("open", "pending", "closed")


class Case(db.Model):
    """A request (запрос). ``thread_token`` is secret enough to join a thread by; ``number`` is told to the contact.

    ``is_candidate``: worth an article (кандидат в знания). ``fields`` holds the values of the form's :class:`CaseField` by key.
    """

    __tablename__ = "case"
    __table_args__ = (
        Index("ix_case_updated_at_id", "updated_at", "id"),
        Index("ix_case_status_updated_at", "status", "updated_at"),
        Index("ix_case_assignee_id_status_updated_at", "assignee_id", "status", "updated_at"),
        Index("ix_case_service_id_status_updated_at", "service_id", "status", "updated_at"),
        Index("ix_case_contact_id_created_at", "contact_id", "created_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    subject: Mapped[str] = mapped_column(String(300), default="")
    category: Mapped[str] = mapped_column(String(80), default="")
    status: Mapped[str] = mapped_column(String(10), default="open")
    priority: Mapped[str] = mapped_column(String(10), default="medium")
    language: Mapped[str] = mapped_column(String(5), default="")
    service_id: Mapped[int | None] = mapped_column(ForeignKey("service.id"))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"))
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    follow_up_of_id: Mapped[int | None] = mapped_column(ForeignKey("case.id"), index=True)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    line: Mapped[int] = mapped_column(default=1)
    is_duplicate: Mapped[bool] = mapped_column(default=False)
    is_candidate: Mapped[bool] = mapped_column(default=False)
    thread_token: Mapped[str] = mapped_column(String(16), unique=True)
    fields: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)
    last_contact_at: Mapped[datetime | None]
    first_reply_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    service: Mapped[Service | None] = relationship()
    contact: Mapped[Contact | None] = relationship()
    organisation: Mapped[Organisation | None] = relationship()
    assignee: Mapped[User | None] = relationship()


class CaseNumber(db.Model):
    """One row: the last case number given out, counted up inside the transaction that uses it."""

    __tablename__ = "case_number"
    id: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int]


class TimelineEntry(db.Model):
    """Something that happened to a case; written once, never changed. ``kind`` is a dotted word, for instance ``case.closed``."""

    __tablename__ = "timeline_entry"
    __table_args__ = (Index("ix_timeline_entry_case_id_id", "case_id", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id", ondelete="CASCADE"))
    interaction_id: Mapped[int | None] = mapped_column(ForeignKey("interaction.id", ondelete="CASCADE"))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(40))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime] = mapped_column(default=now)
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Draft(db.Model):
    """A half-written reply or note, saved as typed; one per agent, case and kind."""

    __tablename__ = "draft"
    __table_args__ = (UniqueConstraint("user_id", "case_id", "kind"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(10), default="reply")
    body_html: Mapped[str] = mapped_column(Text, default="")
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    saved_at: Mapped[datetime] = mapped_column(default=now)
