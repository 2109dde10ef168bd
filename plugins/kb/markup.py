"""The texts of articles: Markdown to safe HTML, and the three ways an article is drawn.

Stored HTML is always sanitised. Shown to agents it gets links to other articles; sent to contacts it loses them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape, unescape

import nh3
from markdown_it import MarkdownIt

from core.variables import CURSOR, PATTERN, Filled

TAGS = frozenset(
    [
        "a",
        "abbr",
        "b",
        "blockquote",
        "br",
        "code",
        "col",
        "colgroup",
        "dd",
        "del",
        "details",
        "div",
        "dl",
        "dt",
        "em",
        "figcaption",
        "figure",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "img",
        "ins",
        "kbd",
        "li",
        "mark",
        "ol",
        "p",
        "pre",
        "s",
        "samp",
        "span",
        "strong",
        "sub",
        "summary",
        "sup",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "u",
        "ul",
    ]
)
ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height"},
    "ol": {"start"},
    "td": {"colspan", "rowspan", "align"},
    "th": {"colspan", "rowspan", "align", "scope"},
}
CALLOUTS = ("note", "tip", "warning")
CLASSES = {"div": {"callout", *(f"callout-{kind}" for kind in CALLOUTS)}}
SCHEMES = {"http", "https", "mailto", "tel", "kb"}
_BLOCK_END = re.compile(
    r"(</(?:p|div|li|h[1-6]|tr|blockquote|pre|dt|dd|table|ul|ol|summary)>|<br ?/?>|<hr ?/?>|</t[dh]>)", re.IGNORECASE
)
_KB_LINK = re.compile(r'<a href="kb:(\d{1,9})"[^>]*>(.*?)</a>', re.DOTALL)
_PIECE = re.compile(r"(<[^>]*>)")
_BARE_NUMBER = re.compile(r"(№\s?|\bkb:)(\d{1,9})\b")
_MARK = re.compile(r"</?mark\b[^>]*>", re.IGNORECASE)


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def sanitise(html: str) -> str:
    """``html`` without anything that executes, loads foreign styles or leads to unknown schemes."""
    return nh3.clean(
        html,
        tags=set(TAGS),
        attributes=ATTRIBUTES,
        allowed_classes=CLASSES,
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer",
    ).strip()


def from_markdown(source: str) -> str:
    """Markdown (CommonMark with tables; HTML allowed) as safe HTML."""
    return sanitise(_markdown().render(source))


def plain(html: str) -> str:
    """The text of sanitised HTML; blocks become lines."""
    spaced = _BLOCK_END.sub(r"\1" + "\n", html)
    lines = (" ".join(line.split()) for line in unescape(nh3.clean(spaced, tags=set())).splitlines())
    return "\n".join(line for line in lines if line)


def linked(html: str) -> str:
    """For agents: ``kb:1002`` links and bare «№1002» lead to the article's page."""
    result: list[str] = []
    inside = 0
    for piece in _PIECE.split(html):
        if piece.startswith("<"):
            name = piece[1:].lstrip("/").split(" ")[0].rstrip(">").lower()
            if name in ("a", "code", "pre"):
                inside += -1 if piece.startswith("</") else 1
            result.append(_opened_rightly(piece))
        else:
            result.append(piece if inside else _BARE_NUMBER.sub(_article_link, piece))
    return "".join(result)


def _opened_rightly(tag: str) -> str:
    """Links to articles lead to their pages; those out of the house open beside the desk."""
    tag = re.sub(r'^<a href="kb:(\d{1,9})"', r'<a class="kb-link" data-kb-article="\1" href="/kb/articles/\1"', tag)
    return re.sub(r'^<a href="(?=https?:)', '<a target="_blank" href="', tag)


def _article_link(match: re.Match[str]) -> str:
    number = match.group(2)
    shown = match.group(0) if match.group(1) != "kb:" else f"№{number}"
    return f'<a class="kb-link" data-kb-article="{number}" href="/kb/articles/{number}">{shown}</a>'


def for_contacts(html: str) -> str:
    """What may leave the house: links to other articles become their text, search marks go, the rest is sanitised again."""
    attributes = {"*": set(), **{tag: names - {"title"} for tag, names in ATTRIBUTES.items()}}
    clean = sanitise(_MARK.sub("", _KB_LINK.sub(r"\2", html)))
    return nh3.clean(
        clean, tags=set(TAGS), attributes=attributes, url_schemes=SCHEMES - {"kb"}, link_rel="noopener noreferrer"
    )


def with_chips(html: str, values: dict[str, str], cursor: str) -> str:
    """For agents: variables drawn as what they will become; those that stay empty stand out. ``cursor`` names its place."""

    def chip(match: re.Match[str]) -> str:
        name = match.group(1)
        if name == CURSOR:
            return f'<span class="kb-cursor" title="{escape(cursor)}"></span>'
        value = values.get(name, "")
        if value:
            return f'<span class="kb-var" title="$({name})">{escape(value)}</span>'
        return f'<span class="kb-var kb-var-empty">$({name})</span>'

    return PATTERN.sub(chip, html)


def unfilled_marked(filled: Filled) -> str:
    """The filled HTML with ``<span data-unfilled>`` around variables that nobody filled, so that the editor shows them."""

    def marked(match: re.Match[str]) -> str:
        return f'<span data-unfilled="{match.group(1)}">{match.group(0)}</span>'

    pieces = _PIECE.split(filled.text)
    return "".join(piece if piece.startswith("<") else PATTERN.sub(marked, piece) for piece in pieces)
