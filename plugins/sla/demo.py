"""The demo centre's policies, and the clocks of its cases by them; its hours are the core's."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from core.clock import now
from core.contracts import Text
from core.db import db, transaction
from core.model import Case, Service
from plugins.sla import catalogue_changes
from plugins.sla.case_clocks import adopt
from plugins.sla.catalogue import ROUND_THE_CLOCK, load
from plugins.sla.models import SlaClock, SlaPolicy

POLICIES: dict[str, tuple[Text, dict[str, Any]]] = {
    "support": (
        Text("Support targets", "Нормативы поддержки"),
        {
            "targets": {
                "critical": {"response": "30m", "resolution": "4h"},
                "high": {"response": "45m", "resolution": "1d"},
                "medium": {"response": "2h", "resolution": "2d"},
                "low": {"response": "1d", "resolution": "5d"},
            }
        },
    ),
    "signature": (
        Text("Electronic signature", "Электронная подпись"),
        {
            "measure": "calendar",
            "warn_percent": 70,
            "targets": {
                "critical": {"response": "15m", "resolution": "immediately"},
                "high": {"response": "30m", "resolution": "4h"},
                "medium": {"response": "1h", "resolution": "8h"},
                "low": {"response": "4h", "resolution": "1d"},
            },
        },
    ),
}
# The first line is there around the clock, so that a newcomer sees a clock run at any hour.
SERVICES = {
    "support": (ROUND_THE_CLOCK, "support"),
    "edo": ("moscow", "support"),
    "accounting": ("moscow", "support"),
    "sales": ("moscow", ""),
    "signature": (ROUND_THE_CLOCK, "signature"),
    "cloud-en": ("london", "support"),
    "billing-en": ("london", "support"),
}


def load_demo() -> None:
    """Add what is missing and tell every case's clock anew from its history; nobody is warned of the past."""
    with transaction():
        _add_missing()
        for service in db.session.scalars(select(Service).where(Service.key.in_(SERVICES))):
            if "sla" not in (service.options or {}):
                catalogue_changes.assign(service.id, *SERVICES[service.key])
        _tell_anew()


def _add_missing() -> None:
    stored = set(db.session.scalars(select(SlaPolicy.key)))
    for key, (title, settings) in POLICIES.items():
        if key not in stored:
            catalogue_changes.save_policy(key, title.en, title.ru, settings)


def _tell_anew() -> None:
    catalogue, loaded_at = load(), now()
    for row in db.session.scalars(select(SlaClock).where(SlaClock.stale)):
        db.session.delete(row)
    db.session.flush()
    without = select(Case).outerjoin(SlaClock, SlaClock.case_id == Case.id).where(SlaClock.id.is_(None))
    for case in db.session.scalars(without.where(Case.created_at <= loaded_at)):
        adopt(case, catalogue)
