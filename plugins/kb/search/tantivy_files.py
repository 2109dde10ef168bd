"""The files of one build as tantivy writes them. The terms are our analyser's: tantivy analyses nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import tantivy

from core.contracts import SearchDocument
from plugins.kb.search.damage import IndexDamaged, damage_reported
from plugins.kb.search.document_terms import DocumentTerms, document_terms
from plugins.kb.search.numbers import number_key

MEMORY = 32_000_000
TRIAL_SIZE = 1_000_000
SEPARATOR = "\x1f"
"""Between name and value of a facet."""


def schema() -> tantivy.Schema:
    """`content` ranks and answers phrases, `title` and `form` say whether a word is there, `facet` narrows and counts."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("content", tokenizer_name="raw", index_option="position")
    for name in ("title", "form", "number"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("facet", stored=True, fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_integer_field("updated", fast=True)
    builder.add_float_field("boost", fast=True)
    return builder.build()


class TantivyFiles:
    """`index_folder.Files` on tantivy."""

    engine = "tantivy"

    def __init__(self) -> None:
        self.schema = schema()

    def open(self, folder: Path) -> tantivy.Index:
        """The index of a build. Raises `IndexDamaged`."""
        with damage_reported(f"index {folder.name} can't be opened"):
            index = tantivy.Index(self.schema, str(folder), reuse=True)
            index.config_reader("manual")
            return index

    def create(self, folder: Path, documents: Iterable[SearchDocument]) -> None:
        with _room_told(folder):
            writer = tantivy.Index(self.schema, str(folder), reuse=False).writer(MEMORY, 1)
            for document in documents:
                writer.add_document(_prepared(document))
            writer.commit()
            writer.wait_merging_threads()

    def change(self, folder: Path, documents: Sequence[SearchDocument], removed: Iterable[str]) -> None:
        if not (folder / "meta.json").exists():
            raise IndexDamaged(f"index {folder.name} has no table of contents")
        with _room_told(folder):
            writer = self.open(folder).writer(MEMORY, 1)
            for id_ in removed:
                writer.delete_documents_by_term("id", id_)
            for document in documents:
                writer.add_document(_prepared(document))
            writer.commit()
            writer.wait_merging_threads()

    def generation(self, folder: Path) -> str:
        """The table of contents is replaced with every commit."""
        try:
            found = (folder / "meta.json").stat()
        except OSError as error:
            raise IndexDamaged(f"index {folder.name} has no table of contents") from error
        return f"{found.st_ino}-{found.st_mtime_ns}"


@contextmanager
def _room_told(folder: Path) -> Iterator[None]:
    """tantivy's writing threads keep their errors to themselves: when one died, trying to write tells whether the disk is full."""
    try:
        yield
    except ValueError as error:
        if "io::Error" in str(error):
            trial = folder / "trial"
            try:
                trial.write_bytes(bytes(TRIAL_SIZE))
            finally:
                trial.unlink(missing_ok=True)
        raise


def _prepared(document: SearchDocument) -> tantivy.Document:
    terms = document_terms(document)
    row = tantivy.Document()
    row.add_text("id", document.id)
    row.add_pre_tokenized_text("content", tantivy.PreTokenizedString("", _tokens(terms)))
    for name, words in (("title", terms.title), ("form", terms.forms)):
        row.add_pre_tokenized_text(
            name, tantivy.PreTokenizedString("", [tantivy.Token(word, 0, 0, 0) for word in words])
        )
    if key := number_key(document.number):
        row.add_text("number", key)
    for name, value in facet_values(document):
        row.add_text("facet", name + SEPARATOR + value)
    row.add_integer("updated", int(document.updated_at.timestamp()) if document.updated_at else 0)
    row.add_float("boost", float(document.boost))
    return row


def facet_values(document: SearchDocument) -> Iterator[tuple[str, str]]:
    """Every name and value that a document may be narrowed by, once."""
    named = (*document.facets.items(), ("tag", document.tags), ("kind", (document.kind,)))
    for name, values in named:
        for value in dict.fromkeys(values):
            yield name, value


def _tokens(terms: DocumentTerms) -> list[tantivy.Token]:
    """In order of position. A weight above the number of places is as many more tokens at the first: tantivy counts."""
    placed = []
    for term, positions in terms.positions.items():
        placed += [(position, term) for position in positions]
        placed += [(positions[0], term)] * (round(terms.weights[term]) - len(positions))
    placed.sort()
    return [tantivy.Token(term, position, 0, 0) for position, term in placed]
