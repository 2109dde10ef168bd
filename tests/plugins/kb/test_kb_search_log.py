"""Counts of searches: what is counted once, what is masked, what the report shows, what is forgotten."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import func, select


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"core.plugins": ["kb"]}


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Сброс   ПАРОЛЯ ", "сброс пароля"),
        ("письмо от Ivan.Petrov@example.com не пришло", "письмо от <e-mail> не пришло"),
        ("клиент +7 (921) 555-12-34 звонил", "клиент <number> звонил"),
        ("карта 4276 3800 1234 5678", "карта <number>"),
        ("89215551234", "<number>"),
        ("телефон 555-12-34", "телефон <number>"),
        ("0x8010006B", "0x8010006b"),
        ("ошибка 80090016", "ошибка 80090016"),
        ("1С:8.3.24", "1с:8.3.24"),
        ("статья 3347", "статья 3347"),
        ("стро\x00ка\nдругая", "стро ка другая"),
    ],
)
def test_a_text_is_counted_without_case_and_personal_data(typed: str, kept: str) -> None:
    from plugins.kb.finding.search_log import normalised

    assert normalised(typed) == kept


@given(st.text(max_size=400))
def test_any_text_becomes_short_and_stays_itself(text: str) -> None:
    from plugins.kb.finding.search_log import LONGEST, normalised

    clean = normalised(text)
    assert len(clean) <= LONGEST
    assert "\x00" not in clean and "\n" not in clean


@pytest.mark.feature("K-10")
def test_searches_are_counts_of_a_day_not_rows_of_people(db: Any) -> None:
    from plugins.kb.finding import search_log
    from plugins.kb.models import SearchCount

    for hits in (3, 2, 0):
        search_log.note("Выхухоль", hits, "panel")
    search_log.opened("выхухоль", "panel")
    search_log.note("выхухоль ", 5, "public")
    search_log.note("в", 5, "panel")
    rows = db.session.execute(
        select(SearchCount.source, SearchCount.asked, SearchCount.opened, SearchCount.hits).order_by(SearchCount.id)
    ).all()
    assert [tuple(row) for row in rows] == [("panel", 3, 1, 0), ("public", 1, 0, 5)]
    with pytest.raises(ValueError, match="nowhere"):
        search_log.note("выхухоль", 1, "nowhere")


@pytest.mark.feature("K-10")
def test_the_report_tells_what_is_missing_from_what_is_not_opened(db: Any) -> None:
    from plugins.kb.finding import search_log

    for text, hits, times, led in (("нет такого", 0, 3, 0), ("пароль", 4, 5, 2), ("тариф", 7, 2, 0)):
        for _ in range(times):
            search_log.note(text, hits, "page")
        for _ in range(led):
            search_log.opened(text, "page")
    assert search_log.totals(30) == search_log.Totals(10, 3, 2)
    assert [line.text for line in search_log.most_asked(30)] == ["пароль", "нет такого", "тариф"]
    assert [line.text for line in search_log.without_result(30)] == ["нет такого"]
    assert [line.text for line in search_log.without_opening(30)] == ["тариф"]
    assert search_log.most_asked(30, "public") == []
    search_log.note("нет такого", 1, "panel")
    assert search_log.without_result(30) == [], "an article was written meanwhile"


def test_old_counts_go(app: Any, db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.clock import now
    from plugins.kb.finding import search_log
    from plugins.kb.models import SearchCount

    search_log.note("старое", 1, "panel")
    later = now() + timedelta(days=181)
    monkeypatch.setattr(search_log, "now", lambda: later)
    search_log.note("новое", 1, "panel")
    search_log.forget_old()
    assert list(db.session.scalars(select(SearchCount.text))) == ["новое"]


@hypothesis_settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["один", "два"]), st.integers(0, 9)), max_size=8))
def test_counts_add_up(db: Any, searches: list[tuple[str, int]]) -> None:
    from plugins.kb.finding import search_log
    from plugins.kb.models import SearchCount

    before = db.session.scalar(select(func.coalesce(func.sum(SearchCount.asked), 0)))
    for text, hits in searches:
        search_log.note(text, hits, "panel")
    after = db.session.scalar(select(func.coalesce(func.sum(SearchCount.asked), 0)))
    assert after - before == len(searches)
