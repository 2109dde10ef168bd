"""Calendars of the house: asked by key, changed with an audit entry, kept in memory and read anew after a change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from core import audit, calendars, directory, services, shelf
from core.calendars.opening_hours import WEEKDAYS
from core.calendars.wording import week
from core.contracts import Rejected
from core.db import transaction
from core.events.wake import Listener
from core.model import Calendar as CalendarRow
from core.schemas import Invalid
from tests.support.admin_browser import PASSWORD, sign_in

OFFICE = {"zone": "Europe/Moscow", "country": "RU", "weekly": {"mon-fri": ["09:00-13:00", "14:00-18:00"]}}
# Tuesday, 10:00 in Moscow.
TUESDAY = datetime(2026, 6, 16, 7, 0, tzinfo=UTC)
LUNCH = TUESDAY + timedelta(hours=3)
HOUR = timedelta(hours=1)


@pytest.fixture
def office(db: Any) -> str:
    calendars.add_calendar("office", "Office", "Офис", OFFICE)
    return "office"


@pytest.mark.feature("R-03")
def test_hours_are_asked_by_key(office: str) -> None:
    assert calendars.is_open(office, TUESDAY) and not calendars.is_open(office, LUNCH)
    assert calendars.next_opening(office, TUESDAY) == TUESDAY
    assert calendars.next_opening(office, LUNCH) == LUNCH + HOUR
    assert calendars.next_change(office, TUESDAY) == LUNCH
    assert calendars.next_change(office, LUNCH) == LUNCH + HOUR
    assert calendars.working_seconds(office, TUESDAY, TUESDAY + timedelta(days=1)) == 8 * 3600
    assert calendars.next_opening(office, datetime(2027, 1, 1, 12, tzinfo=UTC)) == datetime(2027, 1, 11, 6, tzinfo=UTC)


@pytest.mark.parametrize("key", ["", "nobody-knows", "24x7"])
def test_without_hours_it_is_always_open(db: Any, key: str) -> None:
    assert calendars.is_open(key, LUNCH)
    assert calendars.next_opening(key, LUNCH) == LUNCH
    assert calendars.next_change(key, LUNCH) is None
    assert calendars.working_seconds(key, TUESDAY, LUNCH) == 3 * 3600


def test_hours_that_never_come_have_no_opening(db: Any) -> None:
    calendars.add_calendar("never", "Never", "Никогда", {"zone": "UTC", "weekly": {}})
    assert not calendars.is_open("never", TUESDAY)
    assert calendars.next_opening("never", TUESDAY) is None
    assert calendars.next_change("never", TUESDAY) is None


@pytest.mark.feature("R-03")
def test_a_shortened_day_wins_over_the_week(office: str) -> None:
    calendars.update_calendar(office, settings={**OFFICE, "exceptions": {"2026-06-16": ["09:00-09:30"]}})
    assert not calendars.is_open(office, TUESDAY)


def test_changes_are_audited_with_what_differs(office: str) -> None:
    calendars.update_calendar(office, title_ru="Контора")
    added, changed = audit.entries(object_type="calendar")[::-1]
    assert (added.action, added.object_id) == ("calendar.add", "office")
    assert (changed.before, changed.after) == ({"title_ru": "Офис"}, {"title_ru": "Контора"})
    calendars.remove_calendar(office)
    assert audit.entries(object_type="calendar")[0].action == "calendar.remove"


def test_a_built_in_calendar_may_be_changed_and_stays(db: Any) -> None:
    assert not calendars.get("default").stored
    calendars.update_calendar("default", settings={"zone": "UTC", "weekly": {"sun": ["00:00-24:00"]}})
    assert calendars.get("default").stored and not calendars.is_open("default", TUESDAY)
    calendars.remove_calendar("default")
    assert calendars.is_open("default", TUESDAY)
    with pytest.raises(Rejected) as refused:
        calendars.remove_calendar("default")
    assert refused.value.code == "built-in"


def test_a_calendar_in_use_stays(office: str) -> None:
    service = services.add_service("support", "Support", "Поддержка", calendar_key=office)
    with pytest.raises(Rejected, match="support") as refused:
        calendars.remove_calendar(office)
    assert refused.value.code == "in-use"
    services.update_service(service.id, calendar_key="")
    calendars.remove_calendar(office)
    assert not calendars.is_known(office)


@pytest.mark.parametrize(
    ("key", "change", "field"),
    [
        ("default", {}, "key"),
        ("24x7", {}, "key"),
        ("Не ключ", {}, "key"),
        ("ok", {"zone": "Europe/Moskva"}, "zone"),
        ("ok", {"weekly": {"mon": ["9-18"]}}, "mon"),
        ("ok", {"country": "ZZ"}, "country"),
        ("ok", {"exceptions": {"2026-02-30": []}}, "exceptions"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(db: Any, key: str, change: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        calendars.add_calendar(key, "Office", "Офис", {**OFFICE, **change})
    assert set(refused.value.errors) == {field}
    assert key in {"default", "24x7"} or not calendars.is_known(key)


def test_a_change_of_another_process_is_seen_within_two_seconds(
    db: Any, office: str, monkeypatch: pytest.MonkeyPatch, count_queries: Any
) -> None:
    seconds = [100.0]
    monkeypatch.setattr(shelf, "monotonic", lambda: seconds[0])
    calendars.calendars.forget()
    assert calendars.is_open(office, TUESDAY)
    with transaction():
        shut = {"zone": "UTC", "weekly": {}}
        db.session.execute(update(CalendarRow).values(settings=shut))
    with count_queries() as asked:
        assert calendars.is_open(office, TUESDAY)
    assert asked.count == 0
    seconds[0] += 2.1
    assert not calendars.is_open(office, TUESDAY)


def test_a_change_holds_at_once_and_is_forgotten_when_it_is_rolled_back(office: str) -> None:
    def change_and_fail() -> None:
        with transaction():
            calendars.update_calendar(office, settings={"zone": "UTC", "weekly": {}})
            assert not calendars.is_open(office, TUESDAY)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_and_fail()
    calendars.calendars.forget()
    assert calendars.is_open(office, TUESDAY)


def test_changed_hours_wake_the_worker_and_changed_words_do_not(office: str) -> None:
    heard: list[str] = []
    listener = Listener([calendars.WAKE], heard.append)
    calendars.update_calendar(office, title_ru="Контора")
    assert heard == []
    calendars.update_calendar(office, settings={**OFFICE, "country": "GB"})
    listener.close()
    assert heard == [calendars.WAKE]


def test_like_days_are_named_together() -> None:
    weekly = {
        day: ["09:00-18:00"] if day in WEEKDAYS[:4] else ["10:00-15:00"] if day == "sat" else [] for day in WEEKDAYS
    }
    assert week(weekly, "ru") == ["Пн–Чт 09:00-18:00", "Сб 10:00-15:00"]


# --- the pages ---------------------------------------------------------------------------------------

FORM = {
    "key": "office",
    "title_en": "Office",
    "title_ru": "Офис",
    "zone": "Europe/Moscow",
    "country": "RU",
    "mon": "09:00-13:00, 14:00-18:00",
    "tue": "09:00-13:00, 14:00-18:00",
    "exceptions": "2026-12-30: 09:00-15:00\n2026-12-31:",
    "holidays": "2027-01-11",
    "business_day": "8h",
}


@pytest.fixture
def boss(app: Flask, db: Any) -> Any:
    directory.ensure_roles()
    directory.add_user("boss", "Boss", roles=["admin"], password=PASSWORD, language="")
    return sign_in(app, "boss", "ru")


def test_an_administrator_adds_changes_and_removes_a_calendar(boss: Any, db: Any) -> None:
    boss.get("/calendars/new")
    assert boss.post("/calendars/new", **FORM).status_code == 303
    stored = db.session.scalar(select(CalendarRow))
    assert stored.settings["weekly"]["mon"] == ["09:00-13:00", "14:00-18:00"]
    assert stored.settings["exceptions"] == {"2026-12-30": ["09:00-15:00"], "2026-12-31": []}
    page = boss.get("/calendars/office").text
    assert "09:00-13:00, 14:00-18:00" in page and "2026-12-30: 09:00-15:00" in page
    assert boss.post("/calendars/office", **{**FORM, "mon": ""}).status_code == 303
    assert "Вт 09:00-13:00" in boss.get("/calendars").text
    assert boss.post("/calendars/office/remove").status_code == 303
    assert boss.get("/calendars/office").status_code == 404
    assert audit.entries(object_type="calendar")[0].actor == "boss"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mon": "9 to 5"}, "Пишите часы так"),
        ({"zone": "Europe/Moskva"}, "Такого часового пояса нет"),
        ({"country": "ZZ"}, "Праздники этой страны неизвестны"),
        ({"exceptions": "завтра"}, "Пишите строку так"),
        ({"exceptions": "2026-12-30:\n2026-12-30:"}, "Пишите строку так"),
        ({"holidays": "31.12.2026"}, "Пишите по одной дате"),
        ({"business_day": "1d"}, "Пишите часы так: 8h"),
        ({"key": "Не ключ"}, "Строчные латинские буквы"),
        ({"key": "default"}, "уже есть"),
        ({"title_ru": " "}, "Заполните это поле"),
    ],
)
def test_a_wrong_calendar_is_refused_by_the_field(boss: Any, db: Any, change: dict[str, str], words: str) -> None:
    boss.get("/calendars/new")
    page = boss.post("/calendars/new", **{**FORM, **change})
    assert page.status_code == 422
    assert words in page.text
    assert db.session.scalar(select(CalendarRow)) is None
