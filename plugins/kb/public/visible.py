"""What customers may see: the one condition for it, and the folders and counts that every page of the help centre needs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, func, or_, select

from core.clock import now
from core.db import db
from core.shelf import Shelf
from plugins.kb.models import Article, Folder
from plugins.kb.public.slugs import slug_of

MOST_DEPTH = 50


def visible() -> tuple[ColumnElement[bool], ...]:
    """The conditions on :class:`Article`: public, published, not expired."""
    return (
        Article.public.is_(True),
        Article.status == "published",
        or_(Article.expires_at.is_(None), Article.expires_at > now()),
    )


@dataclass(frozen=True, slots=True)
class Category:
    """A folder as customers see it; ``counts`` are the visible articles of the branch by language."""

    id: int
    parent_id: int | None
    slug: str
    title_en: str
    title_ru: str
    icon: str
    order: tuple[int, str, int]
    counts: dict[str, int] = field(default_factory=dict)

    def title(self, lang: str) -> str:
        """In the language of the page."""
        return self.title_ru if lang == "ru" else self.title_en

    @property
    def name(self) -> str:
        """Its part of the address: «12-signature»."""
        return f"{self.id}-{slug_of(self.slug)}"


@dataclass(frozen=True, slots=True)
class Shelved:
    """The folders by id, and a mark that changes with anything that customers can see."""

    categories: Mapping[int, Category]
    mark: str

    def above(self, folder_id: int | None, lang: str) -> list[Category]:
        """The folder and those above it from the top; a lone folder that holds the whole language is left out."""
        path: list[Category] = []
        skipped = {category.id for category in self._lone(lang)}
        while folder_id is not None and len(path) < MOST_DEPTH:
            category = self.categories[folder_id]
            if category.id not in skipped:
                path.insert(0, category)
            folder_id = category.parent_id
        return path

    def below(self, folder_id: int | None, lang: str) -> list[Category]:
        """The folders right below that hold anything in the language, in their order."""
        found = (row for row in self.categories.values() if row.parent_id == folder_id and row.counts.get(lang))
        return sorted(found, key=lambda row: row.order)

    def top(self, lang: str) -> list[Category]:
        """The categories of the home page; where one folder holds everything, those in it."""
        lone = self._lone(lang)
        return self.below(lone[-1].id if lone else None, lang)

    def _lone(self, lang: str) -> list[Category]:
        path: list[Category] = []
        found = self.below(None, lang)
        while len(found) == 1 and len(path) < MOST_DEPTH:
            inside = self.below(found[0].id, lang)
            if sum(row.counts[lang] for row in inside) < found[0].counts[lang]:
                break
            path.append(found[0])
            found = inside
        return path


def _read() -> Shelved:
    rows = db.session.execute(
        select(Folder.id, Folder.parent_id, Folder.slug, Folder.title_en, Folder.title_ru, Folder.icon, Folder.position)
    ).all()
    categories = {row.id: Category(*row[:6], order=(row.position, row.title_ru, row.id)) for row in rows}
    latest = func.max(Article.updated_at)
    counted = select(Article.folder_id, Article.language, func.count(), func.sum(Article.version), latest)
    facts = db.session.execute(counted.where(*visible()).group_by(Article.folder_id, Article.language)).all()
    for folder_id, lang, count, _versions, _changed in facts:
        place: int | None = folder_id
        for _step in range(MOST_DEPTH):
            if place is None:
                break
            categories[place].counts[lang] = categories[place].counts.get(lang, 0) + count
            place = categories[place].parent_id
    told = repr((sorted(map(tuple, rows)), sorted(map(repr, facts))))
    return Shelved(categories, hashlib.sha256(told.encode()).hexdigest()[:16])


shelved: Shelf[Shelved] = Shelf("kb_public", _read, (Article, Folder))
