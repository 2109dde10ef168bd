"""The simulation of ``bench/`` in small: the routing plan serves as queueing theory says, and one that did not would show."""

from __future__ import annotations

import pytest

from bench import simulation
from bench.simulation import Scenario, calls_of, measure, routed, unrouted

CENTRES = [Scenario(5, 0.8), Scenario(20, 0.9), Scenario(5, 1.1, 120.0), Scenario(20, 0.95, 120.0)]


@pytest.mark.feature("R-03")
@pytest.mark.parametrize("scenario", CENTRES)
def test_no_call_waits_while_an_agent_is_free_and_the_oldest_goes_first(scenario):
    calls = calls_of(scenario, 3000, seed=7)
    ours, theirs = routed(scenario.agents, calls), unrouted(scenario.agents, calls)
    assert ours.answered == theirs.answered
    assert ours.waited == pytest.approx(theirs.waited, abs=1e-6)
    figures, spread = measure(scenario, 3000, seed=7)
    assert all(figure.off < 0.01 for figure in figures)
    # The longest idle is next, so that the work is shared.
    assert spread < 1.25


@pytest.mark.parametrize("scenario", [Scenario(20, 0.7), Scenario(20, 0.9, 120.0)])
def test_plain_averages_of_many_calls_are_near_theory(scenario):
    figures, _ = measure(scenario, 20_000, seed=7)
    assert all(abs(figure.plain - figure.theory) < max(2 * figure.half, 0.02) for figure in figures)


def test_a_router_that_leaves_one_agent_idle_is_noticed(monkeypatch):
    monkeypatch.setattr(simulation, "routed", lambda agents, calls: routed(agents - 1, calls))
    figures, _ = measure(Scenario(5, 0.7), 3000, seed=7)
    assert {figure.name for figure in figures if figure.off > 0.01} == {"service_level", "answer_seconds"}
