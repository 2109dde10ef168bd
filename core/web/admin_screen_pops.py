"""Screen pops: what opens at the desk when an interaction of a service arrives."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_babel import gettext as _

from core import screen_pops, services
from core.contracts import Text
from core.model import ScreenPop
from core.permissions import require
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

KINDS = {
    "url": Text("Web page", "Веб-страница"),
    "script": Text("Script to speak by", "Сценарий разговора"),
    "form": Text("Fields of the case", "Поля запроса"),
}
TEXTS, TICKS = ("kind", "title_en", "title_ru", "template", "position"), ("embed", "active")


@blueprint.get("/screen-pops")
@require("admin.services")
def screen_pops_list() -> Answer:
    """All of them, by service."""
    return draw("screen_pops", rows=screen_pops.list_pops(), kinds=KINDS)


@blueprint.route("/screen-pops/new", methods=["GET", "POST"])
@require("admin.services")
def new_screen_pop() -> Answer:
    """Add one."""
    if request.method == "GET":
        return _page(None, FormState({"kind": "url", "position": 0, "embed": True, "active": True, "service": ""}))
    values = _posted()
    errors = attempt(lambda: screen_pops.add_pop(**_plain(values)))
    return _page(None, FormState(values, errors)) if errors else done("admin.screen_pops_list", _("Screen pop added"))


@blueprint.route("/screen-pops/<int:pop_id>", methods=["GET", "POST"])
@require("admin.services")
def screen_pop(pop_id: int) -> Answer:
    """One."""
    row = found(lambda: screen_pops.get_pop(pop_id))
    if request.method == "GET":
        stored = {name: getattr(row, name) for name in (*TEXTS, *TICKS)}
        return _page(row, FormState({**stored, "service": row.service.key if row.service else ""}))
    values = _posted()
    errors = attempt(lambda: screen_pops.update_pop(pop_id, **_plain(values)))
    if errors:
        return _page(screen_pops.get_pop(pop_id), FormState(values, errors))
    return done("admin.screen_pops_list")


@blueprint.post("/screen-pops/<int:pop_id>/remove")
@require("admin.services")
def remove_screen_pop(pop_id: int) -> Answer:
    """Take one away."""
    errors = attempt(lambda: screen_pops.remove_pop(pop_id))
    if errors:
        return refused(errors, "admin.screen_pops_list")
    return done("admin.screen_pops_list", _("Removed"))


def _posted() -> dict[str, Any]:
    return {**typed(*TEXTS, "service"), **ticked(*TICKS)}


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    plain = {name: value for name, value in values.items() if name != "service"}
    key = values["service"]
    return {**plain, "service_id": found(lambda: services.get_service(key)).id if key else None}


def _page(row: ScreenPop | None, form: FormState) -> Answer:
    return draw("screen_pop", form, pop=row, kinds=KINDS, services=choices(services.list_services()))
