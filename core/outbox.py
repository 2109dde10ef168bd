"""What must leave the house exactly once: rows written with the change that caused them, carried out by the worker.

A row is claimed by moving its ``due_at`` a lease ahead, so that a killed worker's rows come round again. Receivers recognise a
repeat by the row's key (mail: the Message-ID made from it).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from time import monotonic
from typing import Any

import structlog
from sqlalchemy import exists, or_, select, update
from sqlalchemy.orm import aliased

from core.clock import now
from core.contracts import OutboxResult
from core.db import current_work, db, on_commit, put, transaction
from core.events import log as events
from core.events.wake import wake
from core.holder import holder, is_dead
from core.house import okno
from core.model import Case, Message, OutboxRow
from core.notifications import notify

LEASE = timedelta(minutes=3)
CLAIMED = "being sent by "
BACKOFF = (15, 60, 300, 900, 3600, 4 * 3600, 12 * 3600)
log = structlog.get_logger("okno.outbox")


def enqueue(
    kind: str,
    key: str,
    payload: Mapping[str, Any],
    message_id: int | None = None,
    delay: float = 0,
    stream: str = "",
) -> int:
    """Put a row into the open transaction; the same ``key`` again changes nothing. ``delay`` in seconds. Returns its id.

    What is put into one ``stream`` leaves in this order.
    """
    existing = db.session.scalar(select(OutboxRow.id).where(OutboxRow.key == key))
    if existing is not None:
        return existing
    row = OutboxRow(
        kind=kind,
        key=key,
        payload=dict(payload),
        message_id=message_id,
        stream=stream[:160],
        due_at=now() + timedelta(seconds=delay),
    )
    put(row)
    _wake(kind)
    return row.id


def _wake(kind: str) -> None:
    handler = okno().outbox_handlers.get(kind)
    lane = handler.lane if handler is not None else ""
    on_commit(lambda: wake(lane or "outbox"))


def send_due(limit: int = 20, lane: str = "") -> int:
    """Carry out due rows of a lane; returns how many were attempted. Rows of kinds nobody handles wait."""
    claimed_at = monotonic()
    rows = _claim(limit, lane)
    for done, (row_id, kind, key, payload, attempts) in enumerate(rows):
        if monotonic() - claimed_at > LEASE.total_seconds() / 2:
            _give_back([row[0] for row in rows[done:]])
            return done
        try:
            result = okno().outbox_handlers[kind].send(key, payload)
        except Exception as error:  # a handler may meet anything; the row is kept
            log.error("outbox attempt failed", kind=kind, key=key, exc_info=error)
            result = OutboxResult("retry", f"{type(error).__name__}: {error}")
        _record(row_id, attempts, result)
    return len(rows)


def _claim(limit: int, lane: str = "") -> list[tuple[int, str, str, dict[str, Any], int]]:
    kinds = [kind for kind, handler in okno().outbox_handlers.items() if handler.lane == lane]
    moment = now()
    due = (
        select(OutboxRow)
        .where(OutboxRow.state == "pending", OutboxRow.due_at <= moment, OutboxRow.kind.in_(kinds), _first_of_stream())
        .order_by(OutboxRow.due_at, OutboxRow.id)
        .limit(limit)
    )
    if db.session.scalar(due.with_only_columns(OutboxRow.id).limit(1)) is None:
        db.session.rollback()
        return []
    with transaction():
        rows = list(db.session.scalars(due.with_for_update(skip_locked=True)))
        for row in rows:
            row.due_at = moment + LEASE
            row.attempts += 1
            row.detail = f"{CLAIMED}{holder()}"
        return [(row.id, row.kind, row.key, row.payload, row.attempts) for row in rows]


def _first_of_stream() -> Any:
    ahead = aliased(OutboxRow)
    waits = exists().where(
        ahead.stream == OutboxRow.stream, ahead.stream != "", ahead.state == "pending", ahead.id < OutboxRow.id
    )
    return or_(OutboxRow.stream == "", ~waits)


def _give_back(row_ids: list[int]) -> None:
    """Slow servers ate up the lease: let the rest come round again before another worker takes it too."""
    with transaction():
        mine = update(OutboxRow).where(OutboxRow.id.in_(row_ids), OutboxRow.state == "pending")
        db.session.execute(mine.values(due_at=now(), attempts=OutboxRow.attempts - 1, detail=""))


def release_abandoned() -> int:
    """Make due at once what a worker of this machine had claimed when it was killed; returns how many rows.

    For the start of a worker: what its own process number had claimed belonged to a dead one as well.
    """
    claimed = select(OutboxRow.id, OutboxRow.detail).where(
        OutboxRow.state == "pending", OutboxRow.detail.startswith(CLAIMED)
    )
    rows = db.session.execute(claimed).all()
    db.session.rollback()
    lost = [row.id for row in rows if is_dead(row.detail.removeprefix(CLAIMED))]
    if lost:
        with transaction():
            still = update(OutboxRow).where(OutboxRow.id.in_(lost), OutboxRow.state == "pending")
            db.session.execute(still.values(due_at=now()))
    return len(lost)


def _record(row_id: int, attempts: int, result: OutboxResult) -> None:
    outcome = result.outcome
    if outcome == "retry" and result.counts and attempts > len(BACKOFF):
        outcome = "dead"
    with transaction():
        changes: dict[str, Any] = {"detail": result.detail[:2000]}
        if outcome == "retry":
            wait = result.retry_in if result.retry_in is not None else BACKOFF[min(attempts, len(BACKOFF)) - 1]
            changes["due_at"] = now() + timedelta(seconds=wait)
            if not result.counts:
                changes["attempts"] = attempts - 1
        else:
            changes |= {"state": outcome, "sent_at": now() if outcome == "sent" else None}
        row = update(OutboxRow.__table__).where(OutboxRow.__table__.c.id == row_id).values(changes)
        message_id = current_work().connection.execute(row.returning(OutboxRow.__table__.c.message_id)).scalar_one()
        if message_id is not None:
            _tell_message(message_id, outcome, changes["detail"])


def _tell_message(message_id: int, outcome: str, detail: str) -> None:
    delivery, table = {"sent": "sent", "dead": "failed"}.get(outcome, "waiting"), Message.__table__
    message = update(table).where(table.c.id == message_id).values(delivery=delivery)
    case_id = current_work().connection.execute(message.returning(table.c.case_id)).scalar()
    if case_id is None:
        return
    events.publish("desk", "outbox.changed", {"case_id": case_id, "message_id": message_id, "delivery": delivery})
    if outcome == "dead":
        _tell_assignee(db.session.get_one(Message, message_id), detail)


def _tell_assignee(message: Message, detail: str) -> None:
    """Somebody must know that the contact did not get it: who holds the case, else who wrote."""
    case = db.session.get(Case, message.case_id)
    told = (case.assignee_id if case else None) or message.user_id
    if case is not None and told is not None:
        data = {"number": case.number, "subject": case.subject[:120], "detail": detail[:200]}
        notify([told], "outbox.dead", f"/cases/{case.id}", data)


def requeue(row_id: int) -> None:
    """Try a dead row again from the start; ``LookupError`` when there is none."""
    with transaction():
        statement = update(OutboxRow).where(OutboxRow.id == row_id, OutboxRow.state == "dead")
        again = statement.values(state="pending", attempts=0, due_at=now(), detail="").returning(OutboxRow.kind)
        kind = db.session.execute(again).scalar()
        if kind is None:
            raise LookupError(f"no dead outbox row {row_id}")
        _wake(kind)
