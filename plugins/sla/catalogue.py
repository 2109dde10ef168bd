"""The calendars and policies of the house by name, and which of them a service has promised.

Without any configuration there are the calendars ``default`` (Monday to Friday, 9 to 18, in the house's zone) and
``24x7``, and the policy ``default``. A stored row with the same key takes the place of a built-in one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import select

from core.contracts import Text
from core.db import db
from core.house import okno
from core.model import Service
from plugins.sla.business_time import BusinessTime, CalendarTime, WorkingTime
from plugins.sla.models import SlaCalendar, SlaPolicy
from plugins.sla.opening_hours import Calendar
from plugins.sla.priority import DEFAULT_POLICY, Measure, Policy, Priority, Terms

DEFAULT = "default"
ROUND_THE_CLOCK = "24x7"
# What terms hold instead of a calendar's key when a policy counts every hour.
NO_CALENDAR = ""


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


@dataclass(frozen=True)
class NamedPolicy:
    """A policy with its name; ``stored`` is False for the built-in one."""

    key: str
    title: Text
    policy: Policy
    stored: bool = False


@dataclass(frozen=True)
class Promise:
    """Which calendar and policy hold for a service."""

    calendar_key: str
    policy_key: str


@dataclass(frozen=True)
class Catalogue:
    """All calendars and policies, and the keys that hold where a service names none."""

    calendars: Mapping[str, NamedCalendar]
    policies: Mapping[str, NamedPolicy]
    calendar_key: str
    policy_key: str

    def promise(self, service: Service | None) -> Promise:
        """What ``service`` promises: its option ``sla``, as far as it names what exists, else the defaults."""
        chosen = options_of(service)
        calendar, policy = chosen.get("calendar", ""), chosen.get("policy", "")
        return Promise(
            calendar if calendar in self.calendars else self.calendar_key,
            policy if policy in self.policies else self.policy_key,
        )

    def terms(self, promise: Promise, priority: str) -> Terms:
        """The terms of a case of this priority; a priority nobody knows counts as medium."""
        level = Priority(priority) if priority in set(Priority) else Priority.MEDIUM
        policy = self.policies[promise.policy_key].policy
        key = NO_CALENDAR if policy.measure is Measure.CALENDAR else promise.calendar_key
        return policy.terms(level, key, self.time(key).day_length)

    def time(self, key: str) -> WorkingTime:
        """How the calendar ``key`` of some terms measures; the default one when it is gone."""
        if key == NO_CALENDAR:
            return CalendarTime()
        return (self.calendars.get(key) or self.calendars[self.calendar_key]).time

    def calendar_title(self, key: str) -> Text:
        """What people call the calendar of some terms."""
        if key == NO_CALENDAR:
            return self.calendars[ROUND_THE_CLOCK].title
        return (self.calendars.get(key) or self.calendars[self.calendar_key]).title


def options_of(service: Service | None) -> dict[str, str]:
    """What a service says under ``sla``: ``{"calendar": key, "policy": key}``, each may be missing."""
    options = (service.options or {}).get("sla") if service is not None else None
    if not isinstance(options, dict):
        return {}
    return {name: str(value) for name, value in options.items() if name in ("calendar", "policy") and value}


def load() -> Catalogue:
    """The catalogue as it is now, by two queries; parsed calendars are kept from one call to the next."""
    config = okno().config
    calendars = {entry.key: entry for entry in _built_in(config.get("core.timezone"), config.get("sla.country"))}
    for row in db.session.scalars(select(SlaCalendar)):
        calendars[row.key] = NamedCalendar(row.key, Text(row.title_en, row.title_ru), _time(_text(row.settings)), True)
    policies = {DEFAULT: NamedPolicy(DEFAULT, Text("Standard targets", "Стандартные нормативы"), DEFAULT_POLICY)}
    for row in db.session.scalars(select(SlaPolicy)):
        policies[row.key] = NamedPolicy(row.key, Text(row.title_en, row.title_ru), _policy(_text(row.settings)), True)
    chosen, rules = config.get("sla.calendar"), config.get("sla.policy")
    return Catalogue(
        calendars,
        policies,
        chosen if chosen in calendars else DEFAULT,
        rules if rules in policies else DEFAULT,
    )


def _text(settings: Mapping[str, Any]) -> str:
    return json.dumps(settings, sort_keys=True)


@lru_cache(maxsize=128)
def _time(settings: str) -> BusinessTime:
    return BusinessTime(Calendar.from_dict(json.loads(settings)))


@lru_cache(maxsize=128)
def _policy(settings: str) -> Policy:
    return Policy.from_dict(json.loads(settings))


@lru_cache(maxsize=8)
def _built_in(zone: str, country: str) -> tuple[NamedCalendar, NamedCalendar]:
    week: dict[str, Any] = {"zone": zone, "weekly": {"mon-fri": ["09:00-18:00"]}}
    if country:
        week["country"] = country
    always = {"zone": zone, "weekly": {"mon-sun": ["00:00-24:00"]}}
    return (
        NamedCalendar(DEFAULT, Text("Mon–Fri 9–18", "Пн–Пт 9–18"), _time(_text(week))),
        NamedCalendar(ROUND_THE_CLOCK, Text("Around the clock", "Круглосуточно"), _time(_text(always))),
    )
