"""Corrects a query by the words of the index: mistyped words and words typed in the wrong keyboard layout.

Only words that the index doesn't know are changed. There is no dictionary of its own: candidates at one edit are made
and looked up (under a millisecond), candidates at two edits of long words are looked for among the index's words that
begin alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.search import analysis
from plugins.kb.search.query import Word

SHORTEST_CORRECTED = 4
TWO_EDITS_FROM = 8
MOST_LOOKED_UP = 6
MUCH_MORE_FREQUENT = 10

_RUSSIAN = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
_ENGLISH = "abcdefghijklmnopqrstuvwxyz"
_LATIN_KEYS = "`qwertyuiop[]asdfghjkl;'zxcvbnm,.~QWERTYUIOP{}ASDFGHJKL:\"ZXCVBNM<>"
_CYRILLIC_KEYS = "ёйцукенгшщзхъфывапролджэячсмитьбюЁЙЦУКЕНГШЩЗХЪФЫВАПРОЛДЖЭЯЧСМИТЬБЮ"
_TO_CYRILLIC = str.maketrans(_LATIN_KEYS, _CYRILLIC_KEYS)
_TO_LATIN = str.maketrans(_CYRILLIC_KEYS, _LATIN_KEYS)
_CHUNK = re.compile(r"\S+")


class Vocabulary(Protocol):
    """What spelling asks of an index; forms are lower case with «е» for «ё»."""

    def form_frequency(self, form: str) -> int: ...
    def knows(self, form: str) -> bool: ...
    def completions(self, prefix: str, count: int) -> list[str]: ...
    def forms_starting_with(self, prefix: str) -> set[str]: ...


@dataclass(frozen=True, slots=True)
class _Chunk:
    text: str
    start: int
    end: int
    switched: str
    certain: bool


def switch_layout(text: str) -> str:
    """`text` as if typed on the other of the two keyboard layouts, the direction by its first letter."""
    letter = next((character for character in text if character.isalpha()), "")
    return text.translate(_TO_CYRILLIC if letter.isascii() else _TO_LATIN)


def fix_layout(text: str, vocabulary: Vocabulary, prefix: bool = False) -> str | None:
    """The query with its chunks typed in the wrong layout put right; None if there are none.

    A chunk is certain if the index knows none of its words as typed and all of them switched. Stop words, which the
    index doesn't know, follow when another chunk is certain.
    """
    last_end = len(text.rstrip()) if prefix and not text[-1:].isspace() else -1
    chunks = list(_switched_chunks(text, vocabulary, last_end))
    if not any(chunk.certain for chunk in chunks):
        return None
    parts: list[str] = []
    at = 0
    for chunk in chunks:
        parts += [text[at : chunk.start], chunk.switched]
        at = chunk.end
    return "".join(parts) + text[at:]


def _switched_chunks(text: str, vocabulary: Vocabulary, last_end: int) -> Iterator[_Chunk]:
    for match in _CHUNK.finditer(text):
        chunk = match.group()
        unfinished = match.end() == last_end
        forms = _forms(chunk)
        if not any(form.isalpha() for form in forms):
            continue
        if any(_known(form, vocabulary, unfinished) for form in forms if not form.isdecimal()):
            continue
        switched = switch_layout(chunk)
        other = _forms(switched)
        if other and all(form.isdecimal() or _known(form, vocabulary, unfinished) for form in other):
            certain = any(len(form) > 2 and form not in analysis.STOP_WORDS for form in other)
            yield _Chunk(chunk, match.start(), match.end(), switched, certain)


def _forms(chunk: str) -> list[str]:
    return [analysis.folded(part) for part in re.findall(r"[^\W_]+", analysis.normalise(chunk))]


def _known(form: str, vocabulary: Vocabulary, unfinished: bool) -> bool:
    if form in analysis.STOP_WORDS or vocabulary.knows(form):
        return True
    return unfinished and len(form) > 2 and bool(vocabulary.completions(form, 1))


def correct_words(text: str, words: Sequence[Word], vocabulary: Vocabulary) -> str | None:
    """The query with words that the index doesn't know replaced by the nearest it knows; None if nothing changes."""
    return _replaced(text, words, lambda form: None if vocabulary.knows(form) else nearest(form, vocabulary))


def suggest_words(text: str, words: Sequence[Word], vocabulary: Vocabulary) -> str | None:
    """The query with rare words replaced by a much more frequent neighbour: what may have been meant."""

    def better(form: str) -> str | None:
        frequency = vocabulary.form_frequency(form)
        other = nearest(form, vocabulary)
        if other and vocabulary.form_frequency(other) >= MUCH_MORE_FREQUENT * max(1, frequency):
            return other
        return None

    return _replaced(text, words, better)


def _replaced(text: str, words: Sequence[Word], better: Callable[[str], str | None]) -> str | None:
    parts: list[str] = []
    at = 0
    candidates = [word for word in words if not word.prefix and word.text.isalpha()]
    for word in [word for word in candidates if len(word.text) >= SHORTEST_CORRECTED][:MOST_LOOKED_UP]:
        form = analysis.folded(word.text)
        if replacement := better(form):
            parts += [text[at : word.start], replacement]
            at = word.end
    return "".join(parts) + text[at:] if parts else None


def nearest(form: str, vocabulary: Vocabulary) -> str | None:
    """The most frequent other word of the index at the smallest distance, at most one edit or, for long words, two."""
    candidates = {edit for edit in _edits(form) if vocabulary.form_frequency(edit)}
    if not candidates and len(form) >= TWO_EDITS_FROM:
        candidates = _within_two(form, vocabulary)
    candidates.discard(form)
    return max(candidates, key=lambda word: (vocabulary.form_frequency(word), word), default=None)


def _edits(form: str) -> Iterator[str]:
    """Everything at one deletion, transposition, replacement or insertion."""
    alphabet = _ENGLISH if form.isascii() else _RUSSIAN
    for i in range(len(form)):
        head, tail = form[:i], form[i + 1 :]
        yield head + tail
        if tail:
            yield head + tail[0] + form[i] + tail[1:]
        for letter in alphabet:
            yield head + letter + tail
            yield head + letter + form[i:]
    for letter in alphabet:
        yield form + letter


def _within_two(form: str, vocabulary: Vocabulary) -> set[str]:
    letters = set(form)
    return {
        word
        for word in vocabulary.forms_starting_with(form[:2])
        if abs(len(word) - len(form)) <= 2 and len(letters ^ set(word)) <= 4 and _distance_at_most_two(form, word)
    }


def _distance_at_most_two(one: str, other: str) -> bool:
    """Optimal string alignment distance, computed in the band that can still be at most two."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, previous, row = row, before, [i] + [3] * len(other)
        for j in range(max(1, i - 2), min(len(other), i + 2) + 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other[j - 1]))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == other[j - 1]:
                cost = min(cost, previous[j - 2] + 1)
            row[j] = min(cost, 3)
        if min(row) > 2:
            return False
    return row[-1] <= 2
