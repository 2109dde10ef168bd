"""Calls and shared pages."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.clock import now
from core.db import db
from core.model import Interaction

OPEN = text("ended_at IS NULL")


class CallRule(db.Model):
    """What a service allows beside the text of its chats; a service without a row has the defaults."""

    __tablename__ = "chat_call_rule"
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id", ondelete="CASCADE"), primary_key=True)
    audio: Mapped[bool] = mapped_column(default=True)
    video: Mapped[bool] = mapped_column(default=True)
    recorded: Mapped[bool] = mapped_column(default=False)
    cobrowse: Mapped[bool] = mapped_column(default=True)


class Call(db.Model):
    """A call between a visitor and the agent of a chat. ``state``: offered, active, ended.

    ``agent_peer`` and ``visitor_peer`` name the page of each side that takes part; one that loads again has another name.
    The partial unique index makes a second open call of an interaction impossible.
    """

    __tablename__ = "chat_call"
    __table_args__ = (
        Index("uq_chat_call_open", "interaction_id", unique=True, sqlite_where=OPEN, postgresql_where=OPEN),
        Index("ix_chat_call_agent", "agent_id", sqlite_where=OPEN, postgresql_where=OPEN),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    interaction_id: Mapped[int] = mapped_column(ForeignKey("interaction.id", ondelete="CASCADE"), index=True)
    visitor_id: Mapped[str] = mapped_column(String(254))
    agent_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    offered_by: Mapped[str] = mapped_column(String(7))
    media: Mapped[str] = mapped_column(String(5))
    state: Mapped[str] = mapped_column(String(8), default="offered")
    recorded: Mapped[bool] = mapped_column(default=False)
    consented_at: Mapped[datetime | None]
    agent_peer: Mapped[str] = mapped_column(String(40), default="")
    visitor_peer: Mapped[str] = mapped_column(String(40), default="")
    signals: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str] = mapped_column(String(7), default="")
    reason: Mapped[str] = mapped_column(String(10), default="")
    interaction: Mapped[Interaction] = relationship()


class Recording(db.Model):
    """What one page of the agent records of a call. ``size`` bytes have arrived; ``sha256`` is set when it is complete."""

    __tablename__ = "chat_recording"
    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("chat_call.id", ondelete="CASCADE"), index=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id", ondelete="CASCADE"), index=True)
    content_type: Mapped[str] = mapped_column(String(60))
    state: Mapped[str] = mapped_column(String(5), default="open", index=True)
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    sha256: Mapped[str | None] = mapped_column(ForeignKey("stored_file.sha256"), index=True)
    touched_at: Mapped[datetime] = mapped_column(default=now)
    call: Mapped[Call] = relationship()


class Cobrowse(db.Model):
    """A visitor's page shown to the agent: asked for by the visitor only. ``state``: offered, active, ended."""

    __tablename__ = "chat_cobrowse"
    __table_args__ = (
        Index("uq_chat_cobrowse_open", "interaction_id", unique=True, sqlite_where=OPEN, postgresql_where=OPEN),
        Index("ix_chat_cobrowse_agent", "agent_id", sqlite_where=OPEN, postgresql_where=OPEN),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    interaction_id: Mapped[int] = mapped_column(ForeignKey("interaction.id", ondelete="CASCADE"), index=True)
    visitor_id: Mapped[str] = mapped_column(String(254))
    agent_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    state: Mapped[str] = mapped_column(String(8), default="offered")
    page: Mapped[str] = mapped_column(String(300), default="")
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    window_at: Mapped[datetime] = mapped_column(default=now)
    window_pieces: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    accepted_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str] = mapped_column(String(7), default="")
    reason: Mapped[str] = mapped_column(String(10), default="")
    interaction: Mapped[Interaction] = relationship()


class CobrowsePiece(db.Model):
    """Some events of a shared page in the order of their ids; ``key`` is the browser's. Kept only while it is shared."""

    __tablename__ = "chat_cobrowse_piece"
    __table_args__ = (UniqueConstraint("cobrowse_id", "key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    cobrowse_id: Mapped[int] = mapped_column(ForeignKey("chat_cobrowse.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(60))
    snapshot: Mapped[bool] = mapped_column(default=False)
    data: Mapped[str] = mapped_column(Text)
