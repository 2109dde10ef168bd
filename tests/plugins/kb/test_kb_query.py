"""The query language: what is typed becomes a bounded tree, whatever it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.kb.search.query import (
    MAX_DEPTH,
    MAX_WORDS,
    And,
    Everything,
    InTitle,
    Node,
    Not,
    Nothing,
    Or,
    Phrase,
    Within,
    Word,
    parse,
    words,
)


def shape(node: Node) -> str:
    """A tree as text, without offsets."""
    match node:
        case Word(text, _, _, prefix):
            return text + ("*" if prefix else "")
        case Phrase(text):
            return f"«{text}»"
        case Within(field, text):
            return f"{field}:{text}"
        case InTitle(text):
            return f"title:{text}"
        case And(parts):
            return "(" + " & ".join(map(shape, parts)) + ")"
        case Or(parts):
            return "(" + " | ".join(map(shape, parts)) + ")"
        case Not(part):
            return "!" + shape(part)
        case Everything():
            return "all"
        case Nothing():
            return "none"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "all"),
        ("   ", "all"),
        ("***", "none"),
        ("как", "none"),
        ("принтер", "принтер"),
        ("не печатает принтер", "(печатает | принтер)"),
        ("принтер AND сканер", "(принтер & сканер)"),
        ("принтер И сканер", "(принтер & сканер)"),
        ("принтер ИЛИ сканер", "(принтер | сканер)"),
        ("принтер НЕ сканер", "(принтер & !сканер)"),
        ("принтер и сканер", "(принтер | сканер)"),
        ("ПРИНТЕР И СКАНЕР", "(принтер | сканер)"),
        ("принтер -сканер", "(принтер & !сканер)"),
        ("NOT сканер", "(all & !сканер)"),
        ("НЕ принтер НЕ сканер", "(all & !принтер & !сканер)"),
        ("vpn AND (windows OR linux)", "(vpn & (windows | linux))"),
        ("vpn AND windows mac", "((vpn & windows) | mac)"),
        ("(vpn", "vpn"),
        ("vpn)) mac", "(vpn & mac)"),
        ('"служба печати"', "«служба печати»"),
        ("«служба печати» принтер", "(принтер & «служба печати»)"),
        ('принтер "служба печ', "(принтер & «служба печ»)"),
        ('""', "none"),
        ("tag:vpn пароль", "(пароль & tag:vpn)"),
        ("тег:vpn", "tag:vpn"),
        ('product:"1С:Бухгалтерия 8.3"', "product:1С:Бухгалтерия 8.3"),
        ("-tag:vpn пароль", "(пароль & !tag:vpn)"),
        ("number:3347", "number:3347"),
        ("folder:Настройка", "folder:настройка"),
        ("title:vpn", "title:vpn"),
        ("заголовок:vpn", "title:vpn"),
        ("tag:", "tag"),
        ("AND OR NOT", "none"),
        ("3347", "3347"),
        ("СЗВ-ТД", "сзв-тд"),
        ("1С:8.3", "1с:8.3"),
        ("http://host", "(http | host)"),
        ("вход - пароль", "(вход | пароль)"),
        ("--пароль", "пароль"),
    ],
)
def test_what_is_typed_becomes_the_expected_tree(text: str, expected: str) -> None:
    assert shape(parse(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("как подкл", "подкл*"),
        ("сеть подкл", "(сеть | подкл*)"),
        ("подкл ", "подкл"),
        ('"подкл', "«подкл»"),
        ("н", "н*"),
    ],
)
def test_only_an_open_last_word_is_unfinished(text: str, expected: str) -> None:
    assert shape(parse(text, prefix=True)) == expected


def test_words_know_their_place_in_the_query() -> None:
    text = 'Ошибка  "в журнале" (Принтера)'
    assert [text[word.start : word.end] for word in words(parse(text))] == ["Ошибка", "Принтера"]


def depth(node: Node) -> int:
    match node:
        case And(parts) | Or(parts):
            return 1 + max(map(depth, parts))
        case Not(part):
            return 1 + depth(part)
    return 1


def nodes(node: Node) -> int:
    match node:
        case And(parts) | Or(parts):
            return 1 + sum(map(nodes, parts))
        case Not(part):
            return 1 + nodes(part)
    return 1


PIECES = st.sampled_from(
    [
        "(",
        ")",
        '"',
        "«",
        "»",
        "-",
        " ",
        "AND",
        "OR",
        "NOT",
        "И",
        "НЕ",
        "tag:",
        "title:",
        "слово",
        "word",
        "*",
        ":",
        "\x00",
    ]
)


@given(st.one_of(st.text(max_size=400), st.lists(PIECES, max_size=200).map(" ".join), st.lists(PIECES).map("".join)))
def test_any_input_gives_a_bounded_tree(text: str) -> None:
    for prefix in (False, True):
        tree = parse(text, prefix)
        assert depth(tree) <= 6 * (MAX_DEPTH + 1)
        assert sum(1 for _ in words(tree)) <= MAX_WORDS


@pytest.mark.parametrize(
    "text", ["слово " * 5_000, "(" * 10_000, '"' * 10_000, "-" * 10_000, "а" * 10_000, "a AND " * 3_000]
)
def test_ten_thousand_characters_stay_small(text: str) -> None:
    tree = parse(text, prefix=True)
    assert nodes(tree) <= 4 * MAX_WORDS
