"""Highlighting: all forms are marked, nothing unescaped gets through, nothing of the text is lost."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.search import analysis
from core.search.highlight import Highlighter, highlight_html


def terms(text: str) -> list[str]:
    return [token.term for token in analysis.tokens(text)]


def stripped(markup: str) -> str:
    return html.unescape(re.sub(r"</?mark>", "", markup))


@pytest.mark.parametrize(
    ("query", "text", "expected"),
    [
        ("принтер", "Принтеры и принтером", "<mark>Принтеры</mark> и <mark>принтером</mark>"),
        ("СЗВ-ТД", "Форма СЗВ-ТД", "Форма <mark>СЗВ-ТД</mark>"),
        ("1C", "В 1С всё есть", "В <mark>1С</mark> всё есть"),
        ("ёлка", "Елки-палки", "<mark>Елки</mark>-палки"),
        ("счет", "Счёта", "<mark>Счёта</mark>"),
        ("интернет-банк", "в интернет-банке", "в <mark>интернет-банке</mark>"),
        ("0x8010006B", "(0x8010006b)", "(<mark>0x8010006b</mark>)"),
        ("c++", "C++ code", "<mark>C++</mark> code"),
        ("dying", "it dies", "it <mark>dies</mark>"),
        ("happy", "happiness", "<mark>happiness</mark>"),
        ("variable", "my_variable", "my_<mark>variable</mark>"),
        ("список", "списки, список", "<mark>списки</mark>, <mark>список</mark>"),
        ("настроек", "настройки", "<mark>настройки</mark>"),
        ("мод", "модем", "модем"),
        ("script", "<script>", "&lt;<mark>script</mark>&gt;"),
    ],
)
def test_words_are_marked_in_every_form(query: str, text: str, expected: str) -> None:
    assert Highlighter(terms(query)).mark(text) == expected


def test_a_snippet_shows_where_the_words_are() -> None:
    body = "Вступление. " * 60 + "Перезапустите службу печати на сервере. " + "Заключение. " * 60
    snippet = Highlighter(terms("служба печати")).snippet(body)
    assert "<mark>службу</mark> <mark>печати</mark>" in snippet
    assert snippet.startswith("… ")
    assert snippet.endswith(" …")
    assert len(stripped(snippet)) < 320


def test_words_far_apart_are_shown_in_two_fragments() -> None:
    body = "Сервер стоит в подвале. " + "Много слов. " * 100 + "Кабель лежит на столе. " + "Много слов. " * 100
    snippet = Highlighter(terms("сервер кабель")).snippet(body)
    assert "<mark>Сервер</mark>" in snippet
    assert "<mark>Кабель</mark>" in snippet
    assert " … " in snippet


def test_a_snippet_without_found_words_is_the_beginning() -> None:
    assert Highlighter(["нет"]).snippet("Начало <текста>  и\nдальше") == "Начало &lt;текста&gt; и дальше"
    assert Highlighter([]).snippet("") == ""


def test_an_article_is_marked_in_text_only() -> None:
    markup = '<p title="принтер > сканер">Принтер &amp; <b class="принтер">принтеры</b>&nbsp;<img alt="принтер"></p>'
    marked = highlight_html(markup, terms("принтер amp nbsp"))
    assert marked == (
        '<p title="принтер > сканер"><mark>Принтер</mark> &amp; <b class="принтер"><mark>принтеры</mark></b>'
        '&nbsp;<img alt="принтер"></p>'
    )


def test_style_comments_and_marks_are_left_alone() -> None:
    markup = "<style>p{}</style><!-- p --><mark>p</mark> p"
    assert highlight_html(markup, ["p"]) == "<style>p{}</style><!-- p --><mark>p</mark> <mark>p</mark>"


@given(st.text(max_size=200), st.lists(st.text(min_size=1, max_size=12), max_size=5))
def test_marked_text_strips_to_the_same_text(text: str, queries: list[str]) -> None:
    highlighter = Highlighter([*terms(text)[:3], *queries])
    marked = highlighter.mark(text)
    assert stripped(marked) == text
    assert "<" not in re.sub(r"</?mark>", "", marked)


@given(st.text(alphabet="аб <>&;\"'abmrk/=!-", max_size=120))
def test_highlighting_html_only_adds_marks(markup: str) -> None:
    marked = highlight_html(markup, ["а", "б", "ab", "mark", "аб"])
    assert re.sub(r"</?mark>", "", marked) == re.sub(r"</?mark>", "", markup)


@given(st.text(max_size=600), st.lists(st.sampled_from(["а", "слово", "word", "b"]), max_size=3))
def test_a_snippet_is_escaped_and_bounded(text: str, queries: list[str]) -> None:
    snippet = Highlighter(queries).snippet(text)
    assert "<" not in re.sub(r"</?mark>", "", snippet)
    assert snippet.count("<mark>") == snippet.count("</mark>")
    assert len(stripped(snippet)) <= 240 + 120 + 10
