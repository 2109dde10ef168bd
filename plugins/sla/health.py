"""Lines of ``okno doctor``: whether services name what exists, and whether warnings are given in time."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from core.clock import now
from core.contracts import HealthCheck
from core.db import db
from core.house import okno
from core.model import Service
from plugins.sla.catalogue import load, options_of
from plugins.sla.models import SlaClock

BEHIND = timedelta(minutes=1)


def checks() -> list[HealthCheck]:
    """Two checks: names, and the warning job."""
    return [_names(), _warnings()]


def _names() -> HealthCheck:
    catalogue, config = load(), okno().config
    unknown = [
        f"{where}: {name} '{key}'"
        for where, chosen in [
            ("settings", {"calendar": config.get("sla.calendar"), "policy": config.get("sla.policy")}),
            *((service.key, options_of(service)) for service in db.session.scalars(select(Service))),
        ]
        for name, key in chosen.items()
        if key not in (catalogue.calendars if name == "calendar" else catalogue.policies)
    ]
    detail = "; ".join(unknown) or f"{len(catalogue.calendars)} calendars, {len(catalogue.policies)} policies"
    return HealthCheck("sla.names", not unknown, detail, "choose existing ones at /admin/sla or in okno.toml")


def _warnings() -> HealthCheck:
    query = select(func.count()).select_from(SlaClock).where(SlaClock.next_flag_at < now() - BEHIND)
    behind = db.session.scalar(query) or 0
    detail = f"{behind} clocks wait for their warning" if behind else "warnings are given in time"
    return HealthCheck("sla.warnings", not behind, detail, "start the worker:  okno worker")
