"""Widgets on customers' sites, what their visitors tell, where they stand in the queue, how conversations were rated."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import db


class Widget(db.Model):
    """The look and behaviour of the chat on one site; ``key`` is the service entry's address that it carries.

    ``texts``: what it says by key, each ``{"en", "ru"}``; a missing one has the built-in words. ``fields``: what is asked before
    the chat, each ``{"key", "kind", "title_en", "title_ru", "required"}``. ``features``: switches by name. ``origins``: sites that may carry it,
    all when empty. ``offline``: when the form stands in for the chat: never, hours (service closed), agents (closed, or nobody there).
    """

    __tablename__ = "chat_widget"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(80), unique=True)
    title_en: Mapped[str] = mapped_column(String(80), default="")
    title_ru: Mapped[str] = mapped_column(String(80), default="")
    language: Mapped[str] = mapped_column(String(5), default="")
    colour: Mapped[str] = mapped_column(String(7), default="#2b5fc7")
    theme: Mapped[str] = mapped_column(String(5), default="auto")
    position: Mapped[str] = mapped_column(String(5), default="right")
    launcher: Mapped[str] = mapped_column(String(6), default="round")
    offline: Mapped[str] = mapped_column(String(8), default="hours")
    texts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    fields: Mapped[list[Any]] = mapped_column(default=list)
    features: Mapped[dict[str, Any]] = mapped_column(default=dict)
    origins: Mapped[list[Any]] = mapped_column(default=list)
    active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)


class Visit(db.Model):
    """A visitor: the page they look at now, where they came from, their device, what they told before the chat.

    ``visitor_id`` is the interaction's ``address``. ``pages``: the newest ones seen, ``{"url", "title", "at"}``.
    """

    __tablename__ = "chat_visit"
    __table_args__ = (Index("ix_chat_visit_seen_at", "seen_at"),)
    visitor_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    widget_key: Mapped[str] = mapped_column(String(80), default="")
    url: Mapped[str] = mapped_column(String(500), default="")
    title: Mapped[str] = mapped_column(String(300), default="")
    referrer: Mapped[str] = mapped_column(String(500), default="")
    language: Mapped[str] = mapped_column(String(5), default="")
    user_agent: Mapped[str] = mapped_column(String(300), default="")
    screen: Mapped[str] = mapped_column(String(20), default="")
    timezone: Mapped[str] = mapped_column(String(60), default="")
    ip: Mapped[str] = mapped_column(String(45), default="")
    told: Mapped[dict[str, Any]] = mapped_column(default=dict)
    pages: Mapped[list[Any]] = mapped_column(default=list)
    first_seen_at: Mapped[datetime] = mapped_column(default=now)
    seen_at: Mapped[datetime] = mapped_column(default=now)


class Place(db.Model):
    """What a waiting visitor was told last: the place in the queue and the expected wait in seconds (None: not known)."""

    __tablename__ = "chat_place"
    interaction_id: Mapped[int] = mapped_column(
        ForeignKey("interaction.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    position: Mapped[int] = mapped_column(default=0)
    wait_seconds: Mapped[int | None]


class Rating(db.Model):
    """What the visitor thought of a conversation: 1 to 5 and a few words."""

    __tablename__ = "chat_rating"
    __table_args__ = (Index("ix_chat_rating_at", "at"),)
    interaction_id: Mapped[int] = mapped_column(
        ForeignKey("interaction.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    score: Mapped[int]
    comment: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(default=now)
