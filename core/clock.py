"""The one place that asks for the time, so that tests can set it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

_frozen: datetime | None = None


def now() -> datetime:
    """The current time, aware, UTC."""
    return _frozen if _frozen is not None else datetime.now(UTC)


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Freeze the clock at ``moment`` (aware) within the block; for tests and demo data."""
    global _frozen
    if moment.tzinfo is None:
        raise ValueError("the moment needs a time zone")
    before, _frozen = _frozen, moment.astimezone(UTC)
    try:
        yield
    finally:
        _frozen = before
