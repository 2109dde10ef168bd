"""Documents, questions and answers of search."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from core.contracts.texts import Text


@dataclass(frozen=True, slots=True)
class SearchDocument:
    """What a source puts into the index; ``id`` is ``<kind>:<key>`` and unique in it."""

    id: str
    kind: str
    title: str
    body: str
    keywords: str = ""
    number: str = ""
    tags: tuple[str, ...] = ()
    facets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    updated_at: datetime | None = None
    boost: float = 1.0


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A question to a backend. ``filters`` narrow by facet values (any of them); ``prefix`` is search as you type.

    ``without`` are ids of documents that are never found.
    """

    text: str
    kinds: tuple[str, ...] = ()
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    limit: int = 20
    offset: int = 0
    prefix: bool = False
    facets: tuple[str, ...] = ()
    time_limit: float = 1.0
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One found document; the two HTML texts are escaped, with ``<mark>`` around what was found."""

    id: str
    kind: str
    score: float
    title_html: str
    snippet_html: str
    in_tags: bool = False


@dataclass(frozen=True, slots=True)
class Facet:
    """Counts of one facet's values, most frequent first."""

    name: str
    counts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class SearchResult:
    """``corrected`` is what was really searched when the words were changed; ``terms`` are for highlighting elsewhere."""

    hits: tuple[SearchHit, ...]
    total: int
    facets: tuple[Facet, ...] = ()
    corrected: str | None = None
    suggestion: str | None = None
    terms: tuple[str, ...] = ()
    took_ms: float = 0.0
    timed_out: bool = False


@dataclass(frozen=True, slots=True)
class SearchSource:
    """A kind of document that may be searched: how to find it, where a hit leads, who may see it.

    One for ``customers`` finds only what everybody may read: bots offer its hits, the desk does not ask it.
    """

    kind: str
    title: Text
    icon: str
    search: Callable[[SearchQuery], SearchResult]
    url: Callable[[str], str]
    permission: str = ""
    audience: Literal["desk", "customers"] = "desk"


@dataclass(frozen=True, slots=True)
class SearchBackend:
    """An engine by name; ``open`` gives an object with the methods of :class:`core.search.Backend`."""

    name: str
    title: Text
    open: Callable[..., Any]
