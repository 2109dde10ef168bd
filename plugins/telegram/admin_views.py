"""The page of bots: add one by its token, switch it, see what is wrong."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, render_template, request, url_for

from core import services
from core.house import okno
from core.permissions import require
from core.web.admin_frame import Answer, FormState, attempt, choices, refused, typed
from plugins.telegram import bots, polling

blueprint = Blueprint("telegram_admin", __name__, template_folder="templates")


@blueprint.get("")
@require("admin.services")
def page() -> Answer:
    """All bots."""
    return _page(FormState({}))


@blueprint.post("")
@require("admin.services")
def add() -> Answer:
    """Add a bot by its token."""
    values = typed("token", "service")
    errors = attempt(lambda: bots.add(values["token"], values["service"]))
    if errors:
        return _page(FormState({**values, "token": ""}, errors))
    return redirect(url_for("telegram_admin.page"), 303)


@blueprint.post("/<username>/switch")
@require("admin.services")
def switch(username: str) -> Response:
    """Listen to it, or not."""
    return _after(attempt(lambda: bots.switch(username, bool(request.form.get("active")))))


@blueprint.post("/<username>/remove")
@require("admin.services")
def remove(username: str) -> Response:
    """Forget it."""
    return _after(attempt(lambda: bots.remove(username)))


def _after(errors: dict[str, object]) -> Response:
    if errors:
        return refused(errors, "telegram_admin.page")  # type: ignore[arg-type]
    return redirect(url_for("telegram_admin.page"), 303)  # type: ignore[return-value]


def _page(form: FormState) -> Answer:
    shown = [(bot, bots.services_of(bot.username), polling.webhook_url(bot.username)) for bot in bots.listed()]
    mode = okno().config.get("telegram.mode")
    drawn = render_template(
        "telegram/bots.html", form=form, bots=shown, mode=mode, services=choices(services.list_services())
    )
    return drawn, form.status
