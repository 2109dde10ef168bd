"""HTML cut into tags and text in linear time, nesting and attributes bounded.

Parsers need it: 200,000 nested ``<div>`` keep html5ever busy for two minutes, and Python's own ``html.parser``
is quadratic on tags that never close. What leaves ``canonical`` holds nothing that such a parser can choke on.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

MAX_NESTING = 200
MAX_ATTRIBUTES = 50

_TAG = re.compile(
    r"<!--.*?(?:-->|\Z)"
    r"|<[!?][^>]*+>?"
    r"|<(/?)([A-Za-z][A-Za-z0-9:_-]{0,60})((?:[^>=]++|=\s*+\"[^\"]*+\"|=\s*+'[^']*+'|=)*+)>",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"([^\s/>=]++)(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s>]*+)))?")
_NAME = re.compile(r"[a-z][a-z0-9:_-]{0,60}\Z")
# Tags that the next of their kind closes, and tags that have no end.
_NOT_NESTING = frozenset(
    [
        "p",
        "li",
        "td",
        "th",
        "tr",
        "dd",
        "dt",
        "option",
        "tbody",
        "thead",
        "tfoot",
        "colgroup",
        "caption",
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "source",
        "track",
        "wbr",
    ]
)


@dataclass(frozen=True, slots=True)
class Text:
    """Characters between tags, entities still in them."""

    raw: str


@dataclass(frozen=True, slots=True)
class Tag:
    """A start or end tag; attribute values have their entities still in them."""

    name: str
    closing: bool
    attributes: tuple[tuple[str, str], ...] = ()


def tokens(html: str) -> Iterator[Text | Tag]:
    """Tags and texts in order; comments, declarations and tags nested too deep are left out."""
    nesting: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    depth = 0
    end = 0
    for found in _tags(html):
        if found.start() > end:
            yield Text(html[end : found.start()])
        end = found.end()
        name = (found[2] or "").lower()
        if not name:
            continue
        if found[1]:
            if dropped[name]:
                dropped[name] -= 1
                continue
            if nesting[name]:
                nesting[name] -= 1
                depth -= 1
            yield Tag(name, True)
            continue
        if name not in _NOT_NESTING:
            if depth >= MAX_NESTING:
                dropped[name] += 1
                continue
            nesting[name] += 1
            depth += 1
        yield Tag(name, False, _attributes(found[3]))
    if end < len(html):
        yield Text(html[end:])


def _tags(html: str) -> Iterator[re.Match[str]]:
    """Matches up to the last ``>``: a tag or declaration that never closes would be tried anew at each ``<`` behind it."""
    last = html.rfind(">") + 1
    return _TAG.finditer(html, 0, last)


def canonical(html: str) -> str:
    """The same page written so that every parser sees the same tags: quoted attributes, escaped stray brackets."""
    pieces: list[str] = []
    for token in tokens(html):
        if isinstance(token, Text):
            pieces.append(token.raw.replace("<", "&lt;"))
        elif token.closing:
            pieces.append(f"</{token.name}>")
        else:
            attributes = "".join(f' {name}="{escape_quotes(value)}"' for name, value in token.attributes)
            pieces.append(f"<{token.name}{attributes}>")
    return "".join(pieces)


def escape_quotes(value: str) -> str:
    """An attribute value for double quotes; its own entities stay as they are."""
    return value.replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")


def _attributes(raw: str) -> tuple[tuple[str, str], ...]:
    if not raw or raw.isspace():
        return ()
    attributes: dict[str, str] = {}
    for found in islice(_ATTRIBUTE.finditer(raw), MAX_ATTRIBUTES):
        name = found[1].lower()
        if _NAME.match(name):
            attributes.setdefault(name, found[2] or found[3] or found[4] or "")
    return tuple(attributes.items())
