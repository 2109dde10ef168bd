"""Searching the index: what is found, in which order, with which counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.contracts import SearchDocument, SearchQuery, SearchResult
from core.search import analysis
from tests.plugins.kb.conftest import ARTICLES, Index, Shelf, article


def found(index: Index, text: str, **options: object) -> list[int]:
    # On a busy machine a search may take its second; what is found then is no question here.
    result = index.search(SearchQuery(text, time_limit=600, **options))  # type: ignore[arg-type]
    return [int(hit.id.removeprefix("article:")) for hit in result.hits]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("принтеры", [3341, 3344]),
        ("подключения", [3340]),
        ("сзвтд", [3342]),
        ("СЗВ-ТД", [3342]),
        ("1C 8.3", [3342]),
        ("1С:8.3", [3342]),
        ("0x8010006b", [3341]),
        ("кадры", [3342]),
        ("passwords", [3343]),
        ('"службу печати"', [3341]),
        ('"печати службу"', []),
        ('"служба печати"', [3341]),
        ('"принтера"', [3341, 3344]),
        ('"принтером"', []),
        ("принтер AND драйвер", [3344]),
        ("принтер И НЕ драйвер", [3341]),
        ("принтер -драйвер", [3341]),
        ("tag:vpn", [3345, 3340]),
        ("tag:доступ", [3340]),
        ('tag:"удаленный доступ"', [3340]),
        ("tag:принтер driver OR драйвер", [3344]),
        ("product:печать", [3344, 3341]),
        ("product:бухгалтерия", [3342]),
        ("number:3343", [3343]),
        ("title:windows", [3340]),
        ("kind:article windows", [3340, 3344]),
        ("kind:case windows", []),
        ("как", []),
        ("***", []),
        ("неведомоеслово", []),
    ],
)
def test_a_query_finds_what_it_should(index: Index, text: str, expected: list[int]) -> None:
    assert sorted(found(index, text)) == sorted(expected)


def test_a_bare_number_puts_the_article_with_that_number_first(index: Index) -> None:
    assert found(index, "3341") == [3341, 3345]
    assert found(index, "№ 3341")[0] == 3341


def test_the_title_counts_more_than_the_body(index: Index) -> None:
    assert found(index, "печать windows")[0] in (3340, 3344)
    assert found(index, "vpn") == [3340, 3345]


def test_the_exact_form_comes_before_other_forms(index: Index, shelf: Shelf) -> None:
    index.rebuild(shelf.put([article(1, "Сервер", "установка программы"), article(2, "Сервер", "установки программы")]))
    assert found(index, "установка") == [1, 2]
    assert found(index, "установки") == [2, 1]


def test_the_boost_of_a_document_counts(index: Index, shelf: Shelf) -> None:
    low, high = article(1, "Сервер"), replace(article(2, "Сервер и сеть офиса"), boost=5.0)
    index.rebuild(shelf.put([low, high]))
    assert found(index, "сервер") == [2, 1]


def test_the_empty_query_lists_everything_newest_first(index: Index) -> None:
    assert found(index, "") == [3345, 3344, 3343, 3342, 3341, 3340]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("прин", {3341, 3344}), ("паро", set()), ("passw", {3343}), ("сзв-т", {3342}), ("0x801", {3341})],
)
def test_as_you_type_the_beginning_of_a_word_finds(index: Index, typed: str, expected: set[int]) -> None:
    assert set(found(index, typed, prefix=True)) == expected


def test_the_layout_and_typos_are_corrected_and_said(index: Index) -> None:
    for typed, meant in [("ghbynth", "принтер"), ("принтир", "принтер"), ("зфыыцщкв", "password")]:
        result = index.search(SearchQuery(typed))
        assert (result.corrected, bool(result.hits)) == (meant, True)
    assert index.search(SearchQuery("принтер")).corrected is None


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("ghbyn", "принт"), ("ghbynth", "принтер"), ("принтир", "принтер"), ("принт", None), ("fbs", None)],
)
def test_the_layout_and_typos_are_corrected_as_you_type(index: Index, typed: str, meant: str | None) -> None:
    assert index.search(SearchQuery(typed, prefix=True)).corrected == meant


def test_a_quoted_typo_is_only_suggested(index: Index, shelf: Shelf) -> None:
    index.rebuild(shelf.put([article(i, f"Принтер {i}") for i in range(1, 15)]))
    result = index.search(SearchQuery('"принтир"'))
    assert (result.total, result.corrected, result.suggestion) == (0, None, '"принтер"')


def test_hits_are_highlighted_and_say_whether_a_tag_matched(index: Index) -> None:
    hits = {hit.id: hit for hit in index.search(SearchQuery("принтеров службы")).hits}
    assert hits["article:3341"].title_html == "<mark>Принтер</mark> не печатает"
    assert "<mark>службу</mark>" in hits["article:3341"].snippet_html
    assert hits["article:3341"].in_tags
    assert not index.search(SearchQuery("кабель")).hits[0].in_tags


def test_texts_are_escaped(index: Index, shelf: Shelf) -> None:
    index.upsert(shelf.put([article(9, "<script>alert</script>", "тело & <b>хвост</b>")]))
    hit = index.search(SearchQuery("alert хвост")).hits[0]
    assert hit.title_html == "&lt;script&gt;<mark>alert</mark>&lt;/script&gt;"
    assert "&lt;b&gt;<mark>хвост</mark>&lt;/b&gt;" in hit.snippet_html


def test_a_document_gone_from_the_data_base_is_not_shown(index: Index, shelf: Shelf) -> None:
    del shelf["article:3341"]
    assert found(index, "принтер") == [3344]


def test_filters_narrow_and_facets_count_what_is_left(index: Index) -> None:
    query = SearchQuery("windows печать vpn", filters={"product": ("Печать", "VPN")}, facets=("product", "tag", "kind"))
    result = index.search(query)
    assert {hit.id for hit in result.hits} == {"article:3340", "article:3341", "article:3344"}
    counts = {facet.name: dict(facet.counts) for facet in result.facets}
    assert counts["product"] == {"Печать": 2, "VPN": 1}
    assert counts["tag"]["принтер"] == 2
    assert counts["kind"] == {"article": 3}
    assert found(index, "", filters={"product": ("нет такого",)}) == []
    assert found(index, "", filters={"нет такого": ("x",)}) == []
    assert found(index, "", kinds=("case",)) == []


def test_synonyms_find_each_other_words_and_expressions(index: Index, shelf: Shelf) -> None:
    index.rebuild(
        shelf.put([article(1, "Электронная подпись"), article(2, "ЭЦП на токене"), article(3, "Подпись письма")])
    )
    assert found(index, "эцп") == [2]
    index.set_synonyms([("ЭЦП", "электронная подпись", "КЭП")])
    assert found(index, "эцп") == [2, 1]
    assert set(found(index, "электронная подпись")) == {1, 2, 3}
    assert found(index, "кэп") == [1, 2]


def test_stop_words_are_left_out_unless_they_are_all_there_is(index: Index) -> None:
    index.set_stop_words(["Windows"])
    assert set(found(index, "windows принтер")) == {3341, 3344}
    assert found(index, "windows AND принтер") == found(index, "принтер")
    assert set(found(index, "windows")) == {3340, 3344}
    assert found(index, "title:windows") == [3340]
    index.set_stop_words([])
    assert 3340 in found(index, "windows принтер")


def test_words_near_each_other_come_first_in_either_order(index: Index, shelf: Shelf) -> None:
    filler = " разное" * 40
    index.rebuild(
        shelf.put(
            [article(1, "Сервер", f"почта{filler} очередь"), article(2, "Сервер", f"почта очередь {filler}")]
            + [article(number, "Иное", filler) for number in range(3, 20)]
        )
    )
    assert found(index, "почта очередь") == [2, 1]
    assert found(index, "очередь почта") == [2, 1]


def test_documents_that_are_left_out_are_neither_found_nor_counted(index: Index) -> None:
    query = SearchQuery("принтер", without=("article:3341", "article:nowhere"), facets=("tag",))
    result = index.search(query)
    assert [hit.id for hit in result.hits] == ["article:3344"]
    assert result.total == 1
    assert dict(result.facets[0].counts)["принтер"] == 1


def test_a_message_finds_articles_about_it(index: Index) -> None:
    message = (
        "Добрый день! Уже второй день не печатает принтер на складе, служба печати не запускается. С уважением, Анна"
    )
    assert [hit.id for hit in index.related(message, SearchQuery("", limit=2)).hits] == ["article:3341", "article:3344"]
    assert index.related("", SearchQuery("")).total == 0


def test_pages_neither_overlap_nor_leave_gaps(index: Index, shelf: Shelf) -> None:
    index.rebuild(shelf.put([article(i, f"Сервер {'сеть ' * (i % 3)}", "сервер " * (i % 5)) for i in range(1, 41)]))
    whole = found(index, "сервер сеть", limit=100)
    assert len(whole) == 40
    paged = [number for offset in range(0, 45, 7) for number in found(index, "сервер сеть", limit=7, offset=offset)]
    assert paged == whole


def test_time_is_limited(shelf: Shelf, index: Index) -> None:
    moments = iter(range(1_000))
    slow = type(index)(index.path.parent, "kb", shelf.texts, clock=lambda: float(next(moments)))
    result = slow.search(SearchQuery("принтер windows vpn печать", time_limit=2.5))
    assert result.timed_out
    assert not index.search(SearchQuery("принтер windows vpn печать")).timed_out


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000,
        "слово " * 2_000,
        '"' * 500,
        "\x00\ud800",
        "a" * 10_000,
        "- " * 5_000,
        "*:*",
        "***",
        "\"'`",
        "'; DROP TABLE kb_article; --",
        "(a+)+$" * 1_000,
        "tag:" * 2_500,
        "content:[* TO *]",
        "слово~0.5^9 /.*/ {!func}",
        "NOT " * 2_000,
        "%_\\",
    ],
)
@pytest.mark.parametrize("prefix", [False, True])
def test_no_input_breaks_a_search(index: Index, text: str, prefix: bool) -> None:
    assert isinstance(index.search(SearchQuery(text, prefix=prefix)), SearchResult)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                ["принтер", "AND", "НЕ", "-", "(", ")", '"', "tag:", "number:", "*", "title:", "«", "||", "~"]
            ),
            st.text(max_size=8),
        ),
        max_size=40,
    ).map(" ".join),
    st.booleans(),
)
def test_whatever_is_typed_gives_an_answer_within_its_bounds(index: Index, text: str, prefix: bool) -> None:
    result = index.search(SearchQuery(text, prefix=prefix, limit=3, facets=("tag",)))
    assert len(result.hits) <= 3
    assert result.total <= len(ARTICLES)
    assert sum(1 for hit in result.hits if "<script" in hit.title_html) == 0


WORDS = ["сервер", "сети", "принтер", "пароли", "vpn", "printer", "мод", "ключ"]
DOCUMENTS = st.lists(
    st.tuples(
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=5),
        st.sampled_from(["A", "B", "C", ""]),
        st.lists(st.sampled_from(["x", "y", "z"]), unique=True),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(DOCUMENTS, st.lists(st.sampled_from(WORDS), min_size=1, max_size=3), st.sampled_from([(), ("A",), ("A", "B")]))
def test_totals_and_facets_equal_brute_force(
    index: Index,
    shelf: Shelf,
    rows: list[tuple[list[str], str, list[str]]],
    words: list[str],
    products: tuple[str, ...],
) -> None:
    documents = [
        article(i, "Статья", " ".join(body), *tags, product=product) for i, (body, product, tags) in enumerate(rows)
    ]
    index.rebuild(shelf.put(documents))
    query = SearchQuery(" ".join(words), filters={"product": products}, facets=("product", "tag"), limit=100)
    wanted = {analysis.stem(word) for word in words}

    def matches(document: SearchDocument) -> bool:
        stems = {analysis.stem(word) for word in document.body.split()}
        return bool(stems & wanted) and (not products or document.facets.get("product", ("",))[0] in products)

    expected = [document for document in documents if matches(document)]
    result = index.search(query)
    if result.corrected is None:
        assert {hit.id for hit in result.hits} == {document.id for document in expected}
        assert result.total == len(expected)
        counts = {facet.name: dict(facet.counts) for facet in result.facets}
        assert counts["tag"] == Counter(tag for document in expected for tag in document.tags)
        assert counts["product"] == Counter(
            value for document in expected for value in document.facets.get("product", ())
        )


def test_the_demo_documents_are_all_there(index: Index) -> None:
    assert index.count() == len(ARTICLES) == index.check()
