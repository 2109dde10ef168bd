"""A folder of article files into the data base and out of it again.

Folders of files are folders of articles; ``_folder.yml`` gives their titles, icon and order. Pictures and attachments lie in
``files/`` and are named by relative addresses. Importing is idempotent: what is there already is compared and only then changed.
"""

from __future__ import annotations

import mimetypes
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from plugins.kb.exchange import article_file, html_file
from plugins.kb.exchange.importer import ROOT_TITLES, Importer, Item, Progress
from plugins.kb.exchange.portable import (
    USUAL,
    BadItem,
    BadSource,
    FolderSpec,
    Outcome,
    Portable,
    PortableFile,
    count,
    every_article,
    folder_specs,
    within,
)
from plugins.kb.models import Article
from plugins.kb.writing.article_fields import snapshot
from plugins.kb.writing.article_texts import many_lines, one_line

__all__ = ["BadFolder", "Outcome", "Progress", "head_of", "load_folder", "save_to_folder"]

FOLDER_FILE = "_folder.yml"
FILE_NAME = re.compile(r"(?:\d+-)?(.*)")
SAFE_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,79})")
TEXTS = (".md", ".html", ".htm")
LINKED = re.compile(r"""(?:src|href)=["']([^"'#?:]+)["']|!?\[[^\]]*\]\(\s*<?([^)\s>#?:]+)>?""")
BadFolder = BadSource


def load_folder(
    root: Path,
    user_id: int | None = None,
    progress: Progress | None = None,
    *,
    dry: bool = False,
    restart: bool = False,
    source: str = "",
) -> Outcome:
    """Import every article file below ``root``, some in a transaction; a bad file is told and the rest goes in.

    ``progress`` is called with (done, all). ``source`` names the folder where its place does not. See :class:`Importer` for
    the rest. Raises :class:`BadFolder` when there is nothing to read.
    """
    if not root.is_dir():
        raise BadFolder(f"{root} is not a folder")
    paths = sorted(path for path in root.rglob("*") if path.suffix.lower() in TEXTS and _is_article(path, root))
    if not paths:
        raise BadFolder(f"{root} has no article files (*.md, *.html)")
    importer = Importer(source or f"folder:{root.resolve()}", user_id, dry=dry, restart=restart)
    reader = _Reader(root)
    items = ((path.relative_to(root).as_posix(), reader.item(path)) for path in paths)
    return importer.run(items, len(paths), progress)


def _is_article(path: Path, root: Path) -> bool:
    parts = path.relative_to(root).parts
    return not any(part.startswith(".") for part in parts) and "files" not in parts[:-1] and path.is_file()


class _Reader:
    """Reads article files; folders' files are read once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.specs: dict[Path, FolderSpec | BadItem] = {}

    def item(self, path: Path) -> Item:
        """The file as an article, or why it is none."""
        try:
            text = path.read_text("utf-8")
            read = article_file.read(text) if path.suffix.lower() == ".md" else html_file.read(text)
            return self._portable(path, read)
        except UnicodeDecodeError as error:
            return BadItem("", f"is not UTF-8 text (byte {error.start})")
        except BadItem as problem:
            return problem
        except OSError as error:
            return BadItem("", f"cannot be read: {error.strerror}")

    def _portable(self, path: Path, read: article_file.ArticleFile) -> Portable:
        fields = dict(read.fields)
        if "slug" not in fields:
            slug = FILE_NAME.fullmatch(path.stem)
            fields["slug"] = slug.group(1) if slug and not path.stem.isdigit() else ""
        key = path.relative_to(self.root).as_posix()
        found = Portable(
            key, read.number, fields, read.status, self._way(path.parent), read.group, unknown=read.unknown
        )
        found.files = self._files(path, read)
        return found

    def _files(self, path: Path, read: article_file.ArticleFile) -> list[PortableFile]:
        """Those that the head lists, then pictures and files beside the article that the text names."""
        files, told = [], set()
        for one in read.files:
            place = within(self.root, one["path"])
            if place is None:
                raise BadItem("files", f"there is no file {one['path']!r}")
            files.append(
                _file(
                    place, self._ref(path, one["path"]), str(one.get("name") or place.name), one.get("inline") is True
                )
            )
            told.add(place)
        for section in read.fields["sections"]:
            text = section.get("markdown") or section.get("html") or ""
            for match in LINKED.finditer(text):
                ref = match.group(1) or match.group(2)
                place = (
                    None if ref.startswith("/") else within(self.root, os.path.relpath(path.parent / ref, self.root))
                )
                if place is not None and place not in told and place.suffix.lower() not in TEXTS:
                    files.append(_file(place, ref, place.name, match.group(0).startswith(("src", "!"))))
                    told.add(place)
        return files

    def _ref(self, path: Path, place: str) -> str:
        """How the text of ``path`` names a file of the folder of all."""
        return Path(os.path.relpath(self.root / place, path.parent)).as_posix()

    def _way(self, folder: Path) -> tuple[FolderSpec, ...]:
        if folder == self.root:
            # Articles need a folder: those lying at the top go into one named after it.
            slug = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-") or "articles"
            return (self._spec(folder, slug),)
        above = () if folder.parent == self.root else self._way(folder.parent)
        return (*above, self._spec(folder, folder.name))

    def _spec(self, folder: Path, slug: str) -> FolderSpec:
        if folder not in self.specs:
            try:
                english, russian = ROOT_TITLES.get(slug, (slug, slug))
                usual = {"title_en": english, "title_ru": russian, "icon": "folder", "position": 0}
                self.specs[folder] = FolderSpec(slug, {**usual, **_folder_file(folder)})
            except BadItem as problem:
                self.specs[folder] = problem
        found = self.specs[folder]
        if isinstance(found, BadItem):
            raise found
        return found


def _file(place: Path, ref: str, name: str, inline: bool) -> PortableFile:
    return PortableFile(
        ref, name, mimetypes.guess_type(name)[0] or "application/octet-stream", inline, place.read_bytes
    )


def _folder_file(folder: Path) -> dict[str, Any]:
    path = folder / FOLDER_FILE
    if not path.exists():
        return {}
    try:
        values = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadItem("", f"{FOLDER_FILE} is not YAML: {error}") from error
    if not isinstance(values, dict):
        raise BadItem("", f"{FOLDER_FILE} must be a list of name: value")
    known = {"title_en": "title_en", "title_ru": "title_ru", "icon": "icon", "order": "position"}
    if unknown := sorted(set(map(str, values)) - set(known)):
        raise BadItem(unknown[0], f"{FOLDER_FILE}: unknown field")
    if not isinstance(values.get("order", 0), int):
        raise BadItem("order", f"{FOLDER_FILE}: must be a whole number")
    return {known[name]: value if name == "order" else str(value) for name, value in values.items()}


# --- out ---------------------------------------------------------------------------------------------


def _head(number: int | None, status: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Front matter in its usual order; only what differs from the usual is written."""
    head: dict[str, Any] = {
        "number": number,
        "title": one_line(fields["title"]),
        "question": many_lines(fields["question"]),
        **{name: list(fields[name]) for name in ("keywords", "tags", "products")},
        "language": fields["language"],
        "services": list(fields["services"]),
        "public": bool(fields["public"]),
        "notes": many_lines(fields["notes"]),
    }
    for name in ("kind", "related", "owner", "review_at", "publish_at", "expires_at"):
        if fields[name] != USUAL[name]:
            head[name] = fields[name]
    return head if status == "published" else {**head, "status": status}


def head_of(article: Article) -> dict[str, Any]:
    """The front matter of an article, without its files and translations."""
    return _head(article.number, article.status, snapshot(article))


def save_to_folder(root: Path, progress: Progress | None = None) -> int:
    """Write every article below ``root``; returns their number. Files that are there already are replaced.

    Raises :class:`BadFolder` when ``root`` cannot be written.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        _write_folders(root)
        total = count()
        for done, item in enumerate(every_article(), 1):
            _write(root, item)
            if progress:
                progress(done, total)
    except OSError as error:
        raise BadFolder(f"{root} cannot be written: {error.strerror}") from error
    return total


def _write(root: Path, item: Portable) -> None:
    folder = root.joinpath(*(spec.slug for spec in item.folder))
    slug = str(item.fields["slug"])
    plain = not slug or bool(SAFE_SLUG.fullmatch(slug))
    path = folder / (f"{item.number}-{slug}.md" if slug and plain else f"{item.number}.md")
    head = _head(item.number, item.status, item.fields)
    if not plain:
        head["slug"] = slug
    if item.group:
        head["group"] = item.group
    sections = [dict(section) for section in item.fields["sections"]]
    if item.files:
        head["files"] = [{"path": file.ref, "name": file.name, "inline": file.inline} for file in item.files]
    for file in item.files:
        place = root / file.ref
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.load())
        relative = Path(os.path.relpath(place, folder)).as_posix()
        for section in sections:
            for name in ("html", "markdown"):
                if section.get(name):
                    section[name] = section[name].replace(file.ref, relative)
    path.write_text(article_file.write(head, sections), "utf-8", newline="\n")


def _write_folders(root: Path) -> None:
    for way in folder_specs().values():
        place = root.joinpath(*(spec.slug for spec in way))
        place.mkdir(parents=True, exist_ok=True)
        titles = way[-1].titles or {}
        told = {**{name: titles[name] for name in ("title_ru", "title_en", "icon")}, "order": titles["position"]}
        text = yaml.safe_dump(told, allow_unicode=True, sort_keys=False)
        (place / FOLDER_FILE).write_text(text, "utf-8", newline="\n")
