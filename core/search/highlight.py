"""Marks what was found: in titles, in snippets of plain text and in the text of a whole sanitised HTML article.

Terms are index terms, so every grammatical form of a word is marked. Words that may be a form are first found by one
regular expression (a stem is the beginning of its forms), then asked of the analyser; analysing whole texts would cost
ten times as much.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence

from core.search import analysis

SNIPPET_LENGTH = 240
LEAD_LENGTH = 60
FRAGMENTS = 2
MOST_MATCHES = 200
SEARCHED_CHARACTERS = 40_000

Span = tuple[int, int, str]
"""Start, end and term of a found word."""

_TAG = re.compile(r"""<!--.*?-->|<(?:[^<>"']|"[^"]*"|'[^']*')*>""", re.DOTALL)
_ENTITY = re.compile(r"&(?:#\d+|#[xX][0-9a-fA-F]+|\w+);")
_UNMARKED_ELEMENTS = re.compile(r"<(/?)(script|style|textarea|title|mark)\b", re.IGNORECASE)
_LATIN_TWIN = dict(zip("abcehkmoptxy", "авсенкмортху", strict=True))
_TWINS = {**_LATIN_TWIN, **{other: letter for letter, other in _LATIN_TWIN.items()}}


class Highlighter:
    """Finds and marks the words of a set of index terms."""

    def __init__(self, terms: Iterable[str]) -> None:
        self._terms = frozenset(term for term in terms if term)
        self._pattern = _pattern(self._terms) if self._terms else None

    def spans(self, text: str, most: int | None = None) -> list[Span]:
        """Non-overlapping found words of plain text, in order."""
        if self._pattern is None:
            return []
        found: list[Span] = []
        for match in self._pattern.finditer(analysis.normalise(text)):
            found += self._found_in(match.group(), match.start())
            if most and len(found) >= most:
                break
        return found

    def _found_in(self, chain: str, offset: int) -> list[Span]:
        """The whole of a chain if it is looked for, otherwise those of its parts that are."""
        wanted = [piece for piece in analysis.pieces(chain) if piece.term in self._terms]
        for piece in wanted:
            if (piece.start, piece.end) == (0, len(chain)):
                return [(offset, offset + piece.end, piece.term)]
        return [(offset + piece.start, offset + piece.end, piece.term) for piece in wanted if not piece.joined]

    def mark(self, text: str) -> str:
        """Plain text as escaped HTML with the found words in `<mark>`."""
        return _marked(text, self.spans(text))

    def snippet(self, text: str, length: int = SNIPPET_LENGTH) -> str:
        """The most telling one or two fragments of plain text, escaped and marked; its beginning if nothing is found.

        White space is collapsed; «…» stands where text is left out.
        """
        text = " ".join(text[:SEARCHED_CHARACTERS].split())
        spans = self.spans(text, MOST_MATCHES)
        windows = _windows(text, spans, length)
        parts: list[str] = []
        for start, end in windows:
            inside = [(s - start, e - start, term) for s, e, term in spans if s >= start and e <= end]
            lead = "… " if start and not parts else ""
            parts.append(lead + _marked(text[start:end], inside))
        tail = " …" if windows and windows[-1][1] < len(text) else ""
        return " … ".join(parts) + tail

    def highlight_html(self, markup: str) -> str:
        """Sanitised HTML with the found words of its text nodes in `<mark>`; tags and entities stay as they are."""
        result: list[str] = []
        closed = 0
        at = 0
        for match in _TAG.finditer(markup):
            result.append(self._text_node(markup[at : match.start()], closed))
            tag = match.group()
            if found := _UNMARKED_ELEMENTS.match(tag):
                closed = max(0, closed - 1) if found.group(1) else closed + 1
            result.append(tag)
            at = match.end()
        result.append(self._text_node(markup[at:], closed))
        return "".join(result)

    def _text_node(self, text: str, closed: int) -> str:
        if closed or not text or self._pattern is None:
            return text
        result: list[str] = []
        at = 0
        for match in _ENTITY.finditer(text):
            result += [self._raw(text[at : match.start()]), match.group()]
            at = match.end()
        return "".join([*result, self._raw(text[at:])])

    def _raw(self, text: str) -> str:
        result: list[str] = []
        at = 0
        for start, end, _term in self.spans(text):
            result += [text[at:start], "<mark>", text[start:end], "</mark>"]
            at = end
        return "".join([*result, text[at:]])


def highlight_html(markup: str, terms: Iterable[str]) -> str:
    """`Highlighter.highlight_html` for one article; `terms` as in `SearchResult.terms`."""
    return Highlighter(terms).highlight_html(markup)


def _pattern(terms: Iterable[str]) -> re.Pattern[str]:
    """Codes with their look-alike letters first, then whatever begins like a stem."""
    codes, stems = set(), set()
    for term in terms:
        if term.isalpha():
            stems.add(re.escape(_beginning(term)))
            codes.add("[-'’]?".join(_letter(letter) for letter in term))
        else:
            codes.add("(?:0[xх])?" + "-?".join(_letter(letter) for letter in term))
    whole = "|".join(sorted(codes, key=lambda code: (-len(code), code)))
    begun = "|".join(sorted(stems, key=lambda stem: (-len(stem), stem)))
    word = rf"(?:{begun})[^\W_]*" if begun else ""
    alternatives = [rf"(?:{whole})(?![^\W_])"]
    if begun:
        alternatives = [rf"{word}(?:[-'’][^\W_]+)+(?![^\W_])", *alternatives, word]
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(alternatives)})")


def _beginning(term: str) -> str:
    """What all forms of a stem begin with: its end may change («happi», «die» of «dying», «списк» of «список»)."""
    if term.endswith("йк"):
        return term[:-2]
    if len(term) < 3 or not (term.isascii() or term.endswith("к")):
        return term
    return term[:-2] if term.endswith("ie") and len(term) < 5 else term[:-1]


def _letter(letter: str) -> str:
    twin = _TWINS.get(letter)
    return f"[{letter}{twin}]" if twin else re.escape(letter)


def _marked(text: str, spans: Sequence[Span]) -> str:
    result: list[str] = []
    at = 0
    for start, end, _term in spans:
        result += [html.escape(text[at:start]), "<mark>", html.escape(text[start:end]), "</mark>"]
        at = end
    return "".join([*result, html.escape(text[at:])])


def _windows(text: str, spans: Sequence[Span], length: int) -> list[tuple[int, int]]:
    """The places to show: the window with most different terms, and another with terms the first hasn't."""
    if not spans:
        return [(0, _word_end(text, length))]
    if len(text) <= length:
        return [(0, len(text))]
    chosen: list[tuple[int, int]] = []
    missing = {term for _start, _end, term in spans}
    part = length
    for _ in range(FRAGMENTS):
        best = max(_candidates(spans, part), key=lambda found: (len(found[1] & missing), -found[0]))
        if not best[1] & missing:
            break
        start = _word_start(text, max(0, best[0] - min(LEAD_LENGTH, part // 4)))
        window = (start, _word_end(text, start + part))
        if all(window[1] < other[0] or window[0] > other[1] for other in chosen):
            chosen.append(window)
        missing -= best[1]
        part = length // 2
    return sorted(chosen)


def _candidates(spans: Sequence[Span], length: int) -> Iterator[tuple[int, set[str]]]:
    """For each found word the terms within reach after it."""
    reach = length - min(LEAD_LENGTH, length // 4)
    for index, (start, _end, _term) in enumerate(spans):
        terms = set()
        for _other, end, term in spans[index : index + 20]:
            if end - start > reach:
                break
            terms.add(term)
        yield start, terms or {spans[index][2]}


def _word_start(text: str, at: int) -> int:
    if at == 0:
        return 0
    space = text.find(" ", at, at + LEAD_LENGTH // 2)
    return at if space < 0 else space + 1


def _word_end(text: str, at: int) -> int:
    if at >= len(text):
        return len(text)
    space = text.rfind(" ", max(0, at - LEAD_LENGTH // 2), at)
    return at if space < 0 else space
