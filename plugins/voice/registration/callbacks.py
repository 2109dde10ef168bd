"""Who waits may hang up and be called back: the interaction keeps its place in the queue, and the agent who accepts it calls.

The course of a call asks here; the queue itself knows nothing of it. The only code that changes callbacks.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select, update

from core import timeline
from core.clock import now
from core.contracts import Text
from core.db import db, transaction
from core.model import Interaction
from plugins.voice.models.registration import VoiceCallback

MOST_ATTEMPTS = 3


def wish(interaction_id: int, number: str) -> VoiceCallback:
    """The caller hangs up and is to be called back at ``number``; wished twice it is one."""
    with transaction():
        same = waiting(interaction_id)
        if same is not None:
            return same
        interaction = db.session.get_one(Interaction, interaction_id)
        row = VoiceCallback(interaction_id=interaction_id, service_id=interaction.service_id, number=number[:40])
        db.session.add(row)
        db.session.flush()
        words = Text(f"Asks to be called back: {number}", f"Просит перезвонить: {number}")
        timeline.write(
            interaction.case_id,
            "voice.callback",
            interaction_id=interaction_id,
            title_en=words.en,
            title_ru=words.ru,
        )
        return row


def waiting(interaction_id: int) -> VoiceCallback | None:
    """The open callback of an interaction: waiting or being called."""
    query = select(VoiceCallback).where(
        VoiceCallback.interaction_id == interaction_id, VoiceCallback.state.in_(("waiting", "calling"))
    )
    row: VoiceCallback | None = db.session.scalar(query.execution_options(populate_existing=True))
    return row


def wanted(interaction_ids: Iterable[int]) -> list[int]:
    """Of these interactions, those whose contact waits to be called back; one statement."""
    query = select(VoiceCallback.interaction_id).where(
        VoiceCallback.interaction_id.in_(list(interaction_ids)), VoiceCallback.state == "waiting"
    )
    return list(db.session.scalars(query.order_by(VoiceCallback.interaction_id)))


def begin(interaction_id: int) -> str:
    """The agent has accepted: the number to call, "" when nobody is to be called back (any more)."""
    with transaction():
        row = waiting(interaction_id)
        if row is None or not _move(row.id, "waiting", "calling", called_at=now(), attempts=row.attempts + 1):
            return ""
        return row.number


def end(interaction_id: int, reached: bool) -> str:
    """The call back was answered or not; the new state: done, waiting (it is tried again), failed, "" when there is none."""
    with transaction():
        row = waiting(interaction_id)
        if row is None:
            return ""
        again = not reached and row.attempts < MOST_ATTEMPTS
        state = "done" if reached else "waiting" if again else "failed"
        ended = None if again else now()
        return state if _move(row.id, "calling", state, ended_at=ended) else ""


def cancel(interaction_id: int) -> None:
    """Nobody is to be called back: the contact has reached us in another way, or the interaction was closed."""
    with transaction():
        row = waiting(interaction_id)
        if row is not None:
            _move(row.id, row.state, "cancelled", ended_at=now())


def _move(callback_id: int, before: str, after: str, **values: object) -> bool:
    same = update(VoiceCallback).where(VoiceCallback.id == callback_id, VoiceCallback.state == before)
    done = db.session.execute(same.values(state=after, **values).execution_options(synchronize_session=False))
    return bool(done.rowcount)  # type: ignore[attr-defined]


def latest(limit: int = 100) -> list[VoiceCallback]:
    """The open ones in the order of their wish."""
    query = select(VoiceCallback).where(VoiceCallback.state.in_(("waiting", "calling")))
    return list(db.session.scalars(query.order_by(VoiceCallback.wanted_at, VoiceCallback.id).limit(limit)))
