"""What the page of a caller asks for. It proves itself by the token that the call was answered with; no cookie is involved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, abort, current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from limits import RateLimitItemPerMinute
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter
from marshmallow import fields, validate
from sqlalchemy import select

from core.contracts import Rejected, Text
from core.db import db, transaction
from core.events import log as events
from core.house import okno
from core.permissions import public
from core.web.auth import visitor_token
from core.web.security import own_proof
from plugins.voice.call_views import Body, answer, body_of
from plugins.voice.calls import arrival, book, ending, menus, picture, talk
from plugins.voice.desk import ice
from plugins.voice.models.calls import VoiceCall, VoiceLeg

SALT = "okno-voice-visitor"
KEEP_SECONDS = 12 * 3600
BEARER = "Bearer "
COMMANDS_A_MINUTE, SERVERS_A_MINUTE = 600, 60


class NewCallSchema(Body):
    """The body of a visitor's call."""

    entry = fields.String(load_default="", validate=validate.Length(max=254))
    sdp = fields.String(required=True, validate=validate.Length(min=1, max=64 << 10))
    name = fields.String(load_default="", validate=validate.Length(max=80))
    number = fields.String(load_default="", validate=validate.Length(max=40))
    language = fields.String(load_default="", validate=validate.Length(max=5))


class PressSchema(Body):
    """The body of a visitor's command."""

    digits = fields.String(load_default="", validate=validate.Regexp(r"[0-9A-D*#]{0,20}\Z"))
    on = fields.Boolean(load_default=True)
    number = fields.String(load_default="", validate=validate.Length(max=40))


def check_rate(kind: str, most: int) -> None:
    """Count a request of the asking address. Raises ``Rejected`` (``too-often``) above ``most`` a minute; 0 is no limit."""
    limiter: FixedWindowRateLimiter | None = current_app.extensions.get("okno_voice_rates")
    if limiter is None:
        store: Any = storage_from_string(okno().config.get("core.redis_url") or "memory://")
        limiter = current_app.extensions["okno_voice_rates"] = FixedWindowRateLimiter(store)
    if most and not limiter.hit(RateLimitItemPerMinute(most), f"voice-{kind}", request.remote_addr or ""):
        words = Text(
            "Too many requests from your network. Wait a minute and try again.",
            "Слишком много запросов из вашей сети. Подождите минуту и повторите.",
        )
        raise Rejected(words, "too-often")


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=SALT)


def asking(key: str) -> None:
    """401 unless the Authorization header proves that this is the caller's page."""
    header = request.headers.get("Authorization", "")
    try:
        named = _serializer().loads(header.removeprefix(BEARER), max_age=KEEP_SECONDS)
    except BadSignature:
        named = None
    if named != key:
        abort(401)


@public
@own_proof
def call() -> Response:
    """A visitor calls: the answer to the browser's offer, and the tokens of the call."""
    check_rate("calls", int(okno().config.get("voice.visitor_calls")))
    body = body_of(NewCallSchema)
    after = events.head()
    made, sdp = arrival.from_page(
        body["entry"], body["sdp"], name=body["name"], number=body["number"], language=body["language"]
    )
    return answer(
        {
            "key": made.key,
            "token": str(_serializer().dumps(made.key)),
            "stream": visitor_token(f"session:voice-{made.key}"),
            "after": after,
            "sdp": sdp,
            "state": picture.of_visitor(made),
        }
    )


@public
def servers() -> Response:
    """The STUN and TURN servers for the visitor's browser."""
    check_rate("servers", SERVERS_A_MINUTE)
    return answer({"ice_servers": ice.servers("visitor", ice.VISITOR_SECONDS)})


@public
@own_proof
def command(key: str, what: str) -> Response:
    """hangup, dtmf, mute, callback (to be called back at ``number``), or state."""
    asking(key)
    check_rate("commands", COMMANDS_A_MINUTE)
    if what == "callback":
        check_rate("callbacks", int(okno().config.get("voice.visitor_callbacks")))
    body = body_of(PressSchema)
    with transaction():
        try:
            made = book.by_key(key)
        except Rejected:
            return answer({"state": _over(key)})
        leg = _own_leg(made)
        if what == "hangup" and leg is not None:
            ending.drop(made, leg, "normal" if made.answered_at else "cancelled")
        elif what == "callback":
            menus.promise(made, body["number"])
        elif what == "dtmf":
            _press(made, body["digits"])
        elif what == "mute" and leg is not None:
            leg.muted = body["on"]
            db.session.flush()
            book.changed(made)
        elif what != "state":
            raise Rejected(Text("The message cannot be read", "Сообщение не разобрать"), "invalid")
    return answer({"state": picture.of_visitor(made)})


def _own_leg(made: VoiceCall) -> VoiceLeg | None:
    return next((leg for leg in book.legs_of(made) if leg.kind == "customer"), None)


def _press(made: VoiceCall, digits: str) -> None:
    if made.state == "queued" and "1" in digits and not made.from_number.startswith("+"):
        # From a page there is no number to call back.
        return
    talk.visitor_digits(made, digits)


def _over(key: str) -> dict[str, Any] | None:
    ended = db.session.scalar(select(VoiceCall).where(VoiceCall.key == key))
    return picture.of_visitor(ended) if ended is not None else None


ROUTES: tuple[tuple[str, str, str, Callable[..., Response]], ...] = (
    ("GET", "/visitor/servers", "visitor_servers", servers),
    ("POST", "/visitor/calls", "visitor_call", call),
    ("POST", "/visitor/calls/<key>/<what>", "visitor_command", command),
)
