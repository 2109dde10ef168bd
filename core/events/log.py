"""The event log: what happened, in commit order, for everybody who listens.

Events are hints: a listener reads the fresh state and never builds on a payload alone. A page that was rendered asks
:func:`head` *before* it reads its data and then listens after that id; an event it has already seen does no harm.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from flask import current_app
from sqlalchemy import Connection, CursorResult, Integer, bindparam, delete, func, insert, select, text

from core.clock import now
from core.contracts import PublishedEvent
from core.db import before_commit, current_work, db, on_commit
from core.events.wake import wake
from core.model.transit import Event

# One number for the whole data base: whoever holds it hands out the next event ids.
ORDER_LOCK = 7_364_101
_INSERT = insert(Event.__table__)
_AFTER = (
    select(Event.id, Event.topic, Event.type, Event.payload)
    .where(Event.id > bindparam("after"))
    .order_by(Event.id)
    .limit(bindparam("most", type_=Integer))
)
_AFTER_OF = _AFTER.where(Event.topic.in_(bindparam("topics", expanding=True)))


class LoggedEvent(NamedTuple):
    """One row of the log; ``payload`` is JSON text without line breaks."""

    id: int
    topic: str
    type: str
    payload: str


def publish(topic: str, type: str, payload: dict[str, Any]) -> None:
    """Tell ``topic`` that something happened, if and when the current transaction commits.

    Topics: ``desk``, ``user:<id>``, ``team:<id>``, ``session:<key>``. Raises :class:`RuntimeError` outside of a
    transaction and :class:`TypeError` for a payload that is not JSON.
    """
    work = current_work()
    batch: list[dict[str, Any]] | None = work.notes.get("events")
    if batch is None:
        batch = work.notes["events"] = []
        work.notes["published"] = []
        before_commit(_insert)
    encoded = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    batch.append({"topic": topic, "type": type, "payload": encoded, "at": now()})
    work.notes["published"].append(PublishedEvent(topic, type, payload))


def _insert() -> None:
    # All else is written first: from the lock to the commit every other publisher waits.
    _tell_hooks()
    db.session.flush()
    if db.engine.dialect.name == "postgresql":
        db.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ORDER_LOCK})
    work = current_work()
    work.connection.execute(_INSERT, work.notes.pop("events"))
    on_commit(_wake)


def _tell_hooks() -> None:
    house = current_app.extensions.get("okno")
    if house is not None:
        notes = current_work().notes
        published, notes["published"] = notes["published"], []
        house.hooks.during_events(published)


def _wake() -> None:
    wake("events")


def read(
    connection: Connection, after: int, limit: int = 500, topics: Iterable[str] | None = None
) -> list[LoggedEvent]:
    """Up to ``limit`` events with a greater id than ``after``, in order; of all topics when ``topics`` is None."""
    if topics is None:
        rows = connection.execute(_AFTER, {"after": after, "most": limit})
    else:
        rows = connection.execute(_AFTER_OF, {"after": after, "most": limit, "topics": list(topics)})
    return [LoggedEvent(*row) for row in rows]


def fetch(topics: Iterable[str] | None, after: int, limit: int = 500) -> list[LoggedEvent]:
    """:func:`read` on a connection of its own."""
    with db.engine.connect() as connection:
        return read(connection, after, limit, topics)


def head() -> int:
    """The id of the newest event, 0 when there is none.

    Asked on the connection that reads the data: SQLite shows a request the state of its first reading, and what happened
    between that and a newer head would be neither in the data nor after the head.
    """
    return bounds(db.session.connection())[1]


def bounds(connection: Connection) -> tuple[int, int]:
    """The ids of the oldest and of the newest event kept, (0, 0) when there is none."""
    oldest, newest = connection.execute(select(func.min(Event.id), func.max(Event.id))).one()
    return oldest or 0, newest or 0


def latest(connection: Connection, count: int) -> Sequence[LoggedEvent]:
    """The newest ``count`` events, in order."""
    query = select(Event.id, Event.topic, Event.type, Event.payload).order_by(Event.id.desc()).limit(count)
    return [LoggedEvent(*row) for row in connection.execute(query)][::-1]


def prune(older_than: datetime) -> int:
    """Forget events from before ``older_than`` (aware), all but the newest; gives how many. Needs a transaction."""
    newest = select(func.max(Event.id)).scalar_subquery()
    result = db.session.execute(delete(Event).where(Event.at < older_than, Event.id < newest))
    return cast("CursorResult[Any]", result).rowcount
