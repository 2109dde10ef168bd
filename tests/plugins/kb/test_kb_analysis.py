"""The analyser: word forms meet, codes stay whole, offsets are right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.search import analysis

SAME_WORD = [
    ("установка", "установки"),
    ("установка", "установкой"),
    ("принтер", "принтерами"),
    ("ошибка", "ошибок"),
    ("запись", "записями"),
    ("печать", "печати"),
    ("токен", "токену"),
    ("журнал", "журналы"),
    ("портал", "портале"),
    ("проблема", "проблем"),
    ("система", "систем"),
    ("режим", "режима"),
    ("приём", "приёма"),
    ("обмен", "обмену"),
    ("лимит", "лимита"),
    ("память", "памяти"),
    ("список", "списка"),
    ("настройка", "настроек"),
    ("точка", "точек"),
    ("человек", "человека"),
    ("сертификат", "сертификатов"),
    ("подпись", "подписи"),
    ("пароль", "паролем"),
    ("доверенность", "доверенностью"),
    ("декларация", "декларации"),
    ("уведомление", "уведомлений"),
    ("печатает", "печатать"),
    ("отправить", "отправил"),
    ("заблокирован", "заблокировано"),
    ("электронная", "электронной"),
    ("новый", "новая"),
    ("модем", "модемы"),
    ("счёт", "счета"),
    ("расчёт", "расчет"),
    ("ёлка", "елки"),
    ("СЕРВЕР", "серверов"),
    ("контрагент", "контрагентам"),
    ("интернет-банк", "интернет-банке"),
    ("password", "passwords"),
    ("connect", "connected"),
    ("connection", "connections"),
    ("install", "installing"),
    ("policy", "policies"),
    ("reset", "resetting"),
    ("subscription", "subscriptions"),
    ("printer", "printers"),
    ("cancel", "cancelling"),
    ("happy", "happiness"),
    ("Wi-Fi", "WiFi"),
    ("СЗВ-ТД", "СЗВТД"),
    ("ЕФС‑1", "ЕФС-1"),
    ("1С", "1C"),
    ("user’s", "users"),
]

OTHER_WORD = [
    ("модем", "мод"),
    ("срок", "строк"),
    ("токен", "ток"),
    ("домен", "дом"),
    ("банка", "банкет"),
    ("стол", "столица"),
    ("счёт", "считыватель"),
    ("порт", "портал"),
    ("подпись", "подписка"),
    ("universal", "unit"),
    ("ЕФС-1", "ЕФС-2"),
    ("0x8010006B", "0x8010006C"),
]


def first_term(text: str) -> str:
    return analysis.tokens(text)[0].term


@pytest.mark.parametrize(("one", "other"), SAME_WORD)
def test_forms_of_a_word_share_a_term(one: str, other: str) -> None:
    assert first_term(one) == first_term(other)


@pytest.mark.parametrize(("one", "other"), OTHER_WORD)
def test_different_words_keep_apart(one: str, other: str) -> None:
    assert first_term(one) != first_term(other)


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("код 0x8010006B.", "0x8010006b"),
        ("форма СЗВ-ТД", "сзвтд"),
        ("в 1С:8.3", "1c:8.3"),
        ("в 1С:8.3", "8.3"),
        ("сдать ЕФС-1", "ефс1"),
        ("пишите anna.petrova@mail.example", "anna.petrova@mail.example"),
        ("адрес 10.0.0.1:8080", "10.0.0.1"),
        ("на C++ и C#", "c++"),
        ("на C++ и C#", "c#"),
        ("поле customer_id", "customer_id"),
        ("поле customer_id", "custom"),
        ("№3347", "3347"),
    ],
)
def test_codes_are_terms_of_their_own(text: str, term: str) -> None:
    assert term in {token.term for token in analysis.tokens(text)}


@pytest.mark.parametrize("text", ["как", "почему и где", "how do I", "***", "", "-", "что-то это"])
def test_stop_words_alone_leave_at_most_what_they_joined(text: str) -> None:
    assert all(token.joined or token.term == "нибуд" or token.form == "то" for token in analysis.tokens(text))


def test_a_sentence_without_a_space_after_the_dot_is_two_words() -> None:
    assert analysis.terms("не работает.Проверьте кабель") == analysis.terms("не работает. Проверьте кабель")


def test_positions_count_words_and_a_code_stands_where_its_first_part_does() -> None:
    placed = {token.term: token.position for token in analysis.tokens("отчёт СЗВ-ТД за март")}
    assert placed == {"отчет": 0, "сзвтд": 1, "сзв": 1, "тд": 2, "март": 3}


def test_letters_sent_as_two_characters_are_composed() -> None:
    assert analysis.composed("и\u0306од е\u0308лка") == "йод ёлка"


@given(st.text(max_size=300))
def test_offsets_always_point_into_the_text(text: str) -> None:
    assert len(analysis.normalise(text)) == len(text)
    for token in analysis.tokens(text):
        assert 0 <= token.start < token.end <= len(text)
        assert token.term
        assert len(token.term) <= analysis.LONGEST_TERM
