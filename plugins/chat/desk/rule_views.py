"""The card on the administrator's page of a service: waiting, silence, greeting."""

from __future__ import annotations

from typing import Any

from flask import render_template, request
from flask_babel import gettext as _

from core import services
from core.contracts import Rejected, Text
from core.permissions import require
from core.web.language import here
from plugins.chat.desk import rules
from plugins.chat.desk.views import blueprint

WORDS = ("warning_en", "warning_ru", "closing_en", "closing_ru", "greeting", "greeting_en", "greeting_ru")


@blueprint.get("/rules")
@require("admin.services")
def service_rules() -> str:
    """The rules of the service ``service``."""
    key = request.args.get("service", "")
    return _drawn(key, rules.rule_of(services.get_service(key).id))


@blueprint.post("/rules")
@require("admin.services")
def save_rules() -> str:
    """Set them all."""
    key = request.form.get("service", "")
    try:
        values: dict[str, Any] = {name: request.form.get(name, "").strip() for name in WORDS}
        after = rules.set_rule(key, **values, **{name: _seconds(name) for name in rules.TIMES})
    except Rejected as refusal:
        shown = rules.rule_of(services.get_service(key).id)
        return _drawn(key, shown, trouble=refusal.text.to(here()), typed=request.form.to_dict())
    return _drawn(key, after, told=_("Saved. Conversations under way follow the new rules."))


def _seconds(name: str) -> int | None:
    value = request.form.get(name, "").strip()
    if not value:
        return None
    if not value.isascii() or not value.isdigit() or len(value) > 6:
        words = Text("Times are whole numbers of seconds", "Время — целое число секунд")
        raise Rejected(words, "chat-rule-seconds")
    return int(value)


def _drawn(
    key: str, rule: rules.Rule, *, told: str = "", trouble: str = "", typed: dict[str, str] | None = None
) -> str:
    values = {name: getattr(rule, name) for name in rules.NAMES} | (typed or {})
    return render_template(
        "chat/service_rules.html",
        service=services.get_service(key),
        values=values,
        told=told,
        trouble=trouble,
        usual_warning=rules.WARNING,
        usual_closing=rules.CLOSING,
    )
