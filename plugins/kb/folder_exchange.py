"""A folder of article files into the data base and out of it again.

Folders of files are folders of articles; ``_folder.yml`` gives their titles, icon and order. Importing is idempotent by
number: what is there already is compared and only then changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from core.contracts import Rejected
from core.db import db, transaction
from core.model import Service
from plugins.kb import article_file
from plugins.kb.article_file import ArticleFileError
from plugins.kb.models import Article, Folder
from plugins.kb.operations import create_article, many_lines, one_line, save_folder, sections, update_article, words

FOLDER_FILE = "_folder.yml"
ROOT_TITLES = {"ru": ("In Russian", "На русском"), "en": ("In English", "На английском")}
FILE_NAME = re.compile(r"(?:\d+-)?(.*)")
Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Outcome:
    """What an import did, and what it could not: ``errors`` and ``warnings`` name file, field and reason."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    errors: list[dict[str, str]] = field(default_factory=list)
    warnings: list[dict[str, str]] = field(default_factory=list)


class BadFolder(Exception):
    """The folder itself cannot be used; the message is one sentence."""


def load_folder(root: Path, user_id: int | None = None, progress: Progress | None = None) -> Outcome:
    """Import every ``*.md`` below ``root`` in one transaction per folder; a bad file is told and the rest goes in.

    ``progress`` is called with (done, all). Raises :class:`BadFolder` when there is nothing to read.
    """
    if not root.is_dir():
        raise BadFolder(f"{root} is not a folder")
    files = sorted(
        path for path in root.rglob("*.md") if not any(part.startswith(".") for part in path.relative_to(root).parts)
    )
    if not files:
        raise BadFolder(f"{root} has no article files (*.md)")
    load = _Import(root, user_id)
    by_folder: dict[Path, list[Path]] = {}
    for path in files:
        by_folder.setdefault(path.parent, []).append(path)
    done = 0
    for folder, paths in by_folder.items():
        with transaction():
            for path in paths:
                load.file(folder, path)
                done += 1
                if progress:
                    progress(done, len(files))
    return load.outcome


class _Import:
    """One run: what is known of folders, articles and services, and the outcome so far."""

    def __init__(self, root: Path, user_id: int | None) -> None:
        self.root, self.user_id, self.outcome = root, user_id, Outcome()
        self.folders: dict[Path, int | None] = {root: None}
        self.services = set(db.session.scalars(select(Service.key)))

    def file(self, folder: Path, path: Path) -> None:
        """Import one file in the open transaction, within a savepoint."""
        try:
            read = article_file.read(path.read_text("utf-8"))
            with db.session.begin_nested():
                self.save(self.folder_id(folder), path, read)
        except UnicodeDecodeError as error:
            self.problem(path, "", f"is not UTF-8 text (byte {error.start})")
        except ArticleFileError as error:
            self.problem(path, error.field, error.text)
        except Rejected as refusal:
            self.problem(path, _FIELD_OF.get(refusal.code, ""), refusal.text.en)

    def problem(self, path: Path, field: str, text: str) -> None:
        self.outcome.errors.append({"file": self.name(path), "field": field, "error": text})

    def warn(self, path: Path, field: str, text: str) -> None:
        self.outcome.warnings.append({"file": self.name(path), "field": field, "warning": text})

    def name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def folder_id(self, folder: Path) -> int:
        """The folder of articles for a folder of files, made with those above it."""
        if folder == self.root:
            # Articles need a folder: those lying at the top go into one named after it.
            return self._saved(
                None, folder, re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-") or "articles"
            )
        if self.folders.get(folder) is None:
            parent = None if folder.parent == self.root else self.folder_id(folder.parent)
            self.folders[folder] = self._saved(parent, folder, folder.name)
        found = self.folders[folder]
        assert found is not None
        return found

    def _saved(self, parent: int | None, folder: Path, slug: str) -> int:
        title_en, title_ru = ROOT_TITLES.get(slug, (slug, slug))
        told: dict[str, Any] = {
            "title_en": title_en,
            "title_ru": title_ru,
            "icon": "folder",
            "position": 0,
            **self._folder_file(folder),
        }
        return save_folder(parent, slug, **told).id

    def _folder_file(self, folder: Path) -> dict[str, Any]:
        path = folder / FOLDER_FILE
        if not path.exists():
            return {}
        try:
            values = yaml.safe_load(path.read_text("utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ArticleFileError("", f"{FOLDER_FILE} is not YAML: {error}") from error
        if not isinstance(values, dict):
            raise ArticleFileError("", f"{FOLDER_FILE} must be a list of name: value")
        known = {"title_en": "title_en", "title_ru": "title_ru", "icon": "icon", "order": "position"}
        if unknown := sorted(set(map(str, values)) - set(known)):
            raise ArticleFileError(unknown[0], f"{FOLDER_FILE}: unknown field")
        if not isinstance(values.get("order", 0), int):
            raise ArticleFileError("order", f"{FOLDER_FILE}: must be a whole number")
        return {known[name]: value if name == "order" else str(value) for name, value in values.items()}

    def save(self, folder_id: int, path: Path, read: article_file.ArticleFile) -> None:
        for name in read.unknown:
            self.warn(path, name, "unknown field, left out")
        slug = FILE_NAME.fullmatch(path.stem)
        fields = {
            **read.fields,
            "folder_id": folder_id,
            "slug": slug.group(1) if slug and not path.stem.isdigit() else "",
        }
        for key in [key for key in fields["services"] if key not in self.services]:
            self.warn(path, "services", f"there is no service '{key}', left out")
            fields["services"] = [other for other in fields["services"] if other != key]
        query = (
            select(Article)
            .where(Article.number == read.number)
            .options(selectinload(Article.tag_links), selectinload(Article.services))
        )
        article = db.session.scalar(query) if read.number is not None else None
        if article is None:
            create_article(self.user_id, fields, number=read.number, status=read.status)
            self.outcome.created += 1
        elif self.changes(article, fields, read.status):
            update_article(article.id, self.user_id, article.version, fields, status=read.status)
            self.outcome.updated += 1
        else:
            self.outcome.unchanged += 1

    def changes(self, article: Article, fields: dict[str, Any], status: str) -> bool:
        """Whether the file says something new: both sides are compared as they would be written."""
        language = fields.get("language", article.language)
        lists = {name: words(fields[name]) for name in ("keywords", "tags", "products")}
        told = {
            "notes": "",
            "question": "",
            **fields,
            **lists,
            "number": article.number,
            "status": status,
            "language": language,
        }
        after = (_head(told), sections(fields["sections"], language), fields["folder_id"], fields["slug"])
        return after != (head_of(article), article.sections, article.folder_id, article.slug)


def _head(values: Mapping[str, Any]) -> dict[str, Any]:
    """Front matter in its usual order; only what differs from the usual is written."""
    head = {
        "number": values["number"],
        "title": one_line(values["title"]),
        "question": many_lines(values["question"]),
        "keywords": values["keywords"],
        "tags": values["tags"],
        "products": values["products"],
        "language": values["language"],
        "services": list(values["services"]),
        "public": bool(values["public"]),
        "notes": many_lines(values["notes"]),
    }
    return head if values["status"] == "published" else {**head, "status": values["status"]}


def head_of(article: Article) -> dict[str, Any]:
    """The front matter of an article."""
    names = ("number", "title", "question", "keywords", "tags", "products", "language", "public", "notes", "status")
    return _head(
        {name: getattr(article, name) for name in names} | {"services": [service.key for service in article.services]}
    )


def save_to_folder(root: Path, progress: Progress | None = None) -> int:
    """Write every article below ``root``; returns their number. Files that are there already are replaced.

    Raises :class:`BadFolder` when ``root`` cannot be written.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        paths = _write_folders(root)
        query = select(Article).order_by(Article.number)
        articles = db.session.scalars(
            query.options(selectinload(Article.tag_links), selectinload(Article.services))
        ).all()
        for index, article in enumerate(articles, 1):
            name = f"{article.number}-{article.slug}" if article.slug else str(article.number)
            path = paths[article.folder_id] / f"{name}.md"
            path.write_text(article_file.write(head_of(article), article.sections), "utf-8", newline="\n")
            if progress:
                progress(index, len(articles))
    except OSError as error:
        raise BadFolder(f"{root} cannot be written: {error.strerror}") from error
    return len(articles)


def _write_folders(root: Path) -> dict[int, Path]:
    rows = {folder.id: folder for folder in db.session.scalars(select(Folder))}

    def path(folder: Folder) -> Path:
        return (path(rows[folder.parent_id]) if folder.parent_id else root) / folder.slug

    paths = {folder_id: path(folder) for folder_id, folder in rows.items()}
    for folder_id, place in paths.items():
        folder = rows[folder_id]
        place.mkdir(parents=True, exist_ok=True)
        told = {"title_ru": folder.title_ru, "title_en": folder.title_en, "icon": folder.icon, "order": folder.position}
        (place / FOLDER_FILE).write_text(
            yaml.safe_dump(told, allow_unicode=True, sort_keys=False), "utf-8", newline="\n"
        )
    return paths


_FIELD_OF = {
    "title-taken": "title",
    "title-empty": "title",
    "title-long": "title",
    "number-taken": "number",
    "number-wrong": "number",
    "language-unknown": "language",
    "status-unknown": "status",
    "article-size": "sections",
    "section-twice": "sections",
    "sections-many": "sections",
    "folder-name": "folder",
}
