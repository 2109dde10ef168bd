"""Calls, who takes part in them, the telephones of agents, and how far the events of the voice process were read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.clock import now
from core.db import db
from core.model import Interaction, Service, User

CALL_STATES = ("ringing", "menu", "queued", "talking", "ended")
OPEN = text("ended_at IS NULL")
THERE = text("left_at IS NULL")


class VoiceCall(db.Model):
    """A call. Changed in :mod:`plugins.voice.calls` only, always with its row locked.

    ``direction``: in, out or internal. ``state``: ringing (nobody has answered us yet), menu, queued (also while it rings at an
    agent), talking, ended. ``cause`` is one of :data:`core.telephony.CAUSES`, or ``transferred``, ``merged``. ``agent_id`` is the agent who
    has it, and after its end who had it last. ``talk_seconds`` count from the first answer by a person. ``version`` rises with each
    change: the voice process keeps the newest picture. ``process`` names the run of the voice process that carries it.
    ``course`` is what queue and menu remember: the step, what is being said, what was pressed.
    """

    __tablename__ = "voice_call"
    __table_args__ = (
        Index("ix_voice_call_open", "id", sqlite_where=OPEN, postgresql_where=OPEN),
        Index("ix_voice_call_agent_id_started_at", "agent_id", "started_at"),
        Index("ix_voice_call_direction_started_at", "direction", "started_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32), unique=True)
    interaction_id: Mapped[int | None] = mapped_column(ForeignKey("interaction.id", ondelete="CASCADE"), unique=True)
    case_id: Mapped[int | None] = mapped_column(ForeignKey("case.id", ondelete="CASCADE"), index=True)
    service_id: Mapped[int | None] = mapped_column(ForeignKey("service.id", ondelete="SET NULL"), index=True)
    consult_of_id: Mapped[int | None] = mapped_column(ForeignKey("voice_call.id", ondelete="SET NULL"), index=True)
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    started_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"), index=True)
    direction: Mapped[str] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(8), default="ringing")
    customer_leg: Mapped[str] = mapped_column(String(40), default="", index=True)
    from_number: Mapped[str] = mapped_column(String(80), default="", index=True)
    to_number: Mapped[str] = mapped_column(String(80), default="")
    name: Mapped[str] = mapped_column(String(200), default="")
    line: Mapped[str] = mapped_column(String(160), default="")
    process: Mapped[str] = mapped_column(String(40), default="")
    version: Mapped[int] = mapped_column(default=0)
    course: Mapped[dict[str, Any]] = mapped_column(default=dict)
    recording: Mapped[str] = mapped_column(String(8), default="")
    recording_key: Mapped[str] = mapped_column(String(80), default="")
    recordings: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime] = mapped_column(default=now, index=True)
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    cause: Mapped[str] = mapped_column(String(16), default="")
    talk_seconds: Mapped[int] = mapped_column(default=0)
    ended_by_transfer: Mapped[bool] = mapped_column(default=False)
    interaction: Mapped[Interaction | None] = relationship()
    service: Mapped[Service | None] = relationship()
    agent: Mapped[User | None] = relationship(foreign_keys=[agent_id])

    @property
    def bridge(self) -> str:
        """The id of its bridge in the voice process."""
        return f"b-{self.key}"


class VoiceLeg(db.Model):
    """Somebody in a call: a customer, an agent, a number outside, a supervisor who listens.

    ``media`` is the backend's leg, "" while an agent's telephone is not connected; an agent's is the same in all calls. ``state``:
    ringing, up, left. ``held``: of an agent, that they have put the call on hold; of others, that they wait with music.
    ``mode``: how a supervisor listens. What was measured last of the
    connection, the worst of it and the mean of ``samples`` looks: percent of packets lost, milliseconds; None: nothing was measured.
    """

    __tablename__ = "voice_leg"
    __table_args__ = (
        Index("uq_voice_leg_there", "call_id", "user_id", unique=True, sqlite_where=THERE, postgresql_where=THERE),
        Index("ix_voice_leg_user_there", "user_id", sqlite_where=THERE, postgresql_where=THERE),
        Index("ix_voice_leg_media_there", "media", sqlite_where=THERE, postgresql_where=THERE),
        Index("ix_voice_leg_user_id_id", "user_id", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32), unique=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("voice_call.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    kind: Mapped[str] = mapped_column(String(10))
    media: Mapped[str] = mapped_column(String(40), default="")
    address: Mapped[str] = mapped_column(String(160), default="")
    name: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[str] = mapped_column(String(8), default="ringing")
    muted: Mapped[bool] = mapped_column(default=False)
    held: Mapped[bool] = mapped_column(default=False)
    mode: Mapped[str] = mapped_column(String(8), default="")
    loss_percent: Mapped[float | None]
    jitter_ms: Mapped[float | None]
    rtt_ms: Mapped[float | None]
    worst_loss: Mapped[float | None]
    worst_jitter: Mapped[float | None]
    mean_loss: Mapped[float | None]
    mean_jitter: Mapped[float | None]
    samples: Mapped[int] = mapped_column(default=0)
    began_at: Mapped[datetime] = mapped_column(default=now)
    joined_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]
    cause: Mapped[str] = mapped_column(String(16), default="")
    call: Mapped[VoiceCall] = relationship()
    user: Mapped[User | None] = relationship()


class VoicePhone(db.Model):
    """An agent's telephone. ``way``: browser, sip, external or none; the address is that of a SIP phone or an external number.

    ``media`` is the leg that is connected now, "" for none; ``up`` once sound flows. ``nailed``: kept connected between calls.
    """

    __tablename__ = "voice_phone"
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    way: Mapped[str] = mapped_column(String(8), default="browser")
    address: Mapped[str] = mapped_column(String(160), default="")
    nailed: Mapped[bool] = mapped_column(default=False)
    auto_answer: Mapped[bool] = mapped_column(default=False)
    media: Mapped[str | None] = mapped_column(String(40), unique=True)
    up: Mapped[bool] = mapped_column(default=False)
    process: Mapped[str] = mapped_column(String(40), default="")
    version: Mapped[int] = mapped_column(default=0)
    since: Mapped[datetime] = mapped_column(default=now)
    user: Mapped[User] = relationship()


class VoiceCursor(db.Model):
    """Up to which event of which run of the voice process the worker has come; one row."""

    __tablename__ = "voice_cursor"
    id: Mapped[int] = mapped_column(primary_key=True)
    process: Mapped[str] = mapped_column(String(40), default="")
    seq: Mapped[int] = mapped_column(default=0)
    at: Mapped[datetime] = mapped_column(default=now)
