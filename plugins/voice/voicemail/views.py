"""Voicemail on pages: what was left, the box with its greetings, forwarding."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Response, abort, render_template, request
from flask_babel import gettext as _

from core import mail_notices, services
from core.contracts import Rejected, Text
from core.db import db
from core.house import okno
from core.permissions import allowed, require
from core.schemas import Invalid
from core.web.admin_frame import FormState
from core.web.desk_frame import signed_in
from core.web.language import here
from plugins.voice.feature_frame import feature_blueprint, plain_number, sent_sound, serve_sound
from plugins.voice.models.voicemail import GREETINGS, VoicemailBox
from plugins.voice.voicemail import boxes, forwarding, messages_left
from plugins.voice.voicemail.boxes import Whose
from plugins.voice.voicemail.forwarding import OCCASIONS, Forward

blueprint = feature_blueprint("voicemail")
PAGE = 50
OCCASION_NAMES = {
    "always": Text("Always", "Всегда"),
    "busy": Text("When I am busy or not at work", "Когда я занят(а) или не на месте"),
    "no_answer": Text("When I do not answer", "Когда я не отвечаю"),
}
EMAIL_NAMES = {
    "none": Text("No letters", "Писем не слать"),
    "link": Text("A letter with a link", "Письмо со ссылкой"),
    "attachment": Text("A letter with the recording", "Письмо с записью"),
}


# --- what was left -----------------------------------------------------------------------------------


@blueprint.get("/voice/voicemail")
@blueprint.get("/voice/voicemail/<int:voicemail_id>")
@require("voice.call")
def inbox(voicemail_id: int | None = None) -> str:
    """The list, the newest first; a link from a letter opens one of them."""
    user = signed_in()
    unheard = "unheard" in request.args
    rows = messages_left.page(user.id, unheard=unheard, before=plain_number("before") or None, limit=PAGE + 1)
    if voicemail_id is not None and voicemail_id not in {row.id for row in rows}:
        try:
            rows = [messages_left.seen(voicemail_id, user.id), *rows]
        except Rejected:
            abort(404)
    more = rows[PAGE - 1].id if len(rows) > PAGE else None
    return render_template(
        "voice/voicemail.html",
        rows=rows[:PAGE],
        more=more,
        unheard=unheard,
        opened=voicemail_id,
        days=okno().config.get("voice.voicemail_days"),
    )


@blueprint.get("/voice/voicemail/<int:voicemail_id>/sound")
@require("voice.call")
def sound(voicemail_id: int) -> Response:
    """The recording."""
    try:
        row = messages_left.seen(voicemail_id, signed_in().id)
    except Rejected:
        abort(404)
    return serve_sound(row.sha256, "audio/ogg", f"voicemail-{row.id}.ogg")


@blueprint.post("/voice/voicemail/<int:voicemail_id>/heard")
@require("voice.call")
def heard(voicemail_id: int) -> Response:
    """It is being listened to."""
    messages_left.hear(voicemail_id, signed_in().id)
    return Response(status=204)


@blueprint.post("/voice/voicemail/<int:voicemail_id>/remove")
@require("voice.call")
def remove(voicemail_id: int) -> Response:
    """Take it away; the row disappears from the list."""
    messages_left.remove(voicemail_id, signed_in().id)
    return Response("")


# --- a box -------------------------------------------------------------------------------------------


def _whose() -> Whose:
    """The own box, or that of the service which the address names."""
    key = request.values.get("service", "")
    user = signed_in()
    if not key:
        return Whose(user_id=user.id)
    if not allowed(user, "admin.services"):
        abort(403)
    return Whose(service_id=services.get_service(key).id)


def _drawn(told: str = "", trouble: str = "", errors: dict[str, Text] | None = None) -> str:
    box = boxes.ensure_box(_whose())
    values: dict[str, Any] = {"active": box.active, "email": box.email, "email_as": box.email_as}
    if errors:
        values.update(email=request.form.get("email", ""), email_as=request.form.get("email_as", ""))
    return render_template(
        "voice/box_panel.html",
        box=box,
        service=request.values.get("service", ""),
        form=FormState(values, errors or {}),
        told=told,
        trouble=trouble,
        most=GREETINGS,
        own_email=signed_in().email if box.user_id else "",
        can_mail=mail_notices.can_send(),
        email_names=[(key, text.to(here())) for key, text in EMAIL_NAMES.items()],
    )


def _attempt(act: Callable[[VoicemailBox], Any], told: str) -> str:
    box = boxes.ensure_box(_whose())
    try:
        act(box)
    except Invalid as invalid:
        db.session.rollback()
        return _drawn(errors=invalid.errors)
    except Rejected as refusal:
        db.session.rollback()
        return _drawn(trouble=refusal.text.to(here()))
    return _drawn(told)


@blueprint.get("/voice/box")
@require("voice.call")
def box() -> str:
    """The card of a box."""
    return _drawn()


@blueprint.post("/voice/box")
@require("voice.call")
def save_box() -> str:
    """How it works."""
    form = request.form
    active, email, email_as = "active" in form, form.get("email", ""), form.get("email_as", "")
    save = partial(boxes.set_box, active=active, email=email, email_as=email_as)
    return _attempt(lambda mine: save(mine.id), _("Saved"))


@blueprint.post("/voice/box/greetings")
@require("voice.call")
def add_greeting() -> str:
    """One more greeting."""
    title = request.form.get("title", "")
    return _attempt(lambda mine: boxes.add_greeting(mine.id, title, sent_sound()), _("Greeting added"))


@blueprint.post("/voice/box/greetings/use")
@require("voice.call")
def use_greeting() -> str:
    """Which one callers hear."""
    chosen = plain_number("greeting_id") or None
    return _attempt(lambda mine: boxes.use_greeting(mine.id, chosen), _("Saved"))


@blueprint.post("/voice/box/greetings/<int:greeting_id>/remove")
@require("voice.call")
def remove_greeting(greeting_id: int) -> str:
    """Take one away."""
    return _attempt(lambda mine: boxes.remove_greeting(mine.id, greeting_id), _("Removed"))


@blueprint.get("/voice/box/greetings/<int:greeting_id>/sound")
@require("voice.call")
def greeting_sound(greeting_id: int) -> Response:
    """Hear one."""
    mine = boxes.ensure_box(_whose())
    try:
        row = boxes.greeting(mine.id, greeting_id)
    except Rejected:
        abort(404)
    return serve_sound(row.sha256, "audio/wav", f"greeting-{row.id}.wav")


# --- forwarding --------------------------------------------------------------------------------------


@blueprint.get("/voice/forwarding")
@require("voice.call")
def forwards() -> str:
    """The card of forwarding."""
    return _forwards(FormState(_shown()))


@blueprint.post("/voice/forwarding")
@require("voice.call")
def save_forwards() -> str:
    """Set it."""
    form = request.form
    wanted = {
        when: Forward(form.get(f"{when}_number", ""), plain_number(f"{when}_seconds", 20), f"{when}_active" in form)
        for when in OCCASIONS
    }
    try:
        forwarding.set_forwards(signed_in().id, wanted)
    except Invalid as invalid:
        db.session.rollback()
        shown = {
            f"{when}_{name}": getattr(one, name)
            for when, one in wanted.items()
            for name in ("number", "seconds", "active")
        }
        return _forwards(FormState(shown, invalid.errors))
    return _forwards(FormState(_shown()), saved=True)


def _shown() -> dict[str, Any]:
    kept = forwarding.forwards_of(signed_in().id)
    found: dict[str, Any] = {}
    for when in OCCASIONS:
        one = kept.get(when, Forward("", active=False))
        found |= {f"{when}_number": one.number, f"{when}_seconds": one.seconds, f"{when}_active": one.active}
    return found


def _forwards(form: FormState, saved: bool = False) -> str:
    names = {key: text.to(here()) for key, text in OCCASION_NAMES.items()}
    return render_template("voice/forwarding_panel.html", form=form, saved=saved, occasions=OCCASIONS, names=names)
