"""Whoosh's writer without what an index of ours doesn't use: half of the time of every build and commit.

* Length statistics per block serve Whoosh's own ranking only, and looking them up costs a `stat` a posting for fields
  without lengths.
* Sorted runs are written and read in batches of postings instead of one pickle each.
* Larger blocks compress better; we always read whole postings.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, BinaryIO

from whoosh.codec.whoosh3 import W3Codec
from whoosh.index import FileIndex
from whoosh.writing import PostingPool, SegmentWriter

POSTINGS_IN_MEMORY = 300_000
BATCH = 4_000
BLOCK = 512

Posting = tuple[str, bytes, int, float, bytes]


class Codec(W3Codec):  # type: ignore[misc]
    """The Whoosh 3 format with blocks of `BLOCK` postings."""

    length_stats = False

    def __init__(self) -> None:
        super().__init__(blocklimit=BLOCK, compression=1)


class BatchedPool(PostingPool):  # type: ignore[misc]
    """Sorts postings in memory up to a number, then in runs on the disk."""

    def add(self, item: Posting) -> None:
        self.current.append(item)
        if len(self.current) >= POSTINGS_IN_MEMORY:
            self.save()

    def _write_run(self, file: BinaryIO, items: Iterable[Posting]) -> None:
        remaining = iter(items)
        while batch := list(islice(remaining, BATCH)):
            marshal.dump(batch, file)
        file.close()

    def _read_run(self, path: str) -> Iterator[Posting]:
        file = self._open_run(path)
        try:
            while True:
                try:
                    batch: list[Any] = marshal.load(file)  # noqa: S302 - our own temporary file
                except EOFError:
                    return
                yield from batch
        finally:
            file.close()
            self._remove_run(path)


@contextmanager
def writer(index: FileIndex) -> Iterator[SegmentWriter]:
    """A writer that commits at the end and gives up on an error; without compound files, whose every opening copies
    the segment."""
    opened = SegmentWriter(index, compound=False, codec=Codec())
    opened.pool = BatchedPool(opened.pool.tempstore, opened.newsegment)
    try:
        yield opened
    except BaseException:
        opened.cancel()
        raise
    opened.commit()
