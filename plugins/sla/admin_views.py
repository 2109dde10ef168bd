"""The admin pages: policies, and what each service promises."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from core import audit
from core.calendars.field_reading import FieldError
from core.contracts import Text
from core.db import db
from core.model import Service
from core.permissions import require
from core.web.auth import current_user
from core.web.language import here
from plugins.sla import catalogue_changes, forms, lines, upkeep, wording
from plugins.sla.catalogue import Catalogue, load, options_of
from plugins.sla.hooks import MANAGE
from plugins.sla.priority import DEFAULT_POLICY, Priority

blueprint = Blueprint("sla_admin", __name__, url_prefix="/admin/sla", template_folder="templates")
# What is worked out within the request; the periodic job does the rest.
AT_ONCE = 500
NEW = "new"
Values = dict[str, str]


def _draw(name: str, status: int = 200, **values: Any) -> tuple[str, int]:
    """A page in the frame of the admin pages."""
    frame = current_app.jinja_env.get_or_select_template(["admin/layout.html", "desk/shell.html"])
    return render_template(f"sla/{name}.html", frame=frame, **values), status


@blueprint.get("")
@require(MANAGE)
def index() -> tuple[str, int]:
    """All policies and services."""
    return _index()


def _index(status: int = 200, errors: Mapping[int, Text] | None = None) -> tuple[str, int]:
    catalogue = load()
    services = list(db.session.scalars(select(Service).order_by(Service.id)))
    return _draw(
        "admin",
        status,
        catalogue=catalogue,
        services=[(service, options_of(service)) for service in services],
        priorities=wording.PRIORITIES,
        errors=errors or {},
        lines=lines.figures(),
        span=_span,
    )


def _span(seconds: float) -> str:
    return wording.span(timedelta(seconds=seconds), timedelta(days=1), here())


@blueprint.get("/policies/<key>")
@require(MANAGE)
def policy(key: str) -> tuple[str, int]:
    """The form of a policy; "new" starts with the standard targets."""
    catalogue = load()
    entry = catalogue.policies.get(catalogue.policy_key if key == NEW else key)
    if entry is None:
        abort(404)
    shown = DEFAULT_POLICY if key == NEW else entry.policy
    values = forms.policy_values(entry.key, entry.title, shown)
    return _policy_form(key, forms.FormState(_blank(values) if key == NEW else values))


@blueprint.post("/policies/<key>")
@require(MANAGE)
def store_policy(key: str) -> tuple[str, int] | Response:
    """Save a policy, or say what is wrong by the field."""
    form: Values = {name: value.strip() for name, value in request.form.items()}
    form = {"key": "", "title_en": "", "title_ru": "", **form}
    if key != NEW:
        form["key"] = key
    try:
        if key == NEW:
            _refuse_known(form["key"], load())
        with _acting():
            settings = forms.policy_settings(form)
            waiting = catalogue_changes.save_policy(form["key"], form["title_en"], form["title_ru"], settings)
    except FieldError as error:
        return _policy_form(key, forms.FormState(form, forms.errors_of(error)), 422)
    return _recomputed(waiting)


def _refuse_known(key: str, catalogue: Catalogue) -> None:
    if key in catalogue.policies or key == NEW:
        raise FieldError("key_known", key)


def _policy_form(key: str, form: forms.FormState, status: int = 200) -> tuple[str, int]:
    priorities = [(str(priority), wording.PRIORITIES[str(priority)]) for priority in Priority]
    return _draw("policy", status, key=key, new=key == NEW, form=form, priorities=priorities)


@blueprint.post("/services/<int:service_id>")
@require(MANAGE)
def assign(service_id: int) -> tuple[str, int] | Response:
    """Which calendar and policy a service has."""
    try:
        with _acting():
            waiting = catalogue_changes.assign(
                service_id, request.form.get("calendar", ""), request.form.get("policy", "")
            )
    except LookupError:
        abort(404)
    except FieldError as error:
        return _index(422, {service_id: next(iter(forms.errors_of(error).values()))})
    return _recomputed(waiting)


def _acting() -> Any:
    user = current_user()
    return audit.acting_as(user.login if user else audit.SYSTEM, request.remote_addr or "")


def _recomputed(waiting: int) -> Response:
    if waiting:
        upkeep.recompute(AT_ONCE)
    return redirect(url_for("sla_admin.index"), 303)


def _blank(values: Values) -> Values:
    return {**values, "key": "", "title_en": "", "title_ru": ""}
