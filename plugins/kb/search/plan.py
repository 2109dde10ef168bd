"""What a query tree asks of an engine: options of each word, what is left out, what should stand near each other.

Engines differ in how they find; what they look for is decided here, once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Protocol

from core.search import analysis
from plugins.kb.search.query import And, InTitle, Node, Or, Phrase, Word, words

COMPLETIONS = 10
COMPLETION_FACTOR = 0.8
PARTS_FACTOR = 0.6
SYNONYM_FACTOR = 0.7
EXACT_FORM_BONUS = 0.15
NEAR_BONUS = 0.25
NEAR_WORDS = 3
"""Neighbours in the query count more where at most this many words apart, in either order."""
NUMBER_BONUS = 1_000.0
COMMON_SHARE = 0.2
COMMON_FROM = 50
MOST_PAIRS = 6

Expression = tuple[str, ...]


class Statistics(Protocol):
    """What a plan asks of an index."""

    @property
    def count(self) -> int:
        """Number of documents."""

    def frequency(self, term: str) -> int:
        """Number of documents with the term."""

    def rarity(self, term: str) -> float:
        """BM25's inverse document frequency."""

    def completions(self, prefix: str, count: int) -> list[str]:
        """The most frequent forms that begin with ``prefix``."""


@dataclass(frozen=True, slots=True)
class SearchWords:
    """What editors set: expressions that find each other, and words that say nothing (as terms)."""

    synonyms: Mapping[Expression, frozenset[Expression]] = field(default_factory=dict)
    stop_terms: frozenset[str] = frozenset()
    beginnings: Mapping[str, tuple[Expression, ...]] = field(default_factory=dict)
    """Synonyms of several words by their first, so that a query need not look at all of them."""


def search_words(groups: Iterable[Iterable[str]], stop_words: Iterable[str] = ()) -> SearchWords:
    """The lookup tables of groups of words or expressions that mean the same, and of stop words."""
    table: dict[Expression, set[Expression]] = {}
    for group in groups:
        members = {member for text in group if (member := expression(text))}
        for member in members:
            table.setdefault(member, set()).update(members - {member})
    beginnings: dict[str, list[Expression]] = {}
    for key in sorted(table):
        if len(key) > 1:
            beginnings.setdefault(key[0], []).append(key)
    stops = frozenset(term for text in stop_words for term in analysis.terms(text))
    return SearchWords(
        {key: frozenset(found) for key, found in table.items()},
        stops,
        {first: tuple(found) for first, found in beginnings.items()},
    )


def expression(text: str) -> Expression:
    """The terms of a synonym; a code such as «СЗВ-ТД» is one term. Empty if it has only stop words."""
    tokens = analysis.tokens(text)
    joined = next((token.term for token in tokens if token.joined), None)
    plain = tuple(token.term for token in tokens if not token.joined)
    whole = joined and len(analysis.normalise(text).strip().split()) == 1
    return (joined,) if whole and joined else plain


@dataclass(frozen=True, slots=True)
class Option:
    """Terms that must all be there for a word to be found, and how much that counts."""

    terms: Expression
    factor: float


class Plan:
    """What one query looks for in one state of the index."""

    def __init__(self, statistics: Statistics, node: Node, editors: SearchWords) -> None:
        self._statistics = statistics
        self._editors = editors
        self._known_options: dict[Word, tuple[Option, ...]] = {}
        self._add_expression_synonyms(list(words(node)))
        self.node = self._without_common(self._without_stop_words(node))

    def terms(self) -> list[str]:
        """Every term that is looked for, for highlighting."""
        found: dict[str, None] = {}
        self._collect(self.node, found)
        return list(found)

    def options(self, word: Word) -> tuple[Option, ...]:
        """The ways in which a word may be found; the best of them counts."""
        if word not in self._known_options:
            self._known_options[word] = self._options_of(word)
        return self._known_options[word]

    def exact_forms(self, word: Word) -> list[tuple[str, float]]:
        """Forms whose documents come a little before those with other forms, with the bonus."""
        if word.prefix:
            return []
        found = [piece for piece in analysis.pieces(word.text) if not piece.joined and piece.form.isalpha()]
        return [(piece.form, EXACT_FORM_BONUS * self._statistics.rarity(piece.term)) for piece in found]

    def pairs(self) -> list[tuple[str, str, float]]:
        """Terms of neighbouring words of the query, with the bonus for standing near each other."""
        plain = [
            found[0].terms[0]
            for word in words(self.node)
            if word.end and (found := self.options(word)) and len(found[0].terms) == 1
        ]
        neighbours = list(dict.fromkeys((one, other) for one, other in pairwise(plain)))
        rarity = self._statistics.rarity
        return [
            (one, other, NEAR_BONUS * (rarity(one) + rarity(other)))
            for one, other in neighbours[:MOST_PAIRS]
            if one != other and self._statistics.frequency(one) and self._statistics.frequency(other)
        ]

    def _options_of(self, word: Word) -> tuple[Option, ...]:
        pieces = analysis.pieces(word.text)
        joined = [piece for piece in pieces if piece.joined]
        plain = tuple(piece.term for piece in pieces if not piece.joined)
        if joined:
            options = [Option((joined[0].term,), 1.0)]
            if plain:
                options.append(Option(plain, PARTS_FACTOR))
        else:
            options = [Option((term,), 1.0) for term in dict.fromkeys(plain)]
        if len(plain) == 1 or joined:
            key = (joined[0].term,) if joined else plain
            options += [Option(terms, SYNONYM_FACTOR) for terms in sorted(self._editors.synonyms.get(key, ()))]
        if word.prefix:
            options += self._completions(word, {option.terms for option in options})
        return tuple(options)

    def _completions(self, word: Word, known: set[Expression]) -> list[Option]:
        forms = self._statistics.completions(prefix_form(word.text), 3 * COMPLETIONS)
        stems = dict.fromkeys((analysis.stem(form),) for form in forms)
        return [Option(terms, COMPLETION_FACTOR) for terms in stems if terms not in known][:COMPLETIONS]

    def _add_expression_synonyms(self, found: Sequence[Word]) -> None:
        """Synonyms of expressions of several words, such as «электронная подпись» for «ЭЦП»."""
        if not self._editors.beginnings:
            return
        sequence = [option[0].terms[0] if (option := self.options(word)) else "" for word in found]
        for start, first in enumerate(sequence):
            for key in self._editors.beginnings.get(first, ()):
                if tuple(sequence[start : start + len(key)]) == key:
                    others = sorted(self._editors.synonyms[key])
                    self._known_options[found[start]] += tuple(Option(terms, SYNONYM_FACTOR) for terms in others)

    def _without_stop_words(self, node: Node) -> Node:
        """Without the editors' stop words, as long as something else is asked for."""
        if not self._editors.stop_terms or not isinstance(node, And | Or):
            return node
        kept = tuple(self._without_stop_words(part) for part in node.parts if not self._is_stop_word(part))
        if not any(isinstance(part, Word | Phrase | Or | And) for part in kept):
            return node
        return kept[0] if len(kept) == 1 else type(node)(kept)

    def _is_stop_word(self, node: Node) -> bool:
        if not isinstance(node, Word) or node.prefix:
            return False
        terms = {piece.term for piece in analysis.pieces(node.text)}
        return bool(terms) and terms <= self._editors.stop_terms

    def _without_common(self, node: Node) -> Node:
        """Alternatives without the words that are in a large part of all documents, if others remain."""
        if isinstance(node, And):
            return And(tuple(self._without_common(part) for part in node.parts))
        if not isinstance(node, Or) or self._statistics.count < COMMON_FROM:
            return node
        rare = tuple(part for part in node.parts if not self._is_common(part))
        useful = any(not isinstance(part, Word) or self._word_frequency(part) for part in rare)
        if not useful or len(rare) == len(node.parts):
            return node
        return rare[0] if len(rare) == 1 else Or(rare)

    def _is_common(self, node: Node) -> bool:
        return isinstance(node, Word) and self._word_frequency(node) > COMMON_SHARE * self._statistics.count

    def _word_frequency(self, word: Word) -> int:
        counts = [min(map(self._statistics.frequency, option.terms)) for option in self.options(word)]
        return max(counts, default=0)

    def _collect(self, node: Node, found: dict[str, None]) -> None:
        match node:
            case Word():
                for option in self.options(node):
                    found.update(dict.fromkeys(option.terms))
            case Phrase(text=text) | InTitle(text=text):
                found.update(dict.fromkeys(token.term for token in analysis.tokens(text)))
            case And(parts) | Or(parts):
                for part in parts:
                    self._collect(part, found)


def prefix_form(chain: str) -> str:
    """An unfinished word as the beginning of a form."""
    joined = next((piece.form for piece in analysis.pieces(chain) if piece.joined), "")
    return joined or analysis.folded(chain)


def matching_values(text: str, values: Iterable[str]) -> list[str]:
    """Those of a field's values that equal ``text`` or, if none does, have all its words."""
    known = list(values)
    wanted = analysis.normalise(text).strip()
    equal = [value for value in known if analysis.normalise(value) == wanted]
    terms = _value_terms(text)
    return equal or [value for value in known if terms <= _value_terms(value)]


@lru_cache(maxsize=10_000)
def _value_terms(value: str) -> frozenset[str]:
    return frozenset(analysis.terms(value))
