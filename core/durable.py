"""Commits of SQLite brought to disk together: one fsync for all that were made while the one before it ran.

In WAL mode a commit only appends to the log. With ``synchronous=FULL`` SQLite itself then waits for the disk, one commit after the
other, and every other writer waits with it. Here connections commit with ``NORMAL``, which leaves that wait out and nothing else,
and whoever has committed calls :meth:`GroupSync.wait` after the write lock is free. When it returns, the commit is on disk: the
promise is the same, the waits overlap. A checkpoint needs no care, since SQLite syncs the log before and the data base after it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path


class GroupSync:
    """The waits for one log. ``sync`` brings it to disk; given for tests."""

    def __init__(self, log: Path, sync: Callable[[], None] | None = None) -> None:
        self._log = log
        self._sync = sync or self._to_disk
        self._numbers, self._turn = threading.Lock(), threading.Lock()
        self._given = self._synced = 0

    def wait(self) -> None:
        """Return once all that was committed before is on disk. Raises ``OSError`` when the disk refuses."""
        with self._numbers:
            self._given += 1
            own = self._given
        with self._turn:
            # A sync that began after this commit has brought it along.
            if self._synced >= own:
                return
            with self._numbers:
                newest = self._given
            self._sync()
            self._synced = newest

    def _to_disk(self) -> None:
        try:
            descriptor = os.open(self._log, os.O_RDONLY)
        except FileNotFoundError:
            # The last connection has closed and left everything in the data base itself.
            return
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
