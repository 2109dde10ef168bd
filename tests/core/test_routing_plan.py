"""The decision alone: order, skills that relax, the last agent, overflow, hours, capacity; and against a naive router."""

from __future__ import annotations

import doctest
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
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


# --- against a naive router --------------------------------------------------------------------------


class Naive:
    """The same decision by looking at everything each time."""

    def __init__(self, rules: list[ServiceRules]) -> None:
        self.rules = {one.id: one for one in rules}
        self.agents: dict[int, Agent] = {}
        self.waiting: dict[int, Waiting] = {}

    def decide(self, now: int) -> tuple[int, int] | None:
        for item in sorted(self.waiting.values(), key=lambda item: (-item.priority, item.queued_at, item.id)):
            able = [one for one in self.agents.values() if self.may(item, one, now) and self.room(one, item.channel)]
            only = self.only(item, now)
            able = [one for one in able if only in (None, one.id)]
            if able:
                rules = self.rules[item.service]
                last = item.preferred if rules.prefers_last_agent else None
                chosen = min(able, key=lambda one: (one.id != last, *self.merit(rules, one), one.idle_since, one.id))
                return item.id, chosen.id
        return None

    def merit(self, rules: ServiceRules, one: Agent) -> tuple[int, ...]:
        if rules.agent_choice == "most_skilled":
            return (-sum(one.skills.get(rule.skill, 0) for rule in rules.skills),)
        return (one.handled_today,) if rules.agent_choice == "fewest_handled" else ()

    def only(self, item: Waiting, now: int) -> int | None:
        rules, last = self.rules[item.service], self.agents.get(item.preferred or 0)
        alone = rules.prefers_last_agent and now - item.began < rules.last_agent_seconds
        return last.id if alone and last is not None and self.may(item, last, now) else None

    def may(self, item: Waiting, one: Agent, now: int) -> bool:
        if item.declined.get(one.id, 0) > now:
            return False
        rules, waited = self.rules[item.service], now - item.began
        if not rules.push:
            return False
        other = self.rules.get(rules.overflow or 0)
        over = other is not None and (
            0 < rules.overflow_seconds <= waited or (not rules.is_open and rules.closed_action == "overflow")
        )
        waits = not rules.is_open and (
            rules.closed_action == "wait" or (rules.closed_action == "overflow" and not other)
        )
        if waits:
            return False
        if (rules.is_open or rules.closed_action == "offer") and self.serves(rules, item.line, item.team, one, waited):
            return True
        return bool(
            over and (other.is_open or other.closed_action == "offer") and self.serves(other, 1, None, one, waited)
        )

    def serves(self, rules: ServiceRules, line: int, team: int | None, one: Agent, waited: int) -> bool:
        teams = {rule.team for rule in rules.teams if rule.line == line and rule.after_seconds <= waited}
        if not ({team} if team else teams) & one.teams:
            return False
        for rule in rules.skills:
            level = rule.level
            if rule.relax_seconds:
                level = max(min(rule.level, rule.floor), level - max(waited, 0) // rule.relax_seconds)
            if one.skills.get(rule.skill, 0) < level:
                return False
        return True

    def room(self, one: Agent, channel: str) -> bool:
        others = {name for name, number in one.in_hand.items() if number and name != channel}
        mixes = not others or any({channel, *others} <= set(group) for group in one.mix)
        return one.available and mixes and one.in_hand.get(channel, 0) < one.capacity.get(channel, 1)


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
