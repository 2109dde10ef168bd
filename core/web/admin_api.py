"""Webhooks and API tokens in the admin pages. A secret is drawn in the answer that made it, and never again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import request
from flask_babel import gettext as _

from core import directory
from core import tokens as token_operations
from core import webhooks as operations
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db
from core.permissions import require
from core.schemas import Invalid
from core.web.admin_frame import Answer, FormState, attempt, blueprint, done, draw, found, refused, typed
from core.web.auth import current_user

LIFETIMES = (30, 90, 365, 0)


@blueprint.get("/webhooks")
@require("admin.api")
def webhooks() -> Answer:
    """All of them, with how the last delivery went."""
    return draw("webhooks", webhooks=operations.listed(), names=operations.EVENTS)


@blueprint.get("/webhooks/new")
@require("admin.api")
def new_webhook() -> Answer:
    """An empty form."""
    return _webhook_page(None, FormState({"events": ["*"]}))


@blueprint.post("/webhooks/new")
@require("admin.api")
def add_webhook() -> Answer:
    """Subscribe; the page that comes back shows the secret once."""
    values = _webhook_values()
    made: list[Any] = []
    errors = attempt(lambda: made.append(operations.add(values["url"], values["events"])))
    if errors:
        return _webhook_page(None, FormState(values, errors))
    return _webhook_page(made[0], _state(made[0]), secret=made[0].secret)


@blueprint.get("/webhooks/<int:webhook_id>")
@require("admin.api")
def webhook(webhook_id: int) -> Answer:
    """One of them."""
    shown = found(lambda: operations.get(webhook_id))
    return _webhook_page(shown, _state(shown))


@blueprint.post("/webhooks/<int:webhook_id>")
@require("admin.api")
def change_webhook(webhook_id: int) -> Answer:
    """Change address, events, and whether it is switched on."""
    shown = found(lambda: operations.get(webhook_id))
    values = {**_webhook_values(), "active": "active" in request.form}
    errors = attempt(lambda: operations.update(webhook_id, **values))
    return _webhook_page(shown, FormState(values, errors)) if errors else done("admin.webhooks")


@blueprint.post("/webhooks/<int:webhook_id>/rotate")
@require("admin.api")
def rotate_webhook(webhook_id: int) -> Answer:
    """A new secret, shown once."""
    shown = found(lambda: operations.rotate(webhook_id))
    return _webhook_page(shown, _state(shown), secret=shown.secret)


@blueprint.post("/webhooks/<int:webhook_id>/test")
@require("admin.api")
def test_webhook(webhook_id: int) -> Answer:
    """Send a test event."""
    found(lambda: operations.test(webhook_id))
    return done("admin.webhook", _("A test event is on its way"), webhook_id=webhook_id)


@blueprint.post("/webhooks/<int:webhook_id>/remove")
@require("admin.api")
def remove_webhook(webhook_id: int) -> Answer:
    """Unsubscribe."""
    found(lambda: operations.remove(webhook_id))
    return done("admin.webhooks", _("Webhook removed"))


def _webhook_values() -> dict[str, Any]:
    return {"url": request.form.get("url", ""), "events": request.form.getlist("events")}


def _state(shown: Any) -> FormState:
    return FormState({"url": shown.url, "events": shown.events, "active": shown.active})


def _webhook_page(shown: Any, form: FormState, secret: str = "") -> Answer:
    return draw("webhook", form, webhook=shown, names=operations.EVENTS, secret=secret)


# --- tokens ------------------------------------------------------------------------------------------


@blueprint.get("/tokens")
@require("admin.api")
def tokens() -> Answer:
    """Everybody's tokens."""
    return _tokens_page(FormState({"days": 365, "scopes": []}))


@blueprint.post("/tokens")
@require("admin.api")
def add_token() -> Answer:
    """A token for a program; the page that comes back shows the secret once."""
    values: dict[str, Any] = {**typed("login", "name", "days"), "scopes": request.form.getlist("scopes")}
    try:
        secret = _make(values)
    except Invalid as invalid:
        db.session.rollback()
        return _tokens_page(FormState(values, invalid.errors))
    except Rejected as refusal:
        db.session.rollback()
        return _tokens_page(FormState(values, {"login": refusal.text}))
    return _tokens_page(FormState({"days": 365, "scopes": []}), secret)


def _make(values: dict[str, Any]) -> str:
    user = directory.get_user(values["login"])
    maker = current_user()
    if maker is None or not token_operations.may_act_for(maker, user):
        text = Text(
            "This user may do more than you: choose another.",
            "У этого пользователя больше прав, чем у вас: выберите другого.",
        )
        raise Rejected(text, "beyond-maker")
    return token_operations.create(
        user.id, values["name"], values["scopes"], service=True, expires_at=end_after(values["days"])
    )[1]


def end_after(days: str) -> Any:
    """The moment so many days from now; None for 0 or anything else."""
    return now() + timedelta(days=int(days)) if days.isascii() and days.isdigit() and 0 < int(days) <= 3650 else None


@blueprint.post("/tokens/<int:token_id>/revoke")
@require("admin.api")
def revoke_token(token_id: int) -> Answer:
    """End anybody's token."""
    errors = attempt(lambda: token_operations.revoke(token_id))
    return refused(errors, "admin.tokens") if errors else done("admin.tokens", _("Token revoked"))


def _tokens_page(form: FormState, secret: str = "") -> Answer:
    people = [(user.login, user.name) for user in directory.list_users(disabled=False)]
    return draw(
        "tokens",
        form,
        tokens=token_operations.listed(),
        scopes=token_operations.scopes(),
        people=people,
        lifetimes=LIFETIMES,
        secret=secret,
        moment_now=now(),
    )
