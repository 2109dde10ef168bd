from __future__ import annotations

import tomllib
from datetime import date, timedelta

import pytest
import yaml

from core.calendars.field_reading import FieldError
from core.calendars.opening_hours import Calendar, Span
from core.calendars.working_duration import WorkingDuration

HOUR = timedelta(hours=1)
TOML = """
zone = "Europe/Moscow"
country = "ru"
holidays = [2026-12-31]
business_day = "8h"
[weekly]
mon-thu = ["09:00-13:00", "14:00-18:00"]
fri = ["22:00-06:00"]
[exceptions]
2026-12-30 = ["09:00-15:00"]
"""
YAML = """
zone: Europe/Moscow
country: RU
holidays: [2026-12-31]
business_day: 8h
weekly:
  mon-thu: [09:00-13:00, "14:00-18:00"]
  fri: [22:00-06:00]
exceptions:
  2026-12-30: [09:00-15:00]
"""


def test_toml_yaml_and_the_stored_form_give_the_same_calendar() -> None:
    calendar = Calendar.from_dict(tomllib.loads(TOML))
    assert calendar == Calendar.from_dict(yaml.safe_load(YAML)) == Calendar.from_dict(calendar.to_dict())
    assert calendar.weekly[4] == (Span(22 * 3600, 30 * 3600),)
    assert calendar.exceptions == ((date(2026, 12, 30), (Span(9 * 3600, 15 * 3600),)),)


@pytest.mark.parametrize(
    ("change", "field", "problem"),
    [
        ({"zone": "Europe/Moskow"}, "zone", "no such time zone"),
        ({"zone": "../etc/passwd"}, "zone", "no such time zone"),
        ({"zone": None}, "zone", "expected text"),
        ({"country": "XX"}, "country", "no holidays known"),
        ({"country": "US-ZZ"}, "country", "no holidays known"),
        ({"weekly": {"mon": ["9-18"]}}, "weekly.mon[0]", "expected a span"),
        ({"weekly": {"mon": ["09:00-18:00", "25:00-26:00"]}}, "weekly.mon[1]", "no such time of day"),
        ({"weekly": {"mon": ["24:00-24:00"]}}, "weekly.mon[0]", "no such time of day"),
        ({"weekly": {"mon": ["09:00-09:00"]}}, "weekly.mon[0]", "a whole day is"),
        ({"weekly": {"mon": "09:00-18:00"}}, "weekly.mon", "expected a list"),
        ({"weekly": {"monday": []}}, "weekly.monday", "expected a day"),
        ({"weekly": {"fri-mon": []}}, "weekly.fri-mon", "expected a day"),
        ({"weekly": {"mon-wed": [], "tue": []}}, "weekly.tue", "given twice"),
        ({"weekly": []}, "weekly", "expected a table"),
        ({"holidays": ["31.12.2026"]}, "holidays[0]", "expected a date"),
        ({"exceptions": {"2026-02-30": []}}, "exceptions.2026-02-30", "expected a date"),
        ({"exceptions": {"2026-02-03": ["x"]}}, "exceptions.2026-02-03[0]", "expected a span"),
        ({"business_day": "1d"}, "business_day", "expected hours"),
        ({"business_day": 8}, "business_day", "expected a duration"),
        ({"holiday": []}, "holiday", "unknown setting"),
    ],
)
def test_a_wrong_calendar_is_refused_with_its_field_named(change: dict[str, object], field: str, problem: str) -> None:
    with pytest.raises(FieldError, match=problem) as caught:
        Calendar.from_dict({"zone": "UTC", "weekly": {}, **change}, "calendars.main")
    assert caught.value.field == f"calendars.main.{field}"
    assert str(caught.value).startswith(f"calendars.main.{field}: ")


@pytest.mark.parametrize(
    ("weekly", "hours"),
    [
        ({"mon-fri": ["09:00-13:00", "14:00-18:00"]}, 8),
        ({"mon-thu": ["09:00-18:15"], "fri": ["09:00-17:00"]}, 9.25),
        ({"mon": ["09:00-17:00"], "sat": ["10:00-14:00"]}, 8),
        ({"mon": ["09:00-12:00", "11:00-13:00"]}, 4),
        ({"mon-sun": ["00:00-24:00"]}, 24),
        ({"mon-fri": ["22:00-06:00"]}, 8),
    ],
)
def test_a_business_day_is_as_long_as_most_open_days(weekly: dict[str, list[str]], hours: float) -> None:
    assert Calendar.from_dict({"zone": "UTC", "weekly": weekly}).day_length == hours * HOUR


@pytest.mark.parametrize(
    ("text", "days", "time"),
    [
        ("45m", 0, timedelta(minutes=45)),
        ("1d 4h", 1, 4 * HOUR),
        ("1d4h30m15s", 1, timedelta(hours=4, minutes=30, seconds=15)),
        (" 90m ", 0, timedelta(minutes=90)),
    ],
)
def test_durations_are_read_and_written(text: str, days: int, time: timedelta) -> None:
    duration = WorkingDuration.parse(text)
    assert duration == WorkingDuration(days, time)
    assert WorkingDuration.parse(str(duration)) == duration


@pytest.mark.parametrize(
    "value", ["", "30", 30, None, "-5m", "5m 1h", "1h 1h", "1h and 5m", "999999999d 5x", 1.5, True]
)
def test_what_is_not_a_duration_is_refused(value: object) -> None:
    with pytest.raises(FieldError, match="response: expected"):
        WorkingDuration.parse(value, "response")
