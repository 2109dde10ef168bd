"""A document as terms with weights and positions: what every engine puts into its index."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

from core.contracts import SearchDocument
from core.search import analysis

TITLE_WEIGHT = 2.0
KEYWORDS_WEIGHT = 1.5
TAG_WEIGHT = 1.25
BODY_WEIGHT = 1.0
SECTION_GAP = 16
"""Positions left free between title, keywords, tags and body, so that no phrase spans two of them."""


@dataclass(slots=True)
class DocumentTerms:
    """Term to weight and positions; `forms` are the words as written, `title` the terms of the title."""

    weights: dict[str, float] = field(default_factory=dict)
    positions: dict[str, array[int]] = field(default_factory=dict)
    forms: set[str] = field(default_factory=set)
    next_position: int = 0
    title: frozenset[str] = frozenset()

    def add(self, text: str, weight: float) -> None:
        """Counts every piece of `text`; the caller's hot loop, hence the local names."""
        weights, positions, forms = self.weights, self.positions, self.forms
        base = last = self.next_position
        for piece, _offset, position in analysis.placed_pieces(analysis.composed(text)):
            term = piece.term
            last = base + position
            if term in weights:
                weights[term] += weight
                positions[term].append(last)
            else:
                weights[term] = weight
                positions[term] = array("I", (last,))
            forms.add(piece.form)
        self.next_position = last + SECTION_GAP


def document_terms(document: SearchDocument) -> DocumentTerms:
    """All terms of a document."""
    words = DocumentTerms()
    words.add(document.title, TITLE_WEIGHT)
    words.title = frozenset(words.weights)
    words.add(document.keywords, KEYWORDS_WEIGHT)
    for tag in document.tags:
        words.add(tag, TAG_WEIGHT)
    words.add(document.body, BODY_WEIGHT)
    return words
