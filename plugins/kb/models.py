"""The tables of the knowledge base. Only :mod:`plugins.kb.operations` and its neighbours write them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.clock import now
from core.db import db
from core.model import Service, User

STATUSES = ("draft", "published", "archived")


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
    """

    __tablename__ = "kb_article"
    __table_args__ = (UniqueConstraint("folder_id", "title_key"), Index("ix_kb_article_status_uses", "status", "uses"))

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
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    updated_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    folder: Mapped[Folder] = relationship()
    tag_links: Mapped[list[ArticleTag]] = relationship(order_by="ArticleTag.position", cascade="all, delete-orphan")
    services: Mapped[list[Service]] = relationship(secondary="kb_article_service", order_by="Service.id")
    updated_by: Mapped[User | None] = relationship(foreign_keys=[updated_by_id])

    @property
    def tags(self) -> list[str]:
        """The names of its tags, in order."""
        return [link.tag.name for link in self.tag_links]


class Favourite(db.Model):
    """Something an agent pinned: a folder or an article, never both."""

    __tablename__ = "kb_favourite"
    __table_args__ = (UniqueConstraint("user_id", "folder_id"), UniqueConstraint("user_id", "article_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    folder_id: Mapped[int | None] = mapped_column(ForeignKey("kb_folder.id", ondelete="CASCADE"), index=True)
    article_id: Mapped[int | None] = mapped_column(ForeignKey("kb_article.id", ondelete="CASCADE"), index=True)
    position: Mapped[int] = mapped_column(default=0)

    folder: Mapped[Folder | None] = relationship()
    article: Mapped[Article | None] = relationship()


class Use(db.Model):
    """An article put into a reply; ``message_id`` is filled in once that reply is sent."""

    __tablename__ = "kb_use"
    __table_args__ = (
        Index("ix_kb_use_interaction_id_message_id", "interaction_id", "message_id"),
        Index("ix_kb_use_article_id_at", "article_id", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("kb_article.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    case_id: Mapped[int | None] = mapped_column(ForeignKey("case.id", ondelete="CASCADE"), index=True)
    interaction_id: Mapped[int | None] = mapped_column(ForeignKey("interaction.id", ondelete="CASCADE"))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(default=now)


class Dirty(db.Model):
    """What the index does not know yet: an article that changed, or everything (``article_id`` None).

    No foreign key: a row must never stand in the way of what it reports.
    """

    __tablename__ = "kb_dirty"

    id: Mapped[int] = mapped_column(primary_key=True)
    article_id: Mapped[int | None]
    at: Mapped[datetime] = mapped_column(default=now)
