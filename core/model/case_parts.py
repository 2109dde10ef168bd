"""What hangs on a case: form fields, categories, links, watchers, viewers, files of notes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.clock import now
from core.db import db
from core.model.cases import Case
from core.model.files import StoredFile
from core.model.people import User

FIELD_TYPES = ("text", "lines", "number", "date", "choice", "bool", "url", "email", "phone")


class CaseField(db.Model):
    """A field of the case form; ``service_id`` None means every service. ``required`` is asked for when the case closes."""

    __tablename__ = "case_field"
    __table_args__ = (UniqueConstraint("service_id", "key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    service_id: Mapped[int | None] = mapped_column(ForeignKey("service.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(40))
    title_en: Mapped[str] = mapped_column(String(120))
    title_ru: Mapped[str] = mapped_column(String(120))
    type: Mapped[str] = mapped_column(String(10), default="text")
    choices: Mapped[list[Any]] = mapped_column(default=list)
    required: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)


class CaseCategory(db.Model):
    """A category that cases may have; ``service_id`` None means every service."""

    __tablename__ = "case_category"
    __table_args__ = (UniqueConstraint("service_id", "key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    service_id: Mapped[int | None] = mapped_column(ForeignKey("service.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(80))
    title_en: Mapped[str] = mapped_column(String(120))
    title_ru: Mapped[str] = mapped_column(String(120))
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)


class CaseLink(db.Model):
    """Two cases that belong together. ``kind``: related, duplicate (``case_id`` is the duplicate), parent (``other_id`` is the parent)."""

    __tablename__ = "case_link"
    __table_args__ = (UniqueConstraint("case_id", "other_id", "kind"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id", ondelete="CASCADE"))
    other_id: Mapped[int] = mapped_column(ForeignKey("case.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(10), default="related")
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    made_at: Mapped[datetime] = mapped_column(default=now)
    case: Mapped[Case] = relationship(foreign_keys=[case_id])
    other: Mapped[Case] = relationship(foreign_keys=[other_id])


class CaseWatcher(db.Model):
    """Who is told of every change of a case."""

    __tablename__ = "case_watcher"
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, index=True)
    since: Mapped[datetime] = mapped_column(default=now)
    user: Mapped[User] = relationship()


class CaseViewer(db.Model):
    """Who has a case open now; older than a minute means no longer. ``writing`` while an answer is being typed."""

    __tablename__ = "case_viewer"
    __table_args__ = (Index("ix_case_viewer_seen_at", "seen_at"),)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    writing: Mapped[bool] = mapped_column(default=False)
    seen_at: Mapped[datetime] = mapped_column(default=now)
    user: Mapped[User] = relationship()


class NoteFile(db.Model):
    """A file of a note; the note itself is an entry of the timeline."""

    __tablename__ = "note_file"
    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("timeline_entry.id", ondelete="CASCADE"), index=True)
    sha256: Mapped[str] = mapped_column(ForeignKey("stored_file.sha256"), index=True)
    name: Mapped[str] = mapped_column(String(300))
    content_type: Mapped[str] = mapped_column(String(120))
    file: Mapped[StoredFile] = relationship()
