"""Dispositions: one tree per service, and one for all services."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask_babel import gettext as _
from werkzeug.utils import redirect

from core import services as operations
from core.model import Disposition, Service
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

TEXTS = ("title_en", "title_ru", "success", "workflow_key", "position")
TICKS = ("closes_case", "active")


@blueprint.get("/dispositions")
@require("admin.dispositions")
def dispositions() -> Answer:
    """The tree of the chosen service, of the first one to begin with."""
    services = operations.list_services()
    key = request.args.get("service")
    if key is None and services:
        return redirect(url_for("admin.dispositions", service=services[0].key))
    shown = _service(key)
    rows = operations.flat(operations.disposition_tree(shown.id if shown else None))
    workflows = {row.key: row for row in operations.list_workflows()}
    return draw("dispositions", services=services, service=shown, rows=rows, workflows=workflows)


@blueprint.get("/dispositions/new")
@require("admin.dispositions")
def new_disposition() -> Answer:
    """An empty form, under the parent that the link named."""
    shown = _service(request.args.get("service"))
    values = {
        "parent_id": request.args.get("parent", ""),
        "closes_case": True,
        "active": True,
        "success": "neutral",
        "position": 0,
    }
    return _page(shown, None, FormState(values))


@blueprint.post("/dispositions/new")
@require("admin.dispositions")
def add_disposition() -> Answer:
    """Add one."""
    shown = _service(request.args.get("service"))
    values = {**_posted(), **typed("key")}
    plain = {**values, "parent_id": _id(values["parent_id"])}
    errors = attempt(lambda: operations.add_disposition(shown.id if shown else None, **plain))
    if errors:
        return _page(shown, None, FormState(values, errors))
    return done("admin.dispositions", _("Disposition added"), service=shown.key if shown else "")


@blueprint.get("/dispositions/<int:disposition_id>")
@require("admin.dispositions")
def disposition(disposition_id: int) -> Answer:
    """One disposition."""
    shown = found(lambda: operations.get_disposition(disposition_id))
    values = {name: getattr(shown, name) for name in ("key", "parent_id", *TEXTS, *TICKS)}
    return _page(_service_of(shown), shown, FormState(values))


@blueprint.post("/dispositions/<int:disposition_id>")
@require("admin.dispositions")
def change_disposition(disposition_id: int) -> Answer:
    """Change one; it may move below another."""
    shown = found(lambda: operations.get_disposition(disposition_id))
    service = _service_of(shown)
    values = _posted()
    plain = {**values, "parent_id": _id(values["parent_id"])}
    errors = attempt(lambda: operations.update_disposition(disposition_id, move=True, **plain))
    if errors:
        shown = operations.get_disposition(disposition_id)
        return _page(service, shown, FormState({**values, "key": shown.key}, errors))
    return done("admin.dispositions", service=service.key if service else "")


@blueprint.post("/dispositions/<int:disposition_id>/remove")
@require("admin.dispositions")
def remove_disposition(disposition_id: int) -> Answer:
    """Remove one that was never used."""
    shown = found(lambda: operations.get_disposition(disposition_id))
    service = _service_of(shown)
    key = service.key if service else ""
    errors = attempt(lambda: operations.remove_disposition(disposition_id))
    return (
        refused(errors, "admin.dispositions", service=key)
        if errors
        else done("admin.dispositions", _("Removed"), service=key)
    )


def _posted() -> dict[str, Any]:
    return {**typed(*TEXTS, "parent_id"), **ticked(*TICKS)}


def _id(value: str) -> int | None:
    return int(value) if value.isdigit() else None


def _service(key: str | None) -> Service | None:
    return found(lambda: operations.get_service(key)) if key else None


def _service_of(shown: Disposition) -> Service | None:
    return next((row for row in operations.list_services() if row.id == shown.service_id), None)


def _page(service: Service | None, shown: Disposition | None, form: FormState) -> Answer:
    rows = operations.flat(operations.disposition_tree(service.id if service else None))
    parents = [(depth, row) for depth, row in rows if shown is None or row.id != shown.id]
    workflows = choices(operations.list_workflows())
    return draw("disposition", form, service=service, disposition=shown, parents=parents, workflows=workflows)
