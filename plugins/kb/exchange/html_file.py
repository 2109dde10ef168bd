"""An article as an HTML file: with the front matter of Markdown files, or a whole page with ``<title>`` and ``<meta>``.

With front matter, each ``<h2>`` at the top begins a section, its ``id`` is the section's key. A page becomes one section.
"""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

from plugins.kb.exchange import article_file
from plugins.kb.exchange.article_file import ArticleFile, many_line_ends
from plugins.kb.exchange.portable import BadItem
from plugins.kb.writing.article_texts import SECTION_TITLES, one_line, section_key

_HEADING = re.compile(r"<h2(?P<attributes>[^>]*)>(?P<title>.*?)</h2>", re.DOTALL | re.IGNORECASE)
_ID = re.compile(r"""\bid=["']([a-z0-9][a-z0-9_-]{0,39})["']""")
_BODY = re.compile(r"<body[^>]*>(.*?)(?:</body>|\Z)", re.DOTALL | re.IGNORECASE)
_HEAD = re.compile(r"<head\b.*?</head>|<!doctype[^>]*>|</?html[^>]*>", re.DOTALL | re.IGNORECASE)
_FIRST_TITLE = re.compile(r"\s*<h1[^>]*>(.*?)</h1>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")
META = {"keywords": "keywords", "tags": "tags", "products": "products", "services": "services"}


class _Head(HTMLParser):
    """Title, language and meta values of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.title = self.lang = ""
        self.meta: dict[str, str] = {}
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "html":
            self.lang = (values.get("lang") or "")[:2].lower()
        if tag == "meta" and values.get("name"):
            self.meta[str(values["name"]).lower()] = values.get("content") or ""
        self._in_title = tag == "title"

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data


def read(text: str) -> ArticleFile:
    """The article in ``text``. Raises :class:`BadItem` naming the field."""
    text = many_line_ends(text)
    if text.startswith("---\n"):
        head, body = article_file.split(text)
        fields = article_file.fields_of(head)
        fields["sections"] = parts(body, fields.get("language", "ru"))
        return article_file.told(head, fields)
    return _page(text)


def parts(body: str, lang: str) -> list[dict[str, Any]]:
    """Sections by their headings; what stands before the first is the solution."""
    found: list[tuple[str, str, str]] = []
    last, title, key = 0, "", ""
    for match in _HEADING.finditer(body):
        found.append((title, key, body[last : match.start()]))
        named = _ID.search(match["attributes"])
        title, key, last = (
            one_line(unescape(_TAG.sub("", match["title"]))),
            named.group(1) if named else "",
            match.end(),
        )
    found.append((title, key, body[last:]))
    result: list[dict[str, Any]] = []
    for title, key, html in found:
        if not title and not html.strip():
            continue
        name = title or SECTION_TITLES["solution"].to(lang if lang in ("ru", "en") else "ru")
        result.append({"key": key or section_key(name, len(result)), "title": name, "html": html.strip()})
    return result


def _page(text: str) -> ArticleFile:
    head = _Head()
    head.feed(text)
    meta = head.meta
    found = _BODY.search(text)
    body = found.group(1) if found else _HEAD.sub("", text)
    first = _FIRST_TITLE.match(body)
    title = one_line(head.title) or (one_line(unescape(_TAG.sub("", first.group(1)))) if first else "")
    if first:
        body = body[first.end() :]
    told: dict[str, Any] = {"title": title, "question": meta.get("description", "")}
    for name, field in META.items():
        told[field] = [word.strip() for word in meta.get(name, "").split(",") if word.strip()]
    lang = meta.get("language") or head.lang
    if lang:
        told["language"] = lang
    number = meta.get("number", "")
    if number and not number.isdecimal():
        raise BadItem("number", f"must be a whole number, not {number!r}")
    told["number"] = int(number) if number else None
    told["public"] = meta.get("public", "").lower() in ("true", "yes", "1")
    told["status"] = meta.get("status", "published")
    fields = article_file.fields_of(told)
    name = SECTION_TITLES["solution"].to("en" if lang == "en" else "ru")
    fields["sections"] = [{"key": "solution", "title": name, "html": body.strip()}] if body.strip() else []
    return article_file.told(told, fields)
