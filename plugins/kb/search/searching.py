"""A search from what was typed to what is shown, the same on every engine: spelling, plan, texts, highlighting."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import nlargest
from typing import Protocol

from core.contracts import Facet, SearchHit, SearchQuery, SearchResult
from core.search import analysis
from core.search.highlight import Highlighter
from plugins.kb.search.plan import Plan, SearchWords, Statistics, prefix_form, search_words
from plugins.kb.search.query import Node, Nothing, Or, Word, parse, phrases, words
from plugins.kb.search.spelling import Vocabulary, correct_words, fix_layout, suggest_words

Loader = Callable[[Sequence[str]], Mapping[str, tuple[str, str]]]
"""Ids to (title, plain text of the body); ids that no longer exist are left out."""

FEW_HITS = 2
RELATED_TERMS = 12
RELATED_CHARACTERS = 10_000


class View(Statistics, Vocabulary, Protocol):
    """An unchanging state of an index."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A document of the page of hits."""

    id: str
    kind: str
    tags: tuple[str, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What an engine found: the page of hits, best first, the number of all, the counts that were asked for."""

    chosen: Sequence[Chosen]
    total: int
    facets: tuple[Facet, ...]
    timed_out: bool


class Searching(ABC):
    """The part of an index that answers; engines say how a plan is answered.

    `clock`: seconds, only for time limits and durations. What is typed never raises; reading raises `IndexDamaged`.
    """

    def __init__(self, load: Loader, clock: Callable[[], float] = time.perf_counter) -> None:
        self._load = load
        self._clock = clock
        self._groups: tuple[tuple[str, ...], ...] = ()
        self._stop_words: tuple[str, ...] = ()
        self._editors = SearchWords()

    @abstractmethod
    def _view(self) -> View:
        """The newest state of the index. Raises `IndexDamaged`."""

    @abstractmethod
    def _answer(self, view: View, plan: Plan, query: SearchQuery, deadline: float) -> Answer:
        """The page of hits and the counts for a plan made on `view`."""

    def set_synonyms(self, groups: Iterable[Iterable[str]]) -> None:
        """Groups of words or expressions that find each other from now on; nothing is indexed again."""
        self._groups = tuple(tuple(group) for group in groups)
        self._editors = search_words(self._groups, self._stop_words)

    def set_stop_words(self, stop_words: Iterable[str]) -> None:
        """Words left out of questions from now on, unless nothing else is asked for; nothing is indexed again."""
        self._stop_words = tuple(stop_words)
        self._editors = search_words(self._groups, self._stop_words)

    def count(self) -> int:
        """Number of documents. Raises `IndexDamaged`."""
        return self._view().count

    def search(self, query: SearchQuery) -> SearchResult:
        """Answers a query; never raises for what was typed. Raises `IndexDamaged`."""
        started = self._clock()
        view = self._view()
        deadline = started + query.time_limit
        text = query.text
        node = parse(text, query.prefix)
        fixed = self._corrected(text, node, view, query.prefix)
        if fixed is not None:
            text, node = fixed, parse(fixed, query.prefix)
        plan = Plan(view, node, self._editors)
        answer = self._answer(view, plan, query, deadline)
        suggestion = self._suggestion(text, node, view, answer.total)
        result = self._result(plan, answer)
        return replace(result, corrected=fixed, suggestion=suggestion, took_ms=(self._clock() - started) * 1000)

    def related(self, text: str, query: SearchQuery) -> SearchResult:
        """Documents about what a longer `text` (a message, an article) is about, by its most telling words.

        Of `query` everything but its own text counts.
        """
        started = self._clock()
        view = self._view()
        plan = Plan(view, _telling_words(text[:RELATED_CHARACTERS], view), self._editors)
        result = self._result(plan, self._answer(view, plan, query, started + query.time_limit))
        return replace(result, took_ms=(self._clock() - started) * 1000)

    def _corrected(self, text: str, node: Node, view: View, prefix: bool) -> str | None:
        if not view.count:
            return None
        unknown = [word for word in words(node) if not self._is_known(word, view)]
        if not unknown and not (isinstance(node, Nothing) and text.strip()):
            return None
        return fix_layout(text, view, prefix) or correct_words(
            text, [replace(word, prefix=False) for word in unknown], view
        )

    def _is_known(self, word: Word, view: View) -> bool:
        """Whether the index or the editors know all forms of a word: what is a synonym is no typing error.

        An unfinished word is known as long as some form begins with it.
        """
        if word.prefix and not view.completions(prefix_form(word.text), 1):
            word = replace(word, prefix=False)
        if all(map(view.knows, _forms(word))):
            return True
        terms = tuple(piece.term for piece in analysis.pieces(word.text) if not piece.joined)
        return terms in self._editors.synonyms or bool(terms and self._editors.stop_terms.issuperset(terms))

    def _suggestion(self, text: str, node: Node, view: View, total: int) -> str | None:
        """A spelling that would find more: of a rare word, or of a quoted one, which is never changed unasked."""
        if total > FEW_HITS or not view.count:
            return None
        return suggest_words(text, [*words(node), *_quoted_words(node)], view)

    def _result(self, plan: Plan, answer: Answer) -> SearchResult:
        terms = plan.terms()
        texts = self._load([found.id for found in answer.chosen]) if answer.chosen else {}
        highlighter = Highlighter(terms)
        wanted = frozenset(terms)
        hits = []
        for found in answer.chosen:
            if found.id in texts:
                title, body = texts[found.id]
                in_tags = any(wanted.intersection(analysis.terms(tag)) for tag in found.tags)
                snippet = highlighter.snippet(body)
                hits.append(SearchHit(found.id, found.kind, found.score, highlighter.mark(title), snippet, in_tags))
        return SearchResult(tuple(hits), answer.total, answer.facets, terms=tuple(terms), timed_out=answer.timed_out)


def counted(name: str, counts: Mapping[str, int]) -> Facet:
    """The counts of a facet's values, most frequent first."""
    return Facet(name, tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))))


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


def _telling_words(text: str, view: View) -> Node:
    """The words of a text that are frequent in it and rare in the index."""
    counts: Counter[str] = Counter()
    chain_of: dict[str, str] = {}
    for chain, _start, _end in analysis.chains(analysis.normalise(analysis.composed(text))):
        for piece in analysis.pieces(chain)[:1]:
            counts[piece.term] += 1
            chain_of.setdefault(piece.term, chain)
    weights = {term: min(count, 3) * view.rarity(term) for term, count in counts.items() if view.frequency(term)}
    best = nlargest(RELATED_TERMS, weights, key=lambda term: (weights[term], term))
    parts = tuple(Word(chain_of[term], 0, 0) for term in best)
    return Or(parts) if parts else Nothing()
