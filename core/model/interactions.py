"""One contact through one channel: interactions, their messages, attachments and offers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.clock import now
from core.db import db
from core.model.cases import Case
from core.model.files import StoredFile
from core.model.people import User
from core.model.services import Disposition, Service

INTERACTION_STATES = ("bot", "put_off", "queued", "offered", "active", "wrap_up", "closed")


class Interaction(db.Model):
    """A call, an email exchange, a chat session (обращение). State changes live in :mod:`core.assignment` only.

    ``queued_at`` is its place in the queue, ``waiting_since`` when this wait began, from which relaxation and overflow count.
    ``team_id`` narrows it to one team until an agent has it. ``put_off``: it waits for an agreed time, out of the queue.
    """

    __tablename__ = "interaction"
    __table_args__ = (
        Index("ix_interaction_queue", "state", "priority", "queued_at"),
        Index("ix_interaction_agent_id_state", "agent_id", "state"),
        Index("ix_interaction_agent_id_accepted_at", "agent_id", "accepted_at"),
        Index("ix_interaction_service_id_state", "service_id", "state"),
        Index("ix_interaction_case_id_state", "case_id", "state"),
        Index(
            "ix_interaction_waiting",
            "service_id",
            "line",
            "channel",
            text("priority DESC"),
            "queued_at",
            "id",
            "team_id",
            "waiting_since",
            sqlite_where=text("state = 'queued'"),
            postgresql_where=text("state = 'queued'"),
        ),
        Index(
            "ix_interaction_agent_id_closed_at",
            "agent_id",
            "closed_at",
            sqlite_where=text("closed_at IS NOT NULL"),
            postgresql_where=text("closed_at IS NOT NULL"),
        ),
        Index(
            "ix_interaction_service_id_accepted_at",
            "service_id",
            "accepted_at",
            sqlite_where=text("accepted_at IS NOT NULL"),
            postgresql_where=text("accepted_at IS NOT NULL"),
        ),
        Index(
            "ix_interaction_service_id_closed_at",
            "service_id",
            "closed_at",
            sqlite_where=text("closed_at IS NOT NULL"),
            postgresql_where=text("closed_at IS NOT NULL"),
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(String(40))
    direction: Mapped[str] = mapped_column(String(3), default="in")
    session_key: Mapped[str | None] = mapped_column(String(120), unique=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id", ondelete="CASCADE"))
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id"))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"), index=True)
    address: Mapped[str] = mapped_column(String(254), default="")
    state: Mapped[str] = mapped_column(String(10), default="queued")
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    preferred_agent_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    line: Mapped[int] = mapped_column(default=1)
    help_wanted_at: Mapped[datetime | None]
    help_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    priority: Mapped[int] = mapped_column(default=0)
    queued_at: Mapped[datetime] = mapped_column(default=now)
    waiting_since: Mapped[datetime] = mapped_column(default=now)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="SET NULL"))
    accepted_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    unread: Mapped[int] = mapped_column(default=0)
    disposition_id: Mapped[int | None] = mapped_column(ForeignKey("disposition.id"))
    comment: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    case: Mapped[Case] = relationship()
    service: Mapped[Service] = relationship()
    agent: Mapped[User | None] = relationship(foreign_keys=[agent_id])
    disposition: Mapped[Disposition | None] = relationship()


class Offer(db.Model):
    """An interaction shown to one agent. The partial unique indexes make a second open offer impossible."""

    __tablename__ = "offer"
    __table_args__ = (
        Index(
            "uq_offer_open_interaction",
            "interaction_id",
            unique=True,
            sqlite_where=text("outcome IS NULL"),
            postgresql_where=text("outcome IS NULL"),
        ),
        Index(
            "ix_offer_open_expiry",
            "expires_at",
            sqlite_where=text("outcome IS NULL"),
            postgresql_where=text("outcome IS NULL"),
        ),
        Index("ix_offer_agent_id_offered_at", "agent_id", "offered_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    interaction_id: Mapped[int] = mapped_column(ForeignKey("interaction.id", ondelete="CASCADE"), index=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    offered_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(16))
    interaction: Mapped[Interaction] = relationship()


class Message(db.Model):
    """What was said. ``source_key`` (unique) makes taking in and sending idempotent; ``external_id`` is the Message-ID."""

    __tablename__ = "message"
    __table_args__ = (Index("ix_message_interaction_id_id", "interaction_id", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    interaction_id: Mapped[int] = mapped_column(ForeignKey("interaction.id", ondelete="CASCADE"))
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id", ondelete="CASCADE"), index=True)
    source_key: Mapped[str] = mapped_column(String(160), unique=True)
    external_id: Mapped[str] = mapped_column(String(300), default="", index=True)
    author: Mapped[str] = mapped_column(String(10))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    direction: Mapped[str] = mapped_column(String(3))
    subject: Mapped[str] = mapped_column(String(500), default="")
    body_text: Mapped[str] = mapped_column(Text, default="")
    body_html: Mapped[str] = mapped_column(Text, default="")
    automatic: Mapped[bool] = mapped_column(default=False)
    delivery: Mapped[str] = mapped_column(String(10), default="")
    raw_sha: Mapped[str] = mapped_column(String(64), default="")
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    at: Mapped[datetime] = mapped_column(default=now)
    user: Mapped[User | None] = relationship()
    attachments: Mapped[list[Attachment]] = relationship(cascade="all, delete-orphan", order_by="Attachment.id")


class Attachment(db.Model):
    """A file of a message."""

    __tablename__ = "attachment"
    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"), index=True)
    sha256: Mapped[str] = mapped_column(ForeignKey("stored_file.sha256"), index=True)
    name: Mapped[str] = mapped_column(String(300))
    content_type: Mapped[str] = mapped_column(String(120))
    content_id: Mapped[str] = mapped_column(String(300), default="")
    inline: Mapped[bool] = mapped_column(default=False)
    file: Mapped[StoredFile] = relationship()
