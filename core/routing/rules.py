"""What a service asks of who serves it, as waiting goes on. Pure: no data base, no clock.

Times are seconds on any one clock (the live router uses POSIX time, a simulation its own), durations are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LONGEST_IDLE, MOST_SKILLED, FEWEST_HANDLED = AGENT_CHOICES = ("longest_idle", "most_skilled", "fewest_handled")
WAIT, OFFER, OVERFLOW = CLOSED_ACTIONS = ("wait", "offer", "overflow")


@dataclass(frozen=True, slots=True)
class TeamRule:
    """A team serves one line of a service, once something has waited ``after_seconds``."""

    team: int
    line: int = 1
    after_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class SkillRule:
    """A skill to a ``level``; each ``relax_seconds`` of waiting (0: never) asks for one less, not below ``floor``."""

    skill: int
    level: int
    relax_seconds: float = 0.0
    floor: int = 0

    def asked(self, waited: float) -> int:
        """The level asked for after ``waited`` seconds; never rises with them."""
        return self.level - sum(step <= waited for step in self.steps())

    def steps(self) -> list[float]:
        """After how many seconds the level falls."""
        if self.relax_seconds <= 0:
            return []
        return [self.relax_seconds * number for number in range(1, self.level - self.floor + 1)]


@dataclass(frozen=True, slots=True)
class ServiceRules:
    """How a service is routed; see :class:`core.model.Service` for the meaning of the fields.

    ``is_open`` is the state of its hours now, ``opens_at`` when they begin again (None: unknown or open) and ``changes_at``
    when who may be offered changes with them.
    """

    id: int
    teams: tuple[TeamRule, ...]
    skills: tuple[SkillRule, ...] = ()
    push: bool = True
    agent_choice: str = LONGEST_IDLE
    prefers_last_agent: bool = True
    last_agent_seconds: float = 0.0
    overflow: int | None = None
    overflow_seconds: float = 0.0
    is_open: bool = True
    opens_at: float | None = None
    closed_action: str = WAIT
    changes_at: float | None = None

    @property
    def waits_for_opening(self) -> bool:
        """Whether nothing is offered before the hours begin."""
        return not self.is_open and (
            self.closed_action == WAIT or (self.closed_action == OVERFLOW and self.overflow is None)
        )

    def skill_levels(self) -> dict[int, int]:
        """What is asked for at first, by skill."""
        return {rule.skill: rule.level for rule in self.skills}


@dataclass(frozen=True, slots=True)
class Way:
    """One way to be allowed: a member of any of ``teams`` with all of ``skills`` (pairs of skill and level)."""

    teams: frozenset[int]
    skills: tuple[tuple[int, int], ...]

    def allows(self, teams: frozenset[int], skills: Mapping[int, int]) -> bool:
        """Whether somebody of these teams and skills may."""
        return not self.teams.isdisjoint(teams) and all(skills.get(skill, 0) >= level for skill, level in self.skills)


Requirement = tuple[Way, ...]


def own_steps(rules: ServiceRules) -> set[float]:
    """After how many seconds of waiting the service's own teams or skills ask for something else."""
    teams = {rule.after_seconds for rule in rules.teams if rule.after_seconds > 0}
    return teams.union(*(rule.steps() for rule in rules.skills)) if rules.skills else teams


def steps(services: Mapping[int, ServiceRules], service: int) -> tuple[float, ...]:
    """After how many seconds of waiting anything changes for what waits in a service, rising."""
    rules = services[service]
    found = own_steps(rules)
    if rules.prefers_last_agent and rules.last_agent_seconds > 0:
        found.add(rules.last_agent_seconds)
    other = services.get(rules.overflow) if rules.overflow is not None else None
    if other is not None and (rules.overflow_seconds > 0 or not rules.is_open):
        found |= own_steps(other) | ({rules.overflow_seconds} if rules.overflow_seconds > 0 else set())
    return tuple(sorted(found))


def requirement(
    services: Mapping[int, ServiceRules], service: int, line: int, team: int | None, waited: float
) -> Requirement:
    """Who may serve what has waited ``waited`` seconds on ``line``; with ``team`` only that team. Empty: nobody yet.

    An overflow goes to the first line of the other service, by that service's rules; its own overflow is not followed.
    """
    rules = services[service]
    if not rules.push or rules.waits_for_opening:
        return ()
    ways = []
    if rules.is_open or rules.closed_action == OFFER:
        ways.append(_way(rules, line, team, waited))
    other = services.get(rules.overflow) if rules.overflow is not None else None
    over_time = 0 < rules.overflow_seconds <= waited
    closed = not rules.is_open and rules.closed_action == OVERFLOW
    if other is not None and (over_time or closed) and (other.is_open or other.closed_action == OFFER):
        ways.append(_way(other, 1, None, waited))
    return tuple(way for way in ways if way.teams)


def _way(rules: ServiceRules, line: int, team: int | None, waited: float) -> Way:
    if team is not None:
        teams = frozenset({team})
    else:
        teams = frozenset(rule.team for rule in rules.teams if rule.line == line and rule.after_seconds <= waited)
    asked = ((rule.skill, rule.asked(waited)) for rule in rules.skills)
    return Way(teams, tuple(sorted((skill, level) for skill, level in asked if level > 0)))
