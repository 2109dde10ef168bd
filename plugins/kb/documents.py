"""Articles as the search engine sees them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from core.contracts import SearchDocument
from core.db import db
from plugins.kb import markup
from plugins.kb.models import Article, Folder

KIND = "article"
ANY_SERVICE = "*"
BATCH = 500


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


def document(article: Article, paths: Mapping[int, tuple[str, ...]]) -> SearchDocument:
    """One article; ``paths`` are the titles from the top down to each folder."""
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
            "folder": paths.get(article.folder_id, ()),
            "language": (article.language,),
            "status": (article.status,),
        },
        updated_at=article.updated_at,
    )


def folder_paths() -> dict[int, tuple[str, ...]]:
    """Titles (both languages) of each folder and those above it, for the facet."""
    folders = {folder.id: folder for folder in db.session.scalars(select(Folder))}

    def path(folder_id: int | None, depth: int = 0) -> tuple[str, ...]:
        if folder_id is None or depth > 50:
            return ()
        folder = folders[folder_id]
        return (*path(folder.parent_id, depth + 1), *dict.fromkeys((folder.title_ru, folder.title_en)))

    return {folder_id: path(folder_id) for folder_id in folders}


def of_articles(ids: Sequence[int]) -> list[SearchDocument]:
    """Documents of these articles; those that are gone are missing."""
    paths = folder_paths()
    query = (
        select(Article)
        .where(Article.id.in_(ids))
        .options(selectinload(Article.tag_links), selectinload(Article.services))
    )
    return [document(article, paths) for article in db.session.scalars(query)]


def all_documents() -> Iterator[SearchDocument]:
    """Every article, read in batches by id."""
    paths, last = folder_paths(), 0
    while True:
        query = select(Article).where(Article.id > last).order_by(Article.id).limit(BATCH)
        rows = db.session.scalars(query.options(selectinload(Article.tag_links), selectinload(Article.services))).all()
        if not rows:
            return
        yield from (document(article, paths) for article in rows)
        last = rows[-1].id
        for row in rows:
            db.session.expunge(row)


def load_texts(ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Ids of documents to (title, plain body), for highlighting: one query."""
    numbers = [number_of(id_) for id_ in ids]
    query = select(Article.number, Article.title, Article.question, Article.sections).where(Article.number.in_(numbers))
    return {
        document_id(row.number): (row.title, _body(row.question, row.sections)) for row in db.session.execute(query)
    }


def _body(question: str, sections: Iterable[Mapping[str, str]]) -> str:
    return "\n".join([question, *(markup.plain(section["html"]) for section in sections)])
