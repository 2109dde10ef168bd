"""The state of an index at one commit, shared by all searching threads until the next commit."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

from core.search.analysis import stem
from plugins.kb.search.damage import IndexDamaged, damage_reported
from plugins.kb.search.index_folder import IndexFolder
from plugins.kb.search.segment import Segment
from plugins.kb.search.whoosh_files import WhooshFiles

OPENING_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Part:
    """A segment and the documents of it that are deleted in this snapshot."""

    segment: Segment
    deleted: frozenset[int]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An unchanging view of the index. `version` is (build, Whoosh generation)."""

    version: tuple[str, str]
    parts: tuple[Part, ...]
    count: int

    def frequency(self, term: str, field: str = "content") -> int:
        """Number of documents with the term (deleted ones of live segments included)."""
        return sum(part.segment.frequency(field, term) for part in self.parts)

    def rarity(self, term: str) -> float:
        """BM25's inverse document frequency."""
        frequency = min(self.frequency(term), self.count)
        return math.log(1 + (self.count - frequency + 0.5) / (frequency + 0.5))

    def form_frequency(self, form: str) -> int:
        """Number of documents with exactly this form."""
        return sum(part.segment.forms.frequency.get(form, 0) for part in self.parts)

    def knows(self, form: str) -> bool:
        """Whether some document has the form or another form of the same word."""
        return self.frequency(stem(form)) > 0 or self.form_frequency(form) > 0

    def completions(self, prefix: str, count: int) -> list[str]:
        """The most frequent forms that begin with `prefix`."""
        totals: dict[str, int] = {}
        for part in self.parts:
            for frequency, form in part.segment.forms.starting_with(prefix, count):
                totals[form] = totals.get(form, 0) + frequency
        return sorted(totals, key=lambda form: (-totals[form], form))[:count]

    def forms_starting_with(self, prefix: str) -> set[str]:
        """All forms that begin with `prefix`."""
        return {form for part in self.parts for form in part.segment.forms.all_starting_with(prefix)}


class SnapshotKeeper:
    """Gives the newest snapshot; opens only segments that weren't there before. Safe for any number of threads."""

    def __init__(self, folder: IndexFolder, files: WhooshFiles) -> None:
        self._folder = folder
        self._files = files
        self._opening = threading.Lock()
        self._snapshot: Snapshot | None = None

    def current(self) -> Snapshot:
        """The newest snapshot, or the one before while another thread is opening the newest. Raises `IndexDamaged`."""
        snapshot = self._snapshot
        if snapshot and snapshot.version == self._newest_version():
            return snapshot
        if not self._opening.acquire(blocking=snapshot is None):
            assert snapshot is not None
            return snapshot
        try:
            return self._open()
        finally:
            self._opening.release()

    def forget(self) -> None:
        """Lets go of all files."""
        with self._opening:
            self._snapshot = None

    def _newest_version(self) -> tuple[str, str]:
        build = self._folder.current_build()
        try:
            return build, self._folder.generation(build)
        except IndexDamaged:
            switched = self._folder.current_build()
            if switched == build:
                raise
            return switched, self._folder.generation(switched)

    def _open(self) -> Snapshot:
        """A writer may delete files between reading the list of segments and opening them, hence the attempts."""
        for attempt in range(OPENING_ATTEMPTS):
            version = self._newest_version()
            if self._snapshot and self._snapshot.version == version:
                return self._snapshot
            try:
                self._snapshot = self._open_version(version)
                return self._snapshot
            except IndexDamaged:
                if attempt + 1 == OPENING_ATTEMPTS or version == self._newest_version():
                    raise
        raise IndexDamaged("the index changed faster than it could be opened")

    def _open_version(self, version: tuple[str, str]) -> Snapshot:
        old = self._snapshot
        known = {part.segment.id: part.segment for part in old.parts} if old and old.version[0] == version[0] else {}
        index = self._files.open(self._folder.path / version[0])
        parts = []
        with damage_reported("index can't be read"):
            for stored in index._read_toc().segments:
                segment = known.get(stored.segment_id()) or Segment(index.storage, stored)
                parts.append(Part(segment, frozenset(stored.deleted_docs())))
        count = sum(part.segment.size - len(part.deleted) for part in parts)
        average = _rounded(sum(p.segment.total_length for p in parts) / max(1, sum(p.segment.size for p in parts)))
        for part in parts:
            part.segment.set_average_length(average)
        return Snapshot(version, tuple(parts), count)


def _rounded(average: float) -> float:
    """Two significant digits: the mean length changes with every commit, ranking need not."""
    return float(f"{average:.1e}")
