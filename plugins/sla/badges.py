"""The clock of a case as a small mark: what is left of the promise that is open now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

import structlog
from sqlalchemy import select

from core.calendars.business_time import WorkingTime
from core.calendars.field_reading import FieldError
from core.clock import now
from core.contracts import Badge, Text
from core.db import db
from plugins.sla import wording
from plugins.sla.catalogue import load
from plugins.sla.clock import Reading, observe, reading
from plugins.sla.clock_state import ClockState, Flag, PhaseKind
from plugins.sla.models import SlaClock

Tone = Literal["neutral", "good", "warn", "bad", "info"]
WAITING = Text("the clock stands: waiting for the contact", "часы стоят: ждём ответа контакта")
CLOSED = Text("the clock stands: outside opening hours", "часы стоят: нерабочее время")
log = structlog.get_logger("okno.sla")
# Where open time and the wall clock run apart by less than this, one may be counted down for the other.
_SAME = timedelta(seconds=1)


def collect(case_ids: Sequence[int], language: str) -> dict[int, list[Badge]]:
    """One badge for each case with a clock that has something to say; three queries for any number of cases."""
    rows = db.session.execute(select(SlaClock.case_id, SlaClock.state).where(SlaClock.case_id.in_(case_ids))).all()
    if not rows:
        return {}
    catalogue, at = load(), now()
    found: dict[int, list[Badge]] = {}
    for case_id, stored in rows:
        try:
            state = ClockState.from_dict(stored)
        except FieldError as error:
            # One damaged clock must not take the badges of the whole page away.
            log.error("clock cannot be read", case_id=case_id, error=str(error))
            continue
        mark = badge(state, catalogue.time(state.terms.calendar), at, language)
        if mark is not None:
            found[case_id] = [mark]
    return found


def badge(state: ClockState, time: WorkingTime, at: datetime, language: str) -> Badge | None:
    """The badge of one clock at ``at``; a resolved case has one only if it was late.

    ``paused`` is also set while the due moment cannot be counted down by the wall clock: outside opening hours, or
    when a closing lies before it. The text then says the open time that is left.
    """
    at = max(at, state.phase.started)
    seen = observe(state, at)
    if seen.phase.kind is PhaseKind.RESOLVED:
        return _settled(seen, language)
    shown = reading(seen, at, time)
    answered = seen.responded_at is not None
    remaining = shown.resolution_remaining if answered else shown.response_remaining
    due = seen.resolution_due if answered else seen.response_due
    waiting = seen.phase.kind is PhaseKind.WAITING
    return Badge(
        text=wording.left(remaining, time.day_length, language),
        title=_title(answered, due, shown, waiting, language),
        tone=_tone(seen, answered, waiting),
        icon="clock-pause" if waiting else "clock",
        due_at=due,
        warn_at=seen.resolution_warn_at if answered else seen.response_warn_at,
        paused=waiting or not _counts_down(due, at, remaining),
    )


def _settled(state: ClockState, language: str) -> Badge | None:
    late = [words.to(language) for flag, words in wording.MET_LATE.items() if flag in state.flags]
    return Badge(late[-1], ", ".join(late), "bad", "clock") if late else None


def _counts_down(due: datetime | None, at: datetime, remaining: timedelta) -> bool:
    return due is not None and abs((due - at) - remaining) < _SAME


def _tone(state: ClockState, answered: bool, waiting: bool) -> Tone:
    breached = Flag.RESOLUTION_BREACHED if answered else Flag.RESPONSE_BREACHED
    warned = Flag.RESOLUTION_WARNED if answered else Flag.RESPONSE_WARNED
    if breached in state.flags:
        return "bad"
    if waiting:
        return "neutral"
    return "warn" if warned in state.flags else "good"


def _title(answered: bool, due: datetime | None, shown: Reading, waiting: bool, language: str) -> str:
    promise = (wording.RESOLUTION if answered else wording.RESPONSE).to(language)
    parts = [f"{promise}: {wording.DUE.to(language)} {wording.due_moment(due, language)}" if due else promise]
    if waiting:
        parts.append(WAITING.to(language))
    elif not shown.running:
        parts.append(CLOSED.to(language))
    return ", ".join(parts)
