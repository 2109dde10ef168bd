"""The index beside the data base: kept up by one indexer, asked by everybody, rebuilt whenever it is missing or broken.

The data base is the truth. While the chosen engine has no usable index, another engine's answers if it is there (the
setting was changed and the new index is being built); otherwise answers come from the data base, by titles and keywords.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

import structlog
from flask import current_app
from sqlalchemy import delete, func, select

from core.clock import now
from core.contracts import HealthCheck, SearchHit, SearchQuery, SearchResult
from core.db import db, transaction
from core.house import okno
from core.search import Backend
from plugins.kb.finding import documents, index_state
from plugins.kb.finding.search_log import forget_old
from plugins.kb.finding.search_words import Keeper
from plugins.kb.models import Article, Dirty
from plugins.kb.search.damage import IndexBusy, IndexDamaged, IndexFull, IndexMissing
from plugins.kb.writing.operations import folded, touch_index

EXTENSION = "okno_kb_index"
BATCH = 500
ASK_AGAIN_SECONDS = 30.0
REBUILD_SECONDS = 86_400.0
PUBLISHED = {"status": ("published",)}
log = structlog.get_logger("okno.kb")
_opening = threading.Lock()


def open_whoosh(folder: Path, load: Callable[..., Any]) -> Backend:
    """The Whoosh engine in ``folder``."""
    from plugins.kb.search.whoosh_backend import WhooshIndex

    return WhooshIndex(folder, "articles", load)


def open_tantivy(folder: Path, load: Callable[..., Any]) -> Backend:
    """The tantivy engine in ``folder``. ``LookupError`` when its package is not installed."""
    try:
        from plugins.kb.search.tantivy_backend import TantivyIndex
    except ImportError as error:
        raise LookupError("the search engine tantivy is not installed: pip install 'okno[tantivy]'") from error
    return TantivyIndex(folder, "articles", load)


class ArticleIndex:
    """The engine of one application, another that may answer meanwhile, and when a rebuild was last asked for."""

    def __init__(self, backend: Backend, name: str, others: dict[str, Backend], complaint: str = "") -> None:
        self.backend = backend
        self.name = name
        self.others = others
        self.complaint = complaint
        self.words = Keeper()
        self._version = -1
        self._asked = float("-inf")
        self._lock = threading.Lock()

    def due_to_ask(self) -> bool:
        """Whether a rebuild should be asked for now: at most once in ``ASK_AGAIN_SECONDS``."""
        with self._lock:
            if time.monotonic() - self._asked < ASK_AGAIN_SECONDS:
                return False
            self._asked = time.monotonic()
            return True

    def take_words(self) -> None:
        """Give the engines the editors' synonyms and stop words when there is a newer version of them."""
        known = self.words.current()
        if known.version != self._version:
            self._version = known.version
            for engine in (self.backend, *self.others.values()):
                engine.set_synonyms(known.synonyms)
                engine.set_stop_words(known.stop_words)

    def answering(self) -> Backend:
        """The chosen engine, or another that has an index while the chosen one's is not built yet."""
        try:
            self.backend.count()
        except IndexMissing:
            for other in self.others.values():
                try:
                    other.count()
                except IndexDamaged:
                    continue
                return other
        return self.backend


def article_index() -> ArticleIndex:
    """The current application's index, opened at first use. ``LookupError`` when no engine is there."""
    extensions = current_app.extensions
    with _opening:
        if EXTENSION not in extensions:
            extensions[EXTENSION] = _open()
    found: ArticleIndex = extensions[EXTENSION]
    return found


def _open() -> ArticleIndex:
    """The engine of the setting ``search.backend``; Whoosh when that one can't be had."""
    wanted = okno().config.get("search.backend")
    folder = okno().config.home / "index"
    opened: dict[str, Backend] = {}
    complaint = (
        "" if wanted in okno().search_backends else f"no plugin provides the search engine '{wanted}' (search.backend)"
    )
    for name, engine in okno().search_backends.items():
        try:
            opened[name] = engine.open(folder=folder, load=documents.load_texts)
        except LookupError as error:
            if name == wanted:
                complaint = str(error)
    chosen = wanted if wanted in opened else "whoosh"
    if chosen not in opened:
        raise LookupError(complaint)
    if complaint:
        log.warning("answering with Whoosh", reason=complaint)
    return ArticleIndex(opened.pop(chosen), chosen, opened, complaint)


# --- keeping up --------------------------------------------------------------------------------------


def index_due() -> None:
    """The indexer: bring what is dirty into the index, all of it when the index is unusable. Runs on one worker."""
    index = article_index()
    rows = db.session.execute(select(Dirty.id, Dirty.article_id).order_by(Dirty.id).limit(BATCH)).all()
    try:
        if any(row.article_id is None for row in rows) or not _usable(index.backend):
            rebuild()
        elif rows:
            index.backend.upsert(documents.of_articles(sorted({row.article_id for row in rows})))
    except IndexBusy:
        return
    except IndexFull as full:
        _tell_full(full)
        return
    except IndexDamaged as damage:
        log.warning("index damaged, building it anew", error=str(damage))
        try:
            rebuild()
        except IndexFull as full:
            _tell_full(full)
            return
    db.session.rollback()
    if rows:
        _forget([row.id for row in rows])
        index_state.tell("ready", index.name)


def _tell_full(full: IndexFull) -> None:
    db.session.rollback()
    if index_state.tell("full", article_index().name, message=str(full)):
        log.error("no room for the search index; changes wait", error=str(full))


def _usable(backend: Backend) -> bool:
    try:
        backend.count()
    except IndexDamaged:
        return False
    return True


def _forget(ids: list[int]) -> None:
    if ids:
        with transaction():
            db.session.execute(delete(Dirty).where(Dirty.id.in_(ids)).execution_options(synchronize_session=False))


def rebuild(progress: Callable[[int], None] | None = None) -> int:
    """Build the index anew beside the old one; what changes meanwhile stays dirty. Returns the number of articles.

    Pages that show the index follow by events. Raises ``IndexBusy``, ``IndexFull``.
    """
    index = article_index()
    seen = list(db.session.scalars(select(Dirty.id)))
    total = db.session.scalar(select(func.count(Article.id))) or 0
    told = index_state.Progress(index.name, total)

    def both(done: int) -> None:
        told(done)
        if progress:
            progress(done)

    index.backend.rebuild(documents.all_documents(), both)
    db.session.rollback()
    for start in range(0, len(seen), BATCH):
        _forget(seen[start : start + BATCH])
    index_state.tell("ready", index.name, done=total, total=total)
    _remove_others(index)
    return index.backend.count()


def _remove_others(index: ArticleIndex) -> None:
    """What another engine left behind would answer with old articles if the setting were changed back."""
    for other in index.others.values():
        path = getattr(other, "path", None)
        if isinstance(path, Path) and path.is_dir():
            shutil.rmtree(path, ignore_errors=True)


def upkeep() -> None:
    """The hourly job: a rebuild once a day takes up what changes without an edit (uses, age), and old counts go."""
    forget_old()
    pointer = getattr(article_index().backend, "path", Path()) / "CURRENT"
    try:
        age = time.time() - pointer.stat().st_mtime
    except OSError:
        return
    if age > REBUILD_SECONDS:
        with transaction():
            touch_index([None])


def ask_for_rebuild() -> None:
    """Let the indexer build the index anew; searching goes on meanwhile."""
    with transaction():
        touch_index([None])
        index_state.tell("building", article_index().name)


# --- asking ------------------------------------------------------------------------------------------


def search(query: SearchQuery) -> SearchResult:
    """Published articles for the words of ``query``; a filter on ``status`` may widen it."""
    asked = replace(query, filters={**PUBLISHED, **query.filters}, kinds=(), without=(*query.without, *_expired()))
    asked = okno().hooks.extend_search_query(asked)
    return _ask(lambda backend: backend.search(asked), asked)


def related(text: str, query: SearchQuery) -> SearchResult:
    """Published articles about what a longer text (a customer's message) is about."""
    asked = replace(query, filters={**PUBLISHED, **query.filters}, text=" ".join(text.split()[:12]))
    asked = replace(asked, without=(*query.without, *_expired()))

    def ask(backend: Backend) -> SearchResult:
        by_text = getattr(backend, "related", None)
        found: SearchResult = by_text(text, asked) if by_text else backend.search(asked)
        return found

    return _ask(ask, asked)


def _expired() -> list[str]:
    """Documents of published articles whose time is over and which the scheduler has not taken back yet: few or none."""
    query = select(Article.number).where(Article.expires_at <= now(), Article.status == "published")
    return [documents.document_id(number) for number in db.session.scalars(query)]


def _ask(ask: Callable[[Backend], SearchResult], query: SearchQuery) -> SearchResult:
    index: ArticleIndex | None = None
    try:
        index = article_index()
        index.take_words()
        return ask(index.answering())
    except (IndexDamaged, LookupError) as trouble:
        if index is not None and index.due_to_ask():
            log.warning("no usable index, answering from the data base", error=str(trouble))
            with transaction():
                touch_index([None])
        return database_search(query)


def database_search(query: SearchQuery) -> SearchResult:
    """All words in title, question, keywords or tags (or the number), the most used first; no morphology."""
    words = [folded(word) for word in query.text.replace("number:", "").replace('"', " ").split()[:8]]
    conditions: list[Any] = [
        Article.status.in_(query.filters.get("status", ("published",))),
        (Article.expires_at.is_(None)) | (Article.expires_at > now()),
    ]
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
    """Whether the index opens, how far behind it is, and whether the disk has room for it."""
    waiting = db.session.scalar(select(func.count(Dirty.id))) or 0
    mend = "run  okno kb reindex"
    try:
        index = article_index()
        count = index.backend.count()
    except (IndexDamaged, LookupError) as trouble:
        return HealthCheck("kb index", False, str(trouble), mend)
    state = index_state.current()
    if state.state == "full":
        told = f"{state.message}; {waiting} changes wait, searches answer without them"
        return HealthCheck(
            "kb index", False, told, "make room on the disk of the folder index; the indexer tries again by itself"
        )
    if index.complaint:
        mended = 'install what is missing or set search.backend = "whoosh", then restart'
        return HealthCheck("kb index", False, f"{index.complaint}; Whoosh answers instead", mended)
    articles = db.session.scalar(select(func.count(Article.id))) or 0
    ok = waiting < BATCH and (count == articles or waiting > 0)
    return HealthCheck(
        "kb index", ok, f"{count} of {articles} articles indexed on {index.name}, {waiting} waiting", mend
    )
