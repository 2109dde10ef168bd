"""The demo centre's case form, support lines and screen pops."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, update

from core.db import db
from core.model import CaseCategory, CaseField, ScreenPop, Service, ServiceTeam, SupportLine, Team


def load(plan: Mapping[str, Any], services: Mapping[str, Service]) -> None:
    """Write what ``case_form.yml`` holds, in the open transaction."""
    for position, item in enumerate(plan["fields"]):
        extra = {"type": item["type"], "choices": item.get("choices", []), "required": item.get("required", False)}
        db.session.add(CaseField(**_common(item, services, position), **extra))
    for position, item in enumerate(plan["categories"]):
        db.session.add(CaseCategory(**_common(item, services, position)))
    for item in plan["lines"]:
        _line(item, services[item["service"]])
    for position, item in enumerate(plan["screen_pops"]):
        values = _common(item, services, position)
        del values["key"]
        db.session.add(ScreenPop(**values, kind=item["kind"], template=item["template"], embed=item.get("embed", True)))


def _common(item: Mapping[str, Any], services: Mapping[str, Service], position: int) -> dict[str, Any]:
    return {
        "service_id": services[item["service"]].id if item["service"] else None,
        "key": item.get("key", ""),
        "title_en": item["title"]["en"],
        "title_ru": item["title"]["ru"],
        "position": position,
    }


def _line(item: Mapping[str, Any], service: Service) -> None:
    times = {"take_seconds": item["take_seconds"], "solve_seconds": item["solve_seconds"]}
    titles = {"title_en": item["title"]["en"], "title_ru": item["title"]["ru"]}
    db.session.add(SupportLine(service_id=service.id, number=item["number"], **titles, **times))
    teams = select(Team.id).where(Team.key.in_(item.get("teams", [])))
    serving = update(ServiceTeam).where(ServiceTeam.service_id == service.id, ServiceTeam.team_id.in_(teams))
    db.session.execute(serving.values(line=item["number"]).execution_options(synchronize_session=False))
