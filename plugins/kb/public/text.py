"""The text of an article for customers: public parts only, no variables, links and pictures that they can open."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape, unescape
from typing import Any

from core.house import okno
from core.variables import PATTERN
from plugins.kb import markup
from plugins.kb.models import Article
from plugins.kb.public.slugs import slug_of

FILES = "/help-centre/files/"
_FILE = re.compile(r'(<(?:img|a)\b[^>]*?\b(?:src|href)=")/kb/files/')
_HEADING = re.compile(r"<(h[2-4])>(.*?)</\1>", re.DOTALL)
_KB_LINK = re.compile(r'<a href="kb:(\d{1,9})"[^>]*>(.*?)</a>', re.DOTALL)
_DESK_LINK = re.compile(r'<a href="/(?!help-centre/)[^"]*"[^>]*>(.*?)</a>', re.DOTALL)
_BARE = re.compile(r"(№\s?|\bkb:)(\d{1,9})\b")
_BEFORE_SIGN = re.compile(rf"\s*,?\s*{PATTERN.pattern}(?=\s*[!.,;:?])")
_PIECE = re.compile(r"(<[^>]*>)")


@dataclass(frozen=True, slots=True)
class Part:
    """A section ready to be shown; ``headings`` are (anchor, text) of those inside it."""

    anchor: str
    title: str
    html: str
    headings: tuple[tuple[str, str], ...]


def public_sections(sections: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those that customers may see: all but the internal ones of the setting."""
    internal = set(okno().config.get("kb.public_internal_sections"))
    return [section for section in sections if section["key"] not in internal]


def without_variables(text: str) -> str:
    """``text`` (HTML or plain) without ``$(…)``; a comma before one goes with it: «Здравствуйте, $(from.name)!»."""
    return PATTERN.sub("", _BEFORE_SIGN.sub("", text)) if "$(" in text else text


def plain_body(question: str, sections: Iterable[Mapping[str, Any]]) -> str:
    """All that customers can read of an article below its title, as plain text."""
    parts = [question, *(markup.plain(section["html"]) for section in public_sections(sections))]
    return without_variables("\n".join(part for part in parts if part))


def numbers_in(article: Article) -> set[int]:
    """The articles that the public text names."""
    html = "\n".join(section["html"] for section in public_sections(article.sections))
    return {int(match.group(2)) for match in _BARE.finditer(html)}


def parts(article: Article, addresses: Mapping[int, str]) -> list[Part]:
    """The sections for the page. ``addresses`` lead to the named articles that are public; others stay words."""
    taken: set[str] = set()
    result: list[Part] = []
    for section in public_sections(article.sections):
        html = linked(without_variables(section["html"]), addresses)
        anchor = _anchor(section["title"], taken)
        headings: list[tuple[str, str]] = []

        def numbered(match: re.Match[str], headings: list[tuple[str, str]] = headings) -> str:
            words = markup.plain(match.group(2))
            if not words:
                return ""
            headings.append((_anchor(words, taken), words))
            return f'<{match.group(1)} id="{headings[-1][0]}">{match.group(2)}</{match.group(1)}>'

        result.append(Part(anchor, section["title"], _HEADING.sub(numbered, html), tuple(headings)))
    return result


def _anchor(words: str, taken: set[str]) -> str:
    anchor = base = slug_of(unescape(words))[:60]
    count = 1
    while anchor in taken:
        count += 1
        anchor = f"{base}-{count}"
    taken.add(anchor)
    return anchor


def linked(html: str, addresses: Mapping[int, str]) -> str:
    """Links to articles and bare «№1002» lead to public pages; to what is not public there is no link. Files move along."""

    def named(match: re.Match[str]) -> str:
        address = addresses.get(int(match.group(1)))
        return f'<a href="{escape(address)}">{match.group(2)}</a>' if address else match.group(2)

    def bare(match: re.Match[str]) -> str:
        number = int(match.group(2))
        words = match.group(0) if match.group(1) != "kb:" else f"№{number}"
        return f'<a href="{escape(addresses[number])}">{words}</a>' if number in addresses else words

    moved = _DESK_LINK.sub(r"\1", _FILE.sub(rf"\1{FILES}", _KB_LINK.sub(named, html)))
    inside, result = 0, []
    for piece in _PIECE.split(moved):
        if piece.startswith("<"):
            if piece[1:].lstrip("/").split(" ")[0].rstrip(">") in ("a", "code", "pre"):
                inside += -1 if piece.startswith("</") else 1
            result.append(piece)
        else:
            result.append(piece if inside else _BARE.sub(bare, piece))
    return "".join(result)
