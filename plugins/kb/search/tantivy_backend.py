"""The knowledge base's index on tantivy: the same analyser, query language, spelling and plan as on Whoosh.

Chosen for large knowledge bases: tantivy reads postings in Rust, outside of Python's lock.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import tantivy
from tantivy import Occur, Query

from core.contracts import Facet, SearchDocument, SearchQuery
from core.search import analysis
from plugins.kb.search.damage import IndexDamaged, damage_reported
from plugins.kb.search.index_folder import IndexFolder, Progress
from plugins.kb.search.numbers import number_key
from plugins.kb.search.plan import NEAR_WORDS, NUMBER_BONUS, Option, Plan, matching_values
from plugins.kb.search.query import And, Everything, InTitle, Node, Not, Nothing, Or, Phrase, Within, Word
from plugins.kb.search.searching import Answer, Chosen, Loader, Searching, View, counted
from plugins.kb.search.tantivy_files import SEPARATOR, TantivyFiles

OPENING_ATTEMPTS = 5
MOST_VALUES = 65_000
Clause = tuple[Occur, Query]


@dataclass(slots=True)
class TantivyView:
    """One commit of the index, as spelling and plans ask it. `version` is (build, generation)."""

    version: tuple[str, str]
    searcher: tantivy.Searcher
    schema: tantivy.Schema
    count: int
    _frequencies: dict[tuple[str, str], int] = field(default_factory=dict)
    _values: dict[str, list[str]] = field(default_factory=dict)

    def frequency(self, term: str, of: str = "content") -> int:
        """Number of documents with the term (deleted ones of live segments included)."""
        found = self._frequencies.get((of, term))
        if found is None:
            found = self._frequencies[of, term] = self.searcher.doc_freq(of, term)
        return found

    def rarity(self, term: str) -> float:
        """BM25's inverse document frequency."""
        frequency = min(self.frequency(term), self.count)
        return math.log(1 + (self.count - frequency + 0.5) / (frequency + 0.5))

    def form_frequency(self, form: str) -> int:
        """Number of documents with exactly this form."""
        return self.frequency(form, "form")

    def knows(self, form: str) -> bool:
        """Whether some document has the form or another form of the same word."""
        return self.frequency(analysis.stem(form)) > 0 or self.form_frequency(form) > 0

    def completions(self, prefix: str, count: int) -> list[str]:
        """The most frequent forms that begin with `prefix`."""
        return [form for form, _ in self.searcher.terms_with_prefix("form", prefix, limit=count)] if prefix else []

    def forms_starting_with(self, prefix: str) -> set[str]:
        """All forms that begin with `prefix`."""
        return {form for form, _ in self.searcher.terms_with_prefix("form", prefix)}

    def values(self, name: str) -> list[str]:
        """Every value of a facet."""
        if name not in self._values:
            found = self.searcher.terms_with_prefix("facet", name + SEPARATOR)
            self._values[name] = [value.partition(SEPARATOR)[2] for value, _ in found]
        return self._values[name]


class _TimeUp(Exception):
    """The query's time limit is over."""


class TantivyIndex(Searching):
    """One index in `directory`, used as `WhooshIndex` is; see there for threads, processes and errors."""

    def __init__(
        self,
        directory: Path,
        name: str,
        load: Loader,
        lock_timeout: float = 5.0,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        super().__init__(load, clock)
        self._files = TantivyFiles()
        self._folder = IndexFolder(directory, name, self._files, lock_timeout)
        self._opening = threading.Lock()
        self._newest: TantivyView | None = None

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
        """Builds the index anew beside the current one, which answers meanwhile; see `WhooshIndex.rebuild`."""
        self._folder.rebuild(documents, progress)

    def check(self) -> int:
        """Reads everything from the disk and returns the number of documents. Raises `IndexDamaged`."""
        view = self._open(self._version())
        with damage_reported("index is damaged"):
            names = view.searcher.terms_with_prefix("facet", "")
            for field_name in ("content", "title", "form"):
                for term, _ in view.searcher.terms_with_prefix(field_name, ""):
                    view.searcher.search(Query.term_query(self._files.schema, field_name, term), 1)
            asked = {"all": {"terms": {"field": "facet", "size": max(1, len(names))}}}
            view.searcher.aggregate(Query.all_query(), asked)
            for _, address in view.searcher.search(Query.all_query(), max(1, view.count)).hits:
                view.searcher.doc(address)
        return view.count

    def warm(self) -> None:
        """Opens the files that the first search would wait for."""
        self._view()

    def close(self) -> None:
        """Lets go of the files; a later search opens them again."""
        with self._opening:
            self._newest = None

    def _view(self) -> View:
        return self._current()

    def _current(self) -> TantivyView:
        newest = self._newest
        if newest and newest.version == self._version():
            return newest
        if not self._opening.acquire(blocking=newest is None):
            assert newest is not None
            return newest
        try:
            for attempt in range(OPENING_ATTEMPTS):
                version = self._version()
                try:
                    self._newest = self._open(version)
                    return self._newest
                except IndexDamaged:
                    if attempt + 1 == OPENING_ATTEMPTS or version == self._version():
                        raise
            raise IndexDamaged("the index changed faster than it could be opened")
        finally:
            self._opening.release()

    def _version(self) -> tuple[str, str]:
        build = self._folder.current_build()
        try:
            return build, self._folder.generation(build)
        except IndexDamaged:
            switched = self._folder.current_build()
            if switched == build:
                raise
            return switched, self._folder.generation(switched)

    def _open(self, version: tuple[str, str]) -> TantivyView:
        index = self._files.open(self._folder.path / version[0])
        with damage_reported("index can't be read"):
            index.reload()
            searcher = index.searcher()
            return TantivyView(version, searcher, self._files.schema, searcher.num_docs)

    def _answer(self, view: View, plan: Plan, query: SearchQuery, deadline: float) -> Answer:
        found = cast(TantivyView, view)
        with damage_reported("index can't be searched"):
            question = _Question(found, plan, self._clock, deadline)
            whole = question.whole(query)
            answer = found.searcher.search(
                whole,
                max(1, query.limit),
                offset=max(0, query.offset),
                **({"weight_by_field": "boost"} if question.ranked else {"order_by_field": "updated"}),
            )
            hits = answer.hits if query.limit > 0 else []
            chosen = [self._chosen(found, address, float(score)) for score, address in hits]
            facets = self._facets(found, whole, query.facets)
        return Answer(chosen, answer.count, facets, question.timed_out)

    @staticmethod
    def _chosen(view: TantivyView, address: tantivy.DocAddress, score: float) -> Chosen:
        stored = view.searcher.doc(address).to_dict()
        named = [value.partition(SEPARATOR) for value in stored.get("facet", ())]
        kind = next((value for name, _, value in named if name == "kind"), "")
        return Chosen(stored["id"][0], kind, tuple(value for name, _, value in named if name == "tag"), score)

    @staticmethod
    def _facets(view: TantivyView, whole: Query, names: Sequence[str]) -> tuple[Facet, ...]:
        if not names:
            return ()
        asked = {"all": {"terms": {"field": "facet", "size": MOST_VALUES}}}
        counts: dict[str, dict[str, int]] = {name: {} for name in names}
        for bucket in view.searcher.aggregate(whole, asked)["all"]["buckets"]:
            name, _, value = bucket["key"].partition(SEPARATOR)
            if name in counts:
                counts[name][value] = bucket["doc_count"]
        return tuple(counted(name, counts[name]) for name in names)


class _Question:
    """A plan as a tantivy query. `ranked` is false when nothing in it gives a score."""

    def __init__(self, view: TantivyView, plan: Plan, clock: Callable[[], float], deadline: float) -> None:
        self._view = view
        self._schema = view.schema
        self._plan = plan
        self._clock = clock
        self._deadline = deadline
        self.ranked = False
        self.timed_out = False

    def whole(self, query: SearchQuery) -> Query:
        """The plan with the query's own narrowing."""
        try:
            asked = self._query(self._plan.node)
        except _TimeUp:
            self.timed_out = True
            asked = Query.empty_query()
        clauses: list[Clause] = [(Occur.Must, asked), *self._near(), *self._number()]
        narrowing = {name: values for name, values in query.filters.items() if values}
        if query.kinds:
            narrowing["kind"] = query.kinds
        for name, values in narrowing.items():
            clauses.append((Occur.Must, _unscored(self._any_value(name, values))))
        if query.without:
            clauses.append((Occur.MustNot, Query.term_set_query(self._schema, "id", list(query.without))))
        return Query.boolean_query(clauses)

    def _near(self) -> list[Clause]:
        return [
            (Occur.Should, Query.const_score_query(self._beside(words), bonus))
            for one, other, bonus in self._plan.pairs()
            for words in ([one, other], [other, one])
        ]

    def _beside(self, words: list[str]) -> Query:
        return Query.phrase_query(self._schema, "content", list(words), slop=NEAR_WORDS - 1)

    def _number(self) -> list[Clause]:
        node = self._plan.node
        if not isinstance(node, Word) or not (key := number_key(node.text)):
            return []
        return [(Occur.Should, Query.const_score_query(self._term("number", key), NUMBER_BONUS))]

    def _term(self, name: str, term: str) -> Query:
        return Query.term_query(self._schema, name, term, index_option="position" if name == "content" else "basic")

    def _any_value(self, name: str, values: Iterable[str]) -> Query:
        return Query.term_set_query(self._schema, "facet", [name + SEPARATOR + value for value in values])

    def _query(self, node: Node) -> Query:
        if self._clock() > self._deadline:
            raise _TimeUp
        match node:
            case Word():
                return self._word(node)
            case Phrase():
                return self._phrase(node)
            case Within(name, text):
                return _unscored(self._within(name, text))
            case InTitle(text):
                terms = dict.fromkeys(analysis.terms(text))
                titled = [_unscored(self._term("title", term)) for term in terms]
                return _all_of([*titled, *(self._content(term) for term in terms)])
            case Or(parts):
                return self._any(parts)
            case And(parts):
                return self._and(parts)
            case Not(part):
                return Query.boolean_query(
                    [(Occur.Must, _unscored(Query.all_query())), (Occur.MustNot, self._query(part))]
                )
            case Everything():
                return _unscored(Query.all_query())
            case Nothing():
                return Query.empty_query()

    def _any(self, parts: Sequence[Node]) -> Query:
        clauses: list[Clause] = []
        for part in parts:
            try:
                clauses.append((Occur.Should, self._query(part)))
            except _TimeUp:
                self.timed_out = True
                break
        return Query.boolean_query(clauses) if clauses else Query.empty_query()

    def _and(self, parts: Sequence[Node]) -> Query:
        clauses: list[Clause] = []
        for part in parts:
            if isinstance(part, Not):
                clauses.append((Occur.MustNot, self._query(part.part)))
            elif not isinstance(part, Everything):
                clauses.append((Occur.Must, self._query(part)))
        if all(occur == Occur.MustNot for occur, _ in clauses):
            clauses.append((Occur.Must, _unscored(Query.all_query())))
        return Query.boolean_query(clauses)

    def _word(self, word: Word) -> Query:
        options = [self._option(option) for option in self._plan.options(word)]
        if not options:
            return self._number_alone(word)
        best = Query.disjunction_max_query(options)
        clauses: list[Clause] = [(Occur.Must, best)]
        for form, bonus in self._plan.exact_forms(word):
            if bonus > 0:
                clauses.append((Occur.Should, Query.const_score_query(self._term("form", form), bonus)))
        if word == self._plan.node and (key := number_key(word.text)):
            return Query.boolean_query(
                [(Occur.Should, Query.boolean_query(clauses)), (Occur.Should, _unscored(self._term("number", key)))]
            )
        return Query.boolean_query(clauses)

    def _number_alone(self, word: Word) -> Query:
        key = number_key(word.text)
        if word != self._plan.node or not key:
            return Query.empty_query()
        self.ranked = True
        return _unscored(self._term("number", key))

    def _option(self, option: Option) -> Query:
        found = _all_of([self._content(term) for term in option.terms])
        return found if option.factor == 1.0 else Query.boost_query(found, option.factor)

    def _content(self, term: str) -> Query:
        self.ranked = True
        return self._term("content", term)

    def _phrase(self, phrase: Phrase) -> Query:
        tokens = analysis.tokens(phrase.text)
        plain = [token for token in tokens if not token.joined]
        joined = [token for token in tokens if token.joined]
        if joined and joined[0].end - joined[0].start >= plain[-1].end - plain[0].start:
            return self._content(joined[0].term)
        scored = _all_of([self._content(token.term) for token in plain])
        if len(plain) == 1:
            return _all_of([scored, _unscored(self._term("form", plain[0].form))])
        together = Query.phrase_query(self._schema, "content", [token.term for token in plain])
        return _all_of([scored, _unscored(together)])

    def _within(self, name: str, text: str) -> Query:
        if name == "number":
            return self._term("number", number_key(text))
        values = matching_values(text, self._view.values(name))
        return self._any_value(name, values) if values else Query.empty_query()


def _unscored(query: Query) -> Query:
    return Query.const_score_query(query, 0.0)


def _all_of(queries: Sequence[Query]) -> Query:
    return queries[0] if len(queries) == 1 else Query.boolean_query([(Occur.Must, query) for query in queries])
