"""What can be wrong with an index, and how the errors of reading broken files become that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class IndexDamaged(Exception):
    """The index can't be read. Rebuild it; until then answer from the data base."""


class IndexMissing(IndexDamaged):
    """There is no index for this version of the analyser. Rebuild it."""


class IndexBusy(Exception):
    """Another writer, in this or another process, held the index for longer than the time-out. Try again later."""


@contextmanager
def damage_reported(what: str) -> Iterator[None]:
    """Turns whatever reading broken files raises into `IndexDamaged`: Whoosh has no error of its own for it."""
    try:
        yield
    except (IndexDamaged, IndexBusy, MemoryError, RecursionError):
        raise
    except Exception as error:
        raise IndexDamaged(f"{what}: {type(error).__name__}: {error}") from error
