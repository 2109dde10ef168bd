"""The search contract: what an engine must do. Engines come from plugins through ``register_search_backends``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from core.contracts import SearchDocument, SearchQuery, SearchResult


class Backend(Protocol):
    """An engine that keeps an index of :class:`core.contracts.SearchDocument`; the data base stays the truth."""

    def upsert(self, documents: Iterable[SearchDocument]) -> None:
        """Put documents in, replacing those with the same id."""

    def delete(self, ids: Iterable[str]) -> None:
        """Take documents out; unknown ids are fine."""

    def rebuild(self, documents: Iterable[SearchDocument], progress: Callable[[int], None] | None = None) -> None:
        """Build a new index beside the old one and switch to it; searching goes on meanwhile."""

    def search(self, query: SearchQuery) -> SearchResult:
        """Answer within ``query.time_limit`` seconds."""

    def set_synonyms(self, groups: Iterable[Iterable[str]]) -> None:
        """Groups of words or expressions that find each other from now on; nothing is indexed again."""

    def set_stop_words(self, stop_words: Iterable[str]) -> None:
        """Words that count for nothing in a question from now on, unless nothing else is asked for."""

    def count(self) -> int:
        """How many documents are in."""
