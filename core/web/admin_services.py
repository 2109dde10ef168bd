"""Services with their entries, teams, times and texts."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import request
from flask_babel import gettext as _

from core import directory, skills, variables
from core import services as operations
from core.calendars import list_calendars
from core.contracts import Panel, Text
from core.db import transaction
from core.house import okno
from core.model import Service
from core.permissions import require
from core.schemas import SERVICE_TEXTS, timezones
from core.service_routing import TeamPlace, places_of
from core.skills import SkillDemand
from core.web import desk_frame
from core.web.admin_frame import (
    Answer,
    FormState,
    attempt,
    blueprint,
    choices,
    done,
    draw,
    found,
    posted_rows,
    present,
    refused,
    ticked,
    typed,
)
from core.web.auth import current_user
from core.web.language import here

TEXTS = (
    "title_en", "title_ru", "language", "timezone", "priority", "offer_seconds", "wrap_up_seconds", "calendar_key", "closed_action",
    "overflow_seconds", "last_agent_seconds", "agent_choice", "target_percent", "target_seconds",
)  # fmt: skip
TICKS = ("disposition_required", "push", "is_default", "active", "prefers_last_agent")
DEMAND = ("skill", "level", "relax_seconds", "floor")
SPARE_ROWS = 2
CLOSED_WORDS = {
    "wait": Text("It waits for the opening", "Обращение ждёт открытия"),
    "offer": Text("It is offered all the same", "Обращение предлагается как обычно"),
    "overflow": Text("Another service takes it", "Его принимает другой сервис"),
}
CHOICE_WORDS = {
    "longest_idle": Text("Who has been idle longest", "Кто дольше всех свободен"),
    "most_skilled": Text("Who knows most", "У кого выше навыки"),
    "fewest_handled": Text("Who has handled fewest today", "У кого сегодня меньше обращений"),
}
NEW = {
    "language": "ru",
    "priority": 0,
    "offer_seconds": 30,
    "wrap_up_seconds": 60,
    "disposition_required": True,
    "push": True,
    "active": True,
    "texts": {},
    "calendar_key": "",
    "closed_action": "wait",
    "overflow_service": "",
    "overflow_seconds": 0,
    "last_agent_seconds": 0,
    "prefers_last_agent": True,
    "agent_choice": "longest_idle",
    "target_percent": 80,
    "target_seconds": 60,
    "places": {},
    "demands": [],
}


@blueprint.get("/services")
@require("admin.services")
def services() -> Answer:
    """All services."""
    return draw("services", services=operations.list_services(), channels=okno().channels)


@blueprint.get("/services/new")
@require("admin.services")
def new_service() -> Answer:
    """A form with the usual values."""
    return _page(None, FormState(NEW))


@blueprint.post("/services/new")
@require("admin.services")
def add_service() -> Answer:
    """Add a service."""
    values = {**_posted(), **typed("key")}

    def add() -> None:
        with transaction():
            _store(operations.add_service(values["key"], **_fields(values)).id, values)

    errors = attempt(add)
    if errors:
        return _page(None, FormState({**NEW, **values}, errors))
    return done("admin.service", _("Service added. Now say which addresses lead to it."), key=values["key"].strip())


@blueprint.get("/services/<key>")
@require("admin.services")
def service(key: str) -> Answer:
    """One service."""
    shown = found(lambda: operations.get_service(key))
    return _page(shown, FormState(_values(shown)))


@blueprint.post("/services/<key>")
@require("admin.services")
def change_service(key: str) -> Answer:
    """Change fields and teams together, or nothing."""
    service_id = found(lambda: operations.get_service(key)).id
    values = _posted()

    def change() -> None:
        with transaction():
            operations.update_service(service_id, **_fields(values))
            _store(service_id, values)

    errors = attempt(change)
    if errors:
        shown = operations.get_service(key)
        return _page(shown, FormState({**_values(shown), **values}, errors))
    return done("admin.service", key=key)


@blueprint.post("/services/<key>/entries")
@require("admin.services")
def add_entry(key: str) -> Answer:
    """Let an address lead here."""
    shown = found(lambda: operations.get_service(key))
    values = typed("channel", "address")
    errors = attempt(lambda: operations.add_entry(shown.id, **values, primary="primary" in request.form))
    if errors:
        shown = operations.get_service(key)
        return _page(shown, FormState({**_values(shown), **values}, errors))
    return done("admin.service", _("The address leads here now"), key=key)


@blueprint.post("/services/<key>/entries/<int:entry_id>/remove")
@require("admin.services")
def remove_entry(key: str, entry_id: int) -> Answer:
    """Take an address away."""
    errors = attempt(lambda: operations.remove_entry(entry_id))
    return (
        refused(errors, "admin.service", key=key)
        if errors
        else done("admin.service", _("The address is removed"), key=key)
    )


def _posted() -> dict[str, Any]:
    texts = {name: request.form.get(f"text_{name}", "") for name in SERVICE_TEXTS}
    places = {
        key: {name: request.form.get(f"{name}:{key}", "") for name in ("line", "after_seconds")}
        for key in request.form.getlist("teams")
    }
    demands = [row for row in posted_rows("skills", *DEMAND) if row.get("skill")]
    fields = {**present(*TEXTS, "overflow_service"), **ticked(*TICKS), "texts": texts}
    return {**fields, "places": places, "demands": demands}


def _fields(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in ("key", "places", "demands")}


def _store(service_id: int, values: dict[str, Any]) -> None:
    places = [
        TeamPlace(key, row["line"] or "1", row["after_seconds"] or "0")  # type: ignore[arg-type]  # checked when stored
        for key, row in values["places"].items()
    ]
    operations.set_service_teams(service_id, places)
    demands = [
        SkillDemand(row["skill"], row.get("level") or "1", row.get("relax_seconds") or "0", row.get("floor") or "0")  # type: ignore[arg-type]
        for row in values["demands"]
    ]
    skills.set_service_skills(service_id, demands)


def _values(shown: Service) -> dict[str, Any]:
    plain = {name: getattr(shown, name) for name in ("key", *TEXTS, *TICKS)}
    overflow = operations.service_by_id(shown.overflow_service_id)
    places = {
        place.team: {"line": place.line, "after_seconds": place.after_seconds}
        for place in places_of([shown.id]).get(shown.id, [])
    }
    return {
        **plain,
        "texts": dict(shown.texts),
        "overflow_service": overflow.key if overflow else "",
        "places": places,
        "demands": [asdict(demand) for demand in skills.demands_of([shown.id])[shown.id]],
    }


def _page(shown: Service | None, form: FormState) -> Answer:
    texts = form.values.get("texts", {})
    strange = {name: _unknown(texts.get(name, "")) for name in SERVICE_TEXTS}
    others = [row for row in operations.list_services() if shown is None or row.id != shown.id]
    return draw(
        "service",
        form,
        service=shown,
        teams=choices(directory.list_teams()),
        channels=okno().channels,
        timezones=timezones(),
        calendars=[("", _("around the clock")), *((entry.key, entry.title.to(here())) for entry in list_calendars())],
        actions=[(key, text.to(here())) for key, text in CLOSED_WORDS.items()],
        agent_choices=[(key, text.to(here())) for key, text in CHOICE_WORDS.items()],
        others=[("", _("nobody")), *choices(others)],
        skills=choices(skills.list_skills()),
        demands=[*form.values["demands"], *({} for _row in range(SPARE_ROWS))],
        strange={name: names for name, names in strange.items() if names},
        variables=sorted(okno().variables.values(), key=lambda variable: variable.name),
        panels=_panels() if shown else [],
    )


def _panels() -> list[Panel]:
    """What plugins set for a service."""
    user = current_user()
    return desk_frame.panels(user, desk_frame.context_of(user, None), "service") if user else []


def _unknown(text: str) -> list[str]:
    """Variables in ``text`` that nobody fills in."""
    return [name for name in variables.unfilled(text) if name not in okno().variables]
