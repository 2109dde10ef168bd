"""An article on its way: what every format reads and writes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from core import storage
from core.db import db
from plugins.kb.models import Article, ArticleFile, Folder
from plugins.kb.writing.article_fields import snapshot

FILE_ADDRESS = re.compile(r"/kb/files/(\d{1,9})(?:/[^\"'\s)>]*)?")
BATCH = 200
# What is left out of a head because nearly every article has it.
USUAL: Mapping[str, Any] = {
    "question": "", "keywords": [], "tags": [], "products": [], "services": [], "notes": "", "kind": "article",
    "related": [], "owner": None, "review_at": None, "publish_at": None, "expires_at": None,
}  # fmt: skip


class BadSource(Exception):
    """The source as a whole cannot be used; the message is one sentence."""


class BadItem(ValueError):
    """One article cannot be read; ``field`` is where, "" for the whole."""

    def __init__(self, field: str, text: str) -> None:
        self.field, self.text = field, text
        super().__init__(f"{field}: {text}" if field else text)


@dataclass(frozen=True, slots=True)
class FolderSpec:
    """A folder by its name among its neighbours; ``titles`` None: made with the plain name, else left as it is."""

    slug: str
    titles: Mapping[str, Any] | None = None


@dataclass(slots=True)
class PortableFile:
    """A file of an article; ``ref`` is how the text names it, ``load`` gives its bytes."""

    ref: str
    name: str
    content_type: str
    inline: bool
    load: Callable[[], bytes]


@dataclass(slots=True)
class Portable:
    """An article. ``key`` names it within its source, ``group`` its translations; ``fields`` are those of operations."""

    key: str
    number: int | None
    fields: dict[str, Any]
    status: str
    folder: tuple[FolderSpec, ...]
    group: str = ""
    files: list[PortableFile] = field(default_factory=list)
    unknown: tuple[str, ...] = ()

    def digest(self) -> str:
        """Changes with anything that it says."""
        files = [(file.ref, file.name, file.inline, hashlib.sha256(file.load()).hexdigest()) for file in self.files]
        places = [(spec.slug, dict(spec.titles or {})) for spec in self.folder]
        told = [self.number, self.fields, self.status, places, self.group, files]
        return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode("utf-8", "replace")).hexdigest()


@dataclass(slots=True)
class Outcome:
    """What an import did, and what it could not: ``errors`` and ``warnings`` name file, field and reason."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    errors: list[dict[str, str]] = field(default_factory=list)
    warnings: list[dict[str, str]] = field(default_factory=list)


# --- out of the data base ----------------------------------------------------------------------------


def count() -> int:
    """How many articles there are."""
    return db.session.scalar(select(func.count(Article.id))) or 0


def folder_specs() -> dict[int, tuple[FolderSpec, ...]]:
    """The way to each folder from the top."""
    rows = {row.id: row for row in db.session.scalars(select(Folder))}

    def way(row: Folder) -> tuple[FolderSpec, ...]:
        titles = {
            "title_ru": row.title_ru, "title_en": row.title_en, "icon": row.icon, "position": row.position,
        }  # fmt: skip
        above = way(rows[row.parent_id]) if row.parent_id else ()
        return (*above, FolderSpec(row.slug, titles))

    return {folder_id: way(row) for folder_id, row in rows.items()}


def every_article() -> Iterator[Portable]:
    """All articles by id as :class:`Portable`, read in batches; the session forgets each batch."""
    specs, last = folder_specs(), 0
    grouped = select(Article.group_id, func.min(Article.number)).where(Article.group_id.is_not(None))
    groups = {row[0]: row[1] for row in db.session.execute(grouped.group_by(Article.group_id))}
    while True:
        query = select(Article).where(Article.id > last).order_by(Article.id).limit(BATCH)
        options = (selectinload(Article.tag_links), selectinload(Article.services), joinedload(Article.owner))
        rows = db.session.scalars(query.options(*options)).all()
        if not rows:
            return
        files: dict[int, list[ArticleFile]] = {}
        for file in db.session.scalars(
            select(ArticleFile).where(ArticleFile.article_id.in_([row.id for row in rows])).order_by(ArticleFile.id)
        ):
            files.setdefault(file.article_id or 0, []).append(file)
        for row in rows:
            yield _portable(row, specs[row.folder_id], files.get(row.id, []), groups)
        last = rows[-1].id
        db.session.expunge_all()


def _portable(
    row: Article, folder: tuple[FolderSpec, ...], files: list[ArticleFile], groups: Mapping[int | None, int]
) -> Portable:
    fields = snapshot(row)
    group_id = fields.pop("group_id")
    fields.pop("folder_id")
    found = Portable(str(row.number), row.number, fields, row.status, folder, str(groups[group_id]) if group_id else "")
    places: dict[int, str] = {}
    for file in files:
        safe = re.sub(r"[^\w.-]+", "_", file.name)[-80:]
        places[file.id] = f"files/{row.number}/{file.id}-{safe}"
        found.files.append(_file(file, places[file.id]))
    if places:
        for section in fields["sections"]:
            for name in ("html", "markdown"):
                if section.get(name):
                    for file in files:
                        section[name] = section[name].replace(f"/kb/files/{file.id}/{file.name}", places[file.id])
                    section[name] = FILE_ADDRESS.sub(
                        lambda match: places.get(int(match.group(1)), match.group(0)), section[name]
                    )
    return found


def file_address(file_id: int, name: str) -> str:
    """Where the house serves a file of an article."""
    return f"/kb/files/{file_id}/{quote(name)}"


def address_back(file: PortableFile) -> str:
    """The address in this house of a file that was written as ``ref``, for formats without files."""
    return file_address(int(file.ref.rsplit("/", 1)[-1].split("-", 1)[0]), file.name)


def _file(file: ArticleFile, ref: str) -> PortableFile:
    sha256 = file.sha256
    return PortableFile(ref, file.name, file.content_type, file.inline, lambda: storage.get(sha256))


def shown_moment(value: Any) -> str | None:
    """A moment as formats write it."""
    return value.isoformat() if isinstance(value, datetime) else value


def within(root: Path, ref: str) -> Path | None:
    """The file that ``ref`` names below ``root``; None for what lies outside, is no file or is a link out."""
    try:
        path = (root / ref).resolve()
        return path if path.is_relative_to(root.resolve()) and path.is_file() else None
    except (OSError, ValueError):
        return None
