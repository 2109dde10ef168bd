"""What the indexer must know, and what people search for."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.clock import now
from core.db import db
from core.model import User


class Dirty(db.Model):
    """What the index does not know yet: an article that changed, or everything (``article_id`` None).

    No foreign key: a row must never stand in the way of what it reports.
    """

    __tablename__ = "kb_dirty"

    id: Mapped[int] = mapped_column(primary_key=True)
    article_id: Mapped[int | None]
    at: Mapped[datetime] = mapped_column(default=now)


class SearchWords(db.Model):
    """What editors tell the search: ``kind`` "synonyms" (expressions that find each other) or "stop" (one word left out).

    ``key`` is the same for the same words in any order and form, so that none is there twice.
    """

    __tablename__ = "kb_search_words"
    __table_args__ = (UniqueConstraint("kind", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    key: Mapped[str] = mapped_column(String(600))
    words: Mapped[list[Any]] = mapped_column(default=list)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime] = mapped_column(default=now)

    user: Mapped[User | None] = relationship()


class SearchWordsState(db.Model):
    """One row: ``version`` goes up with every change of the words, for processes that keep them in memory."""

    __tablename__ = "kb_search_words_state"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(default=0)


class SearchCount(db.Model):
    """How often a day a text was searched for somewhere ("panel", "page", "public"): counts, never who asked.

    ``hits`` is what the last of these searches found, ``opened`` how many of them led to an article.
    """

    __tablename__ = "kb_search_count"
    __table_args__ = (UniqueConstraint("day", "source", "text"), Index("ix_kb_search_count_text", "text"))

    id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(Date)
    source: Mapped[str] = mapped_column(String(10))
    text: Mapped[str] = mapped_column(String(200))
    asked: Mapped[int] = mapped_column(default=0)
    opened: Mapped[int] = mapped_column(default=0)
    hits: Mapped[int] = mapped_column(default=0)


class IndexState(db.Model):
    """One row: how the indexer is doing, for every page and process. ``state`` is "ready", "building", "full" or "damaged"."""

    __tablename__ = "kb_index_state"

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(String(10), default="ready")
    engine: Mapped[str] = mapped_column(String(40), default="")
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    message: Mapped[str] = mapped_column(String(500), default="")
    at: Mapped[datetime] = mapped_column(default=now)
