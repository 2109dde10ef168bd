"""Services with their entries, teams, times and texts."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_babel import gettext as _

from core import directory, variables
from core import services as operations
from core.db import transaction
from core.house import okno
from core.model import Service
from core.permissions import require
from core.schemas import SERVICE_TEXTS, timezones
from core.web.admin_frame import (
    Answer,
    FormState,
    attempt,
    blueprint,
    choices,
    done,
    draw,
    found,
    refused,
    ticked,
    typed,
)

TEXTS = ("title_en", "title_ru", "language", "timezone", "priority", "offer_seconds", "wrap_up_seconds")
TICKS = ("disposition_required", "push", "is_default", "active")
NEW = {
    "language": "ru",
    "priority": 0,
    "offer_seconds": 30,
    "wrap_up_seconds": 60,
    "disposition_required": True,
    "push": True,
    "active": True,
    "texts": {},
    "teams": [],
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
    errors = attempt(lambda: operations.add_service(**values))
    if errors:
        return _page(None, FormState(values, errors))
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
            operations.update_service(service_id, **{name: value for name, value in values.items() if name != "teams"})
            operations.set_service_teams(service_id, values["teams"])

    errors = attempt(change)
    if errors:
        return _page(operations.get_service(key), FormState({"key": key, **values}, errors))
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
    return {**typed(*TEXTS), **ticked(*TICKS), "texts": texts, "teams": request.form.getlist("teams")}


def _values(shown: Service) -> dict[str, Any]:
    plain = {name: getattr(shown, name) for name in ("key", *TEXTS, *TICKS)}
    return {**plain, "texts": dict(shown.texts), "teams": [team.key for team in shown.teams]}


def _page(shown: Service | None, form: FormState) -> Answer:
    texts = form.values.get("texts", {})
    strange = {name: _unknown(texts.get(name, "")) for name in SERVICE_TEXTS}
    return draw(
        "service",
        form,
        service=shown,
        teams=choices(directory.list_teams()),
        channels=okno().channels,
        timezones=timezones(),
        strange={name: names for name, names in strange.items() if names},
        variables=sorted(okno().variables.values(), key=lambda variable: variable.name),
    )


def _unknown(text: str) -> list[str]:
    """Variables in ``text`` that nobody fills in."""
    return [name for name in variables.unfilled(text) if name not in okno().variables]
