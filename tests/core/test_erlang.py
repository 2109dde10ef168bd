"""The formulas that the simulation is compared with: values printed elsewhere, and what must hold for all numbers."""

from __future__ import annotations

from math import inf, isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.erlang import erlang_b, erlang_c, impatient, patient

AGENTS = st.integers(1, 400)
SHARES = st.floats(0.05, 0.99)
SECONDS = st.floats(1, 2000)


@pytest.mark.parametrize(
    ("agents", "load", "lost"),
    [(1, 1, 0.5), (10, 5, 0.018385), (100, 84.064, 0.01), (20, 12.031, 0.01), (5, 1.657, 0.02)],
)
def test_erlang_b_is_as_in_the_tables(agents, load, lost):
    assert erlang_b(agents, load) == pytest.approx(lost, abs=2e-5)


def test_erlang_c_is_as_in_the_textbook_of_call_centres():
    """A hundred calls of three minutes in half an hour, fourteen agents: 17.4 % wait, 88.8 % within 20 s, 7.8 s, 71.4 %."""
    found = patient(14, 100 / 1800, 180, 20)
    assert found.waits == pytest.approx(0.174, abs=5e-4)
    assert found.service_level == pytest.approx(0.888, abs=5e-4)
    assert found.answer_seconds == pytest.approx(7.8, abs=0.05)
    assert found.occupancy == pytest.approx(0.714, abs=5e-4)


def test_erlang_a_is_as_mandelbaum_and_zeltyn_print_it():
    """48 calls a minute of a minute, 50 agents, patience of two minutes: 3.1 % give up, all wait 3.7 s, agents busy 93 %."""
    found = impatient(50, 48 / 60, 60, 20, 120)
    assert found.abandoned == pytest.approx(0.031, abs=5e-4)
    assert found.abandoned * 120 == pytest.approx(3.7, abs=0.05)
    assert found.occupancy == pytest.approx(0.93, abs=5e-3)
    assert patient(50, 48 / 60, 60, 20).answer_seconds == pytest.approx(20.8, abs=0.05)


def test_more_load_than_agents_has_no_steady_state_but_with_impatience():
    assert patient(5, 1, 6, 20).answer_seconds == inf
    found = impatient(5, 1, 6, 20, 60)
    assert found.occupancy < 1 and found.abandoned > 1 / 6


@pytest.mark.parametrize(
    ("agents", "rate", "patience"), [(1000, 2000 / 60, 600), (1000, 0.1, 60), (1, 1e-6, 1), (300, 5, 1e6)]
)
def test_nothing_overflows(agents, rate, patience):
    found = impatient(agents, rate, 60, 20, patience)
    for share in (found.waits, found.service_level, found.occupancy, found.abandoned):
        assert -1e-9 <= share <= 1 + 1e-9


@given(agents=AGENTS, share=SHARES)
def test_a_waiting_room_makes_more_calls_wait_than_are_lost_without_one(agents, share):
    load = agents * share
    assert 0 <= erlang_b(agents, load) <= erlang_c(agents, load) <= 1


@given(agents=AGENTS, share=SHARES)
def test_one_more_agent_never_makes_more_calls_wait(agents, share):
    assert erlang_c(agents + 1, agents * share) <= erlang_c(agents, agents * share)


@given(agents=st.integers(1, 60), share=st.floats(0.3, 0.95), handling=SECONDS, target=st.floats(0, 300))
def test_callers_of_endless_patience_are_those_of_erlang_c(agents, share, handling, target):
    rate = agents * share / handling
    endless, never = impatient(agents, rate, handling, target, 1e9 * handling), patient(agents, rate, handling, target)
    assert isclose(endless.waits, never.waits, abs_tol=1e-5)
    assert isclose(endless.service_level, never.service_level, abs_tol=1e-5)
    assert isclose(endless.answer_seconds, never.answer_seconds, rel_tol=1e-4)


@given(agents=st.integers(1, 60), share=st.floats(0.3, 2), handling=SECONDS, patience=SECONDS)
def test_impatience_takes_load_off(agents, share, handling, patience):
    rate = agents * share / handling
    found = impatient(agents, rate, handling, 0, patience)
    assert 0 <= found.abandoned <= 1 and found.occupancy <= 1 + 1e-9
    assert isclose(found.service_level, 1 - found.waits, abs_tol=1e-6)
    if share < 1:
        assert found.waits <= erlang_c(agents, agents * share) + 1e-6
