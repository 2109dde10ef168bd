"""Spelling: typos and the wrong keyboard layout are put right, known words are never touched."""

from __future__ import annotations

import pytest

from core.search import analysis
from plugins.kb.search.query import parse, words
from plugins.kb.search.spelling import correct_words, fix_layout, nearest, suggest_words, switch_layout


class Words:
    """A vocabulary of a few words."""

    def __init__(self, frequency: dict[str, int]) -> None:
        self._frequency = frequency
        self._stems = {analysis.stem(form) for form in frequency}

    def form_frequency(self, form: str) -> int:
        return self._frequency.get(form, 0)

    def knows(self, form: str) -> bool:
        return form in self._frequency or analysis.stem(form) in self._stems

    def completions(self, prefix: str, count: int) -> list[str]:
        return sorted(self.forms_starting_with(prefix))[:count]

    def forms_starting_with(self, prefix: str) -> set[str]:
        return {form for form in self._frequency if form.startswith(prefix)}


VOCABULARY = Words(
    {
        "привет": 3,
        "принтер": 50,
        "принцип": 2,
        "работает": 9,
        "сервер": 40,
        "подключение": 7,
        "перезагрузка": 5,
        "hello": 4,
        "password": 30,
        "printer": 8,
        "ефс": 5,
        "сервис": 20,
        "почта": 6,
        "почти": 1,
        "электронная": 9,
    }
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ghbdtn", "привет"),
        ("руддщ", "hello"),
        ("hf,jnftn", "работает"),
        ("ghbynth yt hf,jnftn", "принтер не работает"),
        ("Ghbynth", "Принтер"),
        ("'ktrnhjyyfz", "электронная"),
        ("зфыыцщкв ghbdtn", "password привет"),
        ("TAC-1", "ЕФС-1"),
    ],
)
def test_the_wrong_layout_is_put_right(typed: str, meant: str) -> None:
    assert fix_layout(typed, VOCABULARY) == meant


@pytest.mark.parametrize(
    "typed", ["принтер", "password", "принтер ghjdthrf", "xyz", "12345", "yt", "", "--", "hello world"]
)
def test_what_is_known_or_unknown_both_ways_keeps_its_layout(typed: str) -> None:
    assert fix_layout(typed, VOCABULARY) is None


def test_an_unfinished_word_is_recognised_in_the_wrong_layout() -> None:
    assert fix_layout("ghbyn", VOCABULARY, prefix=True) == "принт"
    assert fix_layout("ghbyn", VOCABULARY) is None


def test_switching_twice_gives_the_same_word() -> None:
    assert switch_layout(switch_layout("съешь ещё этих булок")) == "съешь ещё этих булок"


@pytest.mark.parametrize(
    ("mistyped", "meant"),
    [
        ("принтр", "принтер"),
        ("прнитер", "принтер"),
        ("принтерр", "принтер"),
        ("принтор", "принтер"),
        ("рпинтер", "принтер"),
        ("подключнеие", "подключение"),
        ("перзагруска", "перезагрузка"),
        ("pasword", "password"),
        ("passwrod", "password"),
    ],
)
def test_a_typo_becomes_the_nearest_word(mistyped: str, meant: str) -> None:
    assert nearest(mistyped, VOCABULARY) == meant


def corrected(text: str) -> str | None:
    unknown = [word for word in words(parse(text)) if not VOCABULARY.knows(word.text)]
    return correct_words(text, unknown, VOCABULARY)


def test_only_unknown_words_are_corrected_in_place() -> None:
    assert corrected("Принтр  и сервера (pasword)") == "принтер  и сервера (password)"


@pytest.mark.parametrize("text", ["принтера", "серверов", "xqz", "фыва", "почтовый", "0x8010006Z"])
def test_known_forms_short_words_codes_and_strangers_are_left(text: str) -> None:
    assert corrected(text) is None


def test_a_rare_word_brings_a_suggestion_of_a_frequent_neighbour() -> None:
    common = Words({"почта": 60, "почти": 1})
    assert suggest_words("почти", list(words(parse("почти"))), common) == "почта"
    assert suggest_words("почта", list(words(parse("почта"))), common) is None
