"""What readers say of articles, what agents propose, and what imports remember."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.clock import now
from core.db import db
from core.model import Case, User
from plugins.kb.models.articles import Article

CANDIDATE_STATES = ("open", "drafted", "published", "declined")


class Rating(db.Model):
    """«Helpful» or not, one of each reader; ``reader_key`` names an agent by id, a visitor by a hash that leads nowhere."""

    __tablename__ = "kb_rating"
    __table_args__ = (UniqueConstraint("article_id", "reader_key"), Index("ix_kb_rating_at", "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("kb_article.id", ondelete="CASCADE"))
    reader_key: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    helpful: Mapped[bool]
    version: Mapped[int] = mapped_column(default=1)
    at: Mapped[datetime] = mapped_column(default=now)


class Comment(db.Model):
    """What a reader wants changed: open until an editor answers or resolves it. ``user_id`` None: a visitor of the help centre."""

    __tablename__ = "kb_comment"
    __table_args__ = (
        Index("ix_kb_comment_state_at", "state", "at"),
        Index("ix_kb_comment_article_id_at", "article_id", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("kb_article.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    text: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(String(10), default="open")
    answer: Mapped[str] = mapped_column(Text, default="")
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    answered_at: Mapped[datetime | None]
    at: Mapped[datetime] = mapped_column(default=now)

    article: Mapped[Article] = relationship()
    user: Mapped[User | None] = relationship(foreign_keys=[user_id])
    answered_by: Mapped[User | None] = relationship(foreign_keys=[answered_by_id])


class Candidate(db.Model):
    """A case that should become knowledge. ``state``: open, drafted (an editor writes), published, declined with a ``reason``."""

    __tablename__ = "kb_candidate"
    __table_args__ = (UniqueConstraint("case_id"), Index("ix_kb_candidate_state_at", "state", "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    note: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(10), default="open")
    article_id: Mapped[int | None] = mapped_column(ForeignKey("kb_article.id", ondelete="SET NULL"), index=True)
    reason: Mapped[str] = mapped_column(Text, default="")
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    decided_at: Mapped[datetime | None]
    at: Mapped[datetime] = mapped_column(default=now)

    case: Mapped[Case] = relationship()
    user: Mapped[User | None] = relationship(foreign_keys=[user_id])
    decided_by: Mapped[User | None] = relationship(foreign_keys=[decided_by_id])
    article: Mapped[Article | None] = relationship()


class ReviewNotice(db.Model):
    """The review date of an article of which its owner has been told; the row is what makes it once."""

    __tablename__ = "kb_review_notice"

    article_id: Mapped[int] = mapped_column(ForeignKey("kb_article.id", ondelete="CASCADE"), primary_key=True)
    review_at: Mapped[datetime] = mapped_column(primary_key=True)


class Imported(db.Model):
    """What an import has read: ``digest`` of the item ``key`` of a ``source``, the article it became and its version then.

    An import that is started again passes over what is in this table and has not changed since.
    """

    __tablename__ = "kb_imported"

    source: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    article_id: Mapped[int] = mapped_column(ForeignKey("kb_article.id", ondelete="CASCADE"), index=True)
    version: Mapped[int] = mapped_column(default=0)
