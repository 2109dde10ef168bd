"""Who waits where, and who could take it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class AgentInfo:
    """An agent who could take an interaction now. ``ready_since`` orders by longest idle.

    ``skills`` are levels (1 to 5) by the skill's key, ``in_hand`` numbers of interactions by channel.
    """

    id: int
    login: str
    team_ids: tuple[int, ...]
    languages: tuple[str, ...]
    ready_since: datetime
    handled_today: int = 0
    skills: Mapping[str, int] = field(default_factory=dict)
    in_hand: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """Where an interaction waits: higher ``priority`` first, then the older ``since``."""

    priority: int
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class AgentScore:
    """A plugin's opinion of one agent for one interaction; opinions add up, the built-in choice takes the highest."""

    agent_id: int
    score: float
    reason: str = ""
