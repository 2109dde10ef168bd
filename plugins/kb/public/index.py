"""An index of its own for customers: it holds public texts only, so that no word of a colleague's note leads to anything.

It follows the knowledge base's index: what that one learns, this one learns. Answers are looked up in the data base again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

import structlog
from flask import current_app
from sqlalchemy import or_, select
from sqlalchemy.orm import selectinload

from core.contracts import SearchDocument, SearchQuery, SearchResult
from core.db import db
from core.house import okno
from core.search import Backend
from plugins.kb.finding import documents
from plugins.kb.models import Article
from plugins.kb.public.text import plain_body, without_variables
from plugins.kb.public.visible import visible
from plugins.kb.search.damage import IndexBusy, IndexDamaged
from plugins.kb.writing.operations import folded

EXTENSION = "okno_kb_public_index"
BATCH = 500
WORDS_MOST = 8
log = structlog.get_logger("okno.kb")
_opening = threading.Lock()


@dataclass(frozen=True, slots=True)
class Hit:
    """A found article; the two texts are HTML with ``<mark>`` around what was looked for."""

    number: int
    slug: str
    title_html: str
    snippet_html: str


@dataclass(frozen=True, slots=True)
class Answer:
    """``instead`` was searched because the words as written find nothing; ``suggestion`` might have been meant."""

    hits: tuple[Hit, ...]
    total: int
    instead: str = ""
    suggestion: str = ""


def backend() -> Backend:
    """The engine, opened at first use. ``LookupError`` when the chosen one is not there."""
    with _opening:
        if EXTENSION not in current_app.extensions:
            name = okno().config.get("search.backend")
            engine = okno().search_backends.get(name)
            if engine is None:
                raise LookupError(f"no plugin provides the search engine '{name}' (search.backend)")
            folder = okno().config.home / "index" / "public"
            folder.mkdir(parents=True, exist_ok=True)
            current_app.extensions[EXTENSION] = engine.open(folder=folder, load=load_texts)
    found: Backend = current_app.extensions[EXTENSION]
    return found


def load_texts(ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Ids of documents to (title, plain body), both as customers see them."""
    numbers = [documents.number_of(id_) for id_ in ids]
    columns = (Article.number, Article.title, Article.question, Article.sections)
    rows = db.session.execute(select(*columns).where(Article.number.in_(numbers), *visible()))
    return {
        documents.document_id(row.number): (without_variables(row.title), plain_body(row.question, row.sections))
        for row in rows
    }


def document(article: Article) -> SearchDocument:
    """What customers may find an article by."""
    return SearchDocument(
        id=documents.document_id(article.number),
        kind=documents.KIND,
        title=without_variables(article.title),
        body=plain_body(article.question, article.sections),
        keywords=" ".join([article.question, *article.keywords]),
        number=str(article.number),
        tags=tuple(article.tags),
        facets={"language": (article.language,)},
        updated_at=article.updated_at,
    )


def follow(article_ids: Iterable[int]) -> None:
    """These articles changed. Raises ``IndexBusy``, ``IndexDamaged``."""
    ids = list(article_ids)
    query = select(Article).where(Article.id.in_(ids), *visible()).options(selectinload(Article.tag_links))
    shown = [document(article) for article in db.session.scalars(query)]
    numbers = db.session.scalars(select(Article.number).where(Article.id.in_(ids)))
    gone = {documents.document_id(number) for number in numbers} - {one.id for one in shown}
    engine = backend()
    engine.delete(sorted(gone))
    if shown:
        engine.upsert(shown)


def rebuild() -> int:
    """Everything anew; returns the number of public articles."""
    engine = backend()
    engine.rebuild(_all())
    return engine.count()


def _all() -> Iterator[SearchDocument]:
    last = 0
    while True:
        query = select(Article).where(Article.id > last, *visible()).order_by(Article.id).limit(BATCH)
        rows = db.session.scalars(query.options(selectinload(Article.tag_links))).all()
        if not rows:
            return
        yield from (document(row) for row in rows)
        last = rows[-1].id
        for row in rows:
            db.session.expunge(row)


def keep_up(changed: Sequence[int] | None) -> None:
    """Follow the main index: ``changed`` articles, None for all. What is broken is built anew."""
    if not okno().config.get("kb.public"):
        return
    try:
        if changed is None:
            rebuild()
        else:
            follow(changed)
    except IndexBusy:
        log.warning("the index of the help centre is busy, it is brought up to date with the next change")
    except IndexDamaged:
        rebuild()


def mend() -> None:
    """Build the index where it is missing or broken; a job of the worker."""
    if okno().config.get("kb.public"):
        try:
            backend().count()
        except IndexDamaged:
            keep_up(None)


# --- asking ------------------------------------------------------------------------------------------


def search(text: str, lang: str, *, limit: int, offset: int) -> Answer:
    """Visible articles in ``lang`` for the words."""
    query = SearchQuery(text, filters={"language": (lang,)}, limit=limit, offset=offset, prefix=True)
    try:
        found = backend().search(query)
    except (IndexDamaged, LookupError) as trouble:
        log.warning("the help centre answers from the data base", error=str(trouble))
        return _by_titles(query, lang)
    return _seen(found)


def _seen(found: SearchResult) -> Answer:
    """The hits that are still visible: the index may be a moment behind."""
    by_number = {documents.number_of(hit.id): hit for hit in found.hits}
    slugs: dict[int, str] = {}
    if by_number:
        rows = select(Article.number, Article.slug, Article.title).where(Article.number.in_(by_number), *visible())
        slugs = {row.number: row.slug or row.title for row in db.session.execute(rows)}
    hits = tuple(
        Hit(number, slugs[number], hit.title_html, hit.snippet_html)
        for number, hit in by_number.items()
        if number in slugs
    )
    return Answer(hits, found.total - len(by_number) + len(hits), found.corrected or "", found.suggestion or "")


def _by_titles(query: SearchQuery, lang: str) -> Answer:
    conditions = [*visible(), Article.language == lang]
    for word in folded(query.text).split()[:WORDS_MOST]:
        like = "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        conditions.append(or_(Article.title_key.like(like, escape="\\"), Article.search_text.like(like, escape="\\")))
    rows = db.session.execute(
        select(Article.number, Article.slug, Article.title, Article.question)
        .where(*conditions)
        .order_by(Article.uses.desc(), Article.number)
        .limit(query.limit)
        .offset(query.offset)
    ).all()
    hits = tuple(
        Hit(
            row.number,
            row.slug or row.title,
            escape(without_variables(row.title)),
            escape(without_variables(row.question)[:240]),
        )
        for row in rows
    )
    return Answer(hits, query.offset + len(hits))
