"""Texts of a case as HTML: links, mentions, quotes set apart, what agents wrote cleaned once more."""

from __future__ import annotations

import re

import nh3
from markupsafe import Markup, escape

QUOTE_HEAD = re.compile(
    r"^(On .{5,120} wrote:|.{5,120} (написал|пишет)\(?а?\)?:|-{3,} ?(Original Message|Исходное сообщение).*)$",
    re.IGNORECASE,
)
ADDRESS = re.compile(r"(https?://[^\s<>\"]+[^\s<>\".,;:!?)])")
MENTIONED = re.compile(r"(?<![\w@.])(@[^\W_][\w.\-]{0,79}(?<![.\-]))")


def parted(text: str) -> tuple[str, str]:
    """A plain text as what is new and what is quoted below it."""
    lines = text.rstrip().splitlines()
    for index, line in enumerate(lines):
        below = [other for other in lines[index + 1 :] if other.strip()]
        quoted = [other for other in below if other.lstrip().startswith(">")]
        if QUOTE_HEAD.match(line.strip()) or (line.lstrip().startswith(">") and len(quoted) == len(below)):
            return "\n".join(lines[:index]).rstrip(), "\n".join(lines[index:])
    return "\n".join(lines), ""


def linked(text: str) -> Markup:
    """Plain text as HTML with web addresses as links that leave no trace."""
    parts = ADDRESS.split(text)
    link = Markup('<a href="{0}" target="_blank" rel="noopener noreferrer nofollow">{0}</a>')
    return Markup("").join(link.format(part) if index % 2 else escape(part) for index, part in enumerate(parts))


def note_words(text: str) -> Markup:
    """A note as HTML: links, and mentions set off."""
    parts = MENTIONED.split(text)
    mark = Markup('<span class="mention">{0}</span>')
    return Markup("").join(mark.format(part) if index % 2 else linked(part) for index, part in enumerate(parts))


def own_html(html: str) -> Markup:
    """HTML that an agent wrote, cleaned once more before it is put into the page itself."""
    clean = nh3.clean(html, attributes={"a": {"href", "target"}}, link_rel="noopener noreferrer")
    return Markup(clean)  # noqa: S704 -- nh3 has just cleaned it


def draft_html(html: str) -> Markup:
    """The same for a draft, which may say where the cursor stands."""
    clean = nh3.clean(
        html, attributes={"a": {"href", "target"}, "span": {"data-cursor"}}, link_rel="noopener noreferrer"
    )
    return Markup(clean)  # noqa: S704 -- nh3 has just cleaned it


def reply_subject(subject: str) -> str:
    """The subject of an answer: one "Re:", however many there were."""
    return "Re: " + re.sub(r"^((re|fw|fwd|отв|ответ)(\[\d+\])?:\s*)+", "", subject, flags=re.IGNORECASE)
