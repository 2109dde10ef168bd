"""Rooms, who is in them, what was written there, and what each person has marked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.clock import now
from core.db import db
from core.model import StoredFile, User

PERSONAL, GROUP, BROADCAST = "personal", "group", "broadcast"
LEFT, REMOVED = "left", "removed"
SAID = "said"


class Room(db.Model):
    """A chat. ``key`` makes personal rooms and broadcasts one of their kind; ``last_id`` is its newest post.

    The organiser of a group removes and renames, that of a broadcast is the only one who writes. ``closed_at``: read only.
    """

    __tablename__ = "colleagues_room"
    __table_args__ = (UniqueConstraint("key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    key: Mapped[str | None] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(120), default="")
    organiser_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    last_id: Mapped[int] = mapped_column(default=0)
    last_at: Mapped[datetime] = mapped_column(default=now)
    created_at: Mapped[datetime] = mapped_column(default=now)
    closed_at: Mapped[datetime | None]


class Member(db.Model):
    """A person in a room, also one who is gone (``gone``: left or removed) and sees no further than ``sees_up_to``."""

    __tablename__ = "colleagues_member"
    __table_args__ = (Index("ix_colleagues_member_user_id", "user_id"),)

    room_id: Mapped[int] = mapped_column(ForeignKey("colleagues_room.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    joined_at: Mapped[datetime] = mapped_column(default=now)
    read_up_to: Mapped[int] = mapped_column(default=0)
    gone: Mapped[str] = mapped_column(String(8), default="")
    sees_up_to: Mapped[int] = mapped_column(default=0)

    user: Mapped[User] = relationship()


class Post(db.Model):
    """Something in a room: ``kind`` said, or what happened (opened, added, removed, left, returned, named, closed).

    ``data`` holds whom it concerned (``people``: ids) or the new name. The same ``command_key`` of a person is the same post.
    """

    __tablename__ = "colleagues_post"
    __table_args__ = (
        UniqueConstraint("room_id", "user_id", "command_key"),
        Index("ix_colleagues_post_room_id_id", "room_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    room_id: Mapped[int] = mapped_column(ForeignKey("colleagues_room.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    kind: Mapped[str] = mapped_column(String(10), default=SAID)
    text: Mapped[str] = mapped_column(Text, default="")
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    command_key: Mapped[str | None] = mapped_column(String(80))
    at: Mapped[datetime] = mapped_column(default=now)

    user: Mapped[User | None] = relationship()
    files: Mapped[list[PostFile]] = relationship(order_by="PostFile.id")


class PostFile(db.Model):
    """A file of a post."""

    __tablename__ = "colleagues_file"

    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("colleagues_post.id", ondelete="CASCADE"), index=True)
    sha256: Mapped[str] = mapped_column(ForeignKey("stored_file.sha256"))
    name: Mapped[str] = mapped_column(String(200))
    content_type: Mapped[str] = mapped_column(String(120), default="")

    file: Mapped[StoredFile] = relationship()


class Star(db.Model):
    """A post that a person has marked."""

    __tablename__ = "colleagues_star"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("colleagues_post.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now)


class Term(db.Model):
    """A stem that a post holds: what search goes by, written with the post."""

    __tablename__ = "colleagues_term"

    term: Mapped[str] = mapped_column(String(64), primary_key=True)
    room_id: Mapped[int] = mapped_column(ForeignKey("colleagues_room.id", ondelete="CASCADE"), primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("colleagues_post.id", ondelete="CASCADE"), primary_key=True)
