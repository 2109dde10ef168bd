"""The routing decision against queueing theory, in virtual time.

    python -m bench.simulation [--calls 100000] [--seed 1]

Calls come at random, conversations last exponentially long, and every decision is made by the plan that the live router
uses (:mod:`core.routing.plan`). Service level, average speed of answer, occupancy and abandonment must be those of
Erlang C, and of Erlang A where callers give up, within 1 %.

A plain average needs far more calls than anybody waits for: at 95 % load the answer time of 100,000 calls still swings by
a tenth. So the same calls also go through a queue without a router (whoever is free first takes the oldest, in eight
lines below), whose average Erlang gives exactly. How far it is off by chance is taken off the plan's average as well: a
control variate. What is left is what the plan does differently; nothing, when no call waits while an agent is free and the
oldest goes first. The plain averages stand beside it with their 95 % intervals by batch means.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush, heapreplace
from math import sqrt
from statistics import fmean, stdev

from bench.erlang import Expected, impatient, patient
from bench.house import table
from core.routing.plan import Agent, Plan, ServiceRules, TeamRule, Waiting

HANDLING, TARGET, PATIENCE = 180.0, 20.0, 120.0
WARM_UP = 0.1
BATCHES = 20
# Student's t for 19 degrees of freedom, two-sided 95 %.
STUDENT = 2.093
GOAL = 0.01
SERVICE, TEAM, CHANNEL = 1, 1, "voice"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A centre: how many agents, how much of their time the calls would take, mean patience in seconds (None: endless)."""

    agents: int
    share: float
    patience: float | None = None

    @property
    def rate(self) -> float:
        """Calls a second."""
        return self.agents * self.share / HANDLING

    def expected(self) -> Expected:
        """What theory says."""
        if self.patience is None:
            return patient(self.agents, self.rate, HANDLING, TARGET)
        return impatient(self.agents, self.rate, HANDLING, TARGET, self.patience)


@dataclass(frozen=True, slots=True)
class Call:
    """When it comes, how long it will be talked, how long the caller waits at most; seconds."""

    at: float
    talk: float
    patience: float


@dataclass(slots=True)
class Outcome:
    """By call: how long it waited and whether it was answered; ``talked`` is time on the line by agent."""

    waited: list[float]
    answered: list[bool]
    talked: list[float]


def calls_of(scenario: Scenario, count: int, seed: int) -> list[Call]:
    """The calls of one run."""
    chance, now, calls = random.Random(seed), 0.0, []
    for _ in range(count):
        now += chance.expovariate(scenario.rate)
        patience = chance.expovariate(1 / scenario.patience) if scenario.patience else float("inf")
        calls.append(Call(now, chance.expovariate(1 / HANDLING), patience))
    return calls


def routed(agents: int, calls: Sequence[Call]) -> Outcome:
    """The calls through the routing plan: an event is the end of a talk or a caller giving up."""
    plan = Plan([ServiceRules(SERVICE, (TeamRule(TEAM),))])
    for number in range(agents):
        plan.put_agent(Agent(number, frozenset({TEAM}), idle_since=-1.0 - number))
    outcome = Outcome([0.0] * len(calls), [False] * len(calls), [0.0] * agents)
    ends: list[tuple[float, int]] = []
    leaves: list[tuple[float, int]] = []

    def decide(now: float) -> None:
        while (decision := plan.decide(now)) is not None:
            call = calls[decision.waiting]
            outcome.waited[decision.waiting], outcome.answered[decision.waiting] = now - call.at, True
            outcome.talked[decision.agent] += call.talk
            heappush(ends, (now + call.talk, decision.agent))

    def happen(until: float) -> None:
        while (ends and ends[0][0] <= until) or (leaves and leaves[0][0] <= until):
            if leaves and (not ends or leaves[0][0] < ends[0][0]):
                _, number = heappop(leaves)
                if number in plan.waiting:
                    plan.remove(number)
                    outcome.waited[number] = calls[number].patience
                continue
            now, agent = heappop(ends)
            plan.free(agent, CHANNEL, now)
            decide(now)

    for number, call in enumerate(calls):
        happen(call.at)
        plan.put(Waiting(number, SERVICE, CHANNEL, call.at))
        decide(call.at)
        if number in plan.waiting and call.patience < float("inf"):
            heappush(leaves, (call.at + call.patience, number))
    happen(float("inf"))
    return outcome


def unrouted(agents: int, calls: Sequence[Call]) -> Outcome:
    """The same calls where the agent who is free first takes the oldest: theory's own queue."""
    outcome = Outcome([], [], [0.0] * agents)
    free = [(0.0, number) for number in range(agents)]
    heapify(free)
    for call in calls:
        moment, agent = free[0]
        wait = max(0.0, moment - call.at)
        outcome.answered.append(wait < call.patience)
        outcome.waited.append(min(wait, call.patience))
        if outcome.answered[-1]:
            outcome.talked[agent] += call.talk
            heapreplace(free, (call.at + wait + call.talk, agent))
    return outcome


def averages(scenario: Scenario, calls: Sequence[Call], outcome: Outcome, numbers: range) -> Expected:
    """What the calls of these numbers saw. Occupancy is the talk of those answered over the time in which they came."""
    answered = [outcome.waited[number] for number in numbers if outcome.answered[number]]
    elapsed = calls[numbers[-1]].at - calls[numbers[0]].at
    talked = sum(calls[number].talk for number in numbers if outcome.answered[number])
    return Expected(
        waits=sum(outcome.waited[number] > 0 for number in numbers) / len(numbers),
        service_level=sum(wait <= TARGET for wait in answered) / len(numbers),
        answer_seconds=fmean(answered),
        occupancy=talked / elapsed / scenario.agents,
        abandoned=1 - len(answered) / len(numbers),
    )


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure: what theory says, the plain average with half its 95 % interval, and the average with the chance taken off."""

    name: str
    theory: float
    plain: float
    half: float
    corrected: float

    @property
    def off(self) -> float:
        """How far from theory, as a share of it."""
        return abs(self.corrected - self.theory) / self.theory


def measure(scenario: Scenario, count: int, seed: int) -> tuple[list[Measure], float]:
    """The figures of one scenario, and the busiest agent's time over the idlest one's."""
    calls = calls_of(scenario, count, seed)
    ours, theirs = routed(scenario.agents, calls), unrouted(scenario.agents, calls)
    first = int(count * WARM_UP)
    whole = range(first, count)
    mine, reference = (averages(scenario, calls, outcome, whole) for outcome in (ours, theirs))
    size = len(whole) // BATCHES
    batches = [
        averages(scenario, calls, ours, range(first + size * number, first + size * (number + 1)))
        for number in range(BATCHES)
    ]
    theory, found = scenario.expected(), []
    for name in ("service_level", "answer_seconds", "occupancy", *(["abandoned"] if scenario.patience else [])):
        known, plain = getattr(theory, name), getattr(mine, name)
        half = STUDENT * stdev(getattr(batch, name) for batch in batches) / sqrt(BATCHES)
        found.append(Measure(name, known, plain, half, plain - getattr(reference, name) + known))
    return found, max(ours.talked) / min(ours.talked)


SCENARIOS = [Scenario(agents, share) for agents in (5, 20, 100) for share in (0.7, 0.8, 0.9, 0.95)]
SCENARIOS += [Scenario(agents, share, PATIENCE) for agents in (5, 20, 100) for share in (0.8, 0.95, 1.1)]


def rows(scenarios: Iterable[Scenario], count: int, seed: int) -> tuple[list[list[str]], float]:
    """The lines of the table, and the greatest distance from theory."""
    lines, worst = [], 0.0
    for number, scenario in enumerate(scenarios):
        found, spread = measure(scenario, count, seed + number)
        worst = max(worst, *(one.off for one in found))
        line = [f"{scenario.agents} at {scenario.share:.0%}{', giving up' if scenario.patience else ''}"]
        for one in found:
            scale, unit = (1.0, " s") if one.name == "answer_seconds" else (100.0, "")
            line.append(f"{one.theory * scale:.1f}{unit}")
            line.append(f"{one.plain * scale:.1f} ±{one.half * scale:.1f}")
            line.append(f"{one.off:.2%}")
        line += ["", "", ""] if scenario.patience is None else []
        lines.append([*line, f"{spread:.2f}"])
    return lines, worst


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.simulation", description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000, help="in each scenario")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.process_time()
    lines, worst = rows(SCENARIOS, options.calls, options.seed)
    names = ("service level %", "answer time", "occupancy %", "abandoned %")
    head = ["agents at load", *(column for name in names for column in (name, "plain", "off")), "busiest/idlest"]
    print(
        f"Routing against Erlang C and A: {options.calls} calls each, mean talk {HANDLING:.0f} s, target {TARGET:.0f} s, "
        f"mean patience {PATIENCE:.0f} s, seed {options.seed}"
    )
    print(table(head, lines))
    print(f"greatest distance from theory {worst:.2%} (goal {GOAL:.0%}), CPU {time.process_time() - began:.0f} s")
    return int(worst > GOAL)


if __name__ == "__main__":
    sys.exit(main())
