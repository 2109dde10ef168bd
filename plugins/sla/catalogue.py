"""The calendars and policies of the house by name, and which of them a service has promised.

Calendars are the core's (:mod:`core.calendars`). Without any configuration there is the policy ``default``; a stored row
with that key takes its place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import select

from core import calendars as core_calendars
from core.calendars import DEFAULT, ROUND_THE_CLOCK, NamedCalendar
from core.calendars.business_time import CalendarTime, WorkingTime
from core.contracts import Text
from core.db import db
from core.house import okno
from core.model import Service
from core.shelf import Shelf
from plugins.sla.models import SlaPolicy
from plugins.sla.priority import DEFAULT_POLICY, Measure, Policy, Priority, Terms

# What terms hold instead of a calendar's key when a policy counts every hour.
NO_CALENDAR = ""


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
        """What ``service`` promises: its option ``sla``, else its opening hours, else the defaults; what nobody knows is skipped."""
        chosen = options_of(service)
        calendar, policy = chosen.get("calendar", ""), chosen.get("policy", "")
        if service is not None and calendar not in self.calendars:
            calendar = service.calendar_key
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
    """The catalogue as it is now, at most two seconds old; in the transaction that changes it as it became."""
    config, calendars = okno().config, core_calendars.calendars()
    policies = _policies()
    chosen, rules = config.get("sla.calendar"), config.get("sla.policy")
    return Catalogue(
        calendars,
        policies,
        chosen if chosen in calendars else DEFAULT,
        rules if rules in policies else DEFAULT,
    )


def _read() -> Mapping[str, NamedPolicy]:
    found = {DEFAULT: NamedPolicy(DEFAULT, Text("Standard targets", "Стандартные нормативы"), DEFAULT_POLICY)}
    for row in db.session.scalars(select(SlaPolicy)):
        found[row.key] = NamedPolicy(row.key, Text(row.title_en, row.title_ru), _policy(_text(row.settings)), True)
    return found


_policies: Shelf[Mapping[str, NamedPolicy]] = Shelf("sla_policies", _read, (SlaPolicy,))


def _text(settings: Mapping[str, Any]) -> str:
    return json.dumps(settings, sort_keys=True)


@lru_cache(maxsize=128)
def _policy(settings: str) -> Policy:
    return Policy.from_dict(json.loads(settings))
