"""Addressees of pings: whom agents ask, what they fill in, how soon an answer is due."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from core import directory
from core import ping_targets as operations
from core.model import PingTarget
from core.permissions import require
from core.pings import KINDS
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
    refused,
    ticked,
    typed,
)
from core.web.language import here

TEXTS = ("kind", "title_en", "title_ru", "team", "target_seconds")
FIELD = ("key", "title_en", "title_ru", "required")


@blueprint.get("/ping-targets")
@require("admin.services")
def ping_targets() -> Answer:
    """All addressees."""
    return draw("ping_targets", targets=operations.list_targets(), kinds=KINDS)


@blueprint.get("/ping-targets/new")
@require("admin.services")
def new_ping_target() -> Answer:
    """An empty form."""
    return _page(None, FormState({"kind": "expert", "target_seconds": 900, "active": True, "fields": []}))


@blueprint.post("/ping-targets/new")
@require("admin.services")
def add_ping_target() -> Answer:
    """Add an addressee."""
    values = {**typed("key"), **_posted()}
    errors = attempt(lambda: operations.add_target(**values))
    return _page(None, FormState(values, errors)) if errors else done("admin.ping_targets", _("Addressee added"))


@blueprint.get("/ping-targets/<key>")
@require("admin.services")
def ping_target(key: str) -> Answer:
    """One addressee."""
    shown = found(lambda: operations.get_target(key))
    values = {name: getattr(shown, name) for name in operations.PLAIN}
    return _page(shown, FormState({**values, "team": shown.team.key if shown.team else ""}))


@blueprint.post("/ping-targets/<key>")
@require("admin.services")
def change_ping_target(key: str) -> Answer:
    """Change an addressee."""
    target_id, values = found(lambda: operations.get_target(key)).id, _posted()
    errors = attempt(lambda: operations.update_target(target_id, **values))
    return _page(operations.get_target(key), FormState(values, errors)) if errors else done("admin.ping_targets")


@blueprint.post("/ping-targets/<key>/remove")
@require("admin.services")
def remove_ping_target(key: str) -> Answer:
    """Remove an addressee nobody has asked."""
    target_id = found(lambda: operations.get_target(key)).id
    errors = attempt(lambda: operations.remove_target(target_id))
    return (
        refused(errors, "admin.ping_target", key=key) if errors else done("admin.ping_targets", _("Addressee removed"))
    )


def _posted() -> dict[str, Any]:
    fields = [{**row, "required": bool(row.get("required"))} for row in posted_rows("fields", *FIELD)]
    return {**typed(*TEXTS), **ticked("active"), "fields": fields}


def _page(shown: PingTarget | None, form: FormState) -> Answer:
    return draw(
        "ping_target",
        form,
        target=shown,
        kinds=[(key, text.to(here())) for key, text in KINDS.items()],
        teams=[("", _("without a team")), *choices(directory.list_teams())],
        rows=[*form.values["fields"], {}, {}],
    )
