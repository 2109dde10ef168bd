"""Knowledge maps (карты знаний): articles of kind "map" whose headings and lists lead to others, walked as a tree of titles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

from plugins.kb.models import Article
from plugins.kb.use import links
from plugins.kb.use.links import Target

_NUMBER = re.compile(r"^(?:kb:|(?:https?://[^/]+)?/kb/articles/)(\d{1,9})(?:[?#].*)?$")
_SAID = re.compile(r"(?:№\s?|\bkb:)(\d{1,9})\b|^\s*«?(\d{3,9})»?\s*$")
DEEPEST = 12


@dataclass(slots=True)
class Branch:
    """A step of a map: words (a heading, a line of a list), an article, or an article with words of its own."""

    title: str = ""
    target: Target | None = None
    number: int | None = None
    children: list[Branch] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        return not self.title and self.number is None and not self.children


class _Reader(HTMLParser):
    """Collects branches: sections and headings by level, items of lists below them."""

    def __init__(self) -> None:
        super().__init__()
        self.top = Branch()
        self._headings: list[tuple[int, Branch]] = [(0, self.top)]
        self._items: list[Branch] = []
        self._heading: Branch | None = None
        self._link: int | None = None
        self._words: list[str] = []

    def section(self, title: str) -> None:
        """Begin a section of the article: the uppermost level of the map."""
        branch = Branch(title)
        self._headings = [(0, self.top), (1, branch)]
        self._items = []
        self.top.children.append(branch)

    def _here(self) -> Branch:
        return self._items[-1] if self._items else self._headings[-1][1]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if re.fullmatch("h[1-6]", tag):
            self._end_words()
            level = int(tag[1])
            while len(self._headings) > 1 and self._headings[-1][0] >= level:
                self._headings.pop()
            self._heading = Branch()
            self._headings[-1][1].children.append(self._heading)
            self._headings.append((level, self._heading))
        elif tag == "li":
            self._end_words()
            item = Branch()
            if len(self._headings) + len(self._items) < DEEPEST:
                self._here().children.append(item)
                self._items.append(item)
        elif tag in ("ul", "ol", "p", "br", "summary", "tr"):
            self._end_words()
        elif tag == "a" and (match := _NUMBER.match(dict(attrs).get("href") or "")):
            self._link = int(match.group(1))

    def handle_endtag(self, tag: str) -> None:
        if re.fullmatch("h[1-6]", tag):
            self._end_words()
            self._heading = None
        elif tag == "li":
            self._end_words()
            if self._items:
                self._items.pop()
        elif tag in ("p", "ul", "ol", "summary", "tr"):
            self._end_words()
        elif tag == "a":
            self._link = None

    def handle_data(self, data: str) -> None:
        if self._link is not None:
            self._leads(self._link)
            return
        for match in _SAID.finditer(data):
            self._leads(int(match.group(1) or match.group(2)))
        self._words.append(_SAID.sub("", data))

    def _leads(self, number: int) -> None:
        here = self._here()
        if all(child.number != number for child in here.children):
            here.children.append(Branch(number=number))

    def _end_words(self) -> None:
        words = " ".join("".join(self._words).split()).strip(" ,;:—–-→")
        self._words = []
        here = self._heading or (self._items[-1] if self._items else None)
        if words and here is not None:
            here.title = f"{here.title} {words}".strip()[:200]


def branches(article: Article) -> list[Branch]:
    """The map as a tree: sections, headings and lines of lists, below them what they lead to. One statement."""
    reader = _Reader()
    for section in article.sections:
        reader.section(section["title"])
        reader.feed(section["html"])
        reader.handle_endtag("p")
    _place(reader.top, links.targets(_numbers(reader.top)))
    top = _pruned(reader.top.children)
    # One section alone is not a step.
    return top[0].children if len(top) == 1 and top[0].number is None else top


def _numbers(branch: Branch) -> Iterable[int]:
    if branch.number is not None:
        yield branch.number
    for child in branch.children:
        yield from _numbers(child)


def _place(branch: Branch, known: Mapping[int, Target]) -> None:
    if branch.number is not None:
        branch.target = known.get(branch.number)
    for child in branch.children:
        _place(child, known)


def _pruned(rows: Iterable[Branch]) -> list[Branch]:
    """Without steps that lead nowhere and say nothing; a line that is one link is that link."""
    found: list[Branch] = []
    for row in rows:
        row.children = _pruned(row.children)
        if not row.title and row.number is None:
            found.extend(row.children)
        elif not row.empty:
            found.append(row)
    return found
