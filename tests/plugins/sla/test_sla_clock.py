from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.calendars.business_time import BusinessTime, CalendarTime, NoOpenTime
from core.calendars.field_reading import FieldError
from core.calendars.opening_hours import Calendar
from plugins.sla.clock import (
    ClockError,
    change_terms,
    hand_over,
    next_flag_at,
    observe,
    pause,
    raised,
    reading,
    reopen,
    resolution_spent,
    resolve,
    respond,
    response_spent,
    resume,
    start,
)
from plugins.sla.clock_state import ClockState, Flag, PhaseKind
from plugins.sla.priority import DEFAULT_POLICY, Priority, Terms

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
OFFICE = BusinessTime(
    Calendar.from_dict(
        {"zone": "UTC", "weekly": {"mon-fri": ["09:00-13:00", "14:00-18:00"]}, "holidays": ["2026-11-25"]}
    )
)
ALWAYS = CalendarTime()
TERMS = Terms(Priority.HIGH, "office", 1 * HOUR, 8 * HOUR, 75)


def on(day: int, clock: str) -> datetime:
    """A moment of November 2026: the 20th is a Friday, the 25th a holiday."""
    return datetime.fromisoformat(f"2026-11-{day:02}T{clock}").replace(tzinfo=UTC)


def test_the_due_moments_are_known_from_the_start() -> None:
    state = start(TERMS, on(20, "12:30"), OFFICE, holder="line 1")
    assert state.response_due == on(20, "14:30") and state.response_warn_at == on(20, "14:15")
    assert state.resolution_due == on(23, "12:30") and state.resolution_warn_at == on(23, "10:30")
    assert state.running and state.flags == frozenset() and state.phase.holder == "line 1"


def test_a_case_that_comes_by_night_starts_to_count_in_the_morning() -> None:
    state = start(TERMS, on(21, "03:00"), OFFICE)
    assert state.response_due == on(23, "10:00")
    shown = reading(state, on(22, "12:00"), OFFICE)
    assert not shown.running and shown.response_spent == timedelta(0) and shown.resolution_remaining == 8 * HOUR


def test_the_response_stops_its_own_clock_only() -> None:
    state = respond(start(TERMS, on(20, "09:00"), OFFICE), on(20, "09:40"), OFFICE)
    shown = reading(state, on(20, "12:00"), OFFICE)
    assert shown.response_spent == 40 * MINUTE and shown.response_remaining == 20 * MINUTE
    assert shown.resolution_spent == 3 * HOUR and shown.resolution_remaining == 5 * HOUR
    assert not shown.response_breached
    assert state.response_due == on(20, "10:00")
    assert [phase.kind for phase in state.phases] == [PhaseKind.REACTION, PhaseKind.SOLUTION]


def test_waiting_for_the_contact_stops_both_and_resuming_moves_the_due_moments() -> None:
    state = pause(start(TERMS, on(20, "09:00"), OFFICE), on(20, "09:30"), OFFICE, reason="asked for the invoice")
    assert state.response_due is None and state.resolution_due is None and next_flag_at(state) is None
    assert observe(state, on(27, "12:00")) == state
    assert resolution_spent(state, on(27, "12:00"), OFFICE) == 30 * MINUTE
    state = resume(state, on(23, "17:45"), OFFICE)
    assert state.response_due == on(24, "09:15")
    assert state.resolution_due == on(24, "17:15") and state.phases[1].reason == "asked for the invoice"


def test_a_response_while_waiting_leaves_the_case_waiting() -> None:
    state = pause(start(TERMS, on(20, "09:00"), OFFICE), on(20, "09:30"), OFFICE)
    state = respond(state, on(20, "12:00"), OFFICE)
    assert not state.running and state.flags == frozenset()
    state = resume(state, on(20, "15:00"), OFFICE)
    assert state.phase.kind is PhaseKind.SOLUTION
    assert response_spent(state, on(20, "16:00"), OFFICE) == 30 * MINUTE
    assert resolution_spent(state, on(20, "16:00"), OFFICE) == 90 * MINUTE


@pytest.mark.parametrize(
    ("at", "flags"),
    [
        ("09:44:59", []),
        ("09:45:00", [Flag.RESPONSE_WARNED]),
        ("10:00:00", [Flag.RESPONSE_WARNED]),
        ("10:00:01", [Flag.RESPONSE_WARNED, Flag.RESPONSE_BREACHED]),
        ("16:00:00", [Flag.RESPONSE_WARNED, Flag.RESPONSE_BREACHED, Flag.RESOLUTION_WARNED]),
        ("18:00:00", [Flag.RESPONSE_WARNED, Flag.RESPONSE_BREACHED, Flag.RESOLUTION_WARNED]),
        ("18:00:01", list(Flag)),
    ],
)
def test_flags_rise_at_their_second(at: str, flags: list[Flag]) -> None:
    state = start(TERMS, on(20, "09:00"), OFFICE)
    assert raised(state, observe(state, on(20, at))) == tuple(flags)


def test_each_flag_is_raised_once() -> None:
    before = start(TERMS, on(20, "09:00"), OFFICE)
    after = observe(before, on(20, "10:30"))
    assert raised(before, after) == (Flag.RESPONSE_WARNED, Flag.RESPONSE_BREACHED)
    assert raised(after, observe(after, on(20, "11:00"))) == ()


def test_the_next_look_is_at_the_next_flag() -> None:
    state, seen = start(TERMS, on(20, "09:00"), OFFICE), []
    while (moment := next_flag_at(state)) is not None:
        seen.append(moment)
        state = observe(state, moment + timedelta(seconds=1))
    assert seen == [on(20, "09:45"), on(20, "10:00"), on(20, "16:00"), on(20, "18:00")]


def test_an_event_after_the_due_moment_marks_the_breach_even_if_nobody_looked() -> None:
    late = respond(start(TERMS, on(20, "09:00"), OFFICE), on(20, "10:01"), OFFICE)
    assert late.flags == {Flag.RESPONSE_WARNED, Flag.RESPONSE_BREACHED}
    paused = pause(start(TERMS, on(20, "09:00"), OFFICE), on(20, "10:01"), OFFICE)
    assert Flag.RESPONSE_BREACHED in paused.flags and paused.response_due == on(20, "10:00")


def test_a_due_moment_at_closing_time_is_missed_by_an_evening_answer() -> None:
    state = resolve(start(TERMS, on(20, "09:00"), OFFICE), on(20, "20:00"), OFFICE)
    assert Flag.RESOLUTION_BREACHED in state.flags and state.resolution_due == on(20, "18:00")
    assert reading(state, on(20, "20:00"), OFFICE).resolution_remaining == timedelta(0)


def test_an_overdue_case_shows_by_how_much() -> None:
    state = start(TERMS, on(20, "09:00"), OFFICE)
    assert reading(state, on(23, "11:00"), OFFICE).resolution_remaining == -2 * HOUR
    assert reading(state, on(23, "11:00"), OFFICE).resolution_breached


def test_resolving_answers_and_settles_the_clock() -> None:
    state = resolve(start(TERMS, on(20, "09:00"), OFFICE), on(20, "09:20"), OFFICE)
    assert state.responded_at == state.resolved_at == on(20, "09:20")
    assert observe(state, on(27, "09:00")).flags == frozenset() and next_flag_at(state) is None
    assert state.resolution_due == on(20, "18:00") and state.response_due == on(20, "10:00")


def test_reopening_goes_on_from_what_was_spent() -> None:
    state = respond(start(TERMS, on(20, "09:00"), OFFICE), on(20, "09:20"), OFFICE)
    state = resolve(state, on(20, "12:00"), OFFICE)
    state = reopen(state, on(26, "09:00"), OFFICE, reason="it broke again")
    assert state.resolution_due == on(26, "15:00") and state.reopened == 1 and state.resolved_at is None
    assert state.flags == frozenset() and state.responded_at == on(20, "09:20")
    assert resolution_spent(state, on(26, "10:00"), OFFICE) == 4 * HOUR


def test_the_log_tells_who_held_the_case_how_long() -> None:
    state = start(TERMS, on(20, "09:00"), OFFICE, holder="line 1")
    state = hand_over(state, on(20, "09:30"), OFFICE, holder="line 2")
    state = pause(state, on(20, "12:30"), OFFICE)
    state = resolve(resume(state, on(23, "09:00"), OFFICE), on(23, "09:10"), OFFICE)
    assert [(phase.holder, str(phase.kind), phase.spent) for phase in state.phases] == [
        ("line 1", "reaction", 30 * MINUTE),
        ("line 2", "reaction", 3 * HOUR),
        ("line 2", "waiting", timedelta(0)),
        ("line 2", "reaction", 10 * MINUTE),
        ("line 2", "resolved", timedelta(0)),
    ]
    assert response_spent(state, on(23, "10:00"), OFFICE) == 220 * MINUTE


def test_a_changed_priority_is_as_if_it_had_been_so_from_the_start() -> None:
    at, urgent = on(20, "11:00"), DEFAULT_POLICY.terms(Priority.CRITICAL, "office", OFFICE.day_length)
    low = DEFAULT_POLICY.terms(Priority.LOW, "office", OFFICE.day_length)
    state = start(low, on(20, "09:00"), OFFICE)
    changed = change_terms(state, urgent, at, OFFICE)
    assert changed == observe(start(urgent, on(20, "09:00"), OFFICE), at)
    assert Flag.RESPONSE_BREACHED in changed.flags
    assert change_terms(changed, low, at, OFFICE) == state


def test_a_changed_calendar_measures_every_phase_again() -> None:
    state = pause(start(TERMS, on(20, "17:30"), OFFICE), on(23, "09:15"), OFFICE)
    state = resume(state, on(23, "10:00"), OFFICE)
    assert resolution_spent(state, on(23, "10:00"), OFFICE) == 45 * MINUTE
    around = change_terms(state, replace(TERMS, calendar="24x7"), on(23, "10:00"), ALWAYS)
    assert resolution_spent(around, on(23, "10:00"), ALWAYS) == timedelta(days=2, hours=15, minutes=45)
    assert around.resolution_due == on(21, "01:30") and around.flags == set(Flag)
    assert change_terms(around, TERMS, on(23, "10:00"), OFFICE) == state


def test_two_clocks_of_a_case_do_not_touch_each_other() -> None:
    sla = start(TERMS, on(20, "09:00"), OFFICE)
    ola = start(replace(TERMS, calendar="24x7"), on(20, "09:00"), ALWAYS)
    assert resolve(ola, on(20, "10:00"), ALWAYS).flags == {Flag.RESPONSE_WARNED}
    assert sla == start(TERMS, on(20, "09:00"), OFFICE)


def test_the_same_event_twice_changes_nothing() -> None:
    state, at = start(TERMS, on(20, "09:00"), OFFICE), on(20, "09:10")
    for event in (respond, pause, resume, resolve, reopen):
        state = event(state, at, OFFICE)
        assert event(state, at, OFFICE) == state


@pytest.mark.parametrize("event", [pause, resume, respond])
def test_a_resolved_case_takes_no_event_but_reopening(event: object) -> None:
    state = resolve(start(TERMS, on(20, "09:00"), OFFICE), on(20, "10:00"), OFFICE)
    with pytest.raises(ClockError, match="reopen it first"):
        event(state, on(20, "11:00"), OFFICE)  # type: ignore[operator]


def test_events_out_of_order_and_naive_moments_are_refused() -> None:
    state = start(TERMS, on(20, "09:00"), OFFICE)
    with pytest.raises(ClockError, match="before the last event"):
        pause(state, on(20, "08:59:59"), OFFICE)
    with pytest.raises(ValueError, match="without a time zone"):
        pause(state, datetime(2026, 11, 20, 10), OFFICE)


def test_a_calendar_without_open_time_is_refused_at_the_start_but_never_blocks_a_case() -> None:
    never = BusinessTime(Calendar.from_dict({"zone": "UTC", "weekly": {}}))
    with pytest.raises(NoOpenTime):
        start(TERMS, on(20, "09:00"), never)
    state = start(TERMS, on(20, "09:00"), OFFICE)
    with pytest.raises(NoOpenTime):
        change_terms(state, TERMS, on(20, "09:10"), never)
    assert resume(pause(state, on(20, "09:10"), never), on(20, "09:20"), never).resolution_due is None
    assert resolve(state, on(20, "09:10"), never).resolved_at == on(20, "09:10")


def test_a_state_survives_json() -> None:
    state = pause(start(TERMS, on(20, "09:00:00.000001"), OFFICE, "Анна"), on(20, "10:30"), OFFICE, "ждём счёт")
    stored = json.loads(json.dumps(state.to_dict()))
    assert stored["version"] == 1 and ClockState.from_dict(stored) == state


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"version": 2}, "version"),
        ({"phases": []}, "phases"),
        ({"phases": [{"kind": "asleep"}]}, "phases[0].kind"),
        ({"phases": [{"kind": "reaction", "started": "yesterday"}]}, "phases[0].started"),
        ({"phases": [{"kind": "reaction", "started": "2026-11-20T09:00"}]}, "phases[0].started"),
        ({"phases": [{"kind": "reaction", "started": "2026-11-20T09:00Z", "spent": -1}]}, "phases[0].spent"),
        ({"flags": ["late"]}, "flags"),
        ({"reopened": None}, "reopened"),
        ({"response_due": 5}, "response_due"),
        ({"terms": {}}, "terms.priority"),
        ({"terms": {**dict.fromkeys(("response", "resolution"), 0), "priority": "low", "warn_percent": 80}}, "terms"),
        ({"mood": 1}, "mood"),
    ],
)
def test_a_damaged_state_is_refused_with_its_field_named(change: dict[str, object], field: str) -> None:
    with pytest.raises(FieldError) as caught:
        ClockState.from_dict({**start(TERMS, on(20, "09:00"), OFFICE).to_dict(), **change})
    assert caught.value.field == field
