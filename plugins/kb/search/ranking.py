"""Which documents of a segment answer a plan, and how well: BM25 over one combined field.

A word counts through the best of its options: the stem, a joined code, all parts of a code together, a synonym, or
what an unfinished word may become. Documents with the very form that was typed come a little before others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from heapq import nlargest

from core.search import analysis
from plugins.kb.search.numbers import number_key
from plugins.kb.search.plan import NEAR_WORDS, NUMBER_BONUS, Option, Plan, matching_values
from plugins.kb.search.query import And, Everything, InTitle, Node, Not, Nothing, Or, Phrase, Within, Word
from plugins.kb.search.segment import SATURATION, Segment
from plugins.kb.search.snapshot import Snapshot

WHOLE_FACTOR = 4
"""A term's places are read whole, and kept, unless a phrase needs them for a small part of its documents."""
NEAR_CANDIDATES = 40
"""Of how many of the best documents of a segment the places of words are looked at."""

Scores = dict[int, float]


class TimeUp(Exception):
    """The query's time limit is over."""


class Ranking:
    """Answers one plan on one snapshot. `clock` and `deadline` are in the same seconds."""

    def __init__(self, snapshot: Snapshot, plan: Plan, clock: Callable[[], float], deadline: float) -> None:
        self._snapshot = snapshot
        self._plan = plan
        self._clock = clock
        self._deadline = deadline
        self._pairs = plan.pairs()
        self.node = plan.node
        self.timed_out = False

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

    def prefer_near(self, segment: Segment, scores: Scores) -> None:
        """Adds to the best scores where neighbours in the query stand near each other; the deadline ends it early."""
        if not self._pairs or len(scores) < 2:
            return
        best = sorted(nlargest(NEAR_CANDIDATES, scores, key=scores.__getitem__))
        places: dict[str, dict[int, set[int]]] = {}
        for one, other, bonus in self._pairs:
            if self._clock() > self._deadline:
                self.timed_out = True
                return
            for term in (one, other):
                if term not in places:
                    places[term] = segment.places_in(term, best)
            for document in places[one].keys() & places[other].keys():
                if _near(places[one][document], places[other][document]):
                    scores[document] += bonus

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
        options = self._plan.options(word)
        best = self._option(options[0], segment) if options else {}
        for option in options[1:]:
            for document, score in self._option(option, segment).items():
                if score > best.get(document, -1.0):
                    best[document] = score
        for form, bonus in self._plan.exact_forms(word):
            exact = segment.postings("form", form).documents
            if len(exact) == len(best):
                continue
            for document in exact:
                if document in best:
                    best[document] += bonus
        return best

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
        documents = sorted(scores)
        places = []
        for token in plain:
            if self._clock() > self._deadline:
                raise TimeUp
            few = WHOLE_FACTOR * len(documents) < segment.frequency("content", token.term)
            places.append(segment.places_in(token.term, documents) if few else segment.positions(token.term))
        return {
            document: score for document, score in scores.items() if _consecutive([place[document] for place in places])
        }

    def _in_title(self, node: InTitle, segment: Segment) -> Scores:
        terms = dict.fromkeys(analysis.terms(node.text))
        titled = set.intersection(*(set(segment.postings("title", term).documents) for term in terms))
        scores = _intersection([self._term(term, 1.0, segment) for term in terms])
        return {document: score for document, score in scores.items() if document in titled}


def within(segment: Segment, field: str, text: str) -> set[int]:
    """Documents with a value of the field that equals `text` or, if none does, has all its words."""
    if field == "number":
        return set(segment.numbers.get(number_key(text), ()))
    column = segment.facets.get(field)
    if column is None:
        return set()
    matching = matching_values(text, column.documents)
    return set().union(*(column.documents[value] for value in matching))


def carrying(segment: Segment, facet: str, values: Iterable[str]) -> set[int]:
    """Documents with any of exactly these values of a facet."""
    column = segment.facets.get(facet)
    return set().union(*(column.documents.get(value, ()) for value in values)) if column else set()


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


def _consecutive(places: Sequence[Iterable[int]]) -> bool:
    starts = set(places[0])
    for distance, positions in enumerate(places[1:], 1):
        starts &= {position - distance for position in positions}
        if not starts:
            return False
    return True


def _near(one: set[int], other: set[int]) -> bool:
    return any(place + step in other or place - step in other for place in one for step in range(1, NEAR_WORDS + 1))
