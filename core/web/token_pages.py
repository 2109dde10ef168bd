"""A person's own API tokens: a fragment of the settings."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request
from flask_babel import gettext as _
from flask_babel import ngettext

from core import audit, tokens
from core.contracts import Rejected, Text
from core.db import db
from core.permissions import require
from core.schemas import Invalid
from core.web.admin_api import LIFETIMES, end_after
from core.web.admin_frame import FormState
from core.web.desk_frame import signed_in

blueprint = Blueprint("tokens", __name__, url_prefix="/settings/tokens")


@blueprint.app_template_global()
def token_lifetimes(days: tuple[int, ...]) -> list[tuple[str, str]]:
    """How long a token may live, as the options of a select."""
    return [(str(n), ngettext("in %(num)s day", "in %(num)s days", n) if n else _("never")) for n in days]


@blueprint.get("")
@require("desk.use")
def own_tokens() -> str:
    """The tokens and the form for another."""
    return _fragment()


@blueprint.post("")
@require("desk.use")
def make_token() -> str:
    """A new one; its secret stands in this answer alone."""
    user = signed_in()
    audit.set_actor(user.login, request.remote_addr or "")
    values: dict[str, Any] = {
        "name": request.form.get("name", ""),
        "days": request.form.get("days", ""),
        "scopes": request.form.getlist("scopes"),
    }
    try:
        _, secret = tokens.create(user.id, values["name"], values["scopes"], expires_at=end_after(values["days"]))
    except Invalid as invalid:
        db.session.rollback()
        return _fragment(FormState(values, invalid.errors))
    return _fragment(secret=secret)


@blueprint.post("/<int:token_id>/revoke")
@require("desk.use")
def revoke_token(token_id: int) -> str:
    """At once."""
    user = signed_in()
    audit.set_actor(user.login, request.remote_addr or "")
    errors: dict[str, Text] = {}
    try:
        tokens.revoke(token_id, user.id)
    except Rejected as refusal:
        db.session.rollback()
        errors[""] = refusal.text
    return _fragment(FormState({"days": "90", "scopes": []}, errors))


def _fragment(form: FormState | None = None, secret: str = "") -> str:
    return render_template(
        "desk/tokens.html",
        form=form or FormState({"days": "90", "scopes": []}),
        tokens=tokens.listed(signed_in().id),
        scopes=tokens.scopes(signed_in()),
        lifetimes=LIFETIMES,
        secret=secret,
    )
