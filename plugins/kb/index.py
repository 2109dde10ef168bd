"""The index beside the data base: kept up by one indexer, asked by everybody, rebuilt whenever it is missing or broken.

The data base is the truth. While there is no usable index, answers come from it, by titles and keywords.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

import structlog
from flask import current_app
from sqlalchemy import delete, func, select

from core.contracts import HealthCheck, SearchHit, SearchQuery, SearchResult
from core.db import db, transaction
from core.house import okno
from core.search import Backend
from plugins.kb import documents
from plugins.kb.models import Article, Dirty
from plugins.kb.operations import folded, touch_index
from plugins.kb.public import index as public_index
from plugins.kb.search.damage import IndexBusy, IndexDamaged

EXTENSION = "okno_kb_index"
BATCH = 500
ASK_AGAIN_SECONDS = 30.0
PUBLISHED = {"status": ("published",)}
log = structlog.get_logger("okno.kb")
_opening = threading.Lock()


def open_whoosh(folder: Path, load: Callable[..., Any]) -> Backend:
    """The Whoosh engine in ``folder``."""
    from plugins.kb.search.whoosh_backend import WhooshIndex

    return WhooshIndex(folder, "articles", load)


class ArticleIndex:
    """The engine of one application, and when it last asked to be rebuilt."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._asked = float("-inf")
        self._lock = threading.Lock()

    def due_to_ask(self) -> bool:
        """Whether a rebuild should be asked for now: at most once in ``ASK_AGAIN_SECONDS``."""
        with self._lock:
            if time.monotonic() - self._asked < ASK_AGAIN_SECONDS:
                return False
            self._asked = time.monotonic()
            return True


def article_index() -> ArticleIndex:
    """The current application's index, opened at first use. ``LookupError`` when the chosen engine is not there."""
    extensions = current_app.extensions
    with _opening:
        if EXTENSION not in extensions:
            name = okno().config.get("search.backend")
            engine = okno().search_backends.get(name)
            if engine is None:
                raise LookupError(f"no plugin provides the search engine '{name}' (search.backend)")
            folder = okno().config.home / "index"
            extensions[EXTENSION] = ArticleIndex(engine.open(folder=folder, load=documents.load_texts))
    found: ArticleIndex = extensions[EXTENSION]
    return found


# --- keeping up --------------------------------------------------------------------------------------


def index_due() -> None:
    """The indexer: bring what is dirty into the index, all of it when the index is unusable. Runs on one worker."""
    backend = article_index().backend
    rows = db.session.execute(select(Dirty.id, Dirty.article_id).order_by(Dirty.id).limit(BATCH)).all()
    try:
        if any(row.article_id is None for row in rows) or not _usable(backend):
            rebuild()
        elif rows:
            changed = sorted({row.article_id for row in rows})
            backend.upsert(documents.of_articles(changed))
            public_index.keep_up(changed)
    except IndexBusy:
        return
    except IndexDamaged as damage:
        log.warning("index damaged, building it anew", error=str(damage))
        rebuild()
    db.session.rollback()
    _forget([row.id for row in rows])


def _usable(backend: Backend) -> bool:
    try:
        backend.count()
    except IndexDamaged:
        return False
    return True


def _forget(ids: Sequence[int]) -> None:
    if ids:
        with transaction():
            db.session.execute(delete(Dirty).where(Dirty.id.in_(ids)).execution_options(synchronize_session=False))


def rebuild(progress: Callable[[int], None] | None = None) -> int:
    """Build the index anew beside the old one; what changes meanwhile stays dirty. Returns the number of articles."""
    seen = list(db.session.scalars(select(Dirty.id)))
    backend = article_index().backend
    backend.rebuild(documents.all_documents(), progress)
    public_index.keep_up(None)
    db.session.rollback()
    for start in range(0, len(seen), BATCH):
        _forget(seen[start : start + BATCH])
    return backend.count()


# --- asking ------------------------------------------------------------------------------------------


def search(query: SearchQuery) -> SearchResult:
    """Published articles for the words of ``query``; a filter on ``status`` may widen it."""
    asked = replace(query, filters={**PUBLISHED, **query.filters}, kinds=())
    asked = okno().hooks.extend_search_query(asked)
    return _ask(lambda backend: backend.search(asked), asked)


def related(text: str, query: SearchQuery) -> SearchResult:
    """Published articles about what a longer text (a customer's message) is about."""
    asked = replace(query, filters={**PUBLISHED, **query.filters}, text=" ".join(text.split()[:12]))

    def ask(backend: Backend) -> SearchResult:
        by_text = getattr(backend, "related", None)
        found: SearchResult = by_text(text, asked) if by_text else backend.search(asked)
        return found

    return _ask(ask, asked)


def _ask(ask: Callable[[Backend], SearchResult], query: SearchQuery) -> SearchResult:
    index: ArticleIndex | None = None
    try:
        index = article_index()
        return ask(index.backend)
    except (IndexDamaged, LookupError) as trouble:
        if index is not None and index.due_to_ask():
            log.warning("no usable index, answering from the data base", error=str(trouble))
            with transaction():
                touch_index([None])
        return database_search(query)


def database_search(query: SearchQuery) -> SearchResult:
    """All words in title, question, keywords or tags (or the number), the most used first; no morphology."""
    words = [folded(word) for word in query.text.replace("number:", "").replace('"', " ").split()[:8]]
    conditions: list[Any] = [Article.status.in_(query.filters.get("status", ("published",)))]
    for word in words:
        like = "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        number = [Article.number == int(word)] if word.isdecimal() and len(word) < 10 else []
        conditions.append(
            Article.search_text.like(like, escape="\\")
            if not number
            else (Article.search_text.like(like, escape="\\") | number[0])
        )
    total = db.session.scalar(select(func.count(Article.id)).where(*conditions)) or 0
    rows = select(Article.number, Article.title, Article.question).where(*conditions)
    rows = rows.order_by(Article.uses.desc(), Article.number).limit(query.limit).offset(query.offset)
    hits = tuple(
        SearchHit(documents.document_id(row.number), documents.KIND, 1.0, escape(row.title), escape(row.question[:240]))
        for row in db.session.execute(rows)
    )
    return SearchResult(hits, total, terms=())


def health() -> HealthCheck:
    """Whether the index opens and how far behind it is."""
    waiting = db.session.scalar(select(func.count(Dirty.id))) or 0
    mend = "run  okno kb reindex"
    try:
        count = article_index().backend.count()
    except (IndexDamaged, LookupError) as trouble:
        return HealthCheck("kb index", False, str(trouble), mend)
    articles = db.session.scalar(select(func.count(Article.id))) or 0
    ok = waiting < BATCH and (count == articles or waiting > 0)
    return HealthCheck("kb index", ok, f"{count} of {articles} articles indexed, {waiting} waiting", mend)
