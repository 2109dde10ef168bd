"""Puts portable articles into the data base: a few in a transaction, each within a savepoint, what is known passed over."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from core.contracts import FileIn, Rejected
from core.db import db, transaction
from core.model import Service, User
from plugins.kb.exchange.portable import USUAL, BadItem, FolderSpec, Outcome, Portable, PortableFile, file_address
from plugins.kb.models import Article, ArticleFile, Folder, Imported
from plugins.kb.writing import article_files
from plugins.kb.writing.article_fields import moment, numbers
from plugins.kb.writing.article_texts import folded, many_lines, one_line, sections, words
from plugins.kb.writing.folders import save_folder
from plugins.kb.writing.operations import create_article, update_article

BATCH = 25
ROOT_TITLES = {"ru": ("In Russian", "На русском"), "en": ("In English", "На английском")}
LISTS = ("keywords", "tags", "products")
Progress = Callable[[int, int], None]
Item = Portable | BadItem
FIELD_OF = {
    "title-taken": "title", "title-empty": "title", "title-long": "title", "number-taken": "number", "number-wrong": "number",
    "language-unknown": "language", "status-unknown": "status", "article-size": "sections", "section-twice": "sections",
    "sections-many": "sections", "folder-name": "folder", "kind-unknown": "kind", "moment-wrong": "dates",
    "translation-taken": "group", "file-empty": "files", "article-file-large": "files", "file-type": "files",
    "image-pixels": "files", "files-many": "files",
}  # fmt: skip


class _Undo(Exception):
    """Ends a dry run's transaction."""


class Importer:
    """One run. ``source`` names where from: items that it had already and that have not changed since are passed over.

    ``by_key``: an item's key says which article it is (other systems' ids); else its number does, or folder and title.
    ``dry``: everything is tried and undone. ``restart``: nothing is passed over unseen.
    """

    def __init__(
        self,
        source: str,
        user_id: int | None = None,
        *,
        by_key: bool = False,
        dry: bool = False,
        restart: bool = False,
    ) -> None:
        self.source = hashlib.sha256(source.encode("utf-8", "replace")).hexdigest()
        self.user_id, self.by_key, self.dry, self.restart = user_id, by_key, dry, restart
        self.outcome = Outcome()
        self.folders: dict[tuple[str, ...], int] = {}
        self.services = set(db.session.scalars(select(Service.key)))
        self.logins = {login.lower() for login in db.session.scalars(select(User.login))}
        self.groups: dict[str, list[int]] = {}

    def run(self, items: Iterable[tuple[str, Item]], total: int, progress: Progress | None = None) -> Outcome:
        """Save the items, each with the place that reports name; ``progress`` is called with (done, all)."""
        waiting: list[tuple[str, Item]] = []
        done = 0
        for item in items:
            waiting.append(item)
            if len(waiting) == BATCH:
                done += self._batch(waiting)
                waiting = []
                if progress:
                    progress(done, total)
        done += self._batch(waiting)
        if not self.dry:
            self._join_groups()
        if progress:
            progress(done, total)
        return self.outcome

    def _batch(self, items: Sequence[tuple[str, Item]]) -> int:
        try:
            with transaction():
                for place, item in items:
                    self._one(place, item)
                if self.dry:
                    raise _Undo
        except _Undo:
            self.folders.clear()
        return len(items)

    def _one(self, place: str, item: Item) -> None:
        if isinstance(item, BadItem):
            self._problem(place, item.field, item.text)
            return
        folders = dict(self.folders)
        try:
            with db.session.begin_nested():
                self._save(place, item)
        except Rejected as refusal:
            self.folders = folders
            self._problem(place, FIELD_OF.get(refusal.code, ""), refusal.text.en)
        except (BadItem, OSError) as problem:
            self.folders = folders
            self._problem(place, getattr(problem, "field", "files"), getattr(problem, "text", str(problem)))

    def _problem(self, place: str, field: str, text: str) -> None:
        self.outcome.errors.append({"file": place, "field": field, "error": text})

    def _warn(self, place: str, field: str, text: str) -> None:
        self.outcome.warnings.append({"file": place, "field": field, "warning": text})

    # --- one article ---

    def _save(self, place: str, item: Portable) -> None:
        for name in item.unknown:
            self._warn(place, name, "unknown field, left out")
        key = hashlib.sha256(item.key.encode("utf-8", "replace")).hexdigest()
        digest = item.digest()
        known = db.session.get(Imported, (self.source, key))
        article = self._article(item, known)
        if known is not None and article is not None and self._passed_over(known, article, digest):
            self.outcome.unchanged += 1
            self._group(item, article)
            return
        fields = self._checked(place, item) | {"folder_id": self._folder(item.folder)}
        if article is None:
            article = self._by_title(item, fields)
        fields["sections"], new_files = self._with_files(item, article)
        if article is None:
            article = create_article(self.user_id, fields, number=item.number, status=item.status)
            self.outcome.created += 1
        elif self._says_more(article, fields, item.status) or new_files:
            article = update_article(article.id, self.user_id, article.version, fields, status=item.status)
            self.outcome.updated += 1
        else:
            self.outcome.unchanged += 1
        for file in new_files:
            file.article_id = article.id
        db.session.flush()
        self._group(item, article)
        self._remember(key, digest, article)

    def _passed_over(self, known: Imported, article: Article, digest: str) -> bool:
        same = known.article_id == article.id and known.version == article.version
        return same and known.digest == digest and not self.restart

    def _article(self, item: Portable, known: Imported | None) -> Article | None:
        options = (selectinload(Article.tag_links), selectinload(Article.services))
        if self.by_key and known is not None:
            return db.session.get(Article, known.article_id, options=options)
        if item.number is None:
            return db.session.get(Article, known.article_id, options=options) if known is not None else None
        found: Article | None = db.session.scalar(
            select(Article).where(Article.number == item.number).options(*options)
        )
        return found

    def _by_title(self, item: Portable, fields: Mapping[str, Any]) -> Article | None:
        """For an article without a number: the one of that title in the folder, from a run that ended too soon."""
        if item.number is not None or self.by_key:
            return None
        same = (Article.folder_id == fields["folder_id"], Article.title_key == folded(fields["title"]))
        found: Article | None = db.session.scalar(select(Article).where(*same))
        return found

    def _checked(self, place: str, item: Portable) -> dict[str, Any]:
        fields = {**USUAL, "slug": "", **item.fields}
        for key in [key for key in fields["services"] if key not in self.services]:
            self._warn(place, "services", f"there is no service '{key}', left out")
            fields["services"] = [other for other in fields["services"] if other != key]
        if fields["owner"] and str(fields["owner"]).lower() not in self.logins:
            self._warn(place, "owner", f"there is no user '{fields['owner']}', left out")
            fields["owner"] = None
        return fields

    def _says_more(self, article: Article, fields: Mapping[str, Any], status: str) -> bool:
        """Whether the item differs from the article: both are compared as they would be written."""
        from plugins.kb.writing.article_fields import snapshot

        now = {**snapshot(article), "status": article.status}
        now.pop("group_id")
        told = {**now, **fields, "status": status}
        told.update({name: words(told[name]) for name in LISTS})
        told.update(
            title=one_line(told["title"]), question=many_lines(told["question"]), notes=many_lines(told["notes"])
        )
        told.update(related=numbers(told["related"]), public=bool(told["public"]), slug=str(told["slug"])[:120])
        told["sections"] = sections(told["sections"], told["language"])
        told["owner"] = told["owner"] or None
        for name in ("review_at", "publish_at", "expires_at"):
            found = moment(told[name])
            told[name] = found.isoformat() if found else None
        return bool(told != now)

    def _with_files(self, item: Portable, article: Article | None) -> tuple[list[dict[str, Any]], list[ArticleFile]]:
        """The sections with the files' addresses in them, and the files that the article did not have."""
        parts = [dict(section) for section in item.fields.get("sections", ())]
        if not item.files:
            return parts, []
        held: dict[tuple[str, str], list[ArticleFile]] = {}
        if article is not None:
            query = select(ArticleFile).where(ArticleFile.article_id == article.id).order_by(ArticleFile.id.desc())
            for row in db.session.scalars(query):
                held.setdefault((row.sha256, row.name), []).append(row)
        added: list[ArticleFile] = []
        for file in sorted(item.files, key=lambda one: len(one.ref), reverse=True):
            there = self._held(file, held)
            row = there or self._add(file)
            if there is None:
                added.append(row)
            address = file_address(row.id, row.name)
            for part in parts:
                for name in ("html", "markdown"):
                    if part.get(name):
                        part[name] = part[name].replace(file.ref, address)
        return parts, added

    @staticmethod
    def _held(file: PortableFile, held: Mapping[tuple[str, str], list[ArticleFile]]) -> ArticleFile | None:
        sha256 = hashlib.sha256(file.load()).hexdigest()
        rows = held.get((sha256, article_files.clean_name(file.name)))
        return rows.pop() if rows else None

    def _add(self, file: PortableFile) -> ArticleFile:
        told = FileIn(file.name, file.content_type, file.load())
        return article_files.add(None, self.user_id, told, picture=file.inline)

    def _remember(self, key: str, digest: str, article: Article) -> None:
        row = db.session.get(Imported, (self.source, key))
        if row is None:
            row = Imported(source=self.source, key=key)
            db.session.add(row)
        row.digest, row.article_id, row.version = digest, article.id, article.version
        db.session.flush()

    # --- folders and translations ---

    def _folder(self, way: tuple[FolderSpec, ...]) -> int:
        """The last folder of the way, made with those above it."""
        parent: int | None = None
        path: tuple[str, ...] = ()
        for spec in way:
            path = (*path, spec.slug)
            if path not in self.folders:
                self.folders[path] = self._saved(parent, spec)
            parent = self.folders[path]
        if parent is None:
            raise BadItem("folder", "is missing")
        return parent

    def _saved(self, parent: int | None, spec: FolderSpec) -> int:
        found = db.session.scalar(select(Folder).where(Folder.parent_id == parent, Folder.slug == spec.slug))
        if found is not None and spec.titles is None:
            return int(found.id)
        english, russian = ROOT_TITLES.get(spec.slug, (spec.slug, spec.slug))
        usual = {"title_en": english, "title_ru": russian, "icon": "folder", "position": 0}
        return save_folder(parent, spec.slug, **{**usual, **(spec.titles or {})}).id

    def _group(self, item: Portable, article: Article) -> None:
        if item.group:
            self.groups.setdefault(item.group, []).append(article.id)

    def _join_groups(self) -> None:
        """Articles of one label become translations of one another."""
        for label, ids in self.groups.items():
            try:
                with transaction():
                    self._join(ids)
            except Rejected as refusal:
                self._problem(f"group {label}", "group", refusal.text.en)

    def _join(self, ids: Sequence[int]) -> None:
        rows = [db.session.get_one(Article, article_id) for article_id in sorted(set(ids))]
        group_id = next((row.group_id for row in rows if row.group_id is not None), rows[0].id)
        for row in rows:
            if row.group_id == group_id:
                continue
            updated = update_article(row.id, self.user_id, row.version, {"group_id": group_id})
            remembered = select(Imported).where(Imported.source == self.source, Imported.article_id == row.id)
            for one in db.session.scalars(remembered):
                one.version = updated.version
