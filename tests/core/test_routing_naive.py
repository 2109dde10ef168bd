"""The plan decides as a router that looks at everything each time, whatever is put, taken away and changed before."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.routing.plan import Agent, Plan, ServiceRules, TeamRule, Waiting
from core.routing.rules import SkillRule
from tests.core.naive_router import Naive
from tests.core.test_routing_plan import FIRST, LAW, NIGHT, SECOND, TAX, all_decisions, made

TEAMS = (FIRST, SECOND, NIGHT)
CHANNELS = ("chat", "email")
RULES = st.builds(
    ServiceRules,
    id=st.just(0),
    teams=st.lists(
        st.builds(TeamRule, st.sampled_from(TEAMS), st.integers(1, 2), st.sampled_from([0, 0, 20])), max_size=3
    ).map(tuple),
    skills=st.lists(
        st.builds(
            SkillRule, st.sampled_from([TAX, LAW]), st.integers(0, 3), st.sampled_from([0, 10]), st.integers(0, 2)
        ),
        max_size=2,
        unique_by=lambda rule: rule.skill,
    ).map(tuple),
    push=st.sampled_from([True, True, True, False]),
    agent_choice=st.sampled_from(["longest_idle", "most_skilled", "fewest_handled"]),
    prefers_last_agent=st.booleans(),
    last_agent_seconds=st.sampled_from([0, 15]),
    overflow=st.sampled_from([None, 1, 2]),
    overflow_seconds=st.sampled_from([0, 25]),
    is_open=st.sampled_from([True, True, False]),
    closed_action=st.sampled_from(["wait", "offer", "overflow"]),
)
AGENTS = st.builds(
    Agent,
    id=st.integers(1, 5),
    teams=st.sets(st.sampled_from(TEAMS), max_size=2).map(frozenset),
    skills=st.dictionaries(st.sampled_from([TAX, LAW]), st.integers(1, 3)),
    capacity=st.dictionaries(st.sampled_from(CHANNELS), st.integers(0, 2)),
    mix=st.sampled_from([(), (frozenset(CHANNELS),)]),
    idle_since=st.integers(0, 50),
    handled_today=st.integers(0, 3),
    available=st.booleans(),
)
ITEMS = st.builds(
    Waiting,
    id=st.integers(1, 12),
    service=st.integers(1, 2),
    channel=st.sampled_from(CHANNELS),
    queued_at=st.integers(0, 60),
    priority=st.sampled_from([0, 0, 100]),
    line=st.integers(1, 2),
    team=st.sampled_from([None, None, None, NIGHT]),
    preferred=st.one_of(st.none(), st.integers(1, 5)),
    declined=st.dictionaries(st.integers(1, 5), st.integers(0, 120), max_size=2),
    since=st.one_of(st.none(), st.integers(0, 60)),
)
MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("agent"), AGENTS),
        st.tuples(st.just("item"), ITEMS),
        st.tuples(st.just("gone"), st.integers(1, 5)),
        st.tuples(st.just("left"), st.integers(1, 12)),
        st.tuples(st.just("available"), st.tuples(st.integers(1, 5), st.booleans())),
        st.tuples(st.just("free"), st.tuples(st.integers(1, 5), st.sampled_from(CHANNELS))),
        st.tuples(st.just("time"), st.integers(1, 20)),
        st.tuples(st.just("rules"), st.tuples(st.integers(1, 2), RULES)),
        st.tuples(st.just("decide"), st.integers(1, 4)),
    ),
    min_size=5,
    max_size=60,
)


@pytest.mark.feature("R-03", "R-04")
@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(rules=st.tuples(RULES, RULES), moves=MOVES)
def test_it_decides_as_a_router_that_looks_at_everything_each_time(rules, moves):
    services = [replace(one, id=number) for number, one in enumerate(rules, start=1)]
    plan, naive, now = Plan(services, now=60), Naive(services), 60
    for move, what in [*moves, ("decide", 50)]:
        if move == "agent":
            plan.put_agent(replace(what, in_hand={}))
            naive.agents[what.id] = replace(what, in_hand={})
        elif move == "item":
            plan.put(what)
            naive.waiting[what.id] = what
        elif move == "gone":
            plan.remove_agent(what)
            naive.agents.pop(what, None)
        elif move == "left":
            plan.remove(what)
            naive.waiting.pop(what, None)
        elif move == "available" and what[0] in naive.agents:
            plan.set_available(*what)
            naive.agents[what[0]].available = what[1]
        elif move == "free" and (one := naive.agents.get(what[0])) and one.in_hand.get(what[1]):
            plan.free(*what, now)
            one.in_hand[what[1]] -= 1
            one.idle_since, one.handled_today = now, one.handled_today + 1
        elif move == "time":
            now += what
        elif move == "rules":
            services[what[0] - 1] = changed = replace(what[1], id=what[0])
            plan.put_services([changed])
            naive.rules[what[0]] = changed
        elif move == "decide":
            for _ in range(what):
                expected, decided = naive.decide(now), plan.decide(now)
                assert (decided and (decided.waiting, decided.agent)) == expected
                if expected is None:
                    break
                item, one = naive.waiting.pop(expected[0]), naive.agents[expected[1]]
                one.in_hand[item.channel] = one.in_hand.get(item.channel, 0) + 1
                one.idle_since = max(now, one.idle_since)


@settings(max_examples=100, deadline=None)
@given(rules=st.tuples(RULES, RULES), agents=st.lists(AGENTS, max_size=5), items=st.lists(ITEMS, max_size=8))
def test_between_now_and_the_next_moment_time_alone_changes_nothing(rules, agents, items):
    services = [replace(one, id=number) for number, one in enumerate(rules, start=1)]
    plan = made(services, [replace(one, in_hand={}) for one in agents], items)
    all_decisions(plan, 60)
    moment = plan.next_moment()
    until = 400 if moment is None else moment - 0.5
    assert all_decisions(plan, max(60, until)) == []
