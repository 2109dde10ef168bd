from __future__ import annotations

import timeit
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.calendars.business_time import BusinessTime, CalendarTime, NoOpenTime
from core.calendars.opening_hours import DAY, Calendar, Span, national_days

OFFICE = {"mon-fri": ["09:00-13:00", "14:00-18:00"]}
SECOND = timedelta(seconds=1)
ZERO = timedelta(0)


def business(weekly: dict[str, list[str]], zone: str = "UTC", **rest: object) -> BusinessTime:
    return BusinessTime(Calendar.from_dict({"zone": zone, "weekly": weekly, **rest}))


def local(text: str, zone: str = "UTC", fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)


def wall_is_open(calendar: Calendar, t: datetime) -> bool:
    """The definition, as plainly as it can be said: is the wall clock inside a span of this date or the last."""
    wall = t.astimezone(calendar.zone)
    second = wall.hour * 3600 + wall.minute * 60 + wall.second
    for back in (0, 1):
        day = wall.date() - timedelta(days=back)
        spans = dict(calendar.exceptions).get(day)
        if spans is None:
            spans = () if day in calendar.holidays else calendar.weekly[day.weekday()]
        if any(span.start <= second + back * DAY < span.end for span in spans):
            return True
    return False


def walked_between(calendar: Calendar, a: datetime, b: datetime, step: timedelta) -> timedelta:
    spent, t = ZERO, a
    while t < b:
        spent += step if wall_is_open(calendar, t) else ZERO
        t += step
    return spent


def walked_add(
    calendar: Calendar, start: datetime, duration: timedelta, step: timedelta, limit: datetime
) -> datetime | None:
    left, t = duration, start
    while left > ZERO:
        if t >= limit:
            return None
        left -= step if wall_is_open(calendar, t) else ZERO
        t += step
    return t


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-11-20T10:00", 2, "2026-11-20T12:00"),
        ("2026-11-20T12:00", 2, "2026-11-20T15:00"),
        ("2026-11-20T12:00", 1, "2026-11-20T13:00"),
        ("2026-11-20T17:00", 1, "2026-11-20T18:00"),
        ("2026-11-20T17:00", 2, "2026-11-23T10:00"),
        ("2026-11-21T03:00", 8, "2026-11-23T18:00"),
        ("2026-11-20T13:30", 0.5, "2026-11-20T14:30"),
        ("2024-02-28T17:00", 9, "2024-02-29T18:00"),
        ("2026-12-31T17:00", 2, "2027-01-01T10:00"),
        ("2026-11-20T09:00", 8 * 5 * 52, "2027-11-18T18:00"),
        ("9000-03-03T09:00", 1, "9000-03-03T10:00"),
    ],
)
def test_due_moment_skips_lunch_nights_and_weekends(start: str, hours: float, due: str) -> None:
    office = business(OFFICE, "Europe/Moscow")
    begun, wanted = local(start, "Europe/Moscow"), timedelta(hours=hours)
    assert office.add(begun, wanted) == local(due, "Europe/Moscow")
    assert office.between(begun, local(due, "Europe/Moscow")) == wanted


def test_results_are_utc_and_exact_to_the_microsecond() -> None:
    office = business(OFFICE)
    start = local("2026-11-20T17:59:59.999999")
    due = office.add(start, timedelta(microseconds=2))
    assert due == local("2026-11-23T09:00:00.000001") and due.tzinfo is UTC
    assert office.between(due, start) == -timedelta(microseconds=2)


def test_nothing_added_is_the_start_even_when_closed() -> None:
    assert business(OFFICE).add(local("2026-11-21T03:00"), ZERO) == local("2026-11-21T03:00")


def test_a_night_shift_belongs_to_the_date_it_starts_on() -> None:
    night = business({"mon": ["22:00-06:00"]}, holidays=["2026-11-24"])
    assert night.is_open(local("2026-11-24T05:59:59"))
    assert not night.is_open(local("2026-11-24T06:00"))
    assert not night.is_open(local("2026-11-23T05:00"))
    assert night.between(local("2026-11-23T00:00"), local("2026-11-30T00:00")) == timedelta(hours=8)


def test_overlapping_and_touching_spans_count_once() -> None:
    mixed = business({"mon": ["20:00-08:00", "09:00-12:00", "11:00-13:00"], "tue": ["06:00-10:00", "10:00-11:00"]})
    assert mixed.next_close(local("2026-11-23T21:00")) == local("2026-11-24T11:00")
    assert mixed.between(local("2026-11-23T00:00"), local("2026-11-25T00:00")) == timedelta(hours=4 + 15)


def test_exceptions_win_over_holidays_and_the_week() -> None:
    office = business(OFFICE, holidays=["2026-12-31"], exceptions={"2026-12-31": ["10:00-11:00"], "2027-01-01": []})
    assert office.next_open(local("2026-12-31T00:00")) == local("2026-12-31T10:00")
    assert office.next_open(local("2026-12-31T11:00")) == local("2027-01-04T09:00")


def test_russian_holidays_close_and_moved_working_saturdays_open() -> None:
    office = business({"mon-thu": ["09:00-18:00"], "fri": ["09:00-16:45"]}, "Europe/Moscow", country="RU")
    assert office.next_open(local("2023-12-30T12:00", "Europe/Moscow")) == local("2024-01-09T09:00", "Europe/Moscow")
    assert office.next_close(local("2024-04-27T09:00", "Europe/Moscow")) == local("2024-04-27T16:45", "Europe/Moscow")
    assert not office.is_open(local("2024-04-29T12:00", "Europe/Moscow"))


def test_an_own_holiday_closes_a_moved_working_saturday() -> None:
    office = business(OFFICE, "Europe/Moscow", country="RU", holidays=["2024-04-27"])
    assert not office.is_open(local("2024-04-27T12:00", "Europe/Moscow"))


def test_a_region_has_its_own_holidays() -> None:
    assert date(2024, 2, 12) in national_days("US-NY", 2024)[0]
    assert date(2024, 2, 12) not in national_days("US", 2024)[0]


@pytest.mark.parametrize(
    ("zone", "date_text", "spans", "hours"),
    [
        ("America/New_York", "2026-03-08", ["00:00-24:00"], 23),
        ("America/New_York", "2026-11-01", ["00:00-24:00"], 25),
        ("America/New_York", "2026-03-08", ["02:00-03:00"], 0),
        ("America/New_York", "2026-03-08", ["01:30-02:30"], 0.5),
        ("America/New_York", "2026-03-08", ["02:30-03:30"], 0.5),
        ("America/New_York", "2026-11-01", ["01:00-02:00"], 2),
        ("America/New_York", "2026-11-01", ["00:30-01:30"], 1.5),
        ("America/New_York", "2026-10-31", ["22:00-06:00"], 9),
        ("America/New_York", "2026-03-07", ["22:00-06:00"], 7),
        ("Europe/Moscow", "2011-03-27", ["00:00-24:00"], 23),
        ("Europe/Moscow", "2011-10-30", ["00:00-24:00"], 24),
        ("Europe/Moscow", "2014-10-26", ["00:00-24:00"], 25),
        ("Europe/Moscow", "2015-03-29", ["00:00-24:00"], 24),
        ("Pacific/Apia", "2011-12-30", ["00:00-24:00"], 0),
        ("Pacific/Apia", "2011-12-29", ["22:00-06:00"], 2),
        ("Pacific/Apia", "2011-12-31", ["00:00-24:00"], 24),
        ("Australia/Lord_Howe", "2026-04-05", ["00:00-24:00"], 24.5),
        ("Africa/Monrovia", "1972-01-07", ["00:00-24:00"], 24 - 44.5 / 60),
    ],
)
def test_an_only_day_of_a_zone_is_as_long_as_its_clock_made_it(
    zone: str, date_text: str, spans: list[str], hours: float
) -> None:
    only = business({}, zone, exceptions={date_text: spans})
    around = local(date_text + "T12:00", "UTC")
    assert only.between(around - timedelta(days=5), around + timedelta(days=5)) == timedelta(hours=hours)


def test_an_opening_hidden_by_the_spring_gap_begins_when_the_clock_jumps() -> None:
    early = business({"sun": ["02:30-04:00"]}, "America/New_York")
    assert early.next_open(local("2026-03-08T00:00", "America/New_York")) == local("2026-03-08T07:00")


def test_both_passes_of_the_repeated_hour_count() -> None:
    shift = business({"sun": ["00:00-06:00"]}, "America/New_York")
    first, second = (local("2026-11-01T01:30", "America/New_York", fold) for fold in (0, 1))
    assert shift.between(first, second) == timedelta(hours=1)
    # Python never finds a moment of the repeated hour equal to one in another zone.
    assert shift.add(first, timedelta(hours=1)) == second.astimezone(UTC)


def test_a_skipped_date_delays_the_due_moment() -> None:
    office = business(OFFICE, "Pacific/Apia")
    due = office.add(local("2011-12-29T17:00", "Pacific/Apia"), timedelta(hours=2))
    assert due == local("2012-01-02T10:00", "Pacific/Apia")


def test_a_calendar_that_is_never_open_says_so() -> None:
    never = business({})
    with pytest.raises(NoOpenTime, match="less than"):
        never.add(local("2026-11-20T10:00"), SECOND)
    with pytest.raises(NoOpenTime, match="no open time after"):
        never.next_open(local("2026-11-20T10:00"))
    with pytest.raises(NoOpenTime):
        never.next_close(local("2026-11-20T10:00"))
    assert never.between(local("2026-11-20T10:00"), local("2030-01-01T00:00")) == ZERO
    assert not never.is_open(local("2026-11-20T10:00"))


def test_a_calendar_that_runs_out_says_so() -> None:
    once = business({}, exceptions={"2026-12-31": ["20:00-04:00"]})
    assert once.add(local("2020-01-01T00:00"), timedelta(hours=8)) == local("2027-01-01T04:00")
    with pytest.raises(NoOpenTime):
        once.add(local("2020-01-01T00:00"), timedelta(hours=8) + SECOND)


def test_more_than_history_holds_is_refused_at_once() -> None:
    with pytest.raises(NoOpenTime):
        business(OFFICE).add(local("2026-11-20T10:00"), timedelta(days=365 * 9000))
    with pytest.raises(NoOpenTime):
        CalendarTime().add(local("2026-11-20T10:00"), timedelta(days=365 * 9000))


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Apia", "America/New_York"])
def test_the_first_and_the_last_year_can_be_measured(zone: str) -> None:
    always = business({"mon-sun": ["00:00-24:00"]}, zone)
    assert always.between(local("0001-01-03T00:00"), local("0001-01-05T00:00")) == timedelta(days=2)
    assert always.between(local("9999-12-28T00:00"), local("9999-12-30T00:00")) == timedelta(days=2)


def test_a_week_without_a_closing_never_closes_until_a_holiday_does() -> None:
    week = {"mon-sun": ["00:00-24:00"]}
    assert business(week).next_close(local("2026-11-20T10:00")) is None
    assert business(week, holidays=["2031-05-01"]).next_close(local("2026-11-20T10:00")) == local("2031-05-01T00:00")
    assert business(week).next_close(local("2026-12-31T23:00")) is None
    assert business(week).next_close(local("9999-12-28T00:00")) is None


def test_an_opening_over_new_year_is_one() -> None:
    party = business({"thu": ["20:00-08:00"]})
    assert party.next_close(local("2026-12-31T23:00")) == local("2027-01-01T08:00")
    assert party.next_close(local("2026-12-31T10:00")) == local("2027-01-01T08:00")


@pytest.mark.parametrize("time", [business(OFFICE), CalendarTime()])
def test_naive_moments_and_negative_durations_are_refused(time: BusinessTime | CalendarTime) -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        time.is_open(datetime(2026, 11, 20))
    with pytest.raises(ValueError, match="without a time zone"):
        time.add(datetime(2026, 11, 20), SECOND)
    with pytest.raises(ValueError, match="negative"):
        time.add(local("2026-11-20T10:00"), -SECOND)


def test_calendar_time_counts_every_second() -> None:
    time, start = CalendarTime(), local("2026-03-08T01:00", "America/New_York")
    assert time.add(start, timedelta(days=1)) == local("2026-03-09T02:00", "America/New_York")
    assert time.between(start, time.add(start, timedelta(days=1))) == timedelta(days=1)
    assert time.is_open(start) and time.next_open(start) == start and time.next_close(start) is None


def test_fourteen_business_days_are_added_in_fifty_microseconds() -> None:
    office = business(OFFICE, "Europe/Moscow", country="RU")
    start, wanted = local("2026-11-20T10:00"), 14 * office.day_length
    office.add(start, wanted)
    best = min(timeit.repeat(lambda: office.add(start, wanted), number=200, repeat=5)) / 200
    assert best <= 50e-6


ZONES = ["UTC", "Europe/Moscow", "America/New_York", "Pacific/Apia", "Asia/Kathmandu", "Australia/Lord_Howe"]
# Days on which some of these zones moved their clocks, and the edges of years and of February.
DATES = [(2011, 3, 26), (2011, 12, 28), (2014, 10, 25), (2026, 3, 7), (2026, 10, 31), (2024, 2, 28), (2026, 12, 30)]


def spans(unit: int) -> st.SearchStrategy[Span]:
    steps = DAY // unit
    return st.builds(
        lambda start, length: Span(start * unit, (start + length) * unit),
        st.integers(0, steps - 1),
        st.integers(1, steps),
    )


@st.composite
def calendars(draw: st.DrawFn, unit: int) -> Calendar:
    hours = st.lists(spans(unit), max_size=3).map(tuple)
    first = date(*draw(st.sampled_from(DATES)))
    near = st.integers(0, 8).map(lambda days: first + timedelta(days=days))
    return Calendar(
        zone=ZoneInfo(draw(st.sampled_from(ZONES))),
        weekly=tuple(draw(hours) for _ in range(7)),
        holidays=draw(st.frozensets(near, max_size=2)),
        exceptions=tuple(draw(st.dictionaries(near, hours, max_size=2)).items()),
    )


moments = st.tuples(st.sampled_from(DATES), st.integers(0, 6 * 24 * 60)).map(
    lambda pair: datetime(*pair[0], tzinfo=UTC) + timedelta(minutes=pair[1])
)


@given(calendars(60), moments, st.integers(0, 3 * 24 * 60))
@settings(deadline=None, max_examples=100)
def test_open_time_between_equals_a_walk_minute_by_minute(calendar: Calendar, a: datetime, minutes: int) -> None:
    b = a + timedelta(minutes=minutes)
    assert BusinessTime(calendar).between(a, b) == walked_between(calendar, a, b, timedelta(minutes=1))


@given(calendars(60), moments, st.integers(1, 24 * 60))
@settings(deadline=None, max_examples=100)
def test_due_moment_equals_a_walk_minute_by_minute(calendar: Calendar, start: datetime, minutes: int) -> None:
    duration, minute = timedelta(minutes=minutes), timedelta(minutes=1)
    due = walked_add(calendar, start, duration, minute, start + timedelta(days=4))
    time = BusinessTime(calendar)
    if due is None:
        assert time.between(start, start + timedelta(days=4)) < duration
    else:
        assert time.add(start, duration) == due


@given(calendars(1), moments, st.integers(0, 59), st.integers(0, 2 * 3600))
@settings(deadline=None, max_examples=60)
def test_open_time_between_equals_a_walk_second_by_second(
    calendar: Calendar, a: datetime, second: int, seconds: int
) -> None:
    a += timedelta(seconds=second)
    b = a + timedelta(seconds=seconds)
    assert BusinessTime(calendar).between(a, b) == walked_between(calendar, a, b, SECOND)


@given(calendars(1), moments, st.timedeltas(ZERO, timedelta(days=900)), st.timedeltas(ZERO, timedelta(days=30)))
@settings(deadline=None, max_examples=100)
def test_adding_is_monotone_and_measured_back_exactly(
    calendar: Calendar, start: datetime, duration: timedelta, more: timedelta
) -> None:
    assume(any(calendar.weekly))
    time = BusinessTime(calendar)
    due, later = time.add(start, duration), time.add(start, duration + more)
    assert start <= due <= later
    assert time.between(start, due) == duration
    assert time.between(due, later) == more
    assert time.add(start + more, duration) >= due
    if duration:
        assert time.between(start, due - timedelta(microseconds=1)) < duration


@given(calendars(1), moments)
@settings(deadline=None, max_examples=100)
def test_openings_and_closings_are_where_is_open_changes(calendar: Calendar, t: datetime) -> None:
    assume(any(calendar.weekly))
    time = BusinessTime(calendar)
    opens, closes = time.next_open(t), time.next_close(t)
    assert time.is_open(opens) and wall_is_open(calendar, opens)
    assert opens == t or not time.is_open(opens - SECOND)
    assert time.between(t, opens) == ZERO
    if closes is not None:
        assert not time.is_open(closes) and time.is_open(closes - SECOND)
        assert time.between(opens, closes) == closes - opens


@given(calendars(60), st.lists(moments, min_size=2, max_size=8))
@settings(deadline=None, max_examples=50)
def test_open_time_adds_up_over_any_split(calendar: Calendar, stops: list[datetime]) -> None:
    time, stops = BusinessTime(calendar), sorted(stops)
    assert sum((time.between(a, b) for a, b in pairwise(stops)), ZERO) == time.between(stops[0], stops[-1])
