"""Services, cases, interactions and messages as hooks see them, and their changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.contracts.texts import Direction, JsonValue, Text


@dataclass(frozen=True, slots=True)
class ServiceInfo:
    """A service as hooks see it.

    The last three are filled in where an agent is chosen: ``agent_choice`` is longest_idle, most_skilled or
    fewest_handled, ``skills`` the levels asked for at first by the skill's key.
    """

    id: int
    key: str
    title: Text
    language: str
    team_ids: tuple[int, ...]
    priority: int
    disposition_required: bool
    agent_choice: str = "longest_idle"
    prefers_last_agent: bool = True
    skills: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CaseInfo:
    """A case as hooks see it: a picture taken when the hook was called."""

    id: int
    number: str
    subject: str
    status: str
    priority: str
    service_id: int | None
    contact_id: int | None
    assignee_id: int | None
    thread_token: str
    created_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class InteractionInfo:
    """An interaction as hooks see it. ``preferred_agent_id`` is the agent of before, ``line`` the support line."""

    id: int
    channel: str
    direction: Direction
    state: str
    case_id: int | None
    contact_id: int | None
    service_id: int | None
    agent_id: int | None
    priority: int
    queued_at: datetime | None
    preferred_agent_id: int | None = None
    line: int = 1


@dataclass(frozen=True, slots=True)
class MessageInfo:
    """A stored message as hooks see it. ``author`` is contact, agent, system or bot."""

    id: int
    interaction_id: int
    case_id: int
    author: str
    direction: Direction
    subject: str
    body_text: str
    automatic: bool
    first_in_case: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class CaseChange:
    """What a ``during_case_change`` hook is told: names of the changed fields with (before, after)."""

    case: CaseInfo
    changes: Mapping[str, tuple[JsonValue, JsonValue]]
    cause: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SetupChange:
    """What the setup hooks are told. ``kind`` is "calendar" or "service"; names of the changed fields with (before, after).

    A calendar has one field, ``settings``: None before it is added and after it is removed.
    """

    kind: str
    key: str
    changes: Mapping[str, tuple[JsonValue, JsonValue]]
