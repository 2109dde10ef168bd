"""Read access to one immutable part of the index, with what is worth keeping in memory.

Whoosh's matcher trees cost some microseconds a posting. A segment never changes, so its postings are decoded once into
arrays, shared by all threads, and ranking runs over those. File access is serialised: Whoosh's readers seek.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from heapq import nlargest
from itertools import takewhile
from typing import Any, TypeVar

from whoosh.codec import base
from whoosh.filedb.filestore import FileStorage
from whoosh.reading import TermNotFound

from plugins.kb.search.damage import damage_reported
from plugins.kb.search.numbers import number_key
from plugins.kb.search.schema import Places, Stored

SATURATION = 1.2
LENGTH_INFLUENCE = 0.75
CACHED_POSTINGS = 3_000_000
CACHED_POSITIONS = 300_000

_Value = TypeVar("_Value")
_PLACES = Places()


@dataclass(frozen=True, slots=True)
class Postings:
    """The documents of a term and how much it counts in each (BM25 without the term's rarity, at most 1)."""

    documents: array[int]
    impacts: array[float]


class _Cache:
    """The most recently used entries, bounded by the number of postings they hold."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._held = 0
        self._entries: OrderedDict[tuple[str, str], tuple[int, Any]] = OrderedDict()

    def get(self, key: tuple[str, str]) -> Any:
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry[1]

    def put(self, key: tuple[str, str], value: Any, size: int) -> None:
        self._entries[key] = (size + 16, value)
        self._held += size + 16
        while self._held > self._capacity and len(self._entries) > 1:
            _key, (freed, _value) = self._entries.popitem(last=False)
            self._held -= freed


class FacetColumn:
    """The values of one facet: per document a code, per code the values, per value the documents."""

    def __init__(self, size: int) -> None:
        self.codes = array("I", bytes(4 * size))
        self.values: list[tuple[str, ...]] = [()]
        self.documents: dict[str, set[int]] = {}
        self._code_of: dict[tuple[str, ...], int] = {(): 0}

    def set(self, document: int, values: tuple[str, ...]) -> None:
        values = tuple(dict.fromkeys(values))
        code = self._code_of.get(values)
        if code is None:
            code = self._code_of[values] = len(self.values)
            self.values.append(values)
        self.codes[document] = code
        for value in values:
            self.documents.setdefault(value, set()).add(document)


class Forms:
    """The forms of a segment in order, with the number of documents of each."""

    def __init__(self, items: Iterable[tuple[str, int]]) -> None:
        self.frequency = dict(items)
        self._sorted = sorted(self.frequency)

    def starting_with(self, prefix: str, count: int) -> list[tuple[int, str]]:
        """The `count` most frequent forms that begin with `prefix`, as (documents, form)."""
        frequency = self.frequency
        return nlargest(count, ((frequency[form], form) for form in self.all_starting_with(prefix)))

    def all_starting_with(self, prefix: str) -> list[str]:
        """Every form that begins with `prefix`, in order."""
        return self._sorted[bisect_left(self._sorted, prefix) : bisect_left(self._sorted, prefix + "\U0010ffff")]


class Segment:
    """One segment's documents, postings, positions and forms. Safe for any number of threads."""

    def __init__(self, storage: FileStorage, segment: base.Segment) -> None:
        codec = segment.codec()
        self.id: str = segment.segment_id()
        self.size: int = segment.doc_count_all()
        self._lock = threading.RLock()
        self._terms = codec.terms_reader(storage, segment)
        self._per_document = codec.per_document_reader(storage, segment)
        self._postings = _Cache(CACHED_POSTINGS)
        self._positions = _Cache(CACHED_POSITIONS)
        self._average_length = 0.0
        self._forms: Forms | None = None
        self.total_length: int = self._per_document.field_length("content")
        self._lengths = [self._per_document.doc_field_length(i, "content") or 0 for i in range(self.size)]
        self._norms: list[float] = []
        self.documents = [Stored(*self._per_document.stored_fields(i)["stored"]) for i in range(self.size)]
        boosts = [document.boost for document in self.documents]
        self.boosts = boosts if any(boost != 1.0 for boost in boosts) else None
        self.numbers: dict[str, set[int]] = {}
        self.facets: dict[str, FacetColumn] = {}
        for index, document in enumerate(self.documents):
            self._note(index, document)

    def _note(self, index: int, document: Stored) -> None:
        if key := number_key(document.number):
            self.numbers.setdefault(key, set()).add(index)
        for name, values in (*document.facets, ("tag", document.tags), ("kind", (document.kind,))):
            if name not in self.facets:
                self.facets[name] = FacetColumn(self.size)
            self.facets[name].set(index, values)

    def documents_of(self, ids: Iterable[str]) -> list[int]:
        """The numbers of the documents with these ids, deleted ones included."""
        wanted = frozenset(ids)
        return [index for index, document in enumerate(self.documents) if document.id in wanted] if wanted else []

    def set_average_length(self, average: float) -> None:
        """The mean length of the whole index; what was computed with another one is forgotten."""
        with self._lock:
            if average == self._average_length:
                return
            self._average_length = average
            base_part = SATURATION * (1 - LENGTH_INFLUENCE)
            per_word = SATURATION * LENGTH_INFLUENCE / (average or 1.0)
            self._norms = [base_part + per_word * length for length in self._lengths]
            self._postings = _Cache(CACHED_POSTINGS)

    def postings(self, field: str, term: str) -> Postings:
        """All postings of a term, deleted documents included; empty for an unknown term."""
        with self._lock:
            found: Postings | None = self._postings.get((field, term))
            if found is None:
                found = self._read(field, term, self._read_postings) or Postings(array("I"), array("f"))
                self._postings.put((field, term), found, len(found.documents))
            return found

    def positions(self, term: str) -> dict[int, array[int]]:
        """Document to positions of a term in it."""
        with self._lock:
            found: dict[int, array[int]] | None = self._positions.get(("content", term))
            if found is None:
                found = self._read("content", term, _read_positions) or {}
                self._positions.put(("content", term), found, sum(map(len, found.values())))
            return found

    def places_in(self, term: str, documents: Sequence[int]) -> dict[int, set[int]]:
        """Positions of a term in these documents (ascending); blocks without any of them are not decoded."""
        with self._lock:
            whole: dict[int, array[int]] | None = self._positions.get(("content", term))
            if whole is not None:
                return {document: set(whole[document]) for document in documents if document in whole}
            return self._read("content", term, lambda matcher: _places_of(matcher, documents)) or {}

    def frequency(self, field: str, term: str) -> int:
        """Number of documents with the term, deleted ones included."""
        with self._lock:
            found = self._postings.get((field, term))
            if found is not None:
                return len(found.documents)
            with damage_reported("index can't be searched"):
                try:
                    return int(self._terms.doc_frequency(field, term.encode()))
                except (KeyError, TermNotFound):
                    return 0

    @property
    def forms(self) -> Forms:
        """Loaded when first needed: some 0.3 s for 100,000 forms."""
        with self._lock:
            if self._forms is None:
                with damage_reported("words of the index can't be read"):
                    items = self._terms.items_from("form", b"")
                    own = takewhile(lambda item: item[0][0] == "form", items)
                    self._forms = Forms((term.decode(), info.doc_frequency()) for (_, term), info in own)
            return self._forms

    def verify(self) -> None:
        """Reads every posting of every term. Raises `IndexDamaged`."""
        with self._lock, damage_reported("index is damaged"):
            for field, term in self._terms.terms():
                self._read(field, term.decode(), self._read_documents)

    def _read(self, field: str, term: str, read: Callable[[Any], _Value]) -> _Value | None:
        with damage_reported("index can't be searched"):
            try:
                matcher = self._terms.matcher(field, term.encode(), _PLACES)
            except TermNotFound:
                return None
            return read(matcher)

    def _read_documents(self, matcher: Any) -> None:
        for document in _blocks(matcher)[0]:
            if document >= self.size:
                raise ValueError("a posting names a document that doesn't exist")

    def _read_postings(self, matcher: Any) -> Postings:
        documents, weights = _blocks(matcher)
        norms = self._norms
        impacts = array("f", (weight / (weight + norms[i]) for i, weight in zip(documents, weights, strict=True)))
        return Postings(documents, impacts)


def _blocks(matcher: Any) -> tuple[array[int], array[float]]:
    """Documents and weights of a fresh matcher, a block at a time: Whoosh's public way costs four times as much."""
    documents, weights = array("I"), array("f")
    while matcher.is_active():
        matcher._read_ids()
        matcher._read_weights()
        documents.extend(matcher._ids)
        weights.extend(matcher._weights)
        matcher._next_block()
    return documents, weights


def _read_positions(matcher: Any) -> dict[int, array[int]]:
    result = {}
    while matcher.is_active():
        result[matcher.id()] = _PLACES.decode_positions(matcher.value())
        matcher.next()
    return result


def _places_of(matcher: Any, documents: Sequence[int]) -> dict[int, set[int]]:
    result: dict[int, set[int]] = {}
    for document in documents:
        if not matcher.is_active():
            break
        if matcher.id() < document:
            matcher.skip_to(document)
        if matcher.is_active() and matcher.id() == document:
            result[document] = set(_PLACES.decode_positions(matcher.value()))
    return result
