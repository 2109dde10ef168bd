"""What the visitor's page asks about calls and the shown page; it proves itself by the visitor's token."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, current_app, jsonify, request, send_from_directory
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from core.contracts import Rejected, Text
from core.permissions import public
from core.web.security import own_proof
from plugins.chat import conversations
from plugins.chat.media import calls, cobrowsing
from plugins.chat.media.call_rules import Rule, rule_of
from plugins.chat.media.calls import Party
from plugins.chat.visitor.doors import asking
from plugins.chat.visitor.views import blueprint


class _Body(Schema):
    class Meta:
        unknown = EXCLUDE


class CallSchema(_Body):
    """The body of a call's offer and answer."""

    media = fields.String(load_default="audio", validate=validate.OneOf(calls.MEDIA))
    consented = fields.Boolean(load_default=False)


class JoinSchema(_Body):
    """The body of ``join``: a name that the page has made up for itself."""

    peer = fields.String(required=True)


class SignalSchema(_Body):
    """The body of ``signal``: from which page to which, and what."""

    peer = fields.String(required=True)
    to = fields.String(required=True)
    body = fields.Dict(required=True)


class EndSchema(_Body):
    """The body of ``end``."""

    lost = fields.Boolean(load_default=False)


class PageSchema(_Body):
    """The body of the request to look at the page."""

    page = fields.String(load_default="")


class PieceSchema(_Body):
    """Some events of the page; ``key`` is the same in each repeat."""

    key = fields.String(required=True)
    events = fields.List(fields.Dict(), required=True)


def body_of(schema: type[Schema]) -> dict[str, Any]:
    """The JSON body as the schema loads it. Raises ``Rejected`` (``invalid``)."""
    try:
        loaded: dict[str, Any] = schema().load(request.get_json(silent=True) or {})
    except ValidationError as wrong:
        raise Rejected(Text("The message cannot be read", "Сообщение не разобрать"), "invalid") from wrong
    return loaded


def from_visitor(view: Callable[..., Any]) -> Callable[..., Response]:
    """Give the view the visitor as a party, or answer 401; what it returns is JSON that nobody keeps."""

    @wraps(view)
    def asked(**values: Any) -> Response:
        response = jsonify(view(Party("visitor", visitor_id=asking().id), **values) or {})
        response.headers["Cache-Control"] = "no-store"
        return response

    return public(own_proof(asked))


@from_visitor
def state(party: Party) -> dict[str, Any]:
    """What is possible in the visitor's chat, and what is going on."""
    interaction = conversations.latest(party.visitor_id)
    rule = Rule(False, False, False, False)
    call = shown = None
    if interaction is not None and interaction.state == "active":
        rule = rule_of(interaction.service_id)
        call, shown = calls.open_call(interaction.id), cobrowsing.open_one(interaction.id)
    return {
        "audio": rule.audio,
        "video": rule.video,
        "recorded": rule.recorded,
        "cobrowse": rule.cobrowse,
        "call": calls.view(call, "visitor") if call else None,
        "shown": cobrowsing.view(shown) if shown else None,
    }


def _chat_of(party: Party) -> int:
    interaction = conversations.latest(party.visitor_id)
    return interaction.id if interaction else 0


@from_visitor
def offer_call(party: Party) -> dict[str, Any]:
    """Call the agent."""
    body = body_of(CallSchema)
    call = calls.offer(_chat_of(party), party, body["media"], consented=body["consented"])
    return {"call": calls.view(call, "visitor")}


@from_visitor
def answer_call(party: Party, call_id: int) -> dict[str, Any]:
    """Take the agent's call."""
    call = calls.answer(call_id, party, consented=body_of(CallSchema)["consented"])
    return {"call": calls.view(call, "visitor")}


@from_visitor
def join_call(party: Party, call_id: int) -> dict[str, Any]:
    """This page takes part from now on."""
    call = calls.join(call_id, party, body_of(JoinSchema)["peer"])
    return {"call": calls.view(call, "visitor"), "configuration": calls.configuration(call, "visitor")}


@from_visitor
def signal(party: Party, call_id: int) -> None:
    """Something for the agent's page."""
    body = body_of(SignalSchema)
    calls.signal(call_id, party, body["peer"], body["to"], body["body"])


@from_visitor
def end_call(party: Party, call_id: int) -> None:
    """Hang up, decline or withdraw."""
    calls.end(call_id, party, lost=body_of(EndSchema)["lost"])


@from_visitor
def show_page(party: Party) -> dict[str, Any]:
    """Ask the agent to look at the page."""
    row = cobrowsing.offer(_chat_of(party), party, body_of(PageSchema)["page"])
    return {"shown": cobrowsing.view(row)}


@from_visitor
def add_piece(party: Party, cobrowse_id: int) -> dict[str, Any]:
    """What has happened on the page."""
    body = body_of(PieceSchema)
    return {"piece": cobrowsing.add_piece(cobrowse_id, party, body["key"], body["events"])}


@from_visitor
def end_page(party: Party, cobrowse_id: int) -> None:
    """The page is not shown any more."""
    cobrowsing.end(cobrowse_id, party)


@public
def recorder() -> Response:
    """What records a page in the visitor's browser; served from here, so that other sites may load it."""
    folder = current_app.static_folder
    assert folder is not None
    return send_from_directory(folder, "vendor/rrweb-record.js", mimetype="text/javascript", max_age=3600)


ROUTES: tuple[tuple[str, str, str, Callable[..., Any]], ...] = (
    ("GET", "/media", "media_state", state),
    ("GET", "/media/rrweb-record.js", "media_recorder", recorder),
    ("POST", "/media/calls", "media_offer_call", offer_call),
    ("POST", "/media/calls/<int:call_id>/answer", "media_answer_call", answer_call),
    ("POST", "/media/calls/<int:call_id>/join", "media_join_call", join_call),
    ("POST", "/media/calls/<int:call_id>/signal", "media_signal", signal),
    ("POST", "/media/calls/<int:call_id>/end", "media_end_call", end_call),
    ("POST", "/media/pages", "media_show_page", show_page),
    ("POST", "/media/pages/<int:cobrowse_id>/pieces", "media_add_piece", add_piece),
    ("POST", "/media/pages/<int:cobrowse_id>/end", "media_end_page", end_page),
)

for _method, _rule, _name, _view in ROUTES:
    blueprint.add_url_rule(_rule, _name, _view, methods=[_method])
