"""What an agent's time went into: spans of states, read from the recorded changes. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from core import presence, reasons
from core.clock import now
from core.db import db
from core.house import okno
from core.model import PresenceChange, User


@dataclass(frozen=True, slots=True)
class Span:
    """One state from ``began`` until before ``ended``; ``cause`` is why it began."""

    state: str
    reason: str
    began: datetime
    ended: datetime
    cause: str = ""

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return (self.ended - self.began).total_seconds()


def history(user_id: int, since: datetime, until: datetime) -> list[Span]:
    """The agent's states between two moments, without a gap, oldest first.

    It ends now at the latest: the last span may still be going on. Before the first recorded change is Offline.
    """
    return histories([user_id], since, until)[user_id]


def histories(user_ids: Iterable[int], since: datetime, until: datetime) -> dict[int, list[Span]]:
    """:func:`history` of several agents, in two queries."""
    ids = list(dict.fromkeys(user_ids))
    until = min(until, now())
    spans: dict[int, list[Span]] = {user_id: [] for user_id in ids}
    if not ids or until <= since:
        return spans
    before = _states_at(ids, since)
    changes = select(PresenceChange).where(
        PresenceChange.user_id.in_(ids), PresenceChange.at > since, PresenceChange.at < until
    )
    found: dict[int, list[PresenceChange]] = {user_id: [] for user_id in ids}
    for change in db.session.scalars(changes.order_by(PresenceChange.at, PresenceChange.id)):
        found[change.user_id].append(change)
    return {user_id: _spans(before.get(user_id), found[user_id], since, until) for user_id in ids}


def _states_at(user_ids: Sequence[int], moment: datetime) -> dict[int, PresenceChange]:
    """The last change of each at or before ``moment``: one look into the index for each."""
    newest = (
        select(PresenceChange.id)
        .where(PresenceChange.user_id == User.id, PresenceChange.at <= moment)
        .order_by(PresenceChange.at.desc(), PresenceChange.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    ids = [row[0] for row in db.session.execute(select(newest).where(User.id.in_(user_ids))) if row[0] is not None]
    return {row.user_id: row for row in db.session.scalars(select(PresenceChange).where(PresenceChange.id.in_(ids)))}


def _spans(
    first: PresenceChange | None, changes: Sequence[PresenceChange], since: datetime, until: datetime
) -> list[Span]:
    state, reason, cause = (first.after, first.reason, first.cause) if first else (presence.OFFLINE, "", "")
    spans, began = [], since
    for change in changes:
        if change.at > began:
            spans.append(Span(state, reason, began, change.at, cause))
        state, reason, cause, began = change.after, change.reason, change.cause, change.at
    spans.append(Span(state, reason, began, until, cause))
    return spans


def totals(spans: Iterable[Span]) -> dict[str, float]:
    """Seconds in each state; states that did not occur are missing."""
    seconds: dict[str, float] = {}
    for span in spans:
        seconds[span.state] = seconds.get(span.state, 0.0) + span.seconds
    return seconds


def day_bounds(day: date, zone: ZoneInfo | None = None) -> tuple[datetime, datetime]:
    """The two midnights of a day in ``zone`` (the house's by default); 23 or 25 hours apart where clocks change."""
    zone = zone or ZoneInfo(okno().config.get("core.timezone"))
    began = datetime.combine(day, time(), zone)
    return began, datetime.combine(day + timedelta(days=1), time(), zone)


def daily_totals(user_ids: Iterable[int], day: date, zone: ZoneInfo | None = None) -> dict[int, dict[str, float]]:
    """Seconds in each state on one day, by agent."""
    return {user_id: totals(spans) for user_id, spans in histories(user_ids, *day_bounds(day, zone)).items()}


def break_used(user_id: int, day: date, zone: ZoneInfo | None = None) -> float:
    """Seconds of the day spent Not ready for a reason that counts as break."""
    keys = reasons.break_keys()
    return sum(span.seconds for span in history(user_id, *day_bounds(day, zone)) if _is_break(span, keys))


def _is_break(span: Span, keys: set[str]) -> bool:
    return span.state == presence.NOT_READY and span.reason in keys
