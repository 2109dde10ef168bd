"""Articles as the search engine sees them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from core.clock import now
from core.contracts import SearchDocument
from core.db import db
from plugins.kb import markup
from plugins.kb.models import Article, Folder

KIND = "article"
ANY_SERVICE = "*"
BATCH = 500


@dataclass(frozen=True, slots=True)
class Branch:
    """A folder and those above it, from the top: their ids, and their titles in both languages."""

    ids: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()


NOWHERE = Branch()


def document_id(number: int) -> str:
    """The id of an article's document."""
    return f"{KIND}:{number}"


def number_of(id_: str) -> int:
    """The article's number in a document's id."""
    return int(id_.partition(":")[2])


def body_text(article: Article) -> str:
    """The question and all sections as plain text; notes stay inside."""
    parts = [article.question]
    for section in article.sections:
        parts += [section["title"], markup.plain(section["html"])]
    return "\n".join(part for part in parts if part)


def boost(uses: int, updated_at: datetime, at: datetime) -> float:
    """What makes an article come a little before its equals: 1 % for each doubling of its uses, at most 10 %, and 5 % for
    one written now, half of that a year later."""
    age = max(0.0, (at - updated_at) / timedelta(days=365))
    return 1 + 0.01 * min(10, (uses + 1).bit_length() - 1) + 0.05 * 0.5**age


def document(article: Article, branches: Mapping[int, Branch]) -> SearchDocument:
    """One article; ``branches`` are the ways from the top down to each folder."""
    return SearchDocument(
        id=document_id(article.number),
        kind=KIND,
        title=article.title,
        body=body_text(article),
        keywords=" ".join([article.question, *article.keywords]),
        number=str(article.number),
        tags=tuple(article.tags),
        facets={
            "product": tuple(article.products),
            "service": tuple(service.key for service in article.services) or (ANY_SERVICE,),
            "folder": branches.get(article.folder_id, NOWHERE).titles,
            "branch": branches.get(article.folder_id, NOWHERE).ids,
            "language": (article.language,),
            "status": (article.status,),
        },
        updated_at=article.updated_at,
        boost=boost(article.uses, article.updated_at, now()),
    )


def folder_branches() -> dict[int, Branch]:
    """The way from the top to each folder."""
    folders = {folder.id: folder for folder in db.session.scalars(select(Folder))}

    def way(folder_id: int | None, depth: int = 0) -> Branch:
        if folder_id is None or depth > 50:
            return NOWHERE
        folder = folders[folder_id]
        above = way(folder.parent_id, depth + 1)
        titles = (*above.titles, *dict.fromkeys((folder.title_ru, folder.title_en)))
        return Branch((*above.ids, str(folder_id)), titles)

    return {folder_id: way(folder_id) for folder_id in folders}


_WHOLE = (selectinload(Article.tag_links), selectinload(Article.services))


def of_articles(ids: Sequence[int]) -> list[SearchDocument]:
    """Documents of these articles; those that are gone are missing."""
    branches = folder_branches()
    query = select(Article).where(Article.id.in_(ids)).options(*_WHOLE)
    return [document(article, branches) for article in db.session.scalars(query)]


def all_documents() -> Iterator[SearchDocument]:
    """Every article, read in batches by id; whoever takes them may commit in between."""
    branches, last = folder_branches(), 0
    while True:
        query = select(Article).where(Article.id > last).order_by(Article.id).limit(BATCH)
        rows = db.session.scalars(query.options(*_WHOLE)).all()
        if not rows:
            return
        batch, last = [document(article, branches) for article in rows], rows[-1].id
        for row in rows:
            db.session.expunge(row)
        yield from batch


def load_texts(ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Ids of documents to (title, plain body), for highlighting: one query."""
    numbers = [number_of(id_) for id_ in ids]
    query = select(Article.number, Article.title, Article.question, Article.sections).where(Article.number.in_(numbers))
    return {
        document_id(row.number): (row.title, _body(row.question, row.sections)) for row in db.session.execute(query)
    }


def _body(question: str, sections: Iterable[Mapping[str, str]]) -> str:
    return "\n".join([question, *(markup.plain(section["html"]) for section in sections)])
