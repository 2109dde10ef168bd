"""The ``$(…)`` of articles and templates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.contracts.texts import Text


@dataclass(frozen=True, slots=True)
class VariableContext:
    """What ``$(…)`` variables may draw on; ids may be None where nothing is in focus."""

    user_id: int | None = None
    case_id: int | None = None
    interaction_id: int | None = None
    contact_id: int | None = None
    service_id: int | None = None


@dataclass(frozen=True, slots=True)
class Variable:
    """``$(name)`` in articles and templates. ``value`` returns "" when there is nothing to fill in."""

    name: str
    title: Text
    value: Callable[[VariableContext], str]
    example: str = ""
