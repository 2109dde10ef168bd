"""The index on disk: builds, the pointer to the current one, and the one writer.

    <directory>/<name>-v<ANALYSER_VERSION>/
        CURRENT          name of the build in use, replaced atomically
        write.lock       held by the one writer of all processes
        build-<random>/  a Whoosh index

A rebuild fills a new build while the old one answers, then moves CURRENT. Files are flushed to the disk before a write
is reported as done, because the caller then forgets which documents were dirty and Whoosh itself never flushes.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from whoosh.filedb.filestore import FileStorage
from whoosh.index import FileIndex
from whoosh.util.filelock import FileLock, try_for
from whoosh.writing import SegmentWriter

from core.contracts import SearchDocument
from plugins.kb.search.analysis import ANALYSER_VERSION
from plugins.kb.search.damage import IndexBusy, IndexDamaged, IndexMissing, damage_reported
from plugins.kb.search.schema import index_fields, schema
from plugins.kb.search.whoosh_writing import writer as writing_to

PROGRESS_EVERY = 200

Progress = Callable[[int], None]


class IndexFolder:
    """All reading and writing of the files of one index. `lock_timeout` is in seconds."""

    def __init__(self, directory: Path, name: str, lock_timeout: float) -> None:
        self._name = name
        self._directory = directory
        self._lock_timeout = lock_timeout
        self._schema = schema()
        self.path = directory / f"{name}-v{ANALYSER_VERSION}"

    @property
    def _pointer(self) -> Path:
        return self.path / "CURRENT"

    def current_build(self) -> str:
        """Name of the build in use. Raises `IndexMissing`."""
        try:
            build = self._pointer.read_text("ascii").strip()
        except FileNotFoundError:
            raise IndexMissing(f"there is no index in {self.path}") from None
        except (OSError, ValueError) as error:
            raise IndexDamaged(f"{self._pointer} can't be read: {error}") from error
        if not build.startswith("build-") or "/" in build:
            raise IndexDamaged(f"{self._pointer} names no build")
        return build

    def open_build(self, build: str) -> FileIndex:
        """The Whoosh index of a build. Raises `IndexDamaged`."""
        with damage_reported(f"index {build} can't be opened"):
            return FileIndex(FileStorage(str(self.path / build)), schema=self._schema)

    def generation(self, build: str) -> int:
        """Number of the newest commit of a build; raises `IndexDamaged` if there is none."""
        newest = -1
        with damage_reported(f"index {build} can't be listed"):
            for name in os.listdir(self.path / build):
                if name.startswith("_MAIN_") and name.endswith(".toc"):
                    newest = max(newest, int(name[6:-4]))
        if newest < 0:
            raise IndexDamaged(f"index {build} has no table of contents")
        return newest

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Holds the lock of the one writer. Raises `IndexBusy` after the time-out."""
        self.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(str(self.path / "write.lock"))
        if not try_for(lock.acquire, timeout=self._lock_timeout, delay=0.02):
            raise IndexBusy(f"another writer has held {self.path} for {self._lock_timeout:g} s")
        try:
            yield
        finally:
            lock.release()

    def apply(self, documents: Iterable[SearchDocument], deleted: Iterable[str]) -> None:
        """Replaces or adds `documents` and removes the ids `deleted` in one commit; the last of equal ids wins."""
        latest = {document.id: document for document in documents}
        removed = {*latest, *deleted}
        if not removed:
            return
        with self.writing():
            build = self.current_build()
            index = self.open_build(build)
            prepared = [index_fields(document) for document in latest.values()]
            with damage_reported("index can't be written"), writing_to(index) as writer:
                _delete(index, writer, removed)
                for values in prepared:
                    writer.add_document(**values)
            _flush(self.path / build)

    def rebuild(self, documents: Iterable[SearchDocument], progress: Progress | None) -> None:
        """Builds a new index beside the current one and switches to it.

        Whatever `documents` raises leaves the current index as it was.
        """
        with self.writing():
            build = f"build-{secrets.token_hex(6)}"
            folder = self.path / build
            folder.mkdir()
            try:
                self._fill(folder, documents, progress)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            _flush(folder)
            self._switch(build)
            self._remove_others(build)

    def _fill(self, folder: Path, documents: Iterable[SearchDocument], progress: Progress | None) -> None:
        index = FileIndex.create(FileStorage(str(folder)), self._schema)
        seen: set[str] = set()
        with writing_to(index) as writer:
            for document in documents:
                if document.id in seen:
                    raise ValueError(f"two documents have the id {document.id}")
                seen.add(document.id)
                writer.add_document(**index_fields(document))
                if progress and len(seen) % PROGRESS_EVERY == 0:
                    progress(len(seen))
        if progress:
            progress(len(seen))

    def _switch(self, build: str) -> None:
        temporary = self.path / "CURRENT.new"
        with temporary.open("w", encoding="ascii") as file:
            file.write(build)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self._pointer)
        _flush_folder(self.path)

    def _remove_others(self, build: str) -> None:
        """Other builds and indexes of earlier analysers; processes that still read them keep their open files."""
        for entry in self.path.glob("build-*"):
            if entry.name != build:
                shutil.rmtree(entry, ignore_errors=True)
        for entry in self._directory.glob(f"{self._name}-v*"):
            version = entry.name.removeprefix(f"{self._name}-v")
            if version.isdecimal() and int(version) < ANALYSER_VERSION:
                shutil.rmtree(entry, ignore_errors=True)


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


def _flush(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_file():
            with entry.open("rb") as file:
                os.fsync(file.fileno())
    _flush_folder(folder)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
