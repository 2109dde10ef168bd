"""The text of what an agent wrote in the editor, as the plain part of a letter and the preview of a message show it."""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser

import nh3

BLOCKS = frozenset(("p", "div", "h1", "h2", "h3", "h4", "tr", "pre", "ul", "ol", "table", "blockquote", "li", "hr"))
BLANKS = re.compile(r"[ \t\r\f]*\n[ \t\r\f]*|[ \t\r\f]+")


class _Writer(HTMLParser):
    """Collects lines; lists keep their markers and depth, quotes their «>», links their address."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self.line = ""
        self.marker = ""
        self.lists: list[int | None] = []
        self.quotes = 0
        self.verbatim = 0
        self.link = ""
        self.linked_from = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self._end_line(always=True)
        elif tag == "a":
            self.link, self.linked_from = dict(attrs).get("href") or "", len(self.line)
        elif tag in ("td", "th") and self.line:
            self.line += "\t"
        if tag not in BLOCKS:
            return
        self._end_line()
        if tag == "blockquote":
            self.quotes += 1
        elif tag == "pre":
            self.verbatim += 1
        elif tag in ("ul", "ol"):
            self.lists.append(0 if tag == "ol" else None)
        elif tag == "li":
            self._mark_item()
        elif tag == "hr":
            self.line = "—" * 3
            self._end_line()

    def _mark_item(self) -> None:
        if not self.lists:
            self.lists.append(None)
        count = self.lists[-1]
        if count is not None:
            self.lists[-1] = count = count + 1
        self.marker = "  " * (len(self.lists) - 1) + (f"{count}. " if count is not None else "- ")

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            shown, address = self.line[self.linked_from :].strip(), self.link.removeprefix("mailto:")
            if address and shown and address.rstrip("/") != shown.rstrip("/"):
                self.line += f" ({address})"
            self.link = ""
        if tag not in BLOCKS:
            return
        self._end_line(always=tag == "li" and bool(self.marker))
        if tag == "blockquote":
            self.quotes = max(0, self.quotes - 1)
        elif tag == "pre":
            self.verbatim = max(0, self.verbatim - 1)
        elif tag in ("ul", "ol") and self.lists:
            self.lists.pop()
        self.marker = "" if tag == "li" else self.marker

    def handle_data(self, data: str) -> None:
        if not self.verbatim:
            words = BLANKS.sub(" ", data.replace("\n", " "))
            self.line += words.lstrip() if not self.line else words
            return
        first, *others = data.split("\n")
        self.line += first
        for other in others:
            self._end_line(always=True)
            self.line = other

    def _end_line(self, *, always: bool = False) -> None:
        words = self.line if self.verbatim else self.line.strip()
        if words or always:
            self.lines.append("> " * self.quotes + self.marker + words)
            self.marker = " " * len(self.marker)
        self.line = ""

    def text(self) -> str:
        self._end_line()
        return "\n".join(line.rstrip() for line in self.lines).strip("\n")


def plain_text(html: str) -> str:
    """The text of simple HTML: blocks become lines, list items keep their numbers and bullets, links their addresses."""
    writer = _Writer()
    writer.feed(nh3.clean(html))
    writer.close()
    return writer.text().strip()


def as_html(text: str) -> str:
    """Plain text as the editor would have it: a block for each line."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "".join(f"<div>{escape(line) or '<br>'}</div>" for line in lines)
