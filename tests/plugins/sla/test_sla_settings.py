from __future__ import annotations

import tomllib
from datetime import date, timedelta

import pytest
import yaml

from plugins.sla.field_reading import FieldError
from plugins.sla.opening_hours import Calendar, Span
from plugins.sla.priority import (
    DEFAULT_MATRIX,
    DEFAULT_POLICY,
    IMMEDIATELY,
    Measure,
    Policy,
    Priority,
    PriorityMatrix,
    Terms,
    UnknownLevel,
)
from plugins.sla.working_duration import WorkingDuration

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


def test_the_default_targets_are_those_of_the_requirement() -> None:
    shown = {priority: target.to_dict() for priority, target in DEFAULT_POLICY.targets.items()}
    assert shown == {
        Priority.CRITICAL: {"response": "30m", "resolution": "immediately"},
        Priority.HIGH: {"response": "45m", "resolution": "1d"},
        Priority.MEDIUM: {"response": "1d", "resolution": "7d"},
        Priority.LOW: {"response": "1d", "resolution": "14d"},
    }


def test_terms_are_in_the_hours_of_the_calendar() -> None:
    terms = DEFAULT_POLICY.terms(Priority.LOW, "office", 8 * HOUR)
    assert terms == Terms(Priority.LOW, "office", 8 * HOUR, 14 * 8 * HOUR, 80)


def test_immediate_resolution_is_due_together_with_the_response() -> None:
    terms = DEFAULT_POLICY.terms(Priority.CRITICAL, "office", 8 * HOUR)
    assert terms.response == terms.resolution == timedelta(minutes=30)
    assert DEFAULT_POLICY.targets[Priority.CRITICAL].resolution is IMMEDIATELY


def test_a_policy_changes_only_what_it_names() -> None:
    policy = Policy.from_dict({"measure": "calendar", "targets": {"high": {"response": "1h", "resolution": "2h"}}})
    assert policy.measure is Measure.CALENDAR and policy.warn_percent == 80
    assert policy.terms(Priority.HIGH, "", HOUR).resolution == 2 * HOUR
    assert policy.targets[Priority.LOW] == DEFAULT_POLICY.targets[Priority.LOW]
    assert Policy.from_dict(policy.to_dict()) == policy


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"measure": "wall"}, "measure"),
        ({"warn_percent": 100}, "warn_percent"),
        ({"warn_percent": "80"}, "warn_percent"),
        ({"warn_percent": True}, "warn_percent"),
        ({"warn": 80}, "warn"),
        ({"targets": {"urgent": {}}}, "targets.urgent"),
        ({"targets": {"high": {"resolution": "1d"}}}, "targets.high.response"),
        ({"targets": {"high": {"response": "0m", "resolution": "1d"}}}, "targets.high.response"),
        ({"targets": {"high": {"response": "1m", "resolution": "0m"}}}, "targets.high.resolution"),
        ({"targets": {"high": {"response": "1m", "resolution": "1d", "x": 1}}}, "targets.high.x"),
        ({"targets": []}, "targets"),
        (7, ""),
    ],
)
def test_a_wrong_policy_is_refused_with_its_field_named(given: object, field: str) -> None:
    with pytest.raises(FieldError) as caught:
        Policy.from_dict(given)
    assert caught.value.field == field


def test_the_matrix_gives_the_priority() -> None:
    assert DEFAULT_MATRIX.impacts == ("high", "medium", "low")
    assert DEFAULT_MATRIX.scopes == ("organisation", "team", "person")
    shown = [[str(DEFAULT_MATRIX.priority(i, s)) for s in DEFAULT_MATRIX.scopes] for i in DEFAULT_MATRIX.impacts]
    assert shown == [["critical", "high", "medium"], ["high", "medium", "low"], ["medium", "low", "low"]]
    assert PriorityMatrix.from_dict(DEFAULT_MATRIX.to_dict()) == DEFAULT_MATRIX


@pytest.mark.parametrize(("impact", "scope"), [("huge", "team"), ("high", "planet")])
def test_levels_that_the_matrix_lacks_are_named(impact: str, scope: str) -> None:
    with pytest.raises(UnknownLevel, match="known: "):
        DEFAULT_MATRIX.priority(impact, scope)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "matrix"),
        ({"high": {}}, "matrix"),
        ({"high": {"all": "urgent"}}, "matrix.high.all"),
        ({"high": {"all": "high"}, "low": {"one": "low"}}, "matrix.high.one"),
        ({"high": "critical"}, "matrix.high"),
    ],
)
def test_a_matrix_with_holes_is_refused(given: object, field: str) -> None:
    with pytest.raises(FieldError) as caught:
        PriorityMatrix.from_dict(given)
    assert caught.value.field == field
