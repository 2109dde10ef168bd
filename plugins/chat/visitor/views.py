"""The visitor's page and requests. Visitors prove themselves by a token, so no cookie is involved."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request
from flask_babel import gettext
from flask_babel import gettext as _
from marshmallow import EXCLUDE, Schema, fields

from core.contracts import Rejected, Text
from core.events import log as events
from core.permissions import public
from core.web.errors import answer
from core.web.language import here
from core.web.security import own_proof
from plugins.chat import conversations
from plugins.chat.visitor import messages as written
from plugins.chat.visitor.visitors import Visitor, new_visitor, read_token

blueprint = Blueprint("chat", "plugins.chat", template_folder="templates", static_folder="static")
BEARER = "Bearer "


class SaidSchema(Schema):
    """The body of ``POST /chat/messages``."""

    class Meta:
        unknown = EXCLUDE

    id = fields.String(required=True)
    text = fields.String(required=True)
    name = fields.String(load_default="")
    entry = fields.String(load_default="")
    page = fields.String(load_default="")


@blueprint.get("/demo")
@public
def demo() -> str:
    """A page of the demo company with a chat box on it."""
    return render_template("chat/demo.html", entry=request.args.get("entry", "demo"), words=page_words())


def page_words() -> dict[str, str]:
    """What the box says, in the visitor's language."""
    return {
        "new": _("Write to us, we usually answer within a minute."),
        "waiting": _("Looking for an agent…"),
        "active": _("%(name)s is with you", name="{name}"),
        "joined": _("%(name)s has joined the chat", name="{name}"),
        "ended": _("The chat is over. Write again to begin a new one."),
        "lost": _("No connection. Your messages will be sent when it is back."),
        "failed": _("Not sent. Try again"),
    }


@blueprint.post("/session")
@public
@own_proof
def session() -> Response:
    """A token for a new visitor; nothing is stored."""
    return _uncached(jsonify(token=new_visitor().token()))


@blueprint.get("/messages")
@public
def messages() -> Response:
    """The conversation after message ``after``, where it stands, and how to hear what comes next.

    ``events_after`` is read first: an event that happens while the messages are read is told again, never missed.
    """
    visitor = asking()
    if visitor is None:
        return unknown_visitor()
    events_after = events.head()
    after = request.args.get("after", 0, type=int)
    state = conversations.state_of(conversations.latest(visitor.id))
    found = conversations.messages(visitor.id, after)
    return _uncached(jsonify(messages=found, events_after=events_after, stream=visitor.stream_token(), **state))


@blueprint.post("/messages")
@public
@own_proof
def say() -> Response:
    """Take a message in; the same id again gives the same answer."""
    visitor = asking()
    if visitor is None:
        return unknown_visitor()
    body: Any = request.get_json(silent=True)
    if not isinstance(body, dict) or SaidSchema().validate(body):
        raise Rejected(Text("The message cannot be read", "Сообщение не разобрать"), "invalid")
    sent = SaidSchema().load(body)
    said = written.Said(sent["id"], sent["text"], sent["name"], sent["entry"], here(), sent["page"])
    response = jsonify(message=conversations.drawn(written.say(visitor, said)))
    response.status_code = 201
    return _uncached(response)


def asking() -> Visitor | None:
    """Who asks, by the Authorization header."""
    header = request.headers.get("Authorization", "")
    return read_token(header.removeprefix(BEARER)) if header.startswith(BEARER) else None


def unknown_visitor() -> Response:
    """401: the page forgets its token and begins anew."""
    return answer(401, "visitor-unknown", gettext("This conversation is not known any more. A new one begins."))


def _uncached(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
