"""How interactions end, and the steps of workflows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.contracts.pictures import CaseInfo
from core.contracts.texts import JsonValue, Text


@dataclass(frozen=True, slots=True)
class DispositionInfo:
    """A disposition as hooks see it."""

    id: int
    key: str
    title: Text
    closes_case: bool
    success: str
    workflow_key: str


@dataclass(frozen=True, slots=True)
class StepContext:
    """What a workflow step runs with. ``variables`` may be read; changes go back through :class:`StepResult`.

    ``idempotency_key`` is the same at every attempt of this step of this run.
    """

    run_id: int
    step_index: int
    idempotency_key: str
    case: CaseInfo | None
    interaction_id: int | None
    params: Mapping[str, JsonValue]
    variables: Mapping[str, JsonValue]
    now: datetime


@dataclass(frozen=True, slots=True)
class StepResult:
    """``wait_until`` parks the run; ``variables`` are merged into it; ``note`` goes to the run's log."""

    wait_until: datetime | None = None
    variables: Mapping[str, JsonValue] = field(default_factory=dict)
    note: str = ""
    stop: bool = False


@dataclass(frozen=True, slots=True)
class WorkflowStep:
    """A kind of step. ``run`` is called in the transaction that records it; the outside world is reached by the outbox."""

    type: str
    title: Text
    run: Callable[[StepContext], StepResult]
    params: tuple[str, ...] = ()
