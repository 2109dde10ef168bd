"""What the pages of the help centre show, a constant number of statements each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, Integer, cast, func, select
from sqlalchemy.orm import selectinload

from core.db import db
from core.model import StoredFile
from plugins.kb.models import Article, ArticleFile, Rating
from plugins.kb.public.slugs import slug_of
from plugins.kb.public.text import numbers_in, without_variables
from plugins.kb.public.visible import shelved, visible

ROOT = "/help-centre"
RELATED = 5
POPULAR_SECONDS = 60.0
EXTENSION = "okno_kb_public_popular"
BATCH = 2000


@dataclass(frozen=True, slots=True)
class Row:
    """An article in a list of the help centre."""

    number: int
    slug: str
    title: str
    question: str
    lang: str
    updated_at: datetime

    @property
    def path(self) -> str:
        """Where its page is."""
        return article_path(self.number, self.slug or self.title, self.lang)


_COLUMNS = (Article.number, Article.slug, Article.title, Article.question, Article.language, Article.updated_at)


def article_path(number: int, slug: str, lang: str) -> str:
    """The address of an article; ``slug`` may be its title."""
    return f"{ROOT}/{lang}/articles/{number}-{slug_of(slug)}"


def _rows(
    conditions: Iterable[ColumnElement[bool]], limit: int, offset: int = 0, *, popular: bool = False
) -> list[Row]:
    # Not the bare column: SQLite would walk the index of all uses for the order instead of that of what is public.
    order = ((Article.uses + 0).desc(), Article.number) if popular else (Article.number,)
    query = select(*_COLUMNS).where(*visible(), *conditions).order_by(*order).limit(limit).offset(offset)
    return [
        Row(row.number, row.slug, without_variables(row.title), without_variables(row.question), *row[4:])
        for row in db.session.execute(query)
    ]


def popular(lang: str, limit: int) -> list[Row]:
    """The articles that agents use most; counted anew each minute, and at once when anything visible changes."""
    kept: dict[tuple[str, int], tuple[str, float, list[Row]]] = current_app.extensions.setdefault(EXTENSION, {})
    found = kept.get((lang, limit))
    mark = shelved().mark
    if found is None or found[0] != mark or monotonic() - found[1] > POPULAR_SECONDS:
        found = kept[lang, limit] = (mark, monotonic(), _rows([Article.language == lang], limit, popular=True))
    return found[2]


def in_folder(folder_id: int, lang: str, limit: int, offset: int) -> list[Row]:
    """A folder's own articles by number."""
    return _rows([Article.language == lang, Article.folder_id == folder_id], limit, offset)


def own_count(folder_id: int, lang: str) -> int:
    """How many articles lie in the folder itself."""
    query = select(func.count(Article.id)).where(*visible(), Article.language == lang, Article.folder_id == folder_id)
    return db.session.scalar(query) or 0


def article(number: int) -> Article | None:
    """A visible article."""
    found: Article | None = db.session.scalar(select(Article).where(Article.number == number, *visible()))
    return found


def translations(row: Article) -> dict[str, str]:
    """The addresses of the article in each language it can be read in."""
    found = {row.language: article_path(row.number, row.slug or row.title, row.language)}
    if row.group_id is not None:
        others = _rows([Article.group_id == row.group_id, Article.id != row.id], 10)
        found.update({other.lang: other.path for other in others})
    return found


def addresses_in(row: Article) -> dict[int, str]:
    """Where the articles named in the text can be read: only those that customers may see."""
    numbers = numbers_in(row)
    return {one.number: one.path for one in _rows([Article.number.in_(numbers)], len(numbers))} if numbers else {}


def related(row: Article) -> list[Row]:
    """What to read next: what the editor chose, then the most used of the folder."""
    chosen = [int(number) for number in row.related if str(number).isdigit()]
    same = [Article.language == row.language, Article.id != row.id]
    found = {one.number: one for one in _rows([*same, Article.number.in_(chosen)], RELATED)} if chosen else {}
    rows = [found[number] for number in chosen if number in found]
    if len(rows) < RELATED:
        near = _rows([*same, Article.folder_id == row.folder_id], RELATED + len(rows), popular=True)
        rows += [one for one in near if one.number not in found][: RELATED - len(rows)]
    return rows


def helpful(article_id: int) -> tuple[int, int]:
    """How many found the article helpful, and how many said anything."""
    query = select(func.coalesce(func.sum(cast(Rating.helpful, Integer)), 0), func.count(Rating.id))
    yes, every = db.session.execute(query.where(Rating.article_id == article_id)).one()
    return int(yes), int(every)


def attachments(article_id: int) -> list[tuple[ArticleFile, int]]:
    """The files to download with their sizes in bytes; pictures in the text are not among them."""
    query = select(ArticleFile, StoredFile.size).join(StoredFile, StoredFile.sha256 == ArticleFile.sha256)
    rows = db.session.execute(
        query.where(ArticleFile.article_id == article_id, ArticleFile.inline.is_(False)).order_by(ArticleFile.id)
    )
    return [(file, size) for file, size in rows]


def file(file_id: int) -> ArticleFile | None:
    """A file of an article that customers may see."""
    query = select(ArticleFile).join(Article, Article.id == ArticleFile.article_id)
    found: ArticleFile | None = db.session.scalar(
        query.where(ArticleFile.id == file_id, *visible()).options(selectinload(ArticleFile.file))
    )
    return found


@dataclass(frozen=True, slots=True)
class Entry:
    """A page of the sitemap with its translations (language, address)."""

    path: str
    changed: datetime
    others: tuple[tuple[str, str], ...]


def sitemap(limit: int, offset: int) -> list[Entry]:
    """The visible articles by number with their translations; two statements."""
    columns = (*_COLUMNS, Article.group_id)
    query = select(*columns).where(*visible()).order_by(Article.number).limit(limit).offset(offset)
    rows = db.session.execute(query).all()
    groups: dict[int, list[tuple[str, str]]] = {}
    for row in _of_groups({row.group_id for row in rows if row.group_id is not None}):
        groups.setdefault(row.group_id, []).append(
            (row.language, article_path(row.number, row.slug or row.title, row.language))
        )
    return [
        Entry(
            article_path(row.number, row.slug or row.title, row.language),
            row.updated_at,
            tuple(sorted(groups.get(row.group_id, ()))),
        )
        for row in rows
    ]


def _of_groups(groups: set[int]) -> Iterator[Any]:
    wanted = sorted(groups)
    columns = (*_COLUMNS, Article.group_id)
    for start in range(0, len(wanted), BATCH):
        query = select(*columns).where(Article.group_id.in_(wanted[start : start + BATCH]), *visible())
        yield from db.session.execute(query)


def total() -> int:
    """How many articles customers may see."""
    return db.session.scalar(select(func.count(Article.id)).where(*visible())) or 0
