"""What comes in and must go out exactly once, the event log, leases, plugin faults, audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import db

BigKey = BigInteger().with_variant(Integer(), "sqlite")


class Intake(db.Model):
    """A source message stored before it was acknowledged. ``state``: new, done, failed, duplicate-free by ``source_key``."""

    __tablename__ = "intake"
    __table_args__ = (
        UniqueConstraint("channel", "source_key"),
        Index("ix_intake_due", "due_at", sqlite_where=text("state = 'new'"), postgresql_where=text("state = 'new'")),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(String(40))
    source_key: Mapped[str] = mapped_column(String(160))
    sha256: Mapped[str] = mapped_column(String(64))
    meta: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(String(8), default="new")
    attempts: Mapped[int] = mapped_column(default=0)
    repeats: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(Text, default="")
    received_at: Mapped[datetime] = mapped_column(default=now)
    due_at: Mapped[datetime] = mapped_column(default=now)


class OutboxRow(db.Model):
    """Something to send. ``state``: pending, sent, dead. ``key`` is unique: enqueuing twice sends once.

    Rows of one ``stream`` leave in order: none before the one ahead of it has been sent or given up.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "ix_outbox_due",
            "due_at",
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
        Index("ix_outbox_state_id", "state", "id"),
        Index(
            "ix_outbox_stream",
            "stream",
            "id",
            sqlite_where=text("state = 'pending' AND stream != ''"),
            postgresql_where=text("state = 'pending' AND stream != ''"),
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(160), unique=True)
    kind: Mapped[str] = mapped_column(String(40))
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    message_id: Mapped[int | None] = mapped_column(index=True)
    stream: Mapped[str] = mapped_column(String(160), default="", server_default="")
    state: Mapped[str] = mapped_column(String(8), default="pending")
    attempts: Mapped[int] = mapped_column(default=0)
    detail: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    due_at: Mapped[datetime] = mapped_column(default=now)
    sent_at: Mapped[datetime | None]


class Event(db.Model):
    """What happened, for streams. ``topic`` says who may hear it; ids rise in commit order (REALTIME.md, point 2)."""

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_topic_id", "topic", "id"),
        Index("ix_event_at", "at"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    topic: Mapped[str] = mapped_column(String(80))
    type: Mapped[str] = mapped_column(String(40))
    payload: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(default=now)


class Lease(db.Model):
    """Who leads until when; taken and prolonged by compare-and-swap."""

    __tablename__ = "lease"
    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    holder: Mapped[str] = mapped_column(String(80))
    expires_at: Mapped[datetime]


class PluginFault(db.Model):
    """How often a plugin failed in a hook, and how last."""

    __tablename__ = "plugin_fault"
    plugin: Mapped[str] = mapped_column(String(80), primary_key=True)
    hook: Mapped[str] = mapped_column(String(80), primary_key=True)
    count: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(Text, default="")
    last_at: Mapped[datetime] = mapped_column(default=now)


class Audit(db.Model):
    """Who changed what: before and after, for every administrative change."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_object", "object_type", "object_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now, index=True)
    actor: Mapped[str] = mapped_column(String(80))
    action: Mapped[str] = mapped_column(String(60))
    object_type: Mapped[str] = mapped_column(String(60))
    object_id: Mapped[str] = mapped_column(String(80))
    before: Mapped[dict[str, Any]] = mapped_column(default=dict)
    after: Mapped[dict[str, Any]] = mapped_column(default=dict)
    ip: Mapped[str] = mapped_column(String(64), default="")


class CommandKey(db.Model):
    """An idempotency key of a command, with the answer it got; the same key again gets the same answer."""

    __tablename__ = "command_key"
    key: Mapped[str] = mapped_column(String(120), primary_key=True)
    answer: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(default=now, index=True)
