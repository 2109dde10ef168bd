"""What can be wrong with an index, and how the errors of reading and writing its files become that."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
NO_ROOM_WORDS = ("No space left", "StorageFull", "File too large", "quota exceeded")


class IndexDamaged(Exception):
    """The index can't be read. Rebuild it; until then answer from the data base."""


class IndexMissing(IndexDamaged):
    """There is no index for this version of the analyser. Rebuild it."""


class IndexBusy(Exception):
    """Another writer, in this or another process, held the index for longer than the time-out. Try again later."""


class IndexFull(Exception):
    """The disk has no room for the change. The index answers as it was; make room, then try again."""


@contextmanager
def full_disk_reported() -> Iterator[None]:
    """Turns errors of writing that mean a full disk into `IndexFull`, also where a library hides them in its own."""
    try:
        yield
    except Exception as error:
        if _means_full_disk(error):
            raise IndexFull(f"no room on the disk for the search index: {error}") from error
        raise


@contextmanager
def damage_reported(what: str) -> Iterator[None]:
    """Turns whatever reading broken files raises into `IndexDamaged`: engines have no error of their own for it.

    A full disk is not damage and passes through; a panic of tantivy's, which is no `Exception`, is damage.
    """
    try:
        yield
    except (IndexDamaged, IndexBusy, MemoryError, RecursionError):
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        if _means_full_disk(error):
            raise
        raise IndexDamaged(f"{what}: {type(error).__name__}: {error}") from error


def _means_full_disk(error: BaseException) -> bool:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in NO_ROOM:
            return True
        if any(words in str(seen) for words in NO_ROOM_WORDS):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
