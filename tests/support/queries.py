"""Counting the statements that a block of code sends to the data base."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import Engine, event


@dataclass
class Counted:
    """The statements seen."""

    statements: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.statements)


@contextmanager
def counting() -> Iterator[Counted]:
    """Count statements of every engine, transaction control left out."""
    counted = Counted()

    def seen(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "SAVEPOINT", "RELEASE", "PRAGMA", "ROLLBACK", "COMMIT")):
            counted.statements.append(statement)

    event.listen(Engine, "before_cursor_execute", seen)
    try:
        yield counted
    finally:
        event.remove(Engine, "before_cursor_execute", seen)


@pytest.fixture
def count_queries() -> Callable[[], AbstractContextManager[Counted]]:
    """``with count_queries() as few: …; assert few.count < 10``."""
    return counting
