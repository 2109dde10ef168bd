"""The index on disk: builds, the pointer to the current one, and the one writer.

    <directory>/<name>-<engine>-v<ANALYSER_VERSION>/
        CURRENT          name of the build in use, replaced atomically
        write.lock       held by the one writer of all processes
        build-<random>/  the engine's files

A rebuild fills a new build while the old one answers, then moves CURRENT. Files are flushed to the disk before a write
is reported as done, because the caller then forgets which documents were dirty and Whoosh itself never flushes.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from whoosh.util.filelock import FileLock, try_for

from core.contracts import SearchDocument
from core.search.analysis import ANALYSER_VERSION
from plugins.kb.search.damage import IndexBusy, IndexDamaged, IndexMissing, damage_reported, full_disk_reported

PROGRESS_EVERY = 200
REMOVALS, REMOVAL_PAUSE = 20, 0.05
OLD_NAME = re.compile(r"(?:-(?P<engine>[a-z]+))?-v(?P<version>\d+)")

Progress = Callable[[int], None]


class Files(Protocol):
    """How an engine writes the files of one build."""

    engine: str
    """Its name, part of the folder's."""

    def create(self, folder: Path, documents: Iterable[SearchDocument]) -> None:
        """Fills an empty folder."""

    def change(self, folder: Path, documents: Sequence[SearchDocument], removed: Iterable[str]) -> None:
        """Takes out what has one of the ids `removed`, puts `documents` in, in one commit."""

    def generation(self, folder: Path) -> str:
        """Changes with every commit; raises `IndexDamaged` if there is none."""


class IndexFolder:
    """All reading and writing of the files of one index. `lock_timeout` is in seconds."""

    def __init__(self, directory: Path, name: str, files: Files, lock_timeout: float) -> None:
        self._name = name
        self._files = files
        self._directory = directory
        self._lock_timeout = lock_timeout
        self.path = directory / f"{name}-{files.engine}-v{ANALYSER_VERSION}"

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

    def generation(self, build: str) -> str:
        """What tells one commit of a build from another; raises `IndexDamaged` if there is none."""
        return self._files.generation(self.path / build)

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
        """Replaces or adds `documents` and removes the ids `deleted` in one commit; the last of equal ids wins.

        Raises `IndexFull` when the disk has no room: what was there before answers on.
        """
        latest = {document.id: document for document in documents}
        removed = {*latest, *deleted}
        if not removed:
            return
        with self.writing(), full_disk_reported():
            folder = self.path / self.current_build()
            with damage_reported("index can't be written"):
                self._files.change(folder, list(latest.values()), removed)
            _flush(folder)

    def rebuild(self, documents: Iterable[SearchDocument], progress: Progress | None) -> None:
        """Builds a new index beside the current one and switches to it.

        Whatever `documents` raises leaves the current index as it was.
        """
        with self.writing(), full_disk_reported():
            build = f"build-{secrets.token_hex(6)}"
            folder = self.path / build
            folder.mkdir()
            try:
                self._fill(folder, documents, progress)
            except BaseException:
                _remove(folder)
                raise
            _flush(folder)
            self._switch(build)
            self._remove_others(build)

    def _fill(self, folder: Path, documents: Iterable[SearchDocument], progress: Progress | None) -> None:
        seen: set[str] = set()

        def told() -> Iterator[SearchDocument]:
            for document in documents:
                if document.id in seen:
                    raise ValueError(f"two documents have the id {document.id}")
                seen.add(document.id)
                yield document
                if progress and len(seen) % PROGRESS_EVERY == 0:
                    progress(len(seen))

        self._files.create(folder, told())
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
                _remove(entry)
        for entry in self._directory.glob(f"{self._name}-*"):
            named = OLD_NAME.fullmatch(entry.name.removeprefix(self._name))
            mine = named and (named["engine"] or self._files.engine) == self._files.engine
            if named and mine and (not named["engine"] or int(named["version"]) < ANALYSER_VERSION):
                shutil.rmtree(entry, ignore_errors=True)


def _remove(folder: Path) -> None:
    """Also while threads of a writer that has failed still leave files there."""
    for _attempt in range(REMOVALS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(REMOVAL_PAUSE)


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
