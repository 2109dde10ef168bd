"""Two versions of an article side by side: what went and what came, word by word."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from html import escape
from typing import Any

from plugins.kb import markup

WORD = re.compile(r"\w+|\s+|[^\w\s]")
LINES_MOST, WORDS_MOST = 4000, 4000
LISTS = ("keywords", "tags", "products", "services", "related")
PLAIN = (
    "title",
    "question",
    "notes",
    "language",
    "public",
    "owner",
    "review_at",
    "publish_at",
    "expires_at",
    "folder_id",
)


@dataclass(slots=True)
class Line:
    """A line of both sides as HTML with ``<del>`` and ``<ins>``; ``kind``: same, changed, gone, come."""

    kind: str
    before: str
    after: str


@dataclass(slots=True)
class Part:
    """A section or a field that differs; ``name`` is a field's name, "section" for a section with its ``title``."""

    name: str
    title: str = ""
    lines: list[Line] = field(default_factory=list)


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Part]:
    """What differs between the fields of two versions: plain fields first, then sections in the order of ``after``."""
    parts = [_plain(name, before.get(name), after.get(name)) for name in PLAIN if _differs(name, before, after)]
    parts += [
        _plain(name, _joined(before, name), _joined(after, name)) for name in LISTS if _differs(name, before, after)
    ]
    return parts + list(_sections(before, after))


def _differs(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return (before.get(name) or None) != (after.get(name) or None)


def _joined(fields: Mapping[str, Any], name: str) -> str:
    return ", ".join(map(str, fields.get(name) or ()))


def _plain(name: str, before: Any, after: Any) -> Part:
    texts = ["" if value in (None, False) else str(value) for value in (before, after)]
    return Part(name, lines=list(lines(*(text.splitlines() for text in texts))))


def _sections(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Part]:
    was = {part.get("key"): part for part in before.get("sections") or ()}
    became = {part.get("key"): part for part in after.get("sections") or ()}
    for key in [*became, *(key for key in was if key not in became)]:
        old, new = was.get(key, {}), became.get(key, {})
        found = list(lines(*(_text_of(part) for part in (old, new))))
        renamed = old.get("title") != new.get("title")
        if renamed or any(line.kind != "same" for line in found) or old.get("html") != new.get("html"):
            title = str(new.get("title") or old.get("title") or "")
            if renamed and old and new:
                found.insert(0, Line("changed", *words(str(old["title"]), str(new["title"]))))
            yield Part("section", title, found)


def _text_of(part: Mapping[str, Any]) -> list[str]:
    html = re.sub(
        r"<img\b[^>]*?(?:alt=\"([^\"]*)\")?[^>]*>",
        lambda match: f"[▣ {match.group(1) or ''}]",
        str(part.get("html") or ""),
    )
    return markup.plain(html).splitlines()


def lines(before: Sequence[str], after: Sequence[str]) -> Iterator[Line]:
    """Both texts line by line; changed lines that follow one another are paired and marked by words."""
    before, after = before[:LINES_MOST], after[:LINES_MOST]
    for kind, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            yield from (Line("same", escape(text), escape(text)) for text in before[a:b])
            continue
        paired = min(b - a, d - c)
        for old, new in zip(before[a : a + paired], after[c : c + paired], strict=True):
            yield Line("changed", *words(old, new))
        yield from (Line("gone", f"<del>{escape(text)}</del>", "") for text in before[a + paired : b])
        yield from (Line("come", "", f"<ins>{escape(text)}</ins>") for text in after[c + paired : d])


def words(before: str, after: str) -> tuple[str, str]:
    """Both lines with the words that differ in ``<del>`` and ``<ins>``."""
    old, new = WORD.findall(before), WORD.findall(after)
    if len(old) > WORDS_MOST or len(new) > WORDS_MOST:
        return f"<del>{escape(before)}</del>", f"<ins>{escape(after)}</ins>"
    left, right = [], []
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        mark: Callable[[str, str], str] = _same if kind == "equal" else _marked
        left.append(mark("del", "".join(old[a:b])))
        right.append(mark("ins", "".join(new[c:d])))
    return "".join(left), "".join(right)


def _same(_tag: str, text: str) -> str:
    return escape(text)


def _marked(tag: str, text: str) -> str:
    return f"<{tag}>{escape(text)}</{tag}>" if text else ""
