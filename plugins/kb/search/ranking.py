"""Which documents of a segment answer a query tree, and how well: BM25 over one combined field.

A word counts through the best of its options: the stem, a joined code, all parts of a code together, a synonym, or
what an unfinished word may become. Documents with the very form that was typed come a little before others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from plugins.kb.search import analysis
from plugins.kb.search.query import And, Everything, InTitle, Node, Not, Nothing, Or, Phrase, Within, Word, words
from plugins.kb.search.segment import SATURATION, Segment, number_key
from plugins.kb.search.snapshot import Snapshot

COMPLETIONS = 10
COMPLETION_FACTOR = 0.8
PARTS_FACTOR = 0.6
SYNONYM_FACTOR = 0.7
EXACT_FORM_BONUS = 0.15
NUMBER_BONUS = 1_000.0
COMMON_SHARE = 0.2
COMMON_FROM = 50

Scores = dict[int, float]
Synonyms = dict[tuple[str, ...], set[tuple[str, ...]]]


class TimeUp(Exception):
    """The query's time limit is over."""


@dataclass(frozen=True, slots=True)
class Option:
    """Terms that must all be there for a word to be found, and how much that counts."""

    terms: tuple[str, ...]
    factor: float


def synonyms_of(groups: Iterable[Iterable[str]]) -> Synonyms:
    """Lookup table of groups of words or expressions that mean the same."""
    table: Synonyms = {}
    for group in groups:
        members = {member for text in group if (member := tuple(analysis.terms(text)))}
        for member in members:
            table.setdefault(member, set()).update(members - {member})
    return table


class Ranking:
    """Answers one query on one snapshot. `clock` and `deadline` are in the same seconds."""

    def __init__(
        self, snapshot: Snapshot, node: Node, synonyms: Synonyms, clock: Callable[[], float], deadline: float
    ) -> None:
        self._snapshot = snapshot
        self._synonyms = synonyms
        self._clock = clock
        self._deadline = deadline
        self._known_options: dict[Word, tuple[Option, ...]] = {}
        self._add_expression_synonyms(list(words(node)))
        self.node = self._without_common(node)
        self.timed_out = False

    def terms(self) -> list[str]:
        """Every term that is looked for, for highlighting."""
        found: dict[str, None] = {}
        self._collect(self.node, found)
        return list(found)

    def scores(self, segment: Segment) -> Scores:
        """Document number to score, deleted documents included. Sets `timed_out` when it gave up early."""
        try:
            found = self._scores(self.node, segment)
        except TimeUp:
            self.timed_out = True
            return {}
        if isinstance(self.node, Word):
            for document in segment.numbers.get(number_key(self.node.text), ()):
                found[document] = found.get(document, 0.0) + NUMBER_BONUS
        return found

    def _options(self, word: Word) -> tuple[Option, ...]:
        if word not in self._known_options:
            self._known_options[word] = self._options_of(word)
        return self._known_options[word]

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
            options += [Option(terms, SYNONYM_FACTOR) for terms in sorted(self._synonyms.get(key, ()))]
        if word.prefix:
            options += self._completions(word, {option.terms for option in options})
        return tuple(options)

    def _completions(self, word: Word, known: set[tuple[str, ...]]) -> list[Option]:
        forms = self._snapshot.completions(prefix_form(word.text), 3 * COMPLETIONS)
        stems = dict.fromkeys((analysis.stem(form),) for form in forms)
        return [Option(terms, COMPLETION_FACTOR) for terms in stems if terms not in known][:COMPLETIONS]

    def _add_expression_synonyms(self, found: Sequence[Word]) -> None:
        """Synonyms of expressions of several words, such as «электронная подпись» for «ЭЦП»."""
        expressions = [key for key in self._synonyms if len(key) > 1]
        sequence = [option[0].terms[0] if (option := self._options(word)) else "" for word in found]
        for expression in expressions:
            for start in range(len(sequence) - len(expression) + 1):
                if tuple(sequence[start : start + len(expression)]) == expression:
                    extra = tuple(Option(terms, SYNONYM_FACTOR) for terms in sorted(self._synonyms[expression]))
                    self._known_options[found[start]] += extra

    def _without_common(self, node: Node) -> Node:
        """Alternatives without the words that are in a large part of all documents, if others remain."""
        if not isinstance(node, Or) or self._snapshot.count < COMMON_FROM:
            if isinstance(node, And):
                return And(tuple(self._without_common(part) for part in node.parts))
            return node
        rare = tuple(part for part in node.parts if not self._is_common(part))
        useful = any(not isinstance(part, Word) or self._frequency(part) for part in rare)
        if not useful or len(rare) == len(node.parts):
            return node
        return rare[0] if len(rare) == 1 else Or(rare)

    def _is_common(self, node: Node) -> bool:
        return isinstance(node, Word) and self._frequency(node) > COMMON_SHARE * self._snapshot.count

    def _frequency(self, word: Word) -> int:
        counts = [min(map(self._snapshot.frequency, option.terms)) for option in self._options(word)]
        return max(counts, default=0)

    def _collect(self, node: Node, found: dict[str, None]) -> None:
        match node:
            case Word():
                for option in self._options(node):
                    found.update(dict.fromkeys(option.terms))
            case Phrase(text=text) | InTitle(text=text):
                found.update(dict.fromkeys(token.term for token in analysis.tokens(text)))
            case And(parts) | Or(parts):
                for part in parts:
                    self._collect(part, found)

    def _scores(self, node: Node, segment: Segment) -> Scores:
        if self._clock() > self._deadline:
            raise TimeUp
        match node:
            case Word():
                return self._word(node, segment)
            case Phrase():
                return self._phrase(node, segment)
            case Within():
                return dict.fromkeys(within(segment, node.field, node.text), 0.0)
            case InTitle():
                return self._in_title(node, segment)
            case Or(parts):
                return self._any(parts, segment)
            case And(parts):
                return self._all(parts, segment)
            case Not(part):
                excluded = self._scores(part, segment)
                return {document: 0.0 for document in range(segment.size) if document not in excluded}
            case Everything():
                return dict.fromkeys(range(segment.size), 0.0)
            case Nothing():
                return {}

    def _any(self, parts: Sequence[Node], segment: Segment) -> Scores:
        total: Scores = {}
        for part in parts:
            try:
                found = self._scores(part, segment)
            except TimeUp:
                self.timed_out = True
                return total
            if len(found) > len(total):
                total, found = found, total
            for document, score in found.items():
                total[document] = total.get(document, 0.0) + score
        return total

    def _all(self, parts: Sequence[Node], segment: Segment) -> Scores:
        wanted = [self._scores(part, segment) for part in parts if not isinstance(part, Not | Everything)]
        total = _intersection(wanted) if wanted else self._scores(Everything(), segment)
        for part in parts:
            if isinstance(part, Not) and total:
                excluded = self._scores(part.part, segment)
                total = {document: score for document, score in total.items() if document not in excluded}
        return total

    def _word(self, word: Word, segment: Segment) -> Scores:
        options = self._options(word)
        best = self._option(options[0], segment) if options else {}
        for option in options[1:]:
            for document, score in self._option(option, segment).items():
                if score > best.get(document, -1.0):
                    best[document] = score
        if not word.prefix:
            self._prefer_exact_form(word, segment, best)
        return best

    def _prefer_exact_form(self, word: Word, segment: Segment, scores: Scores) -> None:
        for piece in analysis.pieces(word.text):
            if piece.joined or not piece.form.isalpha():
                continue
            exact = segment.postings("form", piece.form).documents
            if len(exact) == len(scores):
                continue
            bonus = EXACT_FORM_BONUS * self._snapshot.rarity(piece.term)
            for document in exact:
                if document in scores:
                    scores[document] += bonus

    def _option(self, option: Option, segment: Segment) -> Scores:
        return _intersection([self._term(term, option.factor, segment) for term in option.terms])

    def _term(self, term: str, factor: float, segment: Segment) -> Scores:
        found = segment.postings("content", term)
        if not found.documents:
            return {}
        weight = factor * self._snapshot.rarity(term) * (SATURATION + 1)
        return {document: weight * impact for document, impact in zip(found.documents, found.impacts, strict=True)}

    def _phrase(self, phrase: Phrase, segment: Segment) -> Scores:
        tokens = analysis.tokens(phrase.text)
        plain = [token for token in tokens if not token.joined]
        joined = [token for token in tokens if token.joined]
        if joined and joined[0].end - joined[0].start >= plain[-1].end - plain[0].start:
            return self._term(joined[0].term, 1.0, segment)
        scores = _intersection([self._term(token.term, 1.0, segment) for token in plain])
        if len(plain) == 1:
            exact = set(segment.postings("form", plain[0].form).documents)
            return {document: score for document, score in scores.items() if document in exact}
        if not scores:
            return scores
        places = [segment.positions(token.term) for token in plain]
        return {
            document: score for document, score in scores.items() if _consecutive([place[document] for place in places])
        }

    def _in_title(self, node: InTitle, segment: Segment) -> Scores:
        terms = dict.fromkeys(analysis.terms(node.text))
        titled = set.intersection(*(set(segment.postings("title", term).documents) for term in terms))
        scores = _intersection([self._term(term, 1.0, segment) for term in terms])
        return {document: score for document, score in scores.items() if document in titled}


def prefix_form(chain: str) -> str:
    """An unfinished word as the beginning of a form."""
    joined = next((piece.form for piece in analysis.pieces(chain) if piece.joined), "")
    return joined or analysis.folded(chain)


def within(segment: Segment, field: str, text: str) -> set[int]:
    """Documents with a value of the field that equals `text` or, if none does, has all its words."""
    if field == "number":
        return set(segment.numbers.get(number_key(text), ()))
    column = segment.facets.get(field)
    if column is None:
        return set()
    wanted = analysis.normalise(text).strip()
    equal = [value for value in column.documents if analysis.normalise(value) == wanted]
    terms = _value_terms(text)
    matching = equal or [value for value in column.documents if terms <= _value_terms(value)]
    return set().union(*(column.documents[value] for value in matching))


def carrying(segment: Segment, facet: str, values: Iterable[str]) -> set[int]:
    """Documents with any of exactly these values of a facet."""
    column = segment.facets.get(facet)
    return set().union(*(column.documents.get(value, ()) for value in values)) if column else set()


@lru_cache(maxsize=10_000)
def _value_terms(value: str) -> frozenset[str]:
    return frozenset(analysis.terms(value))


def _intersection(parts: Sequence[Scores]) -> Scores:
    """Documents that are in all parts, with the sum of their scores."""
    if len(parts) == 1:
        return parts[0]
    ordered = sorted(parts, key=len)
    return {
        document: sum(part[document] for part in parts)
        for document in ordered[0]
        if all(document in part for part in ordered[1:])
    }


def _consecutive(places: Sequence[Sequence[int]]) -> bool:
    starts = set(places[0])
    for distance, positions in enumerate(places[1:], 1):
        starts &= {position - distance for position in positions}
        if not starts:
            return False
    return True
