"""Arithmetic of open time: when is it due, how much was spent. Exact to the microsecond, UTC in and out."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache, partial
from typing import Protocol
from zoneinfo import ZoneInfo

from core.calendars.opening_hours import DAY, Calendar

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = _EPOCH.toordinal()
_MICROSECOND = timedelta(microseconds=1)
_SECOND = 1_000_000
_LAST_YEAR = date.max.year
_FIRST_SECOND = (date.min.toordinal() - _EPOCH_ORDINAL) * DAY
_LAST_SECOND = (date.max.toordinal() - _EPOCH_ORDINAL + 1) * DAY - 1
# Wall clocks and shifts reach at most two days over the edge of a UTC year; one more on each side costs nothing.
_EDGE_DAYS = 4

Interval = tuple[int, int]


class NoOpenTime(ValueError):
    """The calendar never again has the open time that was asked for."""


class WorkingTime(Protocol):
    """How a promise is measured. Moments are aware; results are UTC. Naive moments raise `ValueError`."""

    @property
    def day_length(self) -> timedelta:
        """The open time that one day of a target stands for."""

    def add(self, start: datetime, duration: timedelta) -> datetime:
        """The first moment by which `duration` of open time has passed since `start`.

        So it may be a closing time, never the next opening. Raises `NoOpenTime`, and `ValueError` below zero.
        """

    def between(self, a: datetime, b: datetime) -> timedelta:
        """The open time from `a` to `b`, negative when `b` is earlier."""

    def is_open(self, t: datetime) -> bool:
        """Whether `t` counts. An opening moment does, a closing moment does not."""

    def next_open(self, t: datetime) -> datetime:
        """`t` itself when open, else the next opening. Raises `NoOpenTime`."""

    def next_close(self, t: datetime) -> datetime | None:
        """The end of the opening at or after `t`, None when it never ends. Raises `NoOpenTime`."""


class CalendarTime:
    """Around the clock, every day."""

    day_length = timedelta(days=1)

    def add(self, start: datetime, duration: timedelta) -> datetime:
        _refuse_negative(duration)
        try:
            return _moment(_microseconds(start)) + duration
        except OverflowError:
            raise NoOpenTime(f"{duration} after {start} is beyond the year {_LAST_YEAR}") from None

    def between(self, a: datetime, b: datetime) -> timedelta:
        return timedelta(microseconds=_microseconds(b) - _microseconds(a))

    def is_open(self, t: datetime) -> bool:
        _microseconds(t)
        return True

    def next_open(self, t: datetime) -> datetime:
        return _moment(_microseconds(t))

    def next_close(self, t: datetime) -> datetime | None:
        _microseconds(t)
        return None


class BusinessTime:
    """Open time by a `Calendar`.

    Each UTC year's openings are worked out once and kept with running totals, so an answer is two binary searches
    however many days lie between. Safe to share between threads.
    """

    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar
        self.day_length = calendar.day_length
        self._year = lru_cache(maxsize=64)(partial(_open_year, calendar))
        dated = calendar.last_dated
        self._settled_year = dated.year + 1 if dated else date.min.year
        self._last_year = _LAST_YEAR if any(calendar.weekly) else min(self._settled_year, _LAST_YEAR)

    def add(self, start: datetime, duration: timedelta) -> datetime:
        _refuse_negative(duration)
        at, wanted = _microseconds(start), duration // _MICROSECOND
        if not wanted:
            return _moment(at)
        if at + wanted > _LAST_SECOND * _SECOND:
            raise self._never(start, duration)
        year = _moment(at).year
        openings = self._year(year)
        wanted += openings.open_before(at)
        while wanted > openings.total:
            wanted -= openings.total
            year += 1
            if year > self._last_year:
                raise self._never(start, duration)
            openings = self._year(year)
        return _moment(openings.reaching(wanted))

    def between(self, a: datetime, b: datetime) -> timedelta:
        start, end = _microseconds(a), _microseconds(b)
        if end < start:
            return -self.between(b, a)
        first, last = _moment(start).year, _moment(end).year
        spent = self._year(last).open_before(end) - self._year(first).open_before(start)
        spent += sum(self._year(year).total for year in range(first, min(last, self._last_year + 1)))
        return timedelta(microseconds=spent)

    def is_open(self, t: datetime) -> bool:
        at = _microseconds(t)
        return self._year(_moment(at).year).opening_at(at) is not None

    def next_open(self, t: datetime) -> datetime:
        at = _microseconds(t)
        start, _ = self._opening_from(at)
        return _moment(max(start, at))

    def next_close(self, t: datetime) -> datetime | None:
        start, end = self._opening_from(_microseconds(t))
        year = _moment(start).year
        # Openings are cut at the edge of the year. Once no date is named any more and a whole year had no closing,
        # the week alone decides and there will be none.
        horizon = max(year, self._settled_year) + 2
        while end == _year_start(year + 1) * _SECOND:
            year += 1
            if year > min(horizon, _LAST_YEAR):
                return None
            following = self._year(year).opening_at(end)
            if following is None:
                break
            end = following[1]
        return _moment(end)

    def _opening_from(self, at: int) -> Interval:
        for year in range(_moment(at).year, self._last_year + 1):
            opening = self._year(year).opening_from(at)
            if opening is not None:
                return opening
        raise NoOpenTime(f"the calendar has no open time after {_moment(at)}")

    def _never(self, start: datetime, duration: timedelta) -> NoOpenTime:
        return NoOpenTime(f"the calendar has less than {duration} of open time after {start}")


@dataclass(frozen=True, slots=True)
class _OpenYear:
    """The openings of one UTC year in order, in microseconds since 1970, and the open time before each."""

    starts: tuple[int, ...]
    ends: tuple[int, ...]
    before: tuple[int, ...]
    total: int

    def open_before(self, at: int) -> int:
        place = bisect_right(self.starts, at) - 1
        if place < 0:
            return 0
        return self.before[place] + min(at, self.ends[place]) - self.starts[place]

    def reaching(self, wanted: int) -> int:
        place = bisect_left(self.before, wanted) - 1
        return self.starts[place] + wanted - self.before[place]

    def opening_at(self, at: int) -> Interval | None:
        opening = self.opening_from(at)
        return opening if opening is not None and opening[0] <= at else None

    def opening_from(self, at: int) -> Interval | None:
        place = bisect_right(self.ends, at)
        return (self.starts[place], self.ends[place]) if place < len(self.ends) else None


def _open_year(calendar: Calendar, year: int) -> _OpenYear:
    first, last = _year_start(year), _year_start(year + 1)
    openings = _merged(_in_utc(_wall_intervals(calendar, year), _offset_pieces(calendar.zone, first, last)))
    before, total = [], 0
    for start, end in openings:
        before.append(total)
        total += (end - start) * _SECOND
    return _OpenYear(
        tuple(start * _SECOND for start, _ in openings),
        tuple(end * _SECOND for _, end in openings),
        tuple(before),
        total,
    )


def _wall_intervals(calendar: Calendar, year: int) -> list[Interval]:
    """Openings in seconds of the wall clock, as if it were UTC, somewhat beyond both edges of the year."""
    first = max(date(year, 1, 1).toordinal() - _EDGE_DAYS, date.min.toordinal())
    last = min(date(year, 12, 31).toordinal() + _EDGE_DAYS, date.max.toordinal())
    intervals: list[Interval] = []
    for day, spans in calendar.spans_by_date(date.fromordinal(first), date.fromordinal(last)):
        midnight = (day.toordinal() - _EPOCH_ORDINAL) * DAY
        intervals.extend((midnight + span.start, midnight + span.end) for span in spans)
    return _merged(iter(sorted(intervals)))


def _in_utc(walls: list[Interval], pieces: list[tuple[int, int, int]]) -> Iterator[Interval]:
    """The parts of each stretch of constant offset during which the wall clock is inside one of `walls`."""
    ends = [end for _, end in walls]
    for start, end, offset in pieces:
        for place in range(bisect_right(ends, start + offset), len(walls)):
            opens, closes = walls[place]
            if opens >= end + offset:
                break
            yield max(opens - offset, start), min(closes - offset, end)


def _merged(intervals: Iterator[Interval]) -> list[Interval]:
    """Sorted intervals with those that overlap or touch made one."""
    merged: list[Interval] = []
    for start, end in intervals:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _offset_pieces(zone: ZoneInfo, start: int, end: int) -> list[tuple[int, int, int]]:
    """Stretches of constant UTC offset from `start` to `end`, as (start, end, offset), all in seconds.

    zoneinfo does not tell its transitions, so each half day's edges are compared and a difference is bisected.
    """
    pieces = []
    piece_start, offset = start, _offset_at(zone, start)
    for edge in range(start, end, DAY // 2):
        for change in _changes(zone, edge, min(edge + DAY // 2, end)):
            pieces.append((piece_start, change, offset))
            piece_start, offset = change, _offset_at(zone, change)
    if piece_start < end:
        pieces.append((piece_start, end, offset))
    return pieces


def _changes(zone: ZoneInfo, low: int, high: int) -> Iterator[int]:
    if _offset_at(zone, low) == _offset_at(zone, high):
        return
    if high - low == 1:
        yield high
        return
    middle = (low + high) // 2
    yield from _changes(zone, low, middle)
    yield from _changes(zone, middle, high)


def _offset_at(zone: ZoneInfo, second: int) -> int:
    # A zone can't convert the first and last day that datetime can express; their neighbours' offset is theirs.
    inside = min(max(second, _FIRST_SECOND + DAY), _LAST_SECOND - 2 * DAY)
    offset = (_EPOCH + timedelta(seconds=inside)).astimezone(zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def _year_start(year: int) -> int:
    return _LAST_SECOND if year > _LAST_YEAR else (date(year, 1, 1).toordinal() - _EPOCH_ORDINAL) * DAY


def _microseconds(t: datetime) -> int:
    if t.tzinfo is None:
        raise ValueError(f"a moment without a time zone: {t}")
    return (t - _EPOCH) // _MICROSECOND


def _moment(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def _refuse_negative(duration: timedelta) -> None:
    if duration < timedelta(0):
        raise ValueError(f"can't add a negative duration: {duration}")
