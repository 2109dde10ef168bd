"""Who is there, what waits, and whom of those who may serve it the built-in router chooses. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from core.routing.capacity import Mix, has_room
from core.routing.rules import FEWEST_HANDLED, MOST_SKILLED, ServiceRules

LAST_AGENT_SCORE = 10.0
Order = tuple[int, float, int]


@dataclass(slots=True)
class Agent:
    """Somebody who is signed on. ``available``: may be offered something now, as far as ``capacity`` leaves room.

    ``skills`` is level by skill; ``in_hand`` and ``capacity`` (what the router fills up to, 1 where nothing is said) are
    numbers by channel; ``mix`` are groups of channels that may be in hand together.
    """

    id: int
    teams: frozenset[int]
    skills: Mapping[int, int] = field(default_factory=dict)
    in_hand: dict[str, int] = field(default_factory=dict)
    capacity: Mapping[str, int] = field(default_factory=dict)
    mix: Mix = ()
    idle_since: float = 0.0
    handled_today: int = 0
    languages: tuple[str, ...] = ()
    available: bool = True

    def has_room(self, channel: str) -> bool:
        """Whether the router may offer one more of ``channel`` now."""
        return self.available and has_room(channel, self.in_hand, self.capacity, self.mix)


@dataclass(frozen=True, slots=True)
class Waiting:
    """An interaction in the queue. ``queued_at`` is its place, ``since`` what relaxation counts from (None: the place).

    ``preferred`` is the agent of before; ``declined`` says until when whom it is not offered to; ``team`` narrows it to one team.
    """

    id: int
    service: int
    channel: str
    queued_at: float
    priority: int = 0
    line: int = 1
    team: int | None = None
    preferred: int | None = None
    declined: Mapping[int, float] = field(default_factory=dict)
    since: float | None = None

    @property
    def order(self) -> Order:
        """The place in the queue; the smallest is first."""
        return (-self.priority, self.queued_at, self.id)

    @property
    def began(self) -> float:
        """When the waiting began that relaxation and overflow count."""
        return self.queued_at if self.since is None else self.since


@dataclass(frozen=True, slots=True)
class Match:
    """The first that can be served now and everybody who may serve it, the longest idle first."""

    waiting: Waiting
    agents: Sequence[Agent]


@dataclass(frozen=True, slots=True)
class Decision:
    """Ids of an interaction and of the agent who gets it."""

    waiting: int
    agent: int


def last_agent_scores(match: Match, rules: ServiceRules) -> dict[int, float]:
    """The agent of before scores more, where the service wants it so."""
    preferred = match.waiting.preferred
    return {preferred: LAST_AGENT_SCORE} if preferred is not None and rules.prefers_last_agent else {}


class Skilled(Protocol):
    """What the choice looks at, of an agent of the plan or of the one that hooks see."""

    @property
    def id(self) -> int: ...
    @property
    def skills(self) -> Mapping[Any, int]: ...
    @property
    def handled_today(self) -> int: ...


Some = TypeVar("Some", bound=Skilled)


def best_of(agents: Sequence[Some], scores: Mapping[int, float], choice: str, skills: Iterable[Any]) -> Some:
    """The highest score; among equals by the service's ``choice``; among equals again the first, who is idle longest.

    ``skills`` are those that the service asks for, in the agents' own kind of key.
    """
    if scores:
        best = max(scores.get(agent.id, 0.0) for agent in agents)
        agents = [agent for agent in agents if scores.get(agent.id, 0.0) == best]
    if choice == MOST_SKILLED:
        asked = list(skills)
        return max(agents, key=lambda agent: sum(agent.skills.get(skill, 0) for skill in asked))
    if choice == FEWEST_HANDLED:
        return min(agents, key=lambda agent: agent.handled_today)
    return agents[0]
