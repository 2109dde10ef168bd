"""What the index holds of a document, and how a document is cut into it.

Texts aren't stored: the data base is the truth for them. Stored is what every search needs of every document.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from whoosh import fields, formats

from core.contracts import SearchDocument
from plugins.kb.search.document_terms import document_terms

Posting = tuple[bytes, int, float, bytes]


class Places(formats.Format):  # type: ignore[misc]
    """Positions as packed unsigned 32-bit integers: smaller and faster to read than Whoosh's pickled lists."""

    def __init__(self) -> None:
        self.field_boost = 1.0
        self.options: dict[str, Any] = {}

    def decode_positions(self, value: bytes) -> array[int]:
        positions = array("I")
        positions.frombytes(value)
        return positions


class AnalysedField(fields.FieldType):  # type: ignore[misc]
    """A field whose value is a sequence of ready postings: the analysis is done once for all fields of a document."""

    def __init__(self, format_: formats.Format, scorable: bool) -> None:
        super().__init__(format_, None, scorable=scorable)

    def index(self, value: Sequence[Posting], **_options: object) -> Iterator[Posting]:
        return iter(value)


def schema() -> fields.Schema:
    """`content` ranks and answers phrases, `title` and `form` say whether a word is there, `stored` is a `Stored`."""
    return fields.Schema(
        id=fields.ID(),
        content=AnalysedField(Places(), scorable=True),
        title=AnalysedField(formats.Existence(), scorable=False),
        form=AnalysedField(formats.Existence(), scorable=False),
        stored=fields.STORED(),
    )


@dataclass(frozen=True, slots=True)
class Stored:
    """What a search needs of a document beside its words; `updated` is a POSIX time, 0 when unknown."""

    id: str
    kind: str
    number: str
    tags: tuple[str, ...]
    facets: tuple[tuple[str, tuple[str, ...]], ...]
    boost: float
    updated: float

    @classmethod
    def of(cls, document: SearchDocument) -> Stored:
        updated = document.updated_at.timestamp() if document.updated_at else 0.0
        facets = tuple((name, tuple(values)) for name, values in document.facets.items())
        return cls(
            document.id, document.kind, document.number, tuple(document.tags), facets, float(document.boost), updated
        )

    def row(self) -> tuple[Any, ...]:
        """As plain values: what is pickled into the index names no class of ours."""
        return (self.id, self.kind, self.number, self.tags, self.facets, self.boost, self.updated)


def index_fields(document: SearchDocument) -> dict[str, object]:
    """The values of the fields of `schema` for one document."""
    words = document_terms(document)
    content = [
        (term.encode(), round(weight), weight, words.positions[term].tobytes())
        for term, weight in words.weights.items()
    ]
    return {
        "id": document.id,
        "content": content,
        "title": [(term.encode(), 1, 1.0, b"") for term in words.title],
        "form": [(form.encode(), 1, 1.0, b"") for form in words.forms],
        "stored": Stored.of(document).row(),
    }
