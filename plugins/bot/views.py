"""The bot's rule on the administrator's page of a service."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask_babel import gettext as _

from core import services
from core.contracts import Rejected
from core.house import okno
from core.permissions import require
from core.web.language import here
from plugins.bot import rules

blueprint = Blueprint("bot", __name__, template_folder="templates")


def _drawn(key: str, told: str = "", trouble: str = "") -> str:
    service = services.get_service(key)
    sources = [source.title.to(here()) for source in okno().customer_sources.values()]
    return render_template(
        "bot/rule.html",
        service=service,
        rule=rules.rule_of(service.id),
        most=rules.MOST_ATTEMPTS,
        sources=sources,
        told=told,
        trouble=trouble,
    )


@blueprint.get("/rule")
@require("admin.services")
def rule() -> str:
    """What is set for the service ``service``."""
    return _drawn(request.args.get("service", ""))


@blueprint.post("/rule")
@require("admin.services")
def save() -> str:
    """Set it."""
    key, attempts = request.form.get("service", ""), request.form.get("attempts", "")
    wanted = rules.Rule(
        active="active" in request.form,
        greeting_ru=request.form.get("greeting_ru", "").strip(),
        greeting_en=request.form.get("greeting_en", "").strip(),
        attempts=int(attempts) if attempts.isascii() and attempts.isdecimal() and len(attempts) < 4 else 0,
    )
    try:
        rules.set_rule(key, wanted)
    except Rejected as refusal:
        return _drawn(key, trouble=refusal.text.to(here()))
    return _drawn(key, _("New conversations go so from now on"))
