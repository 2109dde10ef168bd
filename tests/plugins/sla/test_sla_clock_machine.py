"""A case lives through any run of events; a plain list of the stretches in which it ran must agree with its clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.calendars.business_time import BusinessTime, CalendarTime, WorkingTime
from core.calendars.opening_hours import Calendar
from plugins.sla.clock import (
    change_terms,
    hand_over,
    next_flag_at,
    observe,
    pause,
    raised,
    reading,
    reopen,
    resolve,
    respond,
    resume,
    start,
)
from plugins.sla.clock_state import ClockState, Flag
from plugins.sla.priority import DEFAULT_POLICY, Priority, Terms

ZERO = timedelta(0)
TIMES: dict[str, WorkingTime] = {
    "24x7": CalendarTime(),
    "new york": BusinessTime(
        Calendar.from_dict({"zone": "America/New_York", "weekly": {"mon-fri": ["09:00-13:00", "14:00-18:00"]}})
    ),
    "nights": BusinessTime(Calendar.from_dict({"zone": "Europe/Moscow", "weekly": {"mon-sun": ["22:00-06:00"]}})),
}
# The week in which New York sets its clocks back.
BEGIN = datetime(2026, 10, 29, 12, tzinfo=UTC)
steps = st.one_of(st.integers(0, 3600), st.integers(0, 4 * 86_400)).map(lambda seconds: timedelta(seconds=seconds))


def terms_of(priority: Priority, calendar: str) -> Terms:
    return DEFAULT_POLICY.terms(priority, calendar, TIMES[calendar].day_length)


class CaseLife(RuleBasedStateMachine):
    state: ClockState

    @initialize(priority=st.sampled_from(Priority), calendar=st.sampled_from(sorted(TIMES)))
    def register(self, priority: Priority, calendar: str) -> None:
        self.now, self.calendar = BEGIN, calendar
        self.state = start(terms_of(priority, calendar), self.now, self.time)
        self.runs: list[tuple[datetime, datetime]] = []
        self.begun: datetime | None = self.now
        self.answered: datetime | None = None
        self.solved = False
        self.signals: list[Flag] = []
        self.last_spent = ZERO

    @property
    def time(self) -> WorkingTime:
        return TIMES[self.calendar]

    def ledger(self, until: datetime) -> timedelta:
        runs = self.runs if self.begun is None else [*self.runs, (self.begun, self.now)]
        return sum((self.time.between(a, min(b, until)) for a, b in runs if a < until), ZERO)

    def stand(self) -> None:
        if self.begun is not None:
            self.runs.append((self.begun, self.now))
            self.begun = None

    def become(self, state: ClockState) -> None:
        self.signals += raised(self.state, state)
        self.state = state

    @rule(step=steps)
    def time_passes(self, step: timedelta) -> None:
        self.now += step
        before = self.state
        self.become(observe(before, self.now))
        due = next_flag_at(self.state)
        assert due is None or due >= self.now

    @rule()
    @precondition(lambda self: not self.solved)
    def the_contact_is_asked(self) -> None:
        self.become(pause(self.state, self.now, self.time))
        self.stand()

    @rule()
    @precondition(lambda self: not self.solved)
    def the_contact_answers(self) -> None:
        self.become(resume(self.state, self.now, self.time))
        self.begun = self.begun or self.now

    @rule()
    @precondition(lambda self: not self.solved)
    def an_agent_responds(self) -> None:
        self.become(respond(self.state, self.now, self.time))
        self.answered = self.answered or self.now

    @rule()
    def an_agent_resolves(self) -> None:
        self.become(resolve(self.state, self.now, self.time))
        self.stand()
        self.answered, self.solved = self.answered or self.now, True

    @rule()
    @precondition(lambda self: self.solved)
    def the_contact_disagrees(self) -> None:
        self.become(reopen(self.state, self.now, self.time))
        self.begun, self.solved = self.now, False

    @rule(holder=st.sampled_from(["line 1", "line 2"]))
    @precondition(lambda self: not self.solved)
    def another_line_takes_it(self, holder: str) -> None:
        self.become(hand_over(self.state, self.now, self.time, holder))

    @rule(priority=st.sampled_from(Priority), calendar=st.sampled_from(sorted(TIMES)))
    @precondition(lambda self: not self.solved)
    def the_terms_change(self, priority: Priority, calendar: str) -> None:
        self.calendar = calendar
        self.state = change_terms(self.state, terms_of(priority, calendar), self.now, self.time)
        self.signals = list(self.state.flags)
        self.last_spent = ZERO

    @invariant()
    def spent_is_what_the_ledger_says_and_never_decreases(self) -> None:
        shown = reading(self.state, self.now, self.time)
        assert shown.resolution_spent == self.ledger(self.now) >= self.last_spent
        assert shown.response_spent == self.ledger(self.answered or self.now)
        self.last_spent = shown.resolution_spent

    @invariant()
    def spent_and_remaining_make_the_target(self) -> None:
        shown, terms = reading(self.state, self.now, self.time), self.state.terms
        assert shown.resolution_spent + shown.resolution_remaining == terms.resolution
        assert shown.response_spent + shown.response_remaining == terms.response

    @invariant()
    def a_standing_clock_stays_where_it_is(self) -> None:
        if self.state.running:
            return
        later = self.now + timedelta(days=30)
        shown = reading(self.state, self.now, self.time)
        assert reading(self.state, later, self.time).resolution_spent == shown.resolution_spent
        assert observe(self.state, later).flags == observe(self.state, self.now).flags

    @invariant()
    def a_running_clock_is_due_when_the_remaining_time_is_over(self) -> None:
        remaining = reading(self.state, self.now, self.time).resolution_remaining
        if self.state.running and remaining > ZERO:
            assert self.state.resolution_due == self.time.add(self.now, remaining)
        if self.state.running and remaining < ZERO:
            assert reading(self.state, self.now, self.time).resolution_breached

    @invariant()
    def phases_follow_each_other_without_a_gap(self) -> None:
        assert all(before.ended == after.started for before, after in pairwise(self.state.phases))
        assert self.state.phase.ended is None

    @invariant()
    def no_flag_was_raised_twice(self) -> None:
        assert len(self.signals) == len(set(self.signals)) and set(self.signals) == self.state.flags

    @invariant()
    def the_stored_form_is_the_same_clock(self) -> None:
        assert ClockState.from_dict(self.state.to_dict()) == self.state


TestCaseLife = CaseLife.TestCase
TestCaseLife.settings = settings(deadline=None, max_examples=60, stateful_step_count=30)
