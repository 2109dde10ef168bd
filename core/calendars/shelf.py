"""The calendars of the house by key, kept in memory by each process and read anew within two seconds of a change.

There are ``default`` and ``24x7``, which need no configuration, then the stored ones; a stored one with the key of a built-in one
takes its place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import select

from core.calendars.business_time import BusinessTime
from core.calendars.opening_hours import Calendar
from core.contracts import Text
from core.db import db
from core.house import okno
from core.model import Calendar as CalendarRow
from core.shelf import Shelf

DEFAULT = "default"
ROUND_THE_CLOCK = "24x7"


@dataclass(frozen=True)
class NamedCalendar:
    """A calendar with its name; ``stored`` is False for a built-in one."""

    key: str
    title: Text
    time: BusinessTime
    stored: bool = False

    @property
    def calendar(self) -> Calendar:
        """The opening hours themselves."""
        return self.time.calendar


def _read() -> Mapping[str, NamedCalendar]:
    config = okno().config
    found = {entry.key: entry for entry in _built_in(config.get("core.timezone"), config.get("core.country"))}
    for row in db.session.scalars(select(CalendarRow).order_by(CalendarRow.key)):
        found[row.key] = NamedCalendar(row.key, Text(row.title_en, row.title_ru), time_by(row.settings), True)
    return found


calendars: Shelf[Mapping[str, NamedCalendar]] = Shelf("calendars", _read, (CalendarRow,))


def time_by(settings: Mapping[str, Any]) -> BusinessTime:
    """The arithmetic of a calendar's settings; equal ones share what has been worked out."""
    return _time(json.dumps(settings, sort_keys=True, default=str))


@lru_cache(maxsize=128)
def _time(settings: str) -> BusinessTime:
    return BusinessTime(Calendar.from_dict(json.loads(settings)))


@lru_cache(maxsize=8)
def _built_in(zone: str, country: str) -> tuple[NamedCalendar, NamedCalendar]:
    week: dict[str, Any] = {"zone": zone, "weekly": {"mon-fri": ["09:00-18:00"]}}
    if country:
        week["country"] = country
    always = {"zone": zone, "weekly": {"mon-sun": ["00:00-24:00"]}}
    return (
        NamedCalendar(DEFAULT, Text("Mon–Fri 9–18", "Пн–Пт 9–18"), time_by(week)),
        NamedCalendar(ROUND_THE_CLOCK, Text("Around the clock", "Круглосуточно"), time_by(always)),
    )
