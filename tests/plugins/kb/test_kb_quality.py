"""The search finds what judges chose: floors well under what bench/search_quality.py measures, and what ingredients gain."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.kb_corpus import demo_documents
from bench.search_quality import INGREDIENTS, Judged, built, judged, measured, synonyms
from plugins.kb.search.tantivy_backend import TantivyIndex
from plugins.kb.search.whoosh_backend import WhooshIndex


def of_kind(kind: str) -> list[Judged]:
    return [asked for asked in judged() if asked.kind == kind]


def test_the_judged_set_is_large_and_names_articles_that_exist() -> None:
    known = {document.number for document in demo_documents()}
    assert len(judged()) >= 200
    assert {asked.number for asked in judged()} <= known
    assert len({(asked.kind, asked.question) for asked in judged()}) == len(judged())


@pytest.mark.feature("K-03", "K-13")
@pytest.mark.parametrize("engine", [WhooshIndex, TantivyIndex])
def test_both_engines_find_most_of_what_is_asked(engine: type[WhooshIndex | TantivyIndex], tmp_path: Path) -> None:
    index = built(engine, tmp_path, demo_documents())
    for kind, floor in {"clean": 0.9, "inflected": 0.8, "typo": 0.85, "layout": 0.85, "code": 0.8}.items():
        assert measured(index, of_kind(kind)).recall >= floor, kind


@pytest.mark.parametrize(
    ("ingredient", "kind"),
    [("stemming", "inflected"), ("correction of typing errors", "typo"), ("keyboard layout", "layout")],
)
def test_each_ingredient_gains_where_it_should(ingredient: str, kind: str, tmp_path: Path) -> None:
    whole = measured(built(WhooshIndex, tmp_path / "whole", demo_documents()), of_kind(kind))
    with ExitStack() as stack:
        INGREDIENTS[ingredient](stack)
        without = measured(built(WhooshIndex, tmp_path / "without", demo_documents()), of_kind(kind))
    assert whole.mrr > without.mrr
    assert whole.recall >= without.recall


def test_synonyms_of_editors_gain(tmp_path: Path) -> None:
    index = built(WhooshIndex, tmp_path, demo_documents(), editors=False)
    without = measured(index, of_kind("synonym"))
    index.set_synonyms(synonyms())
    assert measured(index, of_kind("synonym")).mrr > without.mrr
