"""Spans of states are told truly: whatever was recorded, across midnight, open at the end, in any zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import clock, presence
from core.db import db, transaction
from core.model import PresenceChange
from core.states_history import break_used, daily_totals, day_bounds, histories, history, totals

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
STATES = st.sampled_from(["offline", "ready", "busy", "wrap_up", "not_ready"])
STEPS = st.lists(st.tuples(st.integers(0, 40_000), STATES), max_size=12)


def record(user_id, steps, start=MIDNIGHT - timedelta(hours=12)):
    """Write changes, each so many seconds after the one before; returns what held when."""
    moment, before, told = start, "offline", [(start, "offline")]
    with transaction():
        db.session.execute(db.delete(PresenceChange))
        for seconds, after in steps:
            moment += timedelta(seconds=seconds)
            reason = "lunch" if after == "not_ready" else ""
            db.session.add(
                PresenceChange(user_id=user_id, at=moment, before=before, after=after, reason=reason, cause="agent")
            )
            db.session.flush()
            told.append((moment, after))
            before = after
    return told


def state_at(told, moment):
    return [state for at, state in told if at <= moment][-1]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(steps=STEPS, hours=st.integers(1, 60), until_now=st.integers(0, 200_000))
def test_spans_have_no_gap_and_say_what_held_at_every_moment(centre, steps, hours, until_now):
    anna = centre.agents[0]
    told = record(anna, steps)
    since, until, now = MIDNIGHT, MIDNIGHT + timedelta(hours=hours), MIDNIGHT + timedelta(seconds=until_now)
    with clock.at(now):
        spans = history(anna, since, until)
    end = min(until, now)
    if end <= since:
        assert spans == []
        return
    assert spans[0].began == since and spans[-1].ended == end
    assert all(one.ended == other.began for one, other in pairwise(spans))
    assert all(span.seconds > 0 for span in spans)
    for span in spans:
        assert state_at(told, span.began) == span.state
        assert state_at(told, span.ended - timedelta(microseconds=1)) == span.state
    assert sum(totals(spans).values()) == pytest.approx((end - since).total_seconds())


@pytest.mark.feature("D-10")
def test_a_break_over_midnight_counts_to_each_day_and_an_open_one_until_now(centre):
    anna = centre.agents[0]
    zone = ZoneInfo("UTC")
    record(anna, [(11 * 3600, "not_ready"), (2 * 3600, "ready"), (3600, "not_ready")])
    with clock.at(MIDNIGHT + timedelta(hours=3)):
        assert break_used(anna, date(2026, 3, 1), zone) == 3600
        assert break_used(anna, date(2026, 3, 2), zone) == 3600 + 3600
        assert daily_totals([anna], date(2026, 3, 2), zone)[anna] == {"not_ready": 7200.0, "ready": 3600.0}


def test_a_reason_that_is_no_break_does_not_count(centre):
    anna = centre.agents[0]
    with clock.at(MIDNIGHT):
        presence.sign_on(anna)
        presence.set_state(anna, "not_ready", "meeting")
    with clock.at(MIDNIGHT + timedelta(hours=1)):
        assert break_used(anna, date(2026, 3, 2), ZoneInfo("UTC")) == 0


def test_the_day_on_which_clocks_change_has_its_own_length():
    began, ended = day_bounds(date(2026, 3, 29), ZoneInfo("Europe/Berlin"))
    assert ended.astimezone(UTC) - began.astimezone(UTC) == timedelta(hours=23)


def test_the_history_of_many_takes_as_many_queries_as_of_one(centre, count_queries):
    for agent in centre.agents:
        presence.sign_on(agent)

    def asked(ids):
        with count_queries() as seen:
            histories(ids, MIDNIGHT, clock.now() + timedelta(seconds=1))
        return seen.count

    assert asked(centre.agents) == asked(centre.agents[:1])
