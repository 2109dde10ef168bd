"""Folders and articles, their versions, working copies, locks and files. Only operations write them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.clock import now
from core.db import db
from core.model import Service, StoredFile, User

STATUSES = ("draft", "review", "published", "archived")
KINDS = ("article", "map")


class Folder(db.Model):
    """A folder of articles (раздел); ``slug`` is its name as a folder of files, unique among its neighbours."""

    __tablename__ = "kb_folder"
    __table_args__ = (
        UniqueConstraint("parent_id", "slug"),
        # Two NULL parents are never equal to a data base, so the top level needs an index of its own.
        Index(
            "uq_kb_folder_top_slug",
            "slug",
            unique=True,
            sqlite_where=text("parent_id IS NULL"),
            postgresql_where=text("parent_id IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("kb_folder.id"))
    slug: Mapped[str] = mapped_column(String(80))
    title_en: Mapped[str] = mapped_column(String(120))
    title_ru: Mapped[str] = mapped_column(String(120))
    icon: Mapped[str] = mapped_column(String(40), default="folder")
    position: Mapped[int] = mapped_column(default=0)


class ArticleTag(db.Model):
    """A tag on an article, at its place in the list."""

    __tablename__ = "kb_article_tag"

    article_id: Mapped[int] = mapped_column(ForeignKey("kb_article.id", ondelete="CASCADE"), primary_key=True)
    tag_id: Mapped[int] = mapped_column(ForeignKey("kb_tag.id", ondelete="CASCADE"), primary_key=True, index=True)
    position: Mapped[int] = mapped_column(default=0)

    tag: Mapped[Tag] = relationship(lazy="joined", innerjoin=True)


class ArticleService(db.Model):
    """An article meant for a service; one without any is meant for all."""

    __tablename__ = "kb_article_service"

    article_id: Mapped[int] = mapped_column(ForeignKey("kb_article.id", ondelete="CASCADE"), primary_key=True)
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id", ondelete="CASCADE"), primary_key=True, index=True)


class Tag(db.Model):
    """A tag as it is shown; ``key`` is what makes two spellings one."""

    __tablename__ = "kb_tag"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    key: Mapped[str] = mapped_column(String(80), unique=True)


class Article(db.Model):
    """An article (знание).

    ``sections`` is an ordered list of ``{"key", "title", "html", "markdown"}``: ``html`` is what is shown, ``markdown``
    its source, or None where the author wrote HTML. ``version`` goes up with each edit, for optimistic locking.
    ``title_key`` makes titles unique in a folder without regard to case; ``search_text`` answers while there is no index.
    Articles of one ``group_id`` (the id of the first of them) are translations of one another. A "map" is an article that
    leads to others (карта знаний). ``publish_at`` and ``expires_at`` are kept by the scheduler.
    """

    __tablename__ = "kb_article"
    __table_args__ = (
        UniqueConstraint("folder_id", "title_key"),
        UniqueConstraint("group_id", "language"),
        Index("ix_kb_article_status_uses", "status", "uses"),
        Index("ix_kb_article_public", "public", "language", "status", "folder_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(unique=True)
    folder_id: Mapped[int] = mapped_column(ForeignKey("kb_folder.id"))
    slug: Mapped[str] = mapped_column(String(120), default="")
    title: Mapped[str] = mapped_column(String(300))
    title_key: Mapped[str] = mapped_column(String(300))
    question: Mapped[str] = mapped_column(Text, default="")
    keywords: Mapped[list[Any]] = mapped_column(default=list)
    sections: Mapped[list[Any]] = mapped_column(default=list)
    notes: Mapped[str] = mapped_column(Text, default="")
    language: Mapped[str] = mapped_column(String(5), default="ru")
    products: Mapped[list[Any]] = mapped_column(default=list)
    public: Mapped[bool] = mapped_column(default=False)
    status: Mapped[str] = mapped_column(String(10), default="draft")
    uses: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=1)
    search_text: Mapped[str] = mapped_column(Text, default="")
    kind: Mapped[str] = mapped_column(String(10), default="article", server_default="article")
    related: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    group_id: Mapped[int | None]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    review_at: Mapped[datetime | None] = mapped_column(index=True)
    reviewed_at: Mapped[datetime | None]
    publish_at: Mapped[datetime | None] = mapped_column(index=True)
    expires_at: Mapped[datetime | None] = mapped_column(index=True)
    published_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    updated_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    folder: Mapped[Folder] = relationship()
    tag_links: Mapped[list[ArticleTag]] = relationship(order_by="ArticleTag.position", cascade="all, delete-orphan")
    services: Mapped[list[Service]] = relationship(secondary="kb_article_service", order_by="Service.id")
    updated_by: Mapped[User | None] = relationship(foreign_keys=[updated_by_id])
    owner: Mapped[User | None] = relationship(foreign_keys=[owner_id])

    @property
    def tags(self) -> list[str]:
        """The names of its tags, in order."""
        return [link.tag.name for link in self.tag_links]


class Version(db.Model):
    """What an article said from ``version`` on. ``fields`` are those of :data:`plugins.kb.writing.operations.FIELDS` with names for ids."""

    __tablename__ = "kb_version"

    article_id: Mapped[int] = mapped_column(ForeignKey("kb_article.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    fields: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(String(10))
    note: Mapped[str] = mapped_column(String(300), default="")
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime] = mapped_column(default=now)

    user: Mapped[User | None] = relationship()


class WorkingCopy(db.Model):
    """Changes that nobody reads yet: of an article, or of one still to be written (``article_id`` None, one a user and folder).

    ``state`` is "editing" or "review"; ``revision`` goes up with each autosave; ``base_version`` is the version it began at.
    """

    __tablename__ = "kb_working_copy"
    __table_args__ = (UniqueConstraint("article_id"), Index("ix_kb_working_copy_state_at", "state", "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    article_id: Mapped[int | None] = mapped_column(ForeignKey("kb_article.id", ondelete="CASCADE"))
    fields: Mapped[dict[str, Any]]
    base_version: Mapped[int] = mapped_column(default=0)
    revision: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(String(10), default="editing")
    note: Mapped[str] = mapped_column(String(1000), default="")
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    at: Mapped[datetime] = mapped_column(default=now)

    user: Mapped[User] = relationship()


class EditLock(db.Model):
    """Who has an article open in the editor; ``token`` tells two windows of one editor apart, ``seen_at`` is their last sign of life."""

    __tablename__ = "kb_edit_lock"

    article_id: Mapped[int] = mapped_column(ForeignKey("kb_article.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    token: Mapped[str] = mapped_column(String(40))
    since: Mapped[datetime] = mapped_column(default=now)
    seen_at: Mapped[datetime] = mapped_column(default=now)

    user: Mapped[User] = relationship()


class ArticleFile(db.Model):
    """A file of an article, or of one still to be written; ``inline`` ones stand in its text as pictures."""

    __tablename__ = "kb_file"

    id: Mapped[int] = mapped_column(primary_key=True)
    article_id: Mapped[int | None] = mapped_column(ForeignKey("kb_article.id", ondelete="CASCADE"), index=True)
    sha256: Mapped[str] = mapped_column(ForeignKey("stored_file.sha256"), index=True)
    name: Mapped[str] = mapped_column(String(300))
    content_type: Mapped[str] = mapped_column(String(120))
    inline: Mapped[bool] = mapped_column(default=False)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime] = mapped_column(default=now)

    file: Mapped[StoredFile] = relationship()
