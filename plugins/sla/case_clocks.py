"""The clocks of cases in the data base: they follow every change of a case in its own transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from core import timeline
from core.calendars.business_time import WorkingTime
from core.clock import now
from core.contracts import CaseChange
from core.db import db, put
from core.model import Case, TimelineEntry
from plugins.sla import clock, telling
from plugins.sla.catalogue import Catalogue, Promise, load
from plugins.sla.clock_state import ClockState, Flag, PhaseKind
from plugins.sla.models import SlaClock

COUNTED = frozenset({"status", "priority", "service_id", "assignee_id", "first_reply_at"})
_HISTORY = (
    "interaction.accepted",
    "interaction.taken",
    "disposition",
    "case.closed",
    "case.status",
    "case.assignee_id",
)


def follow(change: CaseChange) -> None:
    """Bring the clock of a case up to a change of it; the first change starts the clock. Needs a transaction."""
    heard = "last_contact_at" in change.changes and change.case.status == "pending"
    if not heard and not COUNTED & change.changes.keys():
        return
    catalogue = load()
    if change.changes.get("status", ("",))[0] is None:
        _begin(change, catalogue)
        return
    row = locked(change.case.id)
    if row is None:
        adopt(db.session.get_one(Case, change.case.id), catalogue)
        return
    before = ClockState.from_dict(row.state)
    after = _followed(before, change, row, catalogue)
    keep(row, before, after)
    if before.terms != after.terms:
        _write_terms(change.case.id, before, after)


def _begin(change: CaseChange, catalogue: Catalogue) -> None:
    case = db.session.get_one(Case, change.case.id)
    promise = catalogue.promise(case.service)
    terms = catalogue.terms(promise, case.priority)
    state = clock.start(terms, case.created_at, catalogue.time(terms.calendar), holder(case.assignee_id))
    _add(case, promise, state)


def _followed(state: ClockState, change: CaseChange, row: SlaClock, catalogue: Catalogue) -> ClockState:
    changes, case = change.changes, change.case
    at, time = max(change.at, state.phase.started), catalogue.time(state.terms.calendar)
    reopened = state.phase.kind is PhaseKind.RESOLVED and case.status != "closed"
    if reopened:
        state = clock.reopen(state, at, time)
    if state.phase.kind is PhaseKind.RESOLVED:
        return state
    if reopened or {"priority", "service_id"} & changes.keys():
        state = renewed(state, row, catalogue, at)
        time = catalogue.time(state.terms.calendar)
    return moved(
        state,
        at,
        time,
        status=case.status if "status" in changes else "open" if "last_contact_at" in changes else None,
        held_by=holder(case.assignee_id) if "assignee_id" in changes else None,
        responded="first_reply_at" in changes and changes["first_reply_at"][1] is not None,
    )


def moved(
    state: ClockState,
    at: datetime,
    time: WorkingTime,
    *,
    status: str | None = None,
    held_by: str | None = None,
    responded: bool = False,
) -> ClockState:
    """The state after what happened to a case at ``at``: another status, another holder, the first reply."""
    if status in ("open", "pending") and state.phase.kind is PhaseKind.RESOLVED:
        state = clock.reopen(state, at, time)
    if state.phase.kind is PhaseKind.RESOLVED:
        return state
    if held_by is not None:
        state = clock.hand_over(state, at, time, held_by)
    if responded:
        state = clock.respond(state, at, time)
    if status == "pending":
        return clock.pause(state, at, time)
    if status == "open":
        return clock.resume(state, at, time)
    return clock.resolve(state, at, time) if status == "closed" else state


def renewed(state: ClockState, row: SlaClock, catalogue: Catalogue, at: datetime) -> ClockState:
    """The state under the terms that hold for its case now; ``row`` gets their names."""
    case = db.session.get_one(Case, row.case_id)
    promise = catalogue.promise(case.service)
    terms = catalogue.terms(promise, case.priority)
    row.calendar_key, row.policy_key, row.stale = promise.calendar_key, promise.policy_key, False
    return clock.change_terms(state, terms, max(at, state.phase.started), catalogue.time(terms.calendar))


def holder(assignee_id: int | None) -> str:
    """How a phase names who holds the case; "" for the queue."""
    return f"user:{assignee_id}" if assignee_id is not None else ""


def locked(case_id: int) -> SlaClock | None:
    """The clock row of a case, kept from others until the commit."""
    query = select(SlaClock).where(SlaClock.case_id == case_id).with_for_update()
    return db.session.scalar(query.execution_options(populate_existing=True))


def keep(row: SlaClock, before: ClockState, after: ClockState, *, notify: bool = True) -> tuple[Flag, ...]:
    """Store ``after`` and tell of the flags that it has and ``before`` had not; returns them."""
    new = clock.raised(before, after)
    _fill(row, after)
    if new:
        telling.tell(row, after, new, notify=notify)
    return new


def adopt(case: Case, catalogue: Catalogue) -> SlaClock:
    """A clock for a case that has none, its life told again from the timeline. What is late already is not announced."""
    promise = catalogue.promise(case.service)
    terms = catalogue.terms(promise, case.priority)
    time = catalogue.time(terms.calendar)
    state = clock.start(terms, case.created_at, time)
    for at, what in _history(case):
        moment = max(at, state.phase.started)
        state = moved(state, moment, time, **what)  # type: ignore[arg-type]
    last = max(now(), state.phase.started)
    state = moved(state, last, time, status=case.status, held_by=holder(case.assignee_id))
    return _add(case, promise, clock.observe(state, max(now(), state.phase.started)))


def _history(case: Case) -> Sequence[tuple[datetime, dict[str, object]]]:
    query = select(TimelineEntry).where(TimelineEntry.case_id == case.id, TimelineEntry.kind.in_(_HISTORY))
    entries = list(db.session.scalars(query.order_by(TimelineEntry.id)))
    found: list[tuple[datetime, dict[str, object]]] = []
    for place, entry in enumerate(entries):
        following = entries[place + 1].kind if place + 1 < len(entries) else ""
        if entry.kind == "disposition" and following != "case.closed":
            found.append((entry.at, {"status": "pending"}))
        elif entry.kind == "case.closed":
            found.append((entry.at, {"status": "closed"}))
        elif entry.kind == "case.status":
            found.append((entry.at, {"status": entry.data.get("after")}))
        elif entry.kind == "case.assignee_id":
            found.append((entry.at, {"held_by": holder(entry.data.get("after"))}))
        elif entry.kind.startswith("interaction."):
            found.append((entry.at, {"held_by": holder(entry.actor_id), "status": "open"}))
    if case.first_reply_at is not None:
        found.append((case.first_reply_at, {"responded": True}))
    if case.closed_at is not None:
        found.append((case.closed_at, {"status": "closed"}))
    return sorted(found, key=lambda event: event[0])


def _add(case: Case, promise: Promise, state: ClockState) -> SlaClock:
    row = SlaClock(case_id=case.id, calendar_key=promise.calendar_key, policy_key=promise.policy_key)
    _fill(row, state)
    put(row)
    return row


def _fill(row: SlaClock, state: ClockState) -> None:
    resolved = state.phase.kind is PhaseKind.RESOLVED
    row.state = state.to_dict()
    row.next_flag_at = clock.next_flag_at(state)
    row.response_due, row.resolution_due = state.response_due, state.resolution_due
    row.due_at = (state.resolution_due if state.responded_at else state.response_due) if state.running else None
    row.paused, row.resolved = state.phase.kind is PhaseKind.WAITING, resolved
    row.response_breached = Flag.RESPONSE_BREACHED in state.flags
    row.resolution_breached = Flag.RESOLUTION_BREACHED in state.flags


def _write_terms(case_id: int, before: ClockState, after: ClockState) -> None:
    due = after.resolution_due if after.responded_at else after.response_due
    timeline.write(
        case_id,
        "sla.terms",
        before=str(before.terms.priority),
        after=str(after.terms.priority),
        due_at=due.isoformat() if due else None,
        title_en="The targets have changed",
        title_ru="Изменились нормативы",
    )
