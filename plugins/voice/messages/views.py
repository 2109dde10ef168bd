"""Recorded messages on pages: one's own in the settings, central ones among the admin pages, the rule of a service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from core import services
from core.contracts import Rejected, Text
from core.db import db
from core.permissions import require
from core.schemas import Invalid
from core.web.admin_frame import Answer, FormState, attempt, refused, typed
from core.web.desk_frame import signed_in
from core.web.language import here
from plugins.voice.feature_frame import draw_admin, feature_blueprint, plain_number, sent_sound, serve_sound
from plugins.voice.messages import operations, rules
from plugins.voice.models.messages import VoiceMessage

blueprint = feature_blueprint("messages")


@blueprint.get("/voice/messages/<int:message_id>/sound")
@require("desk.use")
def sound(message_id: int) -> Response:
    """The WAV of a message that the user may hear."""
    try:
        row = operations.seen(message_id, signed_in().id)
    except Rejected:
        abort(404)
    return serve_sound(row.sha256, "audio/wav", f"{row.title}.wav")


# --- one's own, in the settings ----------------------------------------------------------------------


def _own(told: str = "", trouble: str = "", title: str = "") -> str:
    user = signed_in()
    return render_template(
        "voice/messages_panel.html",
        rows=operations.visible(user.id),
        choice=operations.choice_of(user.id),
        told=told,
        trouble=trouble,
        title=title,
    )


def _attempt(act: Callable[[], Any], told: str, title: str = "") -> str:
    try:
        act()
    except Rejected as refusal:
        db.session.rollback()
        return _own(trouble=refusal.text.to(here()), title=title)
    return _own(told)


@blueprint.get("/voice/messages")
@require("voice.call")
def own() -> str:
    """The card: what one may play, what is chosen, a recorder for a new one."""
    return _own()


@blueprint.post("/voice/messages")
@require("voice.call")
def add_own() -> str:
    """A new one of one's own."""
    user, title = signed_in(), request.form.get("title", "")
    return _attempt(
        lambda: operations.add(title, sent_sound(), owner_id=user.id, by_id=user.id), _("Message added"), title
    )


@blueprint.post("/voice/messages/choice")
@require("voice.call")
def choose() -> str:
    """The greeting, and what is left on answering machines."""
    chosen = {name: plain_number(name) or None for name in ("greeting_id", "machine_id")}
    return _attempt(lambda: operations.choose(signed_in().id, **chosen), _("Saved"))


@blueprint.post("/voice/messages/<int:message_id>/remove")
@require("voice.call")
def remove_own(message_id: int) -> str:
    """Take one of one's own away."""
    user_id = signed_in().id

    def remove() -> None:
        if operations.seen(message_id, user_id).owner_id != user_id:
            raise Rejected(operations.UNKNOWN, "voice-message-unknown")
        operations.remove(message_id, user_id)

    return _attempt(remove, _("Removed"))


# --- central ones ------------------------------------------------------------------------------------


@blueprint.route("/admin/voice-messages", methods=["GET", "POST"])
@require(operations.PERMISSION)
def central() -> Answer:
    """All central messages; a POST adds one."""
    if request.method == "GET":
        return _central(FormState({"title": "", "key": ""}))
    values = typed("title", "key")
    errors = attempt(
        lambda: operations.add(values["title"], sent_sound(), owner_id=None, key=values["key"], by_id=signed_in().id)
    )
    if errors:
        return _central(FormState(values, errors))
    flash(_("Message added"), "good")
    return redirect(url_for("voice_messages.central"), 303)


def _central(form: FormState) -> Answer:
    return draw_admin("messages", form, rows=operations.central(), speaks=operations.speaks())


@blueprint.post("/admin/voice-messages/<int:message_id>/remove")
@require(operations.PERMISSION)
def remove_central(message_id: int) -> Answer:
    """Take a central one away."""
    errors = attempt(lambda: operations.remove(message_id, signed_in().id))
    if errors:
        return refused(errors, "voice_messages.central")
    flash(_("Removed"), "good")
    return redirect(url_for("voice_messages.central"), 303)


# --- the rule of a service ---------------------------------------------------------------------------


@blueprint.get("/voice/rules")
@require("admin.services")
def rule() -> str:
    """The card on the page of the service ``service``."""
    key = request.args.get("service", "")
    return _rule(key, FormState(vars_of(rules.rule_of(services.get_service(key).id))))


@blueprint.post("/voice/rules")
@require("admin.services")
def save_rule() -> str:
    """Set it."""
    key = request.form.get("service", "")
    wanted = rules.Rule(
        record=request.form.get("record", ""),
        consent_id=plain_number("consent_id") or None,
        keep_days=plain_number("keep_days", -1),
        welcome_id=plain_number("welcome_id") or None,
        music_id=plain_number("music_id") or None,
        callback="callback" in request.form,
        voicemail_seconds=plain_number("voicemail_seconds", -1),
        closed_voicemail="closed_voicemail" in request.form,
    )
    try:
        rules.set_rule(key, wanted)
    except Invalid as invalid:
        db.session.rollback()
        typed_in = {name: request.form.get(name, "") for name in ("keep_days", "voicemail_seconds")}
        return _rule(key, FormState({**vars_of(wanted), **typed_in}, invalid.errors))
    return _rule(key, FormState(vars_of(wanted)), saved=True)


def vars_of(rule: rules.Rule) -> dict[str, Any]:
    """A rule as the form holds it."""
    return {name: getattr(rule, name) for name in rules.Rule.__dataclass_fields__}


RECORD = {
    "never": Text("Never", "Никогда"),
    "ask": Text("When the agent begins it", "Когда включит оператор"),
    "always": Text("Always", "Всегда"),
}


def _rule(key: str, form: FormState, saved: bool = False) -> str:
    messages: list[VoiceMessage] = operations.central()
    return render_template(
        "voice/rule_panel.html",
        service=services.get_service(key),
        form=form,
        saved=saved,
        record=[(name, text.to(here())) for name, text in RECORD.items()],
        messages=[("", "—"), *((row.id, row.title) for row in messages)],
    )
