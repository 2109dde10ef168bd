"""What a person types into the search box, as a tree. Any input gives a tree; none raises.

Words are alternatives ranked together. Around them: `"exact phrase"`, AND OR NOT (И ИЛИ НЕ in capitals), `-word`,
parentheses, `title:word`, and the narrowing fields of `FIELDS` such as `tag:vpn` or `product:"1С:Бухгалтерия"`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from core.search import analysis

MAX_CHARACTERS = 2_000
MAX_WORDS = 48
MAX_DEPTH = 8

FIELDS = {
    "tag": "tag",
    "тег": "tag",
    "product": "product",
    "продукт": "product",
    "number": "number",
    "номер": "number",
    "folder": "folder",
    "раздел": "folder",
    "service": "service",
    "сервис": "service",
    "language": "language",
    "язык": "language",
    "kind": "kind",
    "title": "title",
    "заголовок": "title",
}
"""Typed field name (both languages) to the name of the field."""


@dataclass(frozen=True, slots=True)
class Word:
    """One chain of characters; `start` and `end` are its place in the query; `prefix` if it may go on."""

    text: str
    start: int
    end: int
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that must stand next to each other in this order, in any grammatical form."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Within:
    """Narrows to documents whose `field` (a facet, `tag`, `kind` or `number`) has a value with the words of `text`."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class InTitle:
    """Narrows to documents with all words of `text` in the title."""

    text: str


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Node


@dataclass(frozen=True, slots=True)
class Everything:
    """All documents: the empty query."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """No document: a query without a word that is searched for."""


Node = Word | Phrase | Within | InTitle | And | Or | Not | Everything | Nothing

_OPERATORS = {"AND": "and", "И": "and", "&&": "and", "OR": "or", "ИЛИ": "or", "||": "or", "NOT": "not", "НЕ": "not"}
_LEXEME = re.compile(
    r"(?P<open>\()|(?P<close>\))"
    r"|(?P<minus>(?<![^\s(])[-−–](?=[^\s\-−–]))"
    rf"|(?P<field>(?<![^\s(\-−–])(?:{'|'.join(FIELDS)}):(?=[^\s]))"
    r"|[\"“„«](?P<phrase>[^\"“”„«»]*)(?:[\"”»]|$)"
    r"|(?P<chunk>[^\s()\"“”„«»]+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Lexeme:
    kind: str
    text: str
    start: int
    end: int


def parse(text: str, prefix: bool = False) -> Node:
    """The tree of `text`, of which the first `MAX_CHARACTERS` and `MAX_WORDS` count.

    With `prefix` the last word may be unfinished, unless white space follows it.
    """
    text = text[:MAX_CHARACTERS]
    if not text.strip():
        return Everything()
    open_ended = prefix and not text[-1].isspace()
    return _Parser(list(_lexemes(text)), len(text) if open_ended else -1).whole()


def words(node: Node) -> Iterator[Word]:
    """The words of a tree that are looked for (not those excluded), in the order they were typed."""
    match node:
        case Word():
            yield node
        case And(parts) | Or(parts):
            for part in parts:
                yield from words(part)


def phrases(node: Node) -> Iterator[Phrase]:
    """The phrases of a tree that are looked for."""
    match node:
        case Phrase():
            yield node
        case And(parts) | Or(parts):
            for part in parts:
                yield from phrases(part)


def _lexemes(text: str) -> Iterator[_Lexeme]:
    shouting = not any(character.islower() for character in text)
    for match in _LEXEME.finditer(text):
        kind = match.lastgroup or "phrase"
        start, end = match.span(kind)
        part = match.group(kind)
        if kind == "chunk" and (operator := _OPERATORS.get(part)) and not (shouting and not part.isascii()):
            yield _Lexeme(operator, part, start, end)
        elif kind == "chunk":
            yield from _chunk_words(part, start)
        else:
            yield _Lexeme(kind, part, start, end)


def _chunk_words(chunk: str, offset: int) -> Iterator[_Lexeme]:
    for chain, start, end in analysis.chains(analysis.normalise(chunk)):
        yield _Lexeme("word", chain, offset + start, offset + end)


class _Parser:
    """Recursive descent over lexemes; what doesn't fit the grammar is passed over."""

    def __init__(self, lexemes: list[_Lexeme], open_end: int) -> None:
        self._lexemes = lexemes
        self._open_end = open_end
        self._at = 0
        self._words_left = MAX_WORDS

    def whole(self) -> Node:
        found: list[Node] = []
        while self._at < len(self._lexemes):
            found.append(self._sequence(0))
            if self._kind() == "close":
                self._at += 1
        nodes = [node for node in found if node != Nothing()]
        return _all_of(nodes) if nodes else Nothing()

    def _kind(self) -> str:
        return self._lexemes[self._at].kind if self._at < len(self._lexemes) else ""

    def _sequence(self, depth: int) -> Node:
        """Clauses up to a closing parenthesis: words are alternatives, everything else narrows."""
        optional: list[Node] = []
        required: list[Node] = []
        while self._kind() not in ("", "close"):
            clause = self._alternatives(depth)
            match clause:
                case Nothing():
                    continue
                case Phrase() | Within() | InTitle() | Not():
                    required.append(clause)
                case _:
                    optional.append(clause)
        if optional:
            required.insert(0, optional[0] if len(optional) == 1 else Or(tuple(optional)))
        return _all_of(required) if required else Nothing()

    def _alternatives(self, depth: int) -> Node:
        parts = [self._conjunction(depth)]
        while self._kind() == "or":
            self._at += 1
            parts.append(self._conjunction(depth))
        nodes = [part for part in parts if part != Nothing()]
        if not nodes:
            return Nothing()
        return nodes[0] if len(nodes) == 1 else Or(tuple(nodes))

    def _conjunction(self, depth: int) -> Node:
        parts = [self._unary(depth)]
        while self._kind() == "and":
            self._at += 1
            parts.append(self._unary(depth))
        nodes = [part for part in parts if part != Nothing()]
        return nodes[0] if len(nodes) == 1 else _all_of(nodes)

    def _unary(self, depth: int) -> Node:
        negated = False
        while self._kind() in ("not", "minus"):
            negated = not negated
            self._at += 1
        node = self._primary(depth)
        return Not(node) if negated and node != Nothing() else node

    def _primary(self, depth: int) -> Node:
        kind = self._kind()
        if kind in ("", "close", "or", "and"):
            if kind in ("or", "and"):
                self._at += 1
            return Nothing()
        lexeme = self._lexemes[self._at]
        self._at += 1
        if kind == "open":
            return self._group(depth)
        if kind == "field":
            return self._field(FIELDS[lexeme.text[:-1].lower()])
        if kind == "phrase":
            return self._phrase(lexeme)
        return self._word(lexeme)

    def _group(self, depth: int) -> Node:
        while depth >= MAX_DEPTH and self._kind() == "open":
            self._at += 1
        node = self._primary(depth) if depth >= MAX_DEPTH else self._sequence(depth + 1)
        if self._kind() == "close":
            self._at += 1
        return node

    def _field(self, field: str) -> Node:
        if self._kind() not in ("word", "phrase"):
            return Nothing()
        lexeme = self._lexemes[self._at]
        self._at += 1
        if not analysis.tokens(lexeme.text):
            return Nothing()
        return InTitle(lexeme.text) if field == "title" else Within(field, lexeme.text)

    def _phrase(self, lexeme: _Lexeme) -> Node:
        count = len(analysis.terms(lexeme.text))
        if not count or self._words_left < count:
            return Nothing()
        self._words_left -= count
        return Phrase(lexeme.text, lexeme.start, lexeme.end)

    def _word(self, lexeme: _Lexeme) -> Node:
        unfinished = lexeme.end == self._open_end
        if not self._words_left or not (unfinished or analysis.pieces(lexeme.text)):
            return Nothing()
        self._words_left -= 1
        return Word(lexeme.text, lexeme.start, lexeme.end, unfinished)


def _all_of(nodes: list[Node]) -> Node:
    """One node that demands all of `nodes`; exclusions alone are taken from everything."""
    if not nodes:
        return Nothing()
    if all(isinstance(node, Not) for node in nodes):
        nodes = [Everything(), *nodes]
    return nodes[0] if len(nodes) == 1 else And(tuple(nodes))
