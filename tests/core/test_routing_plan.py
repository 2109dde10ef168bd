"""The decision alone: order, skills that relax, the last agent, overflow, hours, capacity; and against a naive router."""

from __future__ import annotations

import doctest
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.routing import plan as plan_module
from core.routing.capacity import capacity_of, has_room, mix_of
from core.routing.plan import Agent, Decision, Plan, ServiceRules, TeamRule, Waiting
from core.routing.rules import SkillRule

TAX, LAW = 1, 2
FIRST, SECOND, NIGHT = 10, 20, 30


def agent(id: int, team: int = FIRST, **fields) -> Agent:
    return Agent(id, frozenset({team}), **fields)


def service(id: int = 1, **fields) -> ServiceRules:
    return ServiceRules(id, **{"teams": (TeamRule(FIRST),), **fields})


def chat(id: int, at: float, **fields) -> Waiting:
    return Waiting(id, **{"service": 1, "channel": "chat", "queued_at": at, **fields})


def made(rules: ServiceRules | list[ServiceRules], agents: list[Agent], waiting: list[Waiting]) -> Plan:
    plan = Plan(rules if isinstance(rules, list) else [rules])
    for one in agents:
        plan.put_agent(one)
    for item in waiting:
        plan.put(item)
    return plan


def all_decisions(plan: Plan, now: float) -> list[tuple[int, int]]:
    found = []
    while (decision := plan.decide(now)) is not None:
        found.append((decision.waiting, decision.agent))
    return found


def test_the_example_of_the_module_holds():
    assert doctest.testmod(plan_module).failed == 0


@pytest.mark.feature("R-03")
def test_priority_goes_before_age_and_age_before_the_number():
    waiting = [chat(1, 5), chat(2, 3), chat(3, 3), chat(4, 9, priority=100)]
    plan = made(service(), [agent(7, capacity={"chat": 9})], waiting)
    assert [waiting for waiting, _ in all_decisions(plan, 10)] == [4, 2, 3, 1]


@pytest.mark.feature("R-03")
def test_what_nobody_can_serve_does_not_hold_up_what_is_behind_it():
    rules = [service(1, skills=(SkillRule(TAX, 3),)), service(2)]
    plan = made(rules, [agent(7)], [chat(1, 1, priority=900), chat(2, 2, service=2)])
    assert all_decisions(plan, 10) == [(2, 7)]
    assert plan.why(1) == "nobody-skilled"


@pytest.mark.feature("R-03")
def test_a_skill_relaxes_with_waiting_down_to_its_floor():
    rules = service(skills=(SkillRule(TAX, 5, relax_seconds=10, floor=3),))
    plan = made(rules, [agent(7, skills={TAX: 4}), agent(8, skills={TAX: 2})], [chat(1, 100), chat(2, 101)])
    assert all_decisions(plan, 109) == []
    assert plan.next_moment() == 110
    assert all_decisions(plan, 110) == [(1, 7)]
    assert all_decisions(plan, 999) == []
    assert plan.why(2) == "agents-busy"
    assert plan.next_moment() is None


@given(level=st.integers(0, 5), floor=st.integers(0, 5), relax=st.integers(0, 30), waits=st.lists(st.integers(0, 400)))
def test_what_is_asked_for_never_rises_and_never_falls_below_the_floor(level, floor, relax, waits):
    rule = SkillRule(TAX, level, relax, floor)
    levels = [rule.asked(waited) for waited in sorted(waits)]
    assert levels == sorted(levels, reverse=True)
    assert all(min(level, floor) <= asked <= level for asked in levels)
    assert all(rule.asked(step) < rule.asked(step - 1) for step in rule.steps())


@pytest.mark.feature("R-03")
def test_the_last_agent_is_waited_for_alone_only_while_signed_on():
    rules = service(last_agent_seconds=30)
    mine = chat(1, 100, preferred=7)
    plan = made(rules, [agent(7, available=False), agent(8)], [mine])
    assert all_decisions(plan, 129) == []
    assert (plan.why(1), plan.next_moment()) == ("last-agent", 130)
    plan.set_available(7, True)
    assert plan.decide(129) == Decision(1, 7)
    plan = made(rules, [agent(7, available=False), agent(8)], [mine])
    plan.remove_agent(7)
    assert plan.decide(101) == Decision(1, 8)
    plan = made(rules, [agent(7, available=False), agent(8)], [mine])
    assert plan.decide(130) == Decision(1, 8)
    plan = made(rules, [agent(7, team=NIGHT), agent(8)], [mine])
    assert plan.decide(101) == Decision(1, 8)


def test_the_last_agent_scores_more_than_the_longest_idle():
    agents = [agent(7, idle_since=50), agent(8, idle_since=10)]
    assert made(service(), agents, [chat(1, 100, preferred=7)]).decide(100) == Decision(1, 7)
    plain = service(prefers_last_agent=False)
    assert made(plain, agents, [chat(1, 100, preferred=7)]).decide(100) == Decision(1, 8)


@pytest.mark.feature("R-03")
@pytest.mark.parametrize(("choice", "chosen"), [("longest_idle", 7), ("most_skilled", 8), ("fewest_handled", 9)])
def test_the_service_says_whom_of_those_free(choice: str, chosen: int):
    agents = [
        agent(7, idle_since=1, skills={TAX: 1, LAW: 5}, handled_today=5),
        agent(8, idle_since=2, skills={TAX: 3}, handled_today=5),
        agent(9, idle_since=3, skills={TAX: 2}, handled_today=1),
    ]
    rules = service(agent_choice=choice, skills=(SkillRule(TAX, 1),))
    assert made(rules, agents, [chat(1, 5)]).decide(10) == Decision(1, chosen)


@pytest.mark.feature("R-03", "R-06")
def test_teams_serve_their_line_and_overflow_teams_come_later():
    rules = service(teams=(TeamRule(FIRST), TeamRule(NIGHT, after_seconds=60), TeamRule(SECOND, line=2)))
    agents = [agent(1, SECOND), agent(2, NIGHT, capacity={"chat": 5})]
    plan = made(rules, agents, [chat(1, 0), chat(2, 10), chat(3, 5, line=2)])
    assert all_decisions(plan, 30) == [(3, 1)]
    assert plan.why(1) == "nobody-signed-on"
    assert plan.next_moment() == 60
    assert all_decisions(plan, 60) == [(1, 2)]
    assert all_decisions(plan, 70) == [(2, 2)]


@pytest.mark.feature("R-03")
def test_another_service_takes_over_by_its_own_rules():
    rules = [
        service(1, overflow=2, overflow_seconds=45, skills=(SkillRule(TAX, 5),)),
        service(2, teams=(TeamRule(SECOND),), skills=(SkillRule(LAW, 2, relax_seconds=100),)),
    ]
    plan = made(rules, [agent(7, SECOND, skills={LAW: 1})], [chat(1, 0)])
    assert all_decisions(plan, 45) == []
    assert plan.next_moment() == 100
    assert all_decisions(plan, 100) == [(1, 7)]


@pytest.mark.feature("R-03")
@pytest.mark.parametrize(
    ("action", "decisions", "why"),
    [("wait", [], "closed"), ("offer", [(1, 7)], ""), ("overflow", [(1, 8)], "")],
)
def test_outside_the_hours_it_waits_is_offered_or_overflows(action: str, decisions: list, why: str):
    closed = service(1, is_open=False, opens_at=500.0, closed_action=action, overflow=2)
    plan = made([closed, service(2, teams=(TeamRule(NIGHT),))], [agent(7), agent(8, NIGHT)], [chat(1, 0)])
    assert all_decisions(plan, 10) == decisions
    if why:
        assert (plan.why(1), plan.next_moment()) == (why, 500)
        plan.put_services([replace(closed, is_open=True, opens_at=None)])
        assert all_decisions(plan, 500) == [(1, 7)]


@pytest.mark.feature("R-02")
def test_capacity_and_mixing_bound_what_is_in_hand():
    mail = [Waiting(number, 1, "email", number) for number in (10, 11)]
    chats = [chat(number, number) for number in (1, 2, 3)]
    capacity = {"chat": 2, "email": 1}
    plan = made(service(), [agent(7, capacity=capacity)], mail + chats)
    assert all_decisions(plan, 20) == [(1, 7), (2, 7)]
    plan.free(7, "chat", 30)
    plan.free(7, "chat", 30)
    assert all_decisions(plan, 30) == [(3, 7)]
    mixing = agent(7, capacity=capacity, mix=mix_of([["chat", "email"]]))
    assert all_decisions(made(service(), [mixing], mail + chats), 20) == [(1, 7), (2, 7), (10, 7)]


def test_what_is_in_hand_must_be_one_of_the_groups_as_a_whole():
    groups = mix_of([["chat", "email"], ["email", "voice"], []])
    assert has_room("email", {"chat": 1}, {"email": 1}, groups)
    assert not has_room("voice", {"chat": 1, "email": 1}, {"voice": 1}, groups)
    assert not has_room("email", {"chat": 1, "email": 1}, {"email": 1}, groups)
    assert has_room("voice", {"chat": 0, "email": 1}, {}, groups)


def test_the_users_own_numbers_win_over_the_teams_and_those_over_the_usual():
    usual = {"push": 3, "limit": 3}
    assert capacity_of("chat", {}, {}, usual) == usual
    assert capacity_of("chat", {}, {"chat": {"push": 4, "limit": 6}}, usual) == {"push": 4, "limit": 6}
    assert capacity_of("chat", {"chat": {"push": 0}}, {"chat": {"push": 4, "limit": 6}}, usual) == {
        "push": 0,
        "limit": 6,
    }


def test_who_has_declined_is_asked_again_after_a_while():
    plan = made(service(), [agent(7)], [chat(1, 0, declined={7: 60.0})])
    assert plan.decide(10) is None
    assert (plan.why(1), plan.next_moment()) == ("declined", 60)
    assert plan.decide(60) == Decision(1, 7)


def test_one_team_alone_may_be_asked_for():
    plan = made(service(), [agent(7), agent(8, NIGHT)], [chat(1, 0, team=NIGHT)])
    assert all_decisions(plan, 1) == [(1, 8)]


def test_a_service_of_pull_offers_nothing_and_an_unknown_one_is_refused():
    plan = made(service(push=False), [agent(7)], [chat(1, 0)])
    assert plan.decide(1) is None
    assert plan.why(1) == "pull"
    with pytest.raises(LookupError):
        plan.put(chat(2, 0, service=99))
