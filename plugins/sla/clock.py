"""The clock of a case: pure functions from a state and an event to the next state.

Both promises, first response and resolution, run from the registration of the case, stop together while it waits for
the contact, and count only the open time of the `WorkingTime` given. The same event twice changes nothing the second
time. Events come in order; one earlier than the last raises `ClockError`, as does one that the state can't have.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from core.calendars.business_time import NoOpenTime, WorkingTime
from plugins.sla.clock_state import ClockState, Flag, Phase, PhaseKind
from plugins.sla.priority import Terms

_ZERO = timedelta(0)


class ClockError(ValueError):
    """The event does not fit the state of the clock."""


@dataclass(frozen=True)
class Reading:
    """What a clock shows at a moment; the one source for the card, the lists and the reports.

    Spent and remaining are open time and add up to the target; remaining is negative once more was spent.
    """

    running: bool
    response_spent: timedelta
    response_remaining: timedelta
    resolution_spent: timedelta
    resolution_remaining: timedelta
    response_breached: bool
    resolution_breached: bool


def start(terms: Terms, at: datetime, time: WorkingTime, holder: str = "") -> ClockState:
    """The clock of a case registered at `at`. Raises `NoOpenTime` when the calendar can't hold the targets."""
    time.add(at, terms.resolution)
    return _timed(ClockState(terms, (Phase(PhaseKind.REACTION, _utc(at), holder=holder),)), time)


def pause(state: ClockState, at: datetime, time: WorkingTime, reason: str = "") -> ClockState:
    """The case waits for the contact: no open time counts until `resume`."""
    _refuse_resolved(state, "pause")
    if state.phase.kind is PhaseKind.WAITING:
        return observe(state, at)
    return _entered(state, PhaseKind.WAITING, at, time, reason=reason)


def resume(state: ClockState, at: datetime, time: WorkingTime) -> ClockState:
    """The contact answered; the due moments are worked out anew from what remains."""
    _refuse_resolved(state, "resume")
    if state.running:
        return observe(state, at)
    return _entered(state, _working_kind(state), at, time)


def respond(state: ClockState, at: datetime, time: WorkingTime) -> ClockState:
    """The contact got the first response. Only the first counts. A waiting case goes on waiting."""
    _refuse_resolved(state, "respond to")
    if state.responded_at is not None:
        return observe(state, at)
    answered = replace(observe(state, at), responded_at=_utc(at))
    return _entered(answered, PhaseKind.SOLUTION, at, time) if state.running else _timed(answered, time)


def resolve(state: ClockState, at: datetime, time: WorkingTime) -> ClockState:
    """The case is solved, and answered by that if it was not yet."""
    if state.phase.kind is PhaseKind.RESOLVED:
        return state
    seen = observe(state, at)
    solved = replace(seen, resolved_at=_utc(at), responded_at=seen.responded_at or _utc(at))
    return _entered(solved, PhaseKind.RESOLVED, at, time)


def reopen(state: ClockState, at: datetime, time: WorkingTime, reason: str = "") -> ClockState:
    """The case was not solved after all: the resolution clock goes on from what it had spent."""
    if state.phase.kind is not PhaseKind.RESOLVED:
        return observe(state, at)
    opened = _entered(state, PhaseKind.SOLUTION, at, time, reason=reason)
    return observe(_timed(replace(opened, resolved_at=None, reopened=state.reopened + 1), time), at)


def hand_over(state: ClockState, at: datetime, time: WorkingTime, holder: str) -> ClockState:
    """Another line or agent holds the case; the clock does what it did."""
    _refuse_resolved(state, "hand over")
    if state.phase.holder == holder:
        return observe(state, at)
    return _entered(state, state.phase.kind, at, time, holder=holder, reason=state.phase.reason)


def change_terms(state: ClockState, terms: Terms, at: datetime, time: WorkingTime) -> ClockState:
    """Another priority, contract or calendar: as if it had been so from the start.

    Every phase is measured again by `time`, so the due moments are those of a case registered under the new terms. A
    flag stays only if the new terms deserve it by `at`: a warning can be due again later. Raises `NoOpenTime` when the
    calendar can't hold the targets.
    """
    _refuse_resolved(state, "change the terms of")
    _refuse_earlier(state, at)
    time.add(at, terms.resolution)
    phases = tuple(replace(phase, spent=_spent_in(phase, phase.ended, time)) for phase in state.phases)
    return observe(_timed(replace(state, terms=terms, phases=phases, flags=frozenset()), time), at)


def observe(state: ClockState, at: datetime) -> ClockState:
    """The state with every flag raised that is due by `at`; the new ones are what `raised` tells.

    A target is breached after its due moment, not at it. Once answered or solved, its flags are settled.
    """
    _refuse_earlier(state, at)
    at = _utc(at)
    flags = set(state.flags)
    answered_by = state.responded_at or at
    if state.response_warn_at is not None and answered_by >= state.response_warn_at:
        flags.add(Flag.RESPONSE_WARNED)
    if state.response_due is not None and answered_by > state.response_due:
        flags.add(Flag.RESPONSE_BREACHED)
    solved_by = state.resolved_at or at
    if state.resolution_warn_at is not None and solved_by >= state.resolution_warn_at:
        flags.add(Flag.RESOLUTION_WARNED)
    if state.resolution_due is not None and solved_by > state.resolution_due:
        flags.add(Flag.RESOLUTION_BREACHED)
    return state if flags == state.flags else replace(state, flags=frozenset(flags))


def raised(before: ClockState, after: ClockState) -> tuple[Flag, ...]:
    """The flags that `after` has and `before` had not, in the order of their severity on a case."""
    return tuple(flag for flag in Flag if flag in after.flags and flag not in before.flags)


def next_flag_at(state: ClockState) -> datetime | None:
    """The earliest moment after which `observe` may raise a flag, None when no flag can come by waiting.

    A breach comes right after this moment, so a job that looks once it has passed sees it.
    """
    moments: dict[Flag, datetime | None] = {}
    if state.responded_at is None:
        moments[Flag.RESPONSE_WARNED] = state.response_warn_at
        moments[Flag.RESPONSE_BREACHED] = state.response_due
    if state.resolved_at is None:
        moments[Flag.RESOLUTION_WARNED] = state.resolution_warn_at
        moments[Flag.RESOLUTION_BREACHED] = state.resolution_due
    awaited = [moment for flag, moment in moments.items() if moment is not None and flag not in state.flags]
    return min(awaited, default=None)


def reading(state: ClockState, at: datetime, time: WorkingTime) -> Reading:
    """What the clock shows at `at`, which is not before the current phase began."""
    seen = observe(state, at)
    response, resolution = response_spent(state, at, time), resolution_spent(state, at, time)
    return Reading(
        running=state.running and time.is_open(at),
        response_spent=response,
        response_remaining=state.terms.response - response,
        resolution_spent=resolution,
        resolution_remaining=state.terms.resolution - resolution,
        response_breached=Flag.RESPONSE_BREACHED in seen.flags,
        resolution_breached=Flag.RESOLUTION_BREACHED in seen.flags,
    )


def response_spent(state: ClockState, at: datetime, time: WorkingTime) -> timedelta:
    """Open time until the first response, or until `at` while there is none."""
    return _spent(state, (PhaseKind.REACTION,), at, time)


def resolution_spent(state: ClockState, at: datetime, time: WorkingTime) -> timedelta:
    """Open time from registration to `at`, without what the case waited or stood resolved."""
    return _spent(state, (PhaseKind.REACTION, PhaseKind.SOLUTION), at, time)


def _entered(
    state: ClockState,
    kind: PhaseKind,
    at: datetime,
    time: WorkingTime,
    holder: str | None = None,
    reason: str = "",
) -> ClockState:
    """The state with its last phase ended and another begun at `at`, flags raised by then, due moments anew."""
    seen, moment = observe(state, at), _utc(at)
    ended = replace(seen.phase, ended=moment, spent=_spent_in(seen.phase, moment, time))
    begun = Phase(kind, moment, holder=ended.holder if holder is None else holder, reason=reason)
    return _timed(replace(seen, phases=(*seen.phases[:-1], ended, begun)), time)


def _timed(state: ClockState, time: WorkingTime) -> ClockState:
    terms = state.terms
    reacting = [phase for phase in state.phases if phase.kind is PhaseKind.REACTION]
    running = [phase for phase in state.phases if phase.kind.runs]
    answered, solved = state.responded_at, state.resolved_at
    return replace(
        state,
        response_due=_used_up(reacting, terms.response, answered, time),
        resolution_due=_used_up(running, terms.resolution, solved, time),
        response_warn_at=_used_up(reacting, _share(terms.response, terms.warn_percent), answered, time),
        resolution_warn_at=_used_up(running, _share(terms.resolution, terms.warn_percent), solved, time),
    )


def _used_up(
    phases: Iterable[Phase], target: timedelta, settled: datetime | None, time: WorkingTime
) -> datetime | None:
    """When these phases have spent `target`, None if they stopped before that.

    A phase that stopped because the promise was kept, at `settled`, counts as if it went on: its due moment is the
    one that was promised.
    """
    left = target
    for phase in phases:
        if phase.ended is None or phase.ended == settled:
            return _added(phase, left, time)
        if phase.spent >= left:
            return min(_added(phase, left, time) or phase.ended, phase.ended)
        left -= phase.spent
    return None


def _added(phase: Phase, duration: timedelta, time: WorkingTime) -> datetime | None:
    # A calendar that runs out of open time while the case is open must not stop anybody from resolving it.
    try:
        return time.add(phase.started, duration)
    except NoOpenTime:
        return None


def _spent(state: ClockState, kinds: tuple[PhaseKind, ...], at: datetime, time: WorkingTime) -> timedelta:
    _refuse_earlier(state, at)
    spent = sum((phase.spent for phase in state.phases[:-1] if phase.kind in kinds), _ZERO)
    return spent + _spent_in(state.phase, at, time) if state.phase.kind in kinds else spent


def _spent_in(phase: Phase, until: datetime | None, time: WorkingTime) -> timedelta:
    return time.between(phase.started, until) if phase.kind.runs and until is not None else _ZERO


def _share(target: timedelta, percent: int) -> timedelta:
    return target * percent // 100


def _working_kind(state: ClockState) -> PhaseKind:
    return PhaseKind.REACTION if state.responded_at is None else PhaseKind.SOLUTION


def _refuse_resolved(state: ClockState, event: str) -> None:
    if state.phase.kind is PhaseKind.RESOLVED:
        raise ClockError(f"can't {event} a resolved case; reopen it first")


def _refuse_earlier(state: ClockState, at: datetime) -> None:
    if _utc(at) < state.phase.started:
        raise ClockError(f"{_utc(at)} is before the last event of the clock, {state.phase.started}")


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"a moment without a time zone: {at}")
    return at.astimezone(UTC)
