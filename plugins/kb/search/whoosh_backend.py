"""The knowledge base's index on Whoosh 2.7.4: the one class that others use.

The data base is the truth for texts: the index stores none and asks `load` for those it shows.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import nlargest
from pathlib import Path

from core.contracts import Facet, SearchDocument, SearchHit, SearchQuery, SearchResult
from plugins.kb.search import analysis
from plugins.kb.search.damage import IndexBusy, IndexDamaged, IndexMissing
from plugins.kb.search.highlight import Highlighter
from plugins.kb.search.index_folder import IndexFolder, Progress
from plugins.kb.search.query import Node, Nothing, Or, Word, parse, phrases, words
from plugins.kb.search.ranking import Ranking, Scores, Synonyms, carrying, synonyms_of
from plugins.kb.search.snapshot import Part, Snapshot, SnapshotKeeper
from plugins.kb.search.spelling import correct_words, fix_layout, suggest_words

__all__ = ["IndexBusy", "IndexDamaged", "IndexMissing", "Loader", "WhooshIndex"]

Loader = Callable[[Sequence[str]], Mapping[str, tuple[str, str]]]
"""Ids to (title, plain text of the body); ids that no longer exist are left out."""

FEW_HITS = 2
RELATED_TERMS = 12
RELATED_CHARACTERS = 10_000


@dataclass(frozen=True, slots=True)
class _Found:
    """The scores of the live, filtered documents of one part."""

    part: Part
    scores: Scores


@dataclass(frozen=True, slots=True)
class _Answer:
    ranking: Ranking
    found: tuple[_Found, ...]
    total: int


class WhooshIndex:
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
        self._folder = IndexFolder(directory, name, lock_timeout)
        self._snapshots = SnapshotKeeper(self._folder)
        self._load = load
        self._clock = clock
        self._synonyms: Synonyms = {}

    @property
    def path(self) -> Path:
        """The folder that may be deleted to start anew."""
        return self._folder.path

    def set_synonyms(self, groups: Iterable[Iterable[str]]) -> None:
        """Groups of words or expressions that find each other from now on; nothing is indexed again."""
        self._synonyms = synonyms_of(groups)

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

    def count(self) -> int:
        """Number of documents."""
        return self._snapshots.current().count

    def check(self) -> int:
        """Reads everything from the disk and returns the number of documents. Raises `IndexDamaged`."""
        snapshot = SnapshotKeeper(self._folder).current()
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

    def search(self, query: SearchQuery) -> SearchResult:
        """Answers a query; never raises for what was typed. Raises `IndexDamaged`."""
        started = self._clock()
        snapshot = self._snapshots.current()
        deadline = started + query.time_limit
        text = query.text
        node = parse(text, query.prefix)
        fixed = self._corrected(text, node, snapshot, query.prefix)
        if fixed is not None:
            text, node = fixed, parse(fixed, query.prefix)
        answer = self._answer(node, snapshot, query, deadline)
        suggestion = self._suggestion(text, node, snapshot, answer.total)
        result = self._result(query, answer)
        return replace(result, corrected=fixed, suggestion=suggestion, took_ms=(self._clock() - started) * 1000)

    def related(self, text: str, query: SearchQuery) -> SearchResult:
        """Documents about what a longer `text` (a message, an article) is about, by its most telling words.

        Of `query` everything but its own text counts.
        """
        started = self._clock()
        snapshot = self._snapshots.current()
        node = _telling_words(text[:RELATED_CHARACTERS], snapshot)
        answer = self._answer(node, snapshot, query, started + query.time_limit)
        result = self._result(query, answer)
        return replace(result, took_ms=(self._clock() - started) * 1000)

    def _corrected(self, text: str, node: Node, snapshot: Snapshot, prefix: bool) -> str | None:
        if not snapshot.count:
            return None
        typed = list(words(node))
        unknown = [word for word in typed if not all(map(snapshot.knows, _forms(word)))]
        if not unknown and not (isinstance(node, Nothing) and text.strip()):
            return None
        return fix_layout(text, snapshot, prefix) or correct_words(text, unknown, snapshot)

    def _suggestion(self, text: str, node: Node, snapshot: Snapshot, total: int) -> str | None:
        """A spelling that would find more: of a rare word, or of a quoted one, which is never changed unasked."""
        if total > FEW_HITS or not snapshot.count:
            return None
        return suggest_words(text, [*words(node), *_quoted_words(node)], snapshot)

    def _answer(self, node: Node, snapshot: Snapshot, query: SearchQuery, deadline: float) -> _Answer:
        ranking = Ranking(snapshot, node, self._synonyms, self._clock, deadline)
        found = tuple(_Found(part, _live_scores(ranking, part, query)) for part in snapshot.parts)
        return _Answer(ranking, found, sum(len(part.scores) for part in found))

    def _result(self, query: SearchQuery, answer: _Answer) -> SearchResult:
        terms = answer.ranking.terms()
        chosen = _best(answer.found, query.offset, query.limit)
        texts = self._load([part.segment.documents[document].id for part, document, _ in chosen]) if chosen else {}
        highlighter = Highlighter(terms)
        wanted = frozenset(terms)
        hits = []
        for part, document, score in chosen:
            stored = part.segment.documents[document]
            if stored.id in texts:
                title, body = texts[stored.id]
                in_tags = any(wanted.intersection(analysis.terms(tag)) for tag in stored.tags)
                snippet = highlighter.snippet(body)
                hits.append(SearchHit(stored.id, stored.kind, score, highlighter.mark(title), snippet, in_tags))
        facets = tuple(_facet(name, answer.found) for name in query.facets)
        return SearchResult(
            hits=tuple(hits), total=answer.total, facets=facets, terms=tuple(terms), timed_out=answer.ranking.timed_out
        )


def _forms(word: Word) -> list[str]:
    """The forms that decide whether a word is known: an unfinished one may still become something."""
    if word.prefix:
        return []
    return [piece.form for piece in analysis.pieces(word.text) if piece.form.isalpha() and not piece.joined]


def _quoted_words(node: Node) -> list[Word]:
    return [
        Word(chain, phrase.start + start, phrase.start + end)
        for phrase in phrases(node)
        for chain, start, end in analysis.chains(analysis.normalise(phrase.text))
        if analysis.pieces(chain)
    ]


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
    for document in part.deleted:
        scores.pop(document, None)
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
    return Facet(name, tuple(sorted(totals.items(), key=lambda item: (-item[1], item[0]))))


def _telling_words(text: str, snapshot: Snapshot) -> Node:
    """The words of a text that are frequent in it and rare in the index."""
    counts: Counter[str] = Counter()
    chain_of: dict[str, str] = {}
    for chain, _start, _end in analysis.chains(analysis.normalise(analysis.composed(text))):
        for piece in analysis.pieces(chain)[:1]:
            counts[piece.term] += 1
            chain_of.setdefault(piece.term, chain)
    weights = {
        term: min(count, 3) * snapshot.rarity(term) for term, count in counts.items() if snapshot.frequency(term)
    }
    best = nlargest(RELATED_TERMS, weights, key=lambda term: (weights[term], term))
    parts = tuple(Word(chain_of[term], 0, 0) for term in best)
    return Or(parts) if parts else Nothing()
