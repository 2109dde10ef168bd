"""The files of one build as Whoosh writes them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from whoosh.filedb.filestore import FileStorage
from whoosh.index import FileIndex
from whoosh.writing import SegmentWriter

from core.contracts import SearchDocument
from plugins.kb.search.damage import IndexDamaged, damage_reported
from plugins.kb.search.schema import index_fields, schema
from plugins.kb.search.whoosh_writing import writer as writing_to


class WhooshFiles:
    """`index_folder.Files` on Whoosh."""

    engine = "whoosh"

    def __init__(self) -> None:
        self._schema = schema()

    def open(self, folder: Path) -> FileIndex:
        """The Whoosh index of a build. Raises `IndexDamaged`."""
        with damage_reported(f"index {folder.name} can't be opened"):
            return FileIndex(FileStorage(str(folder)), schema=self._schema)

    def create(self, folder: Path, documents: Iterable[SearchDocument]) -> None:
        with writing_to(FileIndex.create(FileStorage(str(folder)), self._schema)) as writer:
            for document in documents:
                writer.add_document(**index_fields(document))

    def change(self, folder: Path, documents: Sequence[SearchDocument], removed: Iterable[str]) -> None:
        index = self.open(folder)
        prepared = [index_fields(document) for document in documents]
        with writing_to(index) as writer:
            _delete(index, writer, removed)
            for values in prepared:
                writer.add_document(**values)

    def generation(self, folder: Path) -> str:
        newest = -1
        with damage_reported(f"index {folder.name} can't be listed"):
            for name in os.listdir(folder):
                if name.startswith("_MAIN_") and name.endswith(".toc"):
                    newest = max(newest, int(name[6:-4]))
        if newest < 0:
            raise IndexDamaged(f"index {folder.name} has no table of contents")
        return str(newest)


def _delete(index: FileIndex, writer: SegmentWriter, ids: Iterable[str]) -> None:
    """Marks the documents as deleted: a third of the cost of Whoosh's `update_document`."""
    reader = index.reader()
    try:
        for id_ in ids:
            if ("id", id_) in reader:
                for document in list(reader.postings("id", id_).all_ids()):
                    writer.delete_document(document)
    finally:
        reader.close()
