"""Which waiting interaction goes to which agent: the decision itself. Pure and deterministic: no data base, no clock.

The live router builds a plan from the data base for each pass; the simulation in ``bench/`` keeps one for a whole run.
Times are seconds on any one clock, see :mod:`core.routing.rules`. The order is priority, then age, then id, always kept
within what an agent may serve: what nobody can serve now never holds up what is behind it.

Everything that asks for the same agents lies in one bucket, a heap in the order of the queue; a decision looks at the
heads of buckets only. When time changes what an item asks for, it moves to another bucket.

>>> plan = Plan([ServiceRules(id=1, teams=(TeamRule(team=7),))])
>>> plan.put_agent(Agent(id=5, teams=frozenset({7}), idle_since=0.0))
>>> plan.put(Waiting(id=100, service=1, channel="voice", queued_at=1.0))
>>> plan.put(Waiting(id=101, service=1, channel="voice", queued_at=2.0))
>>> plan.decide(now=3.0)
Decision(waiting=100, agent=5)
>>> plan.decide(now=3.0) is None
True
>>> plan.free(5, "voice", now=60.0)
>>> plan.decide(now=60.0)
Decision(waiting=101, agent=5)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from heapq import heappop, heappush

from core.routing.buckets import Bucket, Key, Opening, Profile
from core.routing.choice import Agent, Decision, Match, Order, Waiting, best_of, last_agent_scores
from core.routing.rules import OFFER, Requirement, ServiceRules, TeamRule, requirement, steps

__all__ = ["Agent", "Decision", "Match", "Plan", "ServiceRules", "TeamRule", "Waiting"]
# From so many agents with new room on, all buckets are looked at, which costs less than each agent by each bucket.
MANY = 8


class Plan:
    """The queue and the agents of a centre at one moment, changed step by step."""

    def __init__(self, services: Iterable[ServiceRules] = (), now: float = float("-inf")) -> None:
        self.now = now
        self.services: dict[int, ServiceRules] = {}
        self.agents: dict[int, Agent] = {}
        self.waiting: dict[int, Waiting] = {}
        self._steps: dict[int, tuple[float, ...]] = {}
        self._asked: dict[tuple[int, int, int | None, int], Requirement] = {}
        self._profiles: dict[tuple[frozenset[int], tuple[tuple[int, int], ...]], Profile] = {}
        self._profile_of: dict[int, Profile] = {}
        self._profiles_of_team: dict[int, list[Profile]] = {}
        self._suiting: dict[Requirement, set[Profile]] = {}
        self._roomy: dict[str, set[Profile]] = {}
        self._buckets: dict[Key, Bucket] = {}
        self._bucket_of: dict[int, Bucket] = {}
        self._due: dict[int, float] = {}
        self._timers: list[tuple[float, int]] = []
        self._preferring: dict[int, set[int]] = {}
        self._freed: dict[int, None] = {}
        self._candidates: list[tuple[Order, int, Bucket]] = []
        self._pushed = 0
        self.put_services(services)

    # --- what there is

    def put_services(self, services: Iterable[ServiceRules]) -> None:
        """Set or replace rules; what waits is looked at anew."""
        for rules in services:
            self.services[rules.id] = rules
        self._steps.clear()
        self._asked.clear()
        for item in self.waiting.values():
            self._place(item)

    def put_agent(self, agent: Agent) -> None:
        """An agent has signed on, or anything about one has changed."""
        self._forget(agent.id)
        self.agents[agent.id] = agent
        self._profile_of[agent.id] = self._profile(agent)
        for channel in self._roomy:
            self._note_room(agent, channel)
        self._place_those_preferring(agent.id)

    def remove_agent(self, agent_id: int) -> None:
        """An agent has signed off; what waited for this one alone is for everybody now."""
        if agent_id in self.agents:
            self._forget(agent_id)
            self._place_those_preferring(agent_id)

    def set_available(self, agent_id: int, available: bool) -> None:
        """Let the router offer to an agent, or keep it from doing so; the agent stays signed on."""
        agent = self.agents[agent_id]
        agent.available = available
        for channel in self._roomy:
            self._note_room(agent, channel)

    def put(self, item: Waiting) -> None:
        """An interaction waits, or anything about one that waits has changed. ``LookupError`` for an unknown service."""
        if item.service not in self.services:
            raise LookupError(f"no rules for service {item.service}")
        self.remove(item.id)
        self.waiting[item.id] = item
        if item.preferred is not None:
            self._preferring.setdefault(item.preferred, set()).add(item.id)
        self._place(item)

    def remove(self, waiting_id: int) -> None:
        """An interaction waits no longer; nothing happens when it did not."""
        item = self.waiting.pop(waiting_id, None)
        if item is None:
            return
        del self._bucket_of[waiting_id]
        self._due.pop(waiting_id, None)
        if item.preferred is not None:
            self._preferring[item.preferred].discard(waiting_id)

    # --- decisions

    def decide(self, now: float, score: Callable[[Match], Mapping[int, float]] | None = None) -> Decision | None:
        """Give the first that can be served to the best agent; None when nothing can be given now.

        ``score`` says by agent who suits better; without it the agent of before does (:func:`last_agent_scores`).
        """
        match = self.next(now)
        if match is None:
            return None
        rules = self.services[match.waiting.service]
        scores = score(match) if score else last_agent_scores(match, rules)
        chosen = best_of(match.agents, scores, rules.agent_choice, rules.skill_levels())
        self.assign(match.waiting.id, chosen.id)
        return Decision(match.waiting.id, chosen.id)

    def next(self, now: float) -> Match | None:
        """The first in the queue's order that anybody may serve now. Go on with :meth:`assign` or :meth:`remove`."""
        self._move_time(now)
        self._gather()
        while self._candidates:
            order, _, bucket = self._candidates[0]
            if order == bucket.candidate == self._head(bucket) and (agents := bucket.able()):
                return Match(self.waiting[order[2]], agents)
            heappop(self._candidates)
            if order == bucket.candidate:
                bucket.candidate = None
                if self._head(bucket) != order:
                    self._make_candidate(bucket)
        return None

    def assign(self, waiting_id: int, agent_id: int) -> None:
        """The agent has it in hand from now on."""
        item, agent = self.waiting[waiting_id], self.agents[agent_id]
        self.remove(waiting_id)
        self._set_in_hand(agent, item.channel, agent.in_hand.get(item.channel, 0) + 1)
        agent.idle_since = max(self.now, agent.idle_since)

    def free(self, agent_id: int, channel: str, now: float) -> None:
        """An interaction of the agent has ended: there is room again, and the idle time begins."""
        agent = self.agents[agent_id]
        agent.idle_since = now
        agent.handled_today += 1
        self._set_in_hand(agent, channel, max(0, agent.in_hand.get(channel, 0) - 1))

    def next_moment(self) -> float | None:
        """When time alone will change something: a relaxation, an overflow, a pause after a refusal, an opening."""
        while self._timers and self._due.get(self._timers[0][1]) != self._timers[0][0]:
            heappop(self._timers)
        moments = [self._timers[0][0]] if self._timers else []
        if any(not rules.is_open for rules in self.services.values()):
            waited_for = {item.service for item in self.waiting.values()}
            waited_for |= {self.services[service].overflow or service for service in waited_for}
            opening = [self.services[service].opens_at for service in waited_for if service in self.services]
            moments += [moment for moment in opening if moment is not None and moment > self.now]
        return min(moments, default=None)

    def why(self, waiting_id: int) -> str:
        """Why something still waits.

        One of pull, closed, no-team, nobody-signed-on, nobody-skilled, last-agent, agents-busy, declined; "next" when nothing
        keeps it from being offered.
        """
        item, bucket = self.waiting[waiting_id], self._bucket_of[waiting_id]
        rules = self.services[item.service]
        if not rules.push:
            return "pull"
        if not bucket.requirement:
            return "no-team" if rules.is_open or rules.closed_action == OFFER else "closed"
        teams = {team for way in bucket.requirement for team in way.teams}
        members = [agent for agent in self.agents.values() if not agent.teams.isdisjoint(teams)]
        skilled = [agent for agent in members if self._profile_of[agent.id] in bucket.profiles]
        if not skilled:
            return "nobody-skilled" if members else "nobody-signed-on"
        free = [agent for agent in skilled if agent.has_room(item.channel)]
        if bucket.only is not None:
            return "next" if any(agent.id == bucket.only for agent in free) else "last-agent"
        if not free:
            return "agents-busy"
        return "declined" if all(agent.id in bucket.declined for agent in free) else "next"

    def openings(self, service: int, line: int, team: int | None, channel: str) -> list[Opening]:
        """By how long something has waited there: whom it may be offered to now. Stretches of the same agents are one."""
        self._know(channel)
        marks = (0.0, *self._steps_of(service))
        found: list[Opening] = []
        for after, until in zip(marks, (*marks[1:], None), strict=True):
            asked = requirement(self.services, service, line, team, after)
            suiting = self._with_room(asked, channel)
            agents = frozenset(agent for profile in suiting for agent in profile.free[channel])
            alone = self._waits_for_last_agent(service) and after < self.services[service].last_agent_seconds
            if found and (found[-1].agents, found[-1].last_agent) == (agents, alone):
                after = found.pop().after
            found.append(Opening(after, until, agents, alone))
        return found

    # --- agents

    def _profile(self, agent: Agent) -> Profile:
        key = (agent.teams, tuple(sorted(agent.skills.items())))
        profile = self._profiles.get(key)
        if profile is None:
            profile = self._profiles[key] = Profile(agent.teams, dict(agent.skills))
            for team in agent.teams:
                self._profiles_of_team.setdefault(team, []).append(profile)
            for asked, suiting in self._suiting.items():
                if profile.suits(asked):
                    suiting.add(profile)
        return profile

    def _forget(self, agent_id: int) -> None:
        if self.agents.pop(agent_id, None) is not None:
            profile = self._profile_of.pop(agent_id)
            for channel in profile.free:
                self._take_from(profile, channel, agent_id)
            self._freed.pop(agent_id, None)

    def _take_from(self, profile: Profile, channel: str, agent_id: int) -> None:
        free = profile.free.get(channel, {})
        if free.pop(agent_id, None) is not None and not free:
            self._roomy[channel].discard(profile)

    def _set_in_hand(self, agent: Agent, changed: str, number: int) -> None:
        agent.in_hand[changed] = number
        for channel in self._roomy:
            self._note_room(agent, channel)

    def _note_room(self, agent: Agent, channel: str) -> None:
        """Bring the agents with room in line with what one has in hand; who has room anew is looked at by the next decision."""
        profile = self._profile_of[agent.id]
        free = profile.free.setdefault(channel, {})
        if not agent.has_room(channel):
            self._take_from(profile, channel, agent.id)
        elif agent.id not in free:
            free[agent.id] = agent
            self._roomy[channel].add(profile)
            self._freed[agent.id] = None

    # --- the queue

    def _place(self, item: Waiting) -> None:
        """Put an item into the bucket of those that ask for the same agents now, and set its timer."""
        self._know(item.channel)
        moments = [item.began + step for step in self._steps_of(item.service)]
        stage = sum(moment <= self.now for moment in moments)
        declined = {agent: until for agent, until in item.declined.items() if until > self.now}
        asked = self._requirement(item, stage)
        key = (item.channel, asked, self._only(item, asked, declined), frozenset(declined))
        self._set_timer(item.id, min([*moments[stage : stage + 1], *declined.values()], default=None))
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(key, self._profiles_for(asked))
        if self._bucket_of.get(item.id) is not bucket:
            self._bucket_of[item.id] = bucket
            heappush(bucket.heap, item.order)
            self._make_candidate(bucket)

    def _know(self, channel: str) -> None:
        if channel not in self._roomy:
            self._roomy[channel] = set()
            for agent in self.agents.values():
                self._note_room(agent, channel)

    def _steps_of(self, service: int) -> tuple[float, ...]:
        if service not in self._steps:
            self._steps[service] = steps(self.services, service)
        return self._steps[service]

    def _requirement(self, item: Waiting, stage: int) -> Requirement:
        key = (item.service, item.line, item.team, stage)
        if key not in self._asked:
            waited = self._steps_of(item.service)[stage - 1] if stage else 0.0
            self._asked[key] = requirement(self.services, item.service, item.line, item.team, waited)
        return self._asked[key]

    def _profiles_for(self, asked: Requirement) -> set[Profile]:
        if asked not in self._suiting:
            self._suiting[asked] = {
                profile
                for way in asked
                for team in way.teams
                for profile in self._profiles_of_team.get(team, ())
                if way.allows(profile.teams, profile.skills)
            }
        return self._suiting[asked]

    def _with_room(self, asked: Requirement, channel: str) -> list[Profile]:
        """Those who suit and have somebody with room, looked for from the smaller side."""
        roomy = self._roomy[channel]
        if len(roomy) > MANY:
            return [profile for profile in self._profiles_for(asked) if profile in roomy]
        return [profile for profile in roomy if profile.suits(asked)]

    def _only(self, item: Waiting, asked: Requirement, declined: Mapping[int, float]) -> int | None:
        """The agent of before, while the service waits for this one alone: signed on, allowed, not declined."""
        rules, preferred = self.services[item.service], item.preferred
        if preferred is None or preferred in declined or not self._waits_for_last_agent(item.service):
            return None
        profile = self._profile_of.get(preferred)
        if profile is None or item.began + rules.last_agent_seconds <= self.now or not profile.suits(asked):
            return None
        return preferred

    def _waits_for_last_agent(self, service: int) -> bool:
        return self.services[service].prefers_last_agent and self.services[service].last_agent_seconds > 0

    def _set_timer(self, item_id: int, moment: float | None) -> None:
        if moment is None:
            self._due.pop(item_id, None)
        elif self._due.get(item_id) != moment:
            self._due[item_id] = moment
            heappush(self._timers, (moment, item_id))

    def _move_time(self, now: float) -> None:
        self.now = max(self.now, now)
        while self._timers and self._timers[0][0] <= self.now:
            moment, item_id = heappop(self._timers)
            if self._due.get(item_id) == moment:
                del self._due[item_id]
                self._place(self.waiting[item_id])

    def _place_those_preferring(self, agent_id: int) -> None:
        for item_id in self._preferring.get(agent_id, ()):
            self._place(self.waiting[item_id])

    def _head(self, bucket: Bucket) -> Order | None:
        heap = bucket.heap
        while heap:
            item_id = heap[0][2]
            if self._bucket_of.get(item_id) is bucket and self.waiting[item_id].order == heap[0]:
                return heap[0]
            heappop(heap)
        return None

    def _make_candidate(self, bucket: Bucket) -> None:
        head = self._head(bucket)
        if head is None:
            self._buckets.pop(bucket.key, None)
        elif bucket.candidate is None or head < bucket.candidate:
            bucket.candidate = head
            self._pushed += 1
            heappush(self._candidates, (head, self._pushed, bucket))

    def _gather(self) -> None:
        """Make candidates of what the agents with new room may serve."""
        if len(self._freed) > MANY:
            for bucket in list(self._buckets.values()):
                self._make_candidate(bucket)
        else:
            freed = [(self.agents[agent_id], self._profile_of[agent_id]) for agent_id in self._freed]
            for bucket in list(self._buckets.values()) if freed else ():
                if any(bucket.admits(agent, profile) for agent, profile in freed):
                    self._make_candidate(bucket)
        self._freed.clear()
