"""``$(case.number)`` and its kind: filled from what is in focus, escaped by default, never sent raw."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape

from core.contracts import VariableContext
from core.house import okno

PATTERN = re.compile(r"\$\(([A-Za-z][A-Za-z0-9_.]{0,79})\)")
CURSOR = "Cursor"
CURSOR_HTML = '<span data-cursor="1"></span>'


@dataclass(frozen=True, slots=True)
class Filled:
    """A text with its variables filled in. What could not be filled stays as it was and is named here."""

    text: str
    unknown: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    cursor: bool = False


def fill(text: str, context: VariableContext, *, html: bool = False) -> Filled:
    """Fill in ``text``; with ``html`` values are escaped and ``$(Cursor)`` becomes a marker the editor understands."""
    known = okno().variables
    values: dict[str, str] = {}
    unknown: dict[str, None] = {}
    empty: dict[str, None] = {}
    cursor = False

    def value_of(name: str) -> str:
        if name not in values:
            try:
                values[name] = known[name].value(context)
            except Exception as error:  # noqa: BLE001 -- a plugin's variable must not lose the agent's text
                okno().plugins.record_fault(name.split(".")[0], "register_variables", error)
                values[name] = ""
        return values[name]

    def replace(match: re.Match[str]) -> str:
        nonlocal cursor
        name = match.group(1)
        if name == CURSOR:
            cursor = True
            return CURSOR_HTML if html else ""
        if name not in known:
            unknown[name] = None
            return match.group(0)
        value = value_of(name)
        if not value:
            empty[name] = None
            return match.group(0)
        return escape(value) if html else value

    filled = PATTERN.sub(replace, text)
    return Filled(filled, tuple(unknown), tuple(empty), cursor)


def unfilled(text: str) -> tuple[str, ...]:
    """Names of variables still standing raw in ``text``."""
    return tuple(dict.fromkeys(match.group(1) for match in PATTERN.finditer(text)))
