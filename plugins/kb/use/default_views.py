"""The article that answers of a service begin with, on the administrator's page of the service."""

from __future__ import annotations

from flask import render_template, request
from flask_babel import gettext as _

from core import services
from core.contracts import Rejected
from core.house import okno
from core.permissions import require
from core.web.language import here
from plugins.kb.use import defaults


def _drawn(key: str, told: str = "", trouble: str = "") -> str:
    service = services.get_service(key)
    return render_template(
        "kb/service_defaults.html",
        service=service,
        rows=defaults.all_defaults(service.id),
        channels=okno().channels,
        usable=defaults.usable,
        told=told,
        trouble=trouble,
    )


@require("admin.services")
def of_service() -> str:
    """What is set for the service ``service``."""
    return _drawn(request.args.get("service", ""))


@require("admin.services")
def save() -> str:
    """Set an article for a channel, or take it away with ``remove``."""
    key, channel = request.form.get("service", ""), request.form.get("channel", "")
    if "remove" in request.form:
        defaults.remove_default(key, channel)
        return _drawn(key, _("Answers begin empty again"))
    number = request.form.get("number", "").strip().lstrip("№# ")
    try:
        wanted = int(number) if number.isascii() and number.isdecimal() and len(number) < 10 else 0
        defaults.set_default(key, wanted, channel=channel, section=request.form.get("section", ""))
    except Rejected as refusal:
        return _drawn(key, trouble=refusal.text.to(here()))
    return _drawn(key, _("New answers begin with this article"))
