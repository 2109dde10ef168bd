"""Articles as a CSV table: one row an article, a column for each section. Files do not travel so.

Lists stand in a cell one below the other; commas or semicolons do as well when read. A section's column is called
``section:<key>:<title>``; ``sections`` gives their order where it differs from the columns'. HTML begins with ``<!-- html -->``.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from plugins.kb.exchange import article_file
from plugins.kb.exchange.article_file import HTML_MARK
from plugins.kb.exchange.importer import Importer, Item, Progress
from plugins.kb.exchange.portable import (
    BadItem,
    BadSource,
    FolderSpec,
    Outcome,
    Portable,
    address_back,
    count,
    every_article,
)
from plugins.kb.public.slugs import slug_of
from plugins.kb.writing.article_texts import SECTION_TITLES, one_line, section_key

TEXTS = ("title", "question", "language", "notes", "kind", "slug", "owner", "review_at", "publish_at", "expires_at")
LISTS = ("keywords", "tags", "products", "services", "related")
COLUMNS = ("number", "folder", *TEXTS, *LISTS, "public", "status", "group", "sections")
SECTION = re.compile(r"section:([a-z0-9][a-z0-9_-]{0,39}):(.*)", re.DOTALL)
TRUE, FALSE = {"true", "yes", "1", "да"}, {"false", "no", "0", "", "нет"}
DELIMITERS = ",;\t"
CELL_MOST = 16 << 20


def decoded(content: bytes) -> str:
    """Text in UTF-8, UTF-16 with its mark, or Windows-1251, whichever it is."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1251", "replace")


def delimiter_of(text: str) -> str:
    """What separates the cells of the first line, outside of quotes."""
    outside, quoted = [], False
    for character in text:
        if character == '"':
            quoted = not quoted
        elif not quoted and character in "\r\n":
            break
        elif not quoted:
            outside.append(character)
    return max(DELIMITERS, key=outside.count)


def load_csv(
    path: Path,
    user_id: int | None = None,
    progress: Progress | None = None,
    *,
    dry: bool = False,
    restart: bool = False,
    source: str = "",
) -> Outcome:
    """Import the rows of a CSV file. Raises :class:`BadSource` when it is no table of articles."""
    text = decoded(path.read_bytes())
    csv.field_size_limit(CELL_MOST)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text), strict=True))
    except csv.Error as error:
        raise BadSource(f"{path.name} is not a CSV table: {error}") from error
    if not rows or "title" not in [cell.strip().lower() for cell in rows[0]]:
        raise BadSource(f"{path.name} has no column 'title' in its first line")
    heads = [cell.strip() if cell.lower().startswith("section:") else cell.strip().lower() for cell in rows[0]]
    body = [row for row in rows[1:] if any(cell.strip() for cell in row)]
    importer = Importer(source or f"csv:{path.resolve()}", user_id, dry=dry, restart=restart)
    items = ((f"{path.name}:{line}", _item(heads, row, line)) for line, row in enumerate(body, 2))
    return importer.run(items, len(body), progress)


def _item(heads: list[str], row: list[str], line: int) -> Item:
    try:
        if len(row) > len(heads):
            raise BadItem("", f"has {len(row)} cells, the first line has {len(heads)}")
        values = dict(zip(heads, row, strict=False))
        told = {name: _list(values.get(name, "")) for name in LISTS}
        head: dict[str, Any] = {name: values[name] for name in TEXTS if values.get(name, "").strip()} | told
        head["number"] = _number(values.get("number", ""))
        head["public"] = _flag(values.get("public", ""))
        fields = article_file.fields_of(head)
        fields.setdefault("slug", "")
        fields["sections"] = _sections(values, fields.get("language", "ru"))
        known = {*COLUMNS, *(name for name in heads if SECTION.fullmatch(name))}
        unknown = tuple(sorted(set(filter(None, heads)) - known))
        status = values.get("status", "").strip() or "published"
        key = values.get("number") or f"{values.get('folder', '')}/{one_line(values['title'])}"
        return Portable(
            str(key), head["number"], fields, status, _folder(values.get("folder", "")), values.get("group", "").strip(),
            unknown=unknown,
        )  # fmt: skip
    except BadItem as problem:
        return problem


def _folder(cell: str) -> tuple[FolderSpec, ...]:
    names = [name.strip() for name in cell.split("/") if name.strip()] or ["articles"]
    return tuple(
        FolderSpec(slug_of(name))
        if re.search(r"[^a-z0-9_-]", name) is None
        else FolderSpec(slug_of(name), _titled(name))
        for name in names
    )


def _titled(name: str) -> dict[str, Any]:
    return {"title_ru": name, "title_en": name}


def _list(cell: str) -> list[str]:
    pieces = cell.split("\n") if "\n" in cell else re.split(r"[,;]", cell)
    return [piece.strip() for piece in pieces if piece.strip()]


def _number(cell: str) -> int | None:
    text = cell.strip().removeprefix("№").strip()
    if not text:
        return None
    if not text.isdecimal() or len(text) > 9:
        raise BadItem("number", f"must be a whole number, not {cell!r}")
    return int(text)


def _flag(cell: str) -> bool:
    word = cell.strip().lower()
    if word not in TRUE | FALSE:
        raise BadItem("public", f"must be true or false, not {cell!r}")
    return word in TRUE


def _sections(values: dict[str, str], lang: str) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, cell in values.items():
        match = SECTION.fullmatch(name)
        if not match or not cell.strip():
            continue
        key, title = match.group(1), one_line(match.group(2))
        if key in found:
            raise BadItem(name, "two sections have one key")
        html = cell.removeprefix(HTML_MARK).lstrip("\n") if cell.startswith(HTML_MARK) else None
        title = title or SECTION_TITLES["solution"].to(lang if lang in ("ru", "en") else "ru")
        key = key or section_key(title, len(found))
        found[key] = {"key": key, "title": title, **({"html": html} if html is not None else {"markdown": cell})}
    order = [key for key in _list(values.get("sections", "")) if key in found]
    return [found[key] for key in [*order, *(key for key in found if key not in order)]]


# --- out ---------------------------------------------------------------------------------------------


def save_csv(path: Path, progress: Progress | None = None) -> int:
    """Write every article as a row (UTF-8 with a mark, commas); returns their number. Two passes: columns first."""
    columns: dict[str, None] = {}
    for item in every_article():
        columns.update(dict.fromkeys(_column(section) for section in item.fields["sections"]))
    total = count()
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.DictWriter(out, [*COLUMNS, *columns], restval="", lineterminator="\r\n")
        writer.writeheader()
        for done, row in enumerate(_rows(), 1):
            writer.writerow(row)
            if progress:
                progress(done, total)
    return total


def _column(section: dict[str, Any]) -> str:
    return f"section:{section['key']}:{section['title']}"


def _rows() -> Iterator[dict[str, Any]]:
    for item in every_article():
        fields = item.fields
        row: dict[str, Any] = {name: fields[name] or "" for name in TEXTS}
        row |= {name: _cell(fields[name]) for name in LISTS}
        row |= {"number": item.number, "folder": "/".join(spec.slug for spec in item.folder), "status": item.status}
        row |= {"public": "true" if fields["public"] else "false", "group": item.group}
        row["sections"] = _cell([section["key"] for section in fields["sections"]])
        for section in fields["sections"]:
            text = section["markdown"] if section.get("markdown") is not None else f"{HTML_MARK}\n{section['html']}"
            for file in item.files:
                text = text.replace(file.ref, address_back(file))
            row[_column(section)] = text
        yield row


def _cell(values: list[Any]) -> str:
    """One below the other; a line more where a single value could be taken for several."""
    text = "\n".join(map(str, values))
    return f"{text}\n" if len(values) == 1 and re.search(r"[,;]", text) else text
