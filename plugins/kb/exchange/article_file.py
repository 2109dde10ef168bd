"""One article as a file: front matter in YAML, then sections under ``## `` headings.

::

    ---
    number: 1001
    title: …
    ---

    ## Общее решение

    Markdown …

    ## A section with a key of its own {#warranty}

    <!-- html -->
    <p>HTML as it is kept</p>

What is read and written again comes out the same. Inside a section, lines that look like ours are moved one space to the
right when written and back when read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from core.contracts import Rejected
from plugins.kb.exchange.portable import BadItem
from plugins.kb.writing.article_fields import moment
from plugins.kb.writing.article_texts import SECTION_TITLES, one_line, section_key

HTML_MARK = "<!-- html -->"
_OURS = re.compile(r"^( *)(## |##$|<!-- html -->$)", re.MULTILINE)
_MOVED = re.compile(r"^ ( *)(## |##$|<!-- html -->$)", re.MULTILINE)
_KEYED = re.compile(r"^(.*?)\s*\{#([a-z0-9][a-z0-9_-]{0,39})\}$")
TEXTS = ("title", "question", "language", "notes", "kind", "slug")
LISTS = ("keywords", "tags", "products", "services", "related")
MOMENTS = ("review_at", "publish_at", "expires_at")
KNOWN = ("number", *TEXTS, *LISTS, *MOMENTS, "owner", "group", "files", "public", "status")


ArticleFileError = BadItem
"""A file cannot be read as an article; ``field`` is where, "" for the file as a whole."""


@dataclass(slots=True)
class ArticleFile:
    """What a file says. ``fields`` are those of :data:`plugins.kb.writing.operations.FIELDS`, without the folder.

    ``group`` names its translations, ``files`` are mappings with ``path`` (relative to the folder of all), ``name``, ``inline``.
    """

    number: int | None
    fields: dict[str, Any]
    status: str = "published"
    unknown: tuple[str, ...] = field(default=())
    group: str = ""
    files: tuple[Mapping[str, Any], ...] = ()


def read(text: str) -> ArticleFile:
    """The article in ``text``. Raises :class:`ArticleFileError` naming the field."""
    head, body = split(many_line_ends(text))
    fields = fields_of(head)
    fields["sections"] = _sections(body, fields.get("language", "ru"))
    return told(head, fields)


def told(head: Mapping[str, Any], fields: dict[str, Any]) -> ArticleFile:
    """What front matter and checked ``fields`` say together."""
    status = _text("status", head.get("status", "published"))
    unknown = tuple(sorted(set(map(str, head)) - set(KNOWN)))
    group = _text("group", head.get("group"))
    return ArticleFile(_number(head), fields, status, unknown, group, _files(head.get("files")))


def fields_of(head: Mapping[str, Any]) -> dict[str, Any]:
    """The checked fields of front matter, without sections. Raises :class:`ArticleFileError`."""
    fields: dict[str, Any] = {}
    for name in TEXTS:
        if name in head:
            fields[name] = _text(name, head[name])
    for name in LISTS:
        fields[name] = _texts(name, head.get(name))
    for name in MOMENTS:
        if head.get(name) is not None:
            fields[name] = _moment(name, head[name])
    if head.get("owner"):
        fields["owner"] = _text("owner", head["owner"])
    if not one_line(fields.get("title", "")):
        raise ArticleFileError("title", "is missing")
    if not isinstance(head.get("public", False), bool):
        raise ArticleFileError("public", f"must be true or false, not {head['public']!r}")
    fields["public"] = head.get("public", False)
    _number(head)
    return fields


def _number(head: Mapping[str, Any]) -> int | None:
    number = head.get("number")
    if number is not None and (not isinstance(number, int) or isinstance(number, bool)):
        raise ArticleFileError("number", f"must be a whole number, not {number!r}")
    return number


def _moment(name: str, value: Any) -> str:
    try:
        found = moment(str(value))
    except Rejected as refusal:
        raise ArticleFileError(name, refusal.text.en) from refusal
    return found.isoformat() if found else ""


def _files(value: Any) -> tuple[Mapping[str, Any], ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(
        isinstance(one, dict) and isinstance(one.get("path"), str) for one in value
    ):
        raise ArticleFileError("files", "must be a list of mappings with path, name, inline")
    return tuple(value)


def many_line_ends(text: str) -> str:
    """``text`` with plain line ends and without a byte order mark."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def split(text: str) -> tuple[dict[str, Any], str]:
    if not text.startswith("---\n"):
        raise ArticleFileError("", "does not begin with front matter (a line ---)")
    head, line, body = text[4:].partition("\n---\n")
    if not line:
        raise ArticleFileError("", "the front matter has no end (a line ---)")
    try:
        values = yaml.safe_load(head)
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        where = f"line {place.line + 2}: " if place else ""
        raise ArticleFileError(
            "", f"the front matter is not YAML: {where}{getattr(error, 'problem', None) or error}"
        ) from error
    if not isinstance(values, dict):
        raise ArticleFileError("", "the front matter must be a list of name: value")
    return values, body


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        raise ArticleFileError(name, "must be text")
    return str(value)


def _texts(name: str, value: Any) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or any(isinstance(item, (dict, list)) or item is None for item in value):
        raise ArticleFileError(name, "must be a list of texts")
    return [str(item) for item in value]


def _sections(body: str, language: str) -> list[dict[str, Any]]:
    found: list[tuple[str, list[str]]] = [("", [])]
    for line in body.split("\n"):
        if line.startswith("## ") or line == "##":
            found.append((line[3:], []))
        else:
            found[-1][1].append(line)
    result: list[dict[str, Any]] = []
    for heading, lines in found:
        content = "\n".join(lines).strip("\n")
        if not heading and not content.strip():
            continue
        title, key = _heading(heading)
        title = title or SECTION_TITLES["solution"].to(language)
        is_html = content.split("\n", 1)[0] == HTML_MARK
        source = _MOVED.sub(r"\1\2", content.removeprefix(HTML_MARK) if is_html else content).strip()
        result.append(
            {"key": key or section_key(title, len(result)), "title": title, ("html" if is_html else "markdown"): source}
        )
    return result


def _heading(text: str) -> tuple[str, str]:
    keyed = _KEYED.match(text.strip())
    return (one_line(keyed.group(1)), keyed.group(2)) if keyed else (one_line(text), "")


def write(head: Mapping[str, Any], sections: Sequence[Mapping[str, Any]]) -> str:
    """The file of an article; empty values of ``head`` are left out."""
    kept = {name: value for name, value in head.items() if value not in ("", [], None)}
    parts = [f"---\n{yaml.safe_dump(kept, allow_unicode=True, sort_keys=False, width=10_000)}---\n"]
    for index, section in enumerate(sections):
        title, key = section["title"], section["key"]
        plainly = key == section_key(title, index) and not _KEYED.match(title)
        parts.append(f"## {title}\n" if plainly else f"## {title} {{#{key}}}\n")
        if section.get("markdown") is not None:
            parts.append(f"{_OURS.sub(_moved, section['markdown'])}\n")
        else:
            parts.append(f"{HTML_MARK}\n{_OURS.sub(_moved, section['html'])}\n")
    return "\n".join(parts)


def _moved(match: re.Match[str]) -> str:
    return f" {match.group(0)}"
