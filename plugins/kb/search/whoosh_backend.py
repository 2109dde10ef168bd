"""The knowledge base's index on Whoosh 2.7.4: the one class that others use.

The data base is the truth for texts: the index stores none and asks `load` for those it shows.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from heapq import nlargest
from pathlib import Path
from typing import cast

from core.contracts import Facet, SearchDocument, SearchQuery
from plugins.kb.search.damage import IndexBusy, IndexDamaged, IndexFull, IndexMissing
from plugins.kb.search.index_folder import IndexFolder, Progress
from plugins.kb.search.plan import Plan
from plugins.kb.search.ranking import Ranking, Scores, carrying
from plugins.kb.search.searching import Answer, Chosen, Loader, Searching, View, counted
from plugins.kb.search.snapshot import Part, Snapshot, SnapshotKeeper
from plugins.kb.search.whoosh_files import WhooshFiles

__all__ = ["IndexBusy", "IndexDamaged", "IndexFull", "IndexMissing", "Loader", "WhooshIndex"]


@dataclass(frozen=True, slots=True)
class _Found:
    """The scores of the live, filtered documents of one part."""

    part: Part
    scores: Scores


class WhooshIndex(Searching):
    """One index in `directory`. Any number of threads and processes may search; one at a time writes.

    `lock_timeout`: seconds a writer waits for another one. `clock`: seconds, only for time limits and durations.
    Reading raises `IndexDamaged` (`IndexMissing` before the first rebuild, also after an upgrade of the analyser): the
    caller answers from the data base and calls `rebuild`. Writing may raise `IndexBusy` as well: try again later.
    """

    def __init__(
        self,
        directory: Path,
        name: str,
        load: Loader,
        lock_timeout: float = 5.0,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        super().__init__(load, clock)
        self._files = WhooshFiles()
        self._folder = IndexFolder(directory, name, self._files, lock_timeout)
        self._snapshots = SnapshotKeeper(self._folder, self._files)

    @property
    def path(self) -> Path:
        """The folder that may be deleted to start anew."""
        return self._folder.path

    def upsert(self, documents: Iterable[SearchDocument]) -> None:
        """Adds documents or replaces those with the same id, in one commit."""
        self._folder.apply(documents, ())

    def delete(self, ids: Iterable[str]) -> None:
        """Removes documents, in one commit; unknown ids are passed over."""
        self._folder.apply((), ids)

    def apply(self, documents: Iterable[SearchDocument], deleted: Iterable[str]) -> None:
        """`upsert` and `delete` together in one commit."""
        self._folder.apply(documents, deleted)

    def rebuild(self, documents: Iterable[SearchDocument], progress: Progress | None = None) -> None:
        """Builds the index anew beside the current one, which answers meanwhile.

        `progress` is called with the number done so far. An error in `documents` leaves the current index in use.
        """
        self._folder.rebuild(documents, progress)

    def check(self) -> int:
        """Reads everything from the disk and returns the number of documents. Raises `IndexDamaged`."""
        snapshot = SnapshotKeeper(self._folder, self._files).current()
        for part in snapshot.parts:
            part.segment.verify()
        return snapshot.count

    def warm(self) -> None:
        """Loads what the first searches would wait for."""
        for part in self._snapshots.current().parts:
            assert part.segment.forms is not None

    def close(self) -> None:
        """Lets go of the files; a later search opens them again."""
        self._snapshots.forget()

    def _view(self) -> View:
        return self._snapshots.current()

    def _answer(self, view: View, plan: Plan, query: SearchQuery, deadline: float) -> Answer:
        snapshot = cast(Snapshot, view)
        ranking = Ranking(snapshot, plan, self._clock, deadline)
        found = tuple(_Found(part, _live_scores(ranking, part, query)) for part in snapshot.parts)
        chosen = []
        for part, document, score in _best(found, query.offset, query.limit):
            stored = part.segment.documents[document]
            chosen.append(Chosen(stored.id, stored.kind, stored.tags, score))
        facets = tuple(_facet(name, found) for name in query.facets)
        return Answer(chosen, sum(len(part.scores) for part in found), facets, ranking.timed_out)


def _live_scores(ranking: Ranking, part: Part, query: SearchQuery) -> Scores:
    """Scores of the part's documents that aren't deleted and pass the filters, with the documents' own boosts."""
    segment = part.segment
    scores = ranking.scores(segment)
    allowed = [carrying(segment, name, values) for name, values in query.filters.items() if values]
    if query.kinds:
        allowed.append(carrying(segment, "kind", query.kinds))
    if allowed:
        passing = set.intersection(*allowed)
        scores = {document: score for document, score in scores.items() if document in passing}
    for document in (*part.deleted, *segment.documents_of(query.without)):
        scores.pop(document, None)
    ranking.prefer_near(segment, scores)
    if segment.boosts:
        scores = {document: score * segment.boosts[document] for document, score in scores.items()}
    return scores


def _best(found: Iterable[_Found], offset: int, limit: int) -> list[tuple[Part, int, float]]:
    """The page of hits: best score first, then newest, then by id, so that pages neither overlap nor leave gaps."""
    count = max(0, offset) + max(0, limit)
    if not limit or not count:
        return []
    candidates: list[tuple[Part, int, float]] = []
    for one in found:
        if not one.scores:
            continue
        lowest = nlargest(count, one.scores.values())[-1]
        candidates += [(one.part, document, score) for document, score in one.scores.items() if score >= lowest]

    def order(candidate: tuple[Part, int, float]) -> tuple[float, float, str]:
        part, document, score = candidate
        stored = part.segment.documents[document]
        return (-score, -stored.updated, stored.id)

    return sorted(candidates, key=order)[max(0, offset) : count]


def _facet(name: str, found: Iterable[_Found]) -> Facet:
    """Counts of the values among all hits, most frequent first."""
    totals: Counter[str] = Counter()
    for one in found:
        column = one.part.segment.facets.get(name)
        if column is None:
            continue
        for code, count in Counter(map(column.codes.__getitem__, one.scores)).items():
            for value in column.values[code]:
                totals[value] += count
    return counted(name, totals)
