"""Changing policies and what a service promises: checked, audited, open clocks worked out anew."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from core import audit
from core.calendars.business_time import BusinessTime, NoOpenTime
from core.calendars.field_reading import FieldError
from core.calendars.opening_hours import Calendar
from core.clock import now
from core.contracts import Rejected, SetupChange, Text
from core.db import db, transaction
from core.house import okno
from core.model import Service
from core.schemas import Invalid
from plugins.sla import upkeep
from plugins.sla.catalogue import Catalogue, load, options_of
from plugins.sla.models import SlaClock, SlaPolicy
from plugins.sla.priority import Policy

KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


def save_policy(key: str, title_en: str, title_ru: str, settings: Mapping[str, Any]) -> int:
    """Add or change a policy; returns how many open clocks wait. Raises ``FieldError`` that names the field."""
    policy = Policy.from_dict(settings)
    with transaction():
        changed = _store(SlaPolicy, key, title_en, title_ru, policy.to_dict())
        return upkeep.mark(SlaClock.policy_key == key) if changed else 0


def assign(service_id: int, calendar: str, policy: str) -> int:
    """Say what a service promises ("" for the house's default); returns how many open clocks wait.

    Raises ``FieldError`` for a key that nobody knows and ``LookupError`` for an unknown service.
    """
    with transaction():
        catalogue = load()
        service = db.session.get(Service, service_id)
        if service is None:
            raise LookupError(f"no service {service_id}")
        if calendar and calendar not in catalogue.calendars:
            raise FieldError("calendar", f"there is no calendar {calendar!r}")
        if policy and policy not in catalogue.policies:
            raise FieldError("policy", f"there is no policy {policy!r}")
        before = options_of(service)
        after = {name: key for name, key in (("calendar", calendar), ("policy", policy)) if key}
        if before == after:
            return 0
        service.options = {**(service.options or {}), "sla": after}
        audit.record("sla.assigned", "service", service.key, {"sla": before}, {"sla": after})
        db.session.flush()
        return upkeep.mark(upkeep.of_service(service_id))


def _store(kind: Any, key: str, title_en: str, title_ru: str, settings: dict[str, Any]) -> bool:
    """Whether anything that clocks depend on is different now."""
    if not KEY.fullmatch(key):
        raise FieldError("key", "expected small Latin letters, digits, - and _, at most 40")
    for field, title in (("title_en", title_en), ("title_ru", title_ru)):
        if not title.strip():
            raise FieldError(field, "a title is needed")
        if len(title.strip()) > 120:
            raise FieldError(field, "at most 120 characters")
    row = db.session.scalar(select(kind).where(kind.key == key))
    before = {"title_en": row.title_en, "title_ru": row.title_ru, "settings": row.settings} if row else {}
    if row is None:
        row = kind(key=key)
        db.session.add(row)
    changed = bool(row.settings != settings)
    row.title_en, row.title_ru, row.settings = title_en.strip(), title_ru.strip(), settings
    after = {"title_en": row.title_en, "title_ru": row.title_ru, "settings": settings}
    name = kind.__tablename__.replace("_", ".")
    audit.record(f"{name}.{'changed' if before else 'added'}", kind.__tablename__, key, before, after)
    db.session.flush()
    return changed


# --- changes of the core that the promises depend on --------------------------------------------------


def refuse_setup(change: SetupChange) -> None:
    """Refuse hours too short for the targets, and the removal of a calendar that services or the house have chosen here."""
    if change.kind != "calendar":
        return
    settings = change.changes["settings"][1]
    if settings is None:
        _refuse_used(change.key)
    else:
        _hold_all_targets(Calendar.from_dict(settings), load())


def follow_setup(change: SetupChange) -> None:
    """Ask for new terms where a calendar or a service's hours have changed. Needs a transaction."""
    if change.kind == "calendar":
        upkeep.mark(SlaClock.calendar_key == change.key)
    elif change.kind == "service" and "calendar_key" in change.changes:
        service_id = db.session.scalar(select(Service.id).where(Service.key == change.key))
        if service_id is not None:
            upkeep.mark(upkeep.of_service(service_id))


def _refuse_used(key: str) -> None:
    users = [
        service.key for service in db.session.scalars(select(Service)) if options_of(service).get("calendar") == key
    ]
    if okno().config.get("sla.calendar") == key:
        users.append("sla.calendar")
    if users:
        names = ", ".join(users)
        text = Text(
            f"Promises are measured by this calendar: {names}. Choose another at Service levels first.",
            f"По этому календарю считаются сроки: {names}. Сначала выберите другой в «Сроках обслуживания».",
        )
        raise Rejected(text, "in-use")


def _hold_all_targets(calendar: Calendar, catalogue: Catalogue) -> None:
    """A calendar without enough open time ahead would leave new cases without a clock."""
    time = BusinessTime(calendar)
    try:
        for entry in catalogue.policies.values():
            for target in entry.policy.targets.values():
                time.add(now(), max(target.resolution, target.response).lasting(time.day_length))
    except NoOpenTime:
        text = Text(
            "There is too little open time ahead for the targets",
            "Впереди слишком мало рабочего времени для нормативов",
        )
        raise Invalid({"weekly": text}) from None
