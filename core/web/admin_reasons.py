"""Reasons for Not ready: what agents choose, what the system sets."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from core import reasons as operations
from core.model import StateReason
from core.permissions import require
from core.web.admin_frame import Answer, FormState, attempt, blueprint, done, draw, found, refused, ticked, typed

TEXTS = ("title_en", "title_ru", "icon", "position")
TICKS = ("is_break", "active")


@blueprint.get("/reasons")
@require("admin.users")
def reasons() -> Answer:
    """All reasons in their order."""
    return draw("reasons", reasons=operations.list_reasons())


@blueprint.get("/reasons/new")
@require("admin.users")
def new_reason() -> Answer:
    """An empty form."""
    return _page(None, FormState({"icon": "clock-pause", "position": 100, "active": True}))


@blueprint.post("/reasons/new")
@require("admin.users")
def add_reason() -> Answer:
    """Add a reason that agents may choose."""
    values: dict[str, Any] = {**typed("key", *TEXTS), **ticked(*TICKS)}
    errors = attempt(lambda: operations.add_reason(**values))
    return _page(None, FormState(values, errors)) if errors else done("admin.reasons", _("Reason added"))


@blueprint.get("/reasons/<key>")
@require("admin.users")
def reason(key: str) -> Answer:
    """One reason."""
    shown = found(lambda: operations.get_reason(key))
    return _page(shown, FormState({name: getattr(shown, name) for name in (*TEXTS, *TICKS)}))


@blueprint.post("/reasons/<key>")
@require("admin.users")
def change_reason(key: str) -> Answer:
    """Change its words, icon, place, and whether it may be chosen."""
    shown = found(lambda: operations.get_reason(key))
    reason_id, values = shown.id, {**typed(*TEXTS), **ticked(*TICKS)}
    if shown.automatic:
        values["active"] = True
    errors = attempt(lambda: operations.update_reason(reason_id, **values))
    return _page(operations.get_reason(key), FormState(values, errors)) if errors else done("admin.reasons")


@blueprint.post("/reasons/<key>/remove")
@require("admin.users")
def remove_reason(key: str) -> Answer:
    """Remove a reason that nobody has used."""
    shown = found(lambda: operations.get_reason(key))
    errors = attempt(lambda: operations.remove_reason(shown.id))
    return refused(errors, "admin.reason", key=key) if errors else done("admin.reasons", _("Reason removed"))


def _page(shown: StateReason | None, form: FormState) -> Answer:
    return draw("reason", form, reason=shown)
