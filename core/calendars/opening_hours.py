"""When a service is open, by the wall clock of its zone: week, holidays, exceptions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.calendars.field_reading import FieldError, date_in, joined, list_in, mapping_in, refuse_unknown, text_in
from core.calendars.working_duration import WorkingDuration

DAY = 86_400
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SETTINGS = ("zone", "weekly", "holidays", "country", "exceptions", "business_day")
_SPAN = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?\s*[-–—]\s*(\d{1,2}):(\d{2})(?::(\d{2}))?")


@dataclass(frozen=True, order=True)
class Span:
    """Open from `start` up to, not including, `end`: seconds of the wall clock since the date's midnight.

    `end` may pass 86 400: the shift then runs into the next date, and belongs to the date it starts on, even when
    the next date is a holiday.
    """

    start: int
    end: int

    def __post_init__(self) -> None:
        if not (0 <= self.start < DAY and self.start < self.end <= self.start + DAY):
            raise ValueError(f"a span starts within the day and lasts at most 24 hours: {self.start}–{self.end} s")

    @classmethod
    def parse(cls, value: object, field: str = "") -> Span:
        """Read `09:00-18:00`, `22:00-06:00` (into the next date) or `00:00-24:00`; seconds are optional."""
        match = _SPAN.fullmatch(text_in(value, field))
        if match is None:
            raise FieldError(field, f"expected a span as 09:00-18:00, got {value!r}")
        hours = [int(part or 0) for part in match.groups()]
        start, end = _second_of_day(hours[:3]), _second_of_day(hours[3:])
        if start is None or end is None or start == DAY:
            raise FieldError(field, f"no such time of day in {value!r}")
        if start == end:
            raise FieldError(field, f"{value!r} is empty; a whole day is 00:00-24:00")
        return cls(start, end if end > start else end + DAY)

    def __str__(self) -> str:
        return f"{_clock_text(self.start)}-{_clock_text(self.end if self.end <= DAY else self.end - DAY)}"


def _second_of_day(parts: list[int]) -> int | None:
    hours, minutes, seconds = parts
    second = hours * 3600 + minutes * 60 + seconds
    return second if minutes < 60 and seconds < 60 and second <= DAY else None


def _clock_text(second: int) -> str:
    text = f"{second // 3600:02}:{second % 3600 // 60:02}"
    return f"{text}:{second % 60:02}" if second % 60 else text


Spans = tuple[Span, ...]


@dataclass(frozen=True)
class Calendar:
    """The opening hours of a service.

    A moment is open exactly when the wall clock in `zone` then shows a time inside a span. So a night shift lasts an
    hour longer when clocks go back and an hour less when they go forward, and a date that a zone skipped has no hours.

    `weekly` has seven tuples of spans, Monday first; spans may overlap. A date in `holidays`, or a public holiday of
    `country` (`RU`, or with a region, `US-NY`), is closed. A weekend date that the country declared a working day
    has the hours of the last weekday before it that has any. `exceptions` give a date its own spans (none: closed)
    and win over everything. `business_day` is the open time that «one day» of a target stands for.
    """

    zone: ZoneInfo
    weekly: tuple[Spans, ...]
    holidays: frozenset[date] = frozenset()
    country: str | None = None
    exceptions: tuple[tuple[date, Spans], ...] = ()
    business_day: timedelta | None = None

    def __post_init__(self) -> None:
        if len(self.weekly) != 7:
            raise ValueError(f"a week has 7 days, got {len(self.weekly)}")
        if len({day for day, _ in self.exceptions}) != len(self.exceptions):
            raise ValueError("a date has two exceptions")
        if self.business_day is not None and self.business_day <= timedelta(0):
            raise ValueError("a business day can't be empty")
        if self.country is not None:
            national_days(self.country, 2024)

    @property
    def day_length(self) -> timedelta:
        """The open time of one business day: as set, else what most open weekdays have (the longer on a tie)."""
        if self.business_day is not None:
            return self.business_day
        lengths = Counter(_covered(spans) for spans in self.weekly if spans)
        if not lengths:
            lengths = Counter(_covered(spans) for _, spans in self.exceptions if spans)
        usual = max(lengths, key=lambda length: (lengths[length], length), default=DAY)
        return timedelta(seconds=usual)

    @property
    def last_dated(self) -> date | None:
        """The last date named in `holidays` or `exceptions`; after it only the week and the country decide."""
        return max([*self.holidays, *(day for day, _ in self.exceptions)], default=None)

    def spans_by_date(self, first: date, last: date) -> Iterator[tuple[date, Spans]]:
        """Each date from `first` to `last` inclusive that has spans, with them."""
        exceptions = dict(self.exceptions)
        closed: set[date] = set(self.holidays)
        working: set[date] = set()
        if self.country is not None:
            for year in range(first.year, last.year + 1):
                public, moved = national_days(self.country, year)
                closed |= public
                working |= moved
        for ordinal in range(first.toordinal(), last.toordinal() + 1):
            day = date.fromordinal(ordinal)
            spans = exceptions.get(day)
            if spans is None:
                spans = () if day in closed else self.weekly[day.weekday()]
                if not spans and day in working and day not in closed:
                    spans = self._weekday_hours_before(day)
            if spans:
                yield day, spans

    def _weekday_hours_before(self, day: date) -> Spans:
        return next((self.weekly[back] for back in range(day.weekday() - 1, -1, -1) if self.weekly[back]), ())

    @classmethod
    def from_dict(cls, given: object, field: str = "") -> Calendar:
        """Read a calendar as settings have it; `FieldError` names what can't be understood.

        ``{"zone": "Europe/Moscow", "country": "RU", "weekly": {"mon-fri": ["09:00-13:00", "14:00-18:00"]},
        "holidays": ["2026-12-31"], "exceptions": {"2026-12-30": ["09:00-15:00"]}, "business_day": "8h"}``
        """
        table = mapping_in(given, field)
        refuse_unknown(table, _SETTINGS, field)
        return cls(
            zone=_zone_in(table.get("zone"), joined(field, "zone")),
            weekly=_weekly_in(table.get("weekly"), joined(field, "weekly")),
            holidays=_holidays_in(table.get("holidays", []), joined(field, "holidays")),
            country=_country_in(table.get("country"), joined(field, "country")),
            exceptions=_exceptions_in(table.get("exceptions", {}), joined(field, "exceptions")),
            business_day=_business_day_in(table.get("business_day"), joined(field, "business_day")),
        )

    def to_dict(self) -> dict[str, object]:
        """The calendar as JSON-ready settings, which `from_dict` reads back to an equal one."""
        settings: dict[str, object] = {
            "zone": self.zone.key,
            "weekly": {name: [str(span) for span in spans] for name, spans in zip(WEEKDAYS, self.weekly, strict=True)},
            "holidays": [day.isoformat() for day in sorted(self.holidays)],
            "exceptions": {day.isoformat(): [str(span) for span in spans] for day, spans in self.exceptions},
        }
        if self.country is not None:
            settings["country"] = self.country
        if self.business_day is not None:
            settings["business_day"] = str(WorkingDuration(time=self.business_day))
        return settings


@lru_cache(maxsize=512)
def national_days(country: str, year: int) -> tuple[frozenset[date], frozenset[date]]:
    """Public holidays, and weekend dates declared working, of a country (`RU`) or region (`US-NY`) in a year.

    From the `holidays` library; `ValueError` when it doesn't know the place.
    """
    from holidays import country_holidays

    code, _, region = country.partition("-")
    try:
        days = country_holidays(code, subdiv=region or None, years=year)
    except NotImplementedError as error:
        raise ValueError(f"no holidays known for {country!r}: {error}") from None
    return frozenset(days), frozenset(getattr(days, "weekend_workdays", ()))


def _covered(spans: Spans) -> int:
    covered, reached = 0, 0
    for span in sorted(spans):
        covered += max(0, span.end - max(span.start, reached))
        reached = max(reached, span.end)
    return covered


def _zone_in(value: object, field: str) -> ZoneInfo:
    name = text_in(value, field)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise FieldError(field, f"no such time zone: {name!r}; expected one as Europe/Moscow") from None


def _country_in(value: object, field: str) -> str | None:
    if value is None:
        return None
    country = text_in(value, field).upper()
    try:
        national_days(country, 2024)
    except ValueError as error:
        raise FieldError(field, str(error)) from None
    return country


def _spans_in(value: object, field: str) -> Spans:
    return tuple(Span.parse(text, f"{field}[{place}]") for place, text in enumerate(list_in(value, field)))


def _weekly_in(value: object, field: str) -> tuple[Spans, ...]:
    week: dict[int, Spans] = {}
    for name, spans in mapping_in(value, field).items():
        own = joined(field, str(name))
        for weekday in _weekdays_in(name, own):
            if weekday in week:
                raise FieldError(own, f"{WEEKDAYS[weekday]} is given twice")
            week[weekday] = _spans_in(spans, own)
    return tuple(week.get(weekday, ()) for weekday in range(7))


def _weekdays_in(name: object, field: str) -> range:
    first, _, last = str(name).lower().partition("-")
    known = first in WEEKDAYS and (last or first) in WEEKDAYS
    days = range(WEEKDAYS.index(first), WEEKDAYS.index(last or first) + 1) if known else range(0)
    if not days:
        raise FieldError(field, f"expected a day or a run of days as mon or mon-fri, of {', '.join(WEEKDAYS)}")
    return days


def _holidays_in(value: object, field: str) -> frozenset[date]:
    return frozenset(date_in(day, f"{field}[{place}]") for place, day in enumerate(list_in(value, field)))


def _exceptions_in(value: object, field: str) -> tuple[tuple[date, Spans], ...]:
    found: dict[date, Spans] = {}
    for key, spans in mapping_in(value, field).items():
        own = joined(field, str(key))
        found[date_in(key, own)] = _spans_in(spans, own)
    return tuple(sorted(found.items()))


def _business_day_in(value: object, field: str) -> timedelta | None:
    if value is None:
        return None
    length = WorkingDuration.parse(value, field)
    if length.days or not length.time:
        raise FieldError(field, f"expected hours as 8h, got {value!r}")
    return length.time
