"""What the softphone asks for, as JSON: the state, the agent's connection, calls and commands on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, jsonify, request
from marshmallow import EXCLUDE, Schema, ValidationError, fields, pre_load, validate
from sqlalchemy import select

from core import supervision
from core.contracts import Rejected, Text
from core.db import db
from core.model import User
from core.permissions import require
from core.schemas import UNSTORABLE
from core.web.auth import current_user
from plugins.voice import switchboard
from plugins.voice.calls import company, dialling, ending, phones, picture, recording, saying, talk
from plugins.voice.desk import ice
from plugins.voice.models.calls import VoiceCall
from plugins.voice.quality.looks import Looks

UNREADABLE = Text("The message cannot be read", "Сообщение не разобрать")


class Body(Schema):
    """A body in JSON; what nobody asks for is left out."""

    class Meta:
        unknown = EXCLUDE

    @pre_load
    def storable(self, data: Any, **_: Any) -> Any:
        """Texts of characters only."""
        values = data.values() if isinstance(data, dict) else ()
        if any(isinstance(value, str) and UNSTORABLE.search(value) for value in values):
            raise ValidationError("not a text")
        return data


class LegSchema(Body):
    """The body of ``leg``."""

    sdp = fields.String(required=True)


class TargetSchema(Body):
    """Whom to reach."""

    user_id = fields.Integer(load_default=None, allow_none=True)
    number = fields.String(load_default="", validate=validate.Length(max=120))
    service_id = fields.Integer(load_default=None, allow_none=True)
    line_id = fields.Integer(load_default=None, allow_none=True)


class CallSchema(TargetSchema):
    """The body of a new call."""

    case_id = fields.Integer(load_default=None, allow_none=True)
    name = fields.String(load_default="", validate=validate.Length(max=200))


class CommandSchema(Body):
    """The bodies of all commands on a call; each reads what it needs."""

    target = fields.Nested(TargetSchema, load_default=None, allow_none=True)
    digits = fields.String(load_default="", validate=validate.Length(max=40))
    leg = fields.String(load_default="", validate=validate.Length(max=32))
    on = fields.Boolean(load_default=True)
    id = fields.Integer(load_default=None, allow_none=True)
    stop = fields.Boolean(load_default=False)
    leave = fields.Boolean(load_default=False)
    by_itself = fields.Boolean(load_default=False)
    mode = fields.String(load_default="", allow_none=True, validate=validate.OneOf(("", "monitor", "whisper", "barge")))
    loss_percent = fields.Float(load_default=0.0, validate=validate.Range(0, 100))
    jitter_ms = fields.Float(load_default=0.0, validate=validate.Range(0, 60_000))
    rtt_ms = fields.Float(load_default=0.0, validate=validate.Range(0, 60_000))
    mean_loss = fields.Float(load_default=None, allow_none=True, validate=validate.Range(0, 100))
    mean_jitter = fields.Float(load_default=None, allow_none=True, validate=validate.Range(0, 60_000))
    samples = fields.Integer(load_default=1, validate=validate.Range(1, 100))


class PhoneSchema(Body):
    """The body of ``phone``: how the agent hears and speaks."""

    way = fields.String(required=True, validate=validate.OneOf(phones.WAYS))
    address = fields.String(load_default="", validate=validate.Length(max=160))
    nailed = fields.Boolean(load_default=False)
    auto_answer = fields.Boolean(load_default=False)


def body_of(schema: type[Schema]) -> dict[str, Any]:
    """The JSON body as the schema loads it. Raises ``Rejected`` (``invalid``)."""
    try:
        loaded: dict[str, Any] = schema().load(request.get_json(silent=True) or {})
    except (ValidationError, RecursionError) as wrong:
        raise Rejected(UNREADABLE, "invalid") from wrong
    return loaded


def me() -> User:
    """The agent who asks; the view is guarded."""
    user = current_user()
    assert user is not None
    return user


def answer(data: Mapping[str, Any]) -> Response:
    """JSON that nobody keeps."""
    response = jsonify(data)
    response.headers["Cache-Control"] = "no-store"
    return response


def shown(key: str, user_id: int) -> dict[str, Any] | None:
    """The call as this agent sees it now, None when the agent is out of it."""
    return next(
        (
            one
            for call in picture.of_user(user_id)
            for one in (call, call["consult"])
            if one is not None and one["key"] == key
        ),
        None,
    )


# --- the state, the connection, new calls ------------------------------------------------------------


@require("voice.call")
def state() -> Response:
    """How the agent is connected, the calls in hand, what the telephony in use can do."""
    user = me()
    phone = picture.phone_of(user.id)
    status = switchboard.status()
    return answer(
        {
            "leg": phone.media if phone else None,
            "up": bool(phone and phone.up),
            "way": phone.way if phone else "browser",
            "address": phone.address if phone else "",
            "nailed": bool(phone and phone.nailed),
            "auto_answer": bool(phone and phone.auto_answer),
            "calls": picture.of_user(user.id),
            "abilities": status["abilities"] if status else None,
            "ice_servers": ice.servers(f"user-{user.id}"),
        }
    )


@require("voice.call")
def connect() -> Response:
    """The browser's offer; its answer connects the agent's sound."""
    return answer(phones.connect(me().id, body_of(LegSchema)["sdp"]))


@require("voice.call")
def disconnect() -> Response:
    """The agent's sound is not needed any more."""
    phones.disconnect(me().id)
    return answer({})


@require("voice.call")
def choose_phone() -> Response:
    """How the agent hears and speaks from now on."""
    body = body_of(PhoneSchema)
    phones.choose(me().id, body["way"], body["address"], nailed=body["nailed"], auto_answer=body["auto_answer"])
    return state()


@require("voice.call")
def call() -> Response:
    """Call a number, a colleague or a line."""
    user_id = me().id
    key = dialling.call(user_id, body_of(CallSchema))
    return answer({"call": shown(key, user_id)})


# --- commands ----------------------------------------------------------------------------------------


def _target(body: Mapping[str, Any], user_id: int) -> dialling.Target:
    return dialling.target_of(body["target"] or {}, user_id)


def _consult(key: str, user_id: int, body: Mapping[str, Any]) -> None:
    company.consult(key, user_id, _target(body, user_id))


def _transfer(key: str, user_id: int, body: Mapping[str, Any]) -> None:
    company.transfer(key, user_id, _target(body, user_id))


def _conference(key: str, user_id: int, body: Mapping[str, Any]) -> None:
    company.invite(key, user_id, _target(body, user_id))


def _message(key: str, user_id: int, body: Mapping[str, Any]) -> None:
    saying.message(key, user_id, body["id"], stop=body["stop"], leave=body["leave"])


def _screen(key: str, user_id: int, body: Mapping[str, Any]) -> None:
    target = (body["target"] or {}).get("user_id") or talk.partner(key, user_id)
    if target is None:
        raise Rejected(Text("Nobody to show it to", "Показывать некому"), "call-target-missing")
    talk.screen(key, user_id, target)


def _supervise(key: str, user_id: int, body: Mapping[str, Any]) -> None:
    agent_id = db.session.scalar(select(VoiceCall.agent_id).where(VoiceCall.key == key))
    if body["mode"] and (agent_id is None or not supervision.supervises(me(), agent_id)):
        words = Text("This agent is not in your teams", "Этот оператор не из ваших групп")
        raise Rejected(words, "not-yours")
    company.supervise(key, user_id, body["mode"] or "")


def _quality(key: str, user_id: int, body: Mapping[str, Any]) -> None:
    figures = {name: body[name] for name in ("loss_percent", "jitter_ms", "rtt_ms")}
    # The figures are the worst of several looks; the page gives their mean beside them.
    loss, jitter = body["mean_loss"], body["mean_jitter"]
    means = (figures["loss_percent"] if loss is None else loss, figures["jitter_ms"] if jitter is None else jitter)
    talk.note_quality(key, user_id, figures, Looks(body["samples"], *means))


Command = Callable[[str, int, Mapping[str, Any]], Any]
COMMANDS: dict[str, Command] = {
    "answer": lambda key, user_id, body: talk.answer(key, user_id, by_itself=body["by_itself"]),
    "reject": lambda key, user_id, _: talk.reject(key, user_id),
    "hold": lambda key, user_id, body: (
        talk.hold_member(key, user_id, body["leg"], True) if body["leg"] else talk.hold(key, user_id)
    ),
    "retrieve": lambda key, user_id, body: (
        talk.hold_member(key, user_id, body["leg"], False) if body["leg"] else talk.retrieve(key, user_id)
    ),
    "mute": lambda key, user_id, _: talk.mute(key, user_id, True),
    "unmute": lambda key, user_id, _: talk.mute(key, user_id, False),
    "hangup": lambda key, user_id, _: ending.hang_up(key, user_id),
    "dtmf": lambda key, user_id, body: talk.dtmf(key, user_id, body["digits"]),
    "transfer": _transfer,
    "consult": _consult,
    "swap": lambda key, user_id, _: company.swap(key, user_id),
    "merge": lambda key, user_id, _: company.merge(key, user_id),
    "complete": lambda key, user_id, _: company.complete(key, user_id),
    "conference": _conference,
    "kick": lambda key, user_id, body: ending.kick(key, user_id, body["leg"]),
    "leave": lambda key, user_id, _: ending.leave(key, user_id),
    "end": lambda key, user_id, _: ending.end_for_all(key, user_id),
    "record": lambda key, user_id, body: recording.switch(key, user_id, body["on"]),
    "message": _message,
    "screen": _screen,
    "supervise": _supervise,
    "quality": _quality,
}
# What only changes rows or is told by the browser itself works without the voice process.
WITHOUT_PROCESS = ("answer", "reject", "hangup", "end", "leave", "screen", "quality")


@require("voice.call")
def command(key: str, what: str) -> Response:
    """One command on a call; gives the call as it is afterwards."""
    if what not in COMMANDS:
        raise Rejected(UNREADABLE, "invalid")
    if what not in WITHOUT_PROCESS:
        switchboard.require()
    user_id = me().id
    COMMANDS[what](key, user_id, body_of(CommandSchema))
    db.session.expire_all()
    return answer({"call": shown(key, user_id)})


ROUTES: tuple[tuple[str, str, str, Callable[..., Response]], ...] = (
    ("GET", "/state", "state", state),
    ("POST", "/leg", "connect", connect),
    ("DELETE", "/leg", "disconnect", disconnect),
    ("POST", "/phone", "choose_phone", choose_phone),
    ("POST", "/calls", "call", call),
    ("POST", "/calls/<key>/<what>", "command", command),
)
