"""The agent's state: a small machine, each change compare-and-swapped, recorded with its cause and told to the desk."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import func, select, update

from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, on_commit, transaction
from core.events import log as events
from core.events.wake import wake
from core.house import okno
from core.model import Interaction, Presence, PresenceChange

OFFLINE, READY, RINGING, BUSY, WRAP_UP, NOT_READY = STATES = (
    "offline",
    "ready",
    "ringing",
    "busy",
    "wrap_up",
    "not_ready",
)
CHOSEN_BY_AGENT = (READY, NOT_READY)
REASONS: dict[str, Text] = {
    "": Text("Not ready", "Не готов"),
    "lunch": Text("Lunch", "Обед"),
    "break": Text("Break", "Перерыв"),
    "away": Text("Away", "Отошёл"),
    "meeting": Text("Meeting", "Совещание"),
    "signed_in": Text("Just signed in", "Только вошёл"),
    "no_answer": Text("Did not answer", "Не ответил"),
    "rejected": Text("Declined", "Отказался"),
}
NEXT: dict[str, frozenset[str]] = {
    OFFLINE: frozenset({NOT_READY, BUSY}),
    READY: frozenset({RINGING, BUSY, NOT_READY, OFFLINE}),
    RINGING: frozenset({READY, BUSY, NOT_READY, OFFLINE}),
    BUSY: frozenset({WRAP_UP, READY, NOT_READY, OFFLINE}),
    WRAP_UP: frozenset({READY, BUSY, NOT_READY, OFFLINE}),
    NOT_READY: frozenset({READY, BUSY, NOT_READY, OFFLINE}),
}


def of(user_id: int) -> Presence:
    """The presence row, made at first use (needs an open transaction then)."""
    row = db.session.get(Presence, user_id, populate_existing=True)
    if row is None:
        row = Presence(user_id=user_id, state=OFFLINE, since=now(), seen_at=now(), version=0)
        db.session.add(row)
        db.session.flush()
    return row


def swap(user_id: int, before: str, after: str, reason: str, cause: str) -> bool:
    """Move from ``before`` to ``after`` if nobody was faster; the heart of the machine. Needs an open transaction."""
    if after not in NEXT[before]:
        raise ValueError(f"no way from {before} to {after}")
    moment = now()
    statement = update(Presence).where(Presence.user_id == user_id, Presence.state == before)
    result = db.session.execute(
        statement.values(state=after, reason=reason, since=moment, version=Presence.version + 1).execution_options(
            synchronize_session=False
        )
    )
    if result.rowcount != 1:  # type: ignore[attr-defined]
        return False
    db.session.add(PresenceChange(user_id=user_id, at=moment, before=before, after=after, reason=reason, cause=cause))
    data = {"user_id": user_id, "state": after, "reason": reason, "since": moment.isoformat()}
    events.publish("desk", "presence.changed", data)
    if after == READY:
        on_commit(lambda: wake("routing"))
    return True


def sign_on(user_id: int) -> None:
    """The desk has been opened: from offline to not ready, or straight back to the work that is still there."""
    with transaction():
        row = of(user_id)
        row.seen_at = now()
        if row.state == OFFLINE:
            _, active, _ = load(user_id)
            after = BUSY if active else NOT_READY
            swap(user_id, OFFLINE, after, "" if active else "signed_in", "sign_on")


def set_state(user_id: int, state: str, reason: str = "", cause: str = "agent") -> None:
    """The agent's own choice: ready or not ready with a reason. Raises ``Rejected`` while work is in hand."""
    if state not in CHOSEN_BY_AGENT:
        raise Rejected(
            Text("This state cannot be chosen by hand", "Это состояние нельзя выбрать вручную"), "state-not-chosen"
        )
    if reason not in REASONS:
        raise Rejected(Text("There is no such reason", "Такой причины нет"), "reason-unknown")
    with transaction():
        row = of(user_id)
        if row.state == OFFLINE:
            raise Rejected(Text("Open the desk first", "Сначала откройте рабочее место"), "offline")
        if row.state in (RINGING, BUSY, WRAP_UP):
            raise Rejected(
                Text("Finish the interaction in hand first", "Сначала завершите текущее обращение"),
                "interaction-in-hand",
            )
        if (row.state, row.reason) != (state, reason):
            if row.state == state == READY:
                return
            swap(user_id, row.state, state, "" if state == READY else reason, cause)


def sign_off(user_id: int, cause: str = "sign_off") -> None:
    """Leave: whatever was offered goes back to the queue (see :func:`core.assignment.give_back`)."""
    from core.assignment import give_back

    with transaction():
        row = of(user_id)
        if row.state != OFFLINE:
            give_back(user_id, cause)
            swap(user_id, of(user_id).state, OFFLINE, "", cause)


def load(user_id: int) -> tuple[int, int, int]:
    """How many interactions the agent has (offered, active, in wrap-up)."""
    counted = db.session.execute(
        select(Interaction.state, func.count())
        .where(Interaction.agent_id == user_id, Interaction.state.in_(("offered", "active", "wrap_up")))
        .group_by(Interaction.state)
    )
    counts = {row[0]: row[1] for row in counted}
    return counts.get("offered", 0), counts.get("active", 0), counts.get("wrap_up", 0)


def idle_state(cause: str) -> tuple[str, str]:
    """State and reason of an agent without work after ``cause``."""
    settings = {"rejected": "routing.after_reject", "no_answer": "routing.after_no_answer"}
    state = okno().config.get(settings[cause]) if cause in settings else READY
    return state, cause if state == NOT_READY else ""


def settle(user_id: int, cause: str) -> None:
    """Bring the state in line with the work in hand; without any, ``cause`` decides. Needs a transaction."""
    row = of(user_id)
    offered, active, wrapping = load(user_id)
    idle, reason = idle_state(cause)
    after = RINGING if offered else BUSY if active else WRAP_UP if wrapping else idle
    if row.state == after or row.state == OFFLINE:
        return
    if after == READY and row.state == NOT_READY:
        return
    if after == RINGING and row.state == BUSY:
        return
    swap(user_id, row.state, after, reason if after == NOT_READY else "", cause)


def touch(user_ids: Iterable[int]) -> None:
    """These users have the desk open right now; one statement for all of them."""
    ids = list(user_ids)
    if ids:
        with transaction():
            statement = update(Presence).where(Presence.user_id.in_(ids)).values(seen_at=now())
            db.session.execute(statement.execution_options(synchronize_session=False))


def drop_lost(grace_seconds: float) -> int:
    """Sign off everybody whose desk has been gone for longer than the grace; returns how many."""
    oldest = now() - timedelta(seconds=grace_seconds)
    lost = list(
        db.session.scalars(select(Presence.user_id).where(Presence.state != OFFLINE, Presence.seen_at < oldest))
    )
    db.session.rollback()
    for user_id in lost:
        sign_off(user_id, "connection_lost")
    return len(lost)
