"""Reading settings out of plain data (dict, TOML, YAML, JSON) with errors that name the field."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import TypeVar

Choice = TypeVar("Choice", bound=StrEnum)


class FieldError(ValueError):
    """A setting can't be understood; `field` is its dotted path, as `weekly.mon[0]`."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}" if field else problem)
        self.field = field
        self.problem = problem


def joined(parent: str, name: str) -> str:
    """The dotted path of a field inside its parent."""
    return f"{parent}.{name}" if parent else name


def mapping_in(value: object, field: str) -> Mapping[object, object]:
    """The value as a mapping, else `FieldError`."""
    if not isinstance(value, Mapping):
        raise FieldError(field, f"expected a table of names and values, got {value!r}")
    return value


def list_in(value: object, field: str) -> list[object]:
    """The value as a list, else `FieldError`; a lone text is refused because it would be read letter by letter."""
    if not isinstance(value, list | tuple):
        raise FieldError(field, f"expected a list, got {value!r}")
    return list(value)


def text_in(value: object, field: str) -> str:
    """The value as non-empty text, else `FieldError`."""
    if not isinstance(value, str) or not value.strip():
        raise FieldError(field, f"expected text, got {value!r}")
    return value.strip()


def date_in(value: object, field: str) -> date:
    """The value as a date: TOML and YAML give dates, JSON gives `YYYY-MM-DD`."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(text_in(value, field))
    except ValueError:
        raise FieldError(field, f"expected a date as 2026-12-31, got {value!r}") from None


def choice_in(kind: type[Choice], value: object, field: str) -> Choice:
    """The member of `kind` that the value names, else `FieldError`."""
    try:
        return kind(str(value))
    except ValueError:
        raise FieldError(field, f"expected one of {', '.join(kind)}, got {value!r}") from None


def refuse_unknown(given: Mapping[object, object], known: Collection[str], field: str) -> None:
    """Raise `FieldError` for the first name that isn't a setting here: a misspelt name must not be ignored."""
    for name in given:
        if name not in known:
            raise FieldError(joined(field, str(name)), f"unknown setting; known here: {', '.join(known)}")
