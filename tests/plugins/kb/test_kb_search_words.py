"""Words that editors set: what is refused, and that every process follows within seconds without indexing anything."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from core.contracts import Rejected, SearchQuery
from tests.support.places import ROOT

DEMO = ROOT / "plugins/kb/demo"


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"core.plugins": ["kb"]}


@pytest.fixture
def signature(app: Any, db: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The demo's articles on signatures, indexed; a process looks for new words at each search."""
    from plugins.kb.exchange.folder_exchange import load_folder
    from plugins.kb.finding import search_words
    from plugins.kb.finding.index import rebuild

    load_folder(DEMO / "ru/signature")
    rebuild()
    monkeypatch.setattr(search_words, "FRESH_SECONDS", 0.0)
    return db


def numbers(text: str) -> list[int]:
    from plugins.kb.finding.documents import number_of
    from plugins.kb.finding.index import search

    return [number_of(hit.id) for hit in search(SearchQuery(text)).hits]


@pytest.mark.feature("K-03")
def test_synonyms_are_found_at_the_next_search_and_no_more_when_removed(signature: Any) -> None:
    from plugins.kb.finding.search_words import remove, save_synonyms
    from plugins.kb.models import Dirty

    assert numbers("свисток") == []
    row = save_synonyms(None, ["свисток", "носитель", "электронный ключ"])
    assert 1006 in numbers("свистки")
    row = save_synonyms(None, ["свисток", "доверенность"], row.id)
    assert numbers("свисток")[0] == 1005
    remove(row.id)
    assert numbers("свисток") == []
    assert signature.session.scalar(select(func.count(Dirty.id))) == 0, "nothing was indexed again"


@pytest.mark.feature("K-03")
def test_stop_words_are_left_out_unless_nothing_else_is_asked_for(signature: Any) -> None:
    from plugins.kb.finding.search_words import add_stop_words

    assert len(numbers("сертификат рутокен")) > len(numbers("рутокен"))
    assert add_stop_words(None, ["сертификат", "Сертификаты"]) == 1
    assert numbers("сертификаты рутокен") == numbers("рутокен")
    assert numbers("сертификат")


def test_another_process_sees_new_words_within_seconds(
    app: Any, signature: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from plugins.kb.finding import search_words
    from plugins.kb.finding.search_words import Keeper, save_synonyms

    moments = iter([0.0, 0.0, 1.0, 3.0, 3.0])
    monkeypatch.setattr(search_words, "FRESH_SECONDS", 2.0)
    monkeypatch.setattr(search_words.time, "monotonic", lambda: next(moments))
    other = Keeper()
    assert other.current().synonyms == ()
    save_synonyms(None, ["свисток", "носитель"])
    assert other.current().synonyms == (), "asked again too soon"
    assert other.current().synonyms == (("свисток", "носитель"),)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("токен", "synonyms-few"),
        ("токен, токены, Токенами", "synonyms-few"),
        ("", "synonyms-few"),
        ("токен, и", "synonym-empty"),
        ("токен, ***", "synonym-empty"),
        (f"токен, {'а' * 101}", "synonym-long"),
        ("токен, раз два три четыре пять шесть семь восемь", "synonym-long"),
        (", ".join(f"слово{number}" for number in range(21)), "synonyms-many"),
        ("токен, спасибо", "synonym-stop-word"),
        ("рутокен = ключевой носитель", "search-words-twice"),
    ],
)
def test_bad_synonyms_are_refused_with_a_cause(db: Any, line: str, code: str) -> None:
    from plugins.kb.finding.search_words import SYNONYMS, add_stop_words, members_of, rows, save_synonyms

    add_stop_words(None, ["спасибо"])
    save_synonyms(None, ["Ключевые носители", "Рутокены"])
    with pytest.raises(Rejected) as refused:
        save_synonyms(None, members_of(line))
    assert refused.value.code == code
    assert len(rows(SYNONYMS)) == 1


@pytest.mark.parametrize(
    ("word", "code"), [("два слова", "stop-word-form"), ("и", "stop-word-form"), ("токену", "stop-word-synonym")]
)
def test_bad_stop_words_are_refused_with_a_cause(db: Any, word: str, code: str) -> None:
    from plugins.kb.finding.search_words import STOP, add_stop_words, rows, save_synonyms

    save_synonyms(None, ["токен", "носитель"])
    with pytest.raises(Rejected) as refused:
        add_stop_words(None, ["пожалуйста", word])
    assert refused.value.code == code
    assert rows(STOP) == [], "all or none"


def test_a_group_removed_meanwhile_is_told(db: Any) -> None:
    from plugins.kb.finding.search_words import remove, save_synonyms

    row = save_synonyms(None, ["токен", "носитель"])
    remove(row.id)
    remove(row.id)
    with pytest.raises(Rejected) as refused:
        save_synonyms(None, ["токен", "ключ"], row.id)
    assert refused.value.code == "search-words-unknown"
