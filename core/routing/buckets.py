"""What lies together in a plan: agents of the same abilities, and waiting items that ask for the same agents. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.routing.choice import Agent, Order
from core.routing.rules import Requirement


@dataclass(frozen=True, slots=True)
class Opening:
    """Whom something may be offered to now that has waited from ``after`` until ``until`` seconds; ``last_agent``: see :class:`ServiceRules`."""

    after: float
    until: float | None
    agents: frozenset[int]
    last_agent: bool


class Profile:
    """Agents of the same teams and skills; ``free`` are those with room, by channel."""

    __slots__ = ("free", "skills", "teams")

    def __init__(self, teams: frozenset[int], skills: Mapping[int, int]) -> None:
        self.teams, self.skills = teams, skills
        self.free: dict[str, dict[int, Agent]] = {}

    def suits(self, asked: Requirement) -> bool:
        return any(way.allows(self.teams, self.skills) for way in asked)


Key = tuple[str, Requirement, int | None, frozenset[int]]


class Bucket:
    """Waiting items that ask for the same agents. ``heap`` may hold places of items that have left.

    ``only`` is the one agent they wait for, ``declined`` who is not asked. ``candidate`` is the place under which the bucket is
    among the candidates of the plan.
    """

    __slots__ = ("candidate", "channel", "declined", "heap", "key", "only", "profiles", "requirement")

    def __init__(self, key: Key, profiles: set[Profile]) -> None:
        self.key, self.profiles = key, profiles
        self.channel, self.requirement, self.only, self.declined = key
        self.heap: list[Order] = []
        self.candidate: Order | None = None

    def admits(self, agent: Agent, profile: Profile) -> bool:
        """Whether this agent may serve what is in here and has room for it."""
        return (
            profile in self.profiles
            and agent.id in profile.free.get(self.channel, ())
            and self.only in (None, agent.id)
            and agent.id not in self.declined
        )

    def able(self) -> list[Agent]:
        """Everybody who may and has room, the longest idle first."""
        found = [
            agent
            for profile in self.profiles
            for agent in profile.free.get(self.channel, {}).values()
            if self.only in (None, agent.id) and agent.id not in self.declined
        ]
        found.sort(key=lambda agent: (agent.idle_since, agent.id))
        return found
