"""Calls and shown pages at the desk: what the agent's page asks and sends."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, jsonify, render_template, request, send_file, url_for

from core import services, storage
from core.contracts import Rejected, Text
from core.db import db
from core.permissions import require
from core.web import case_views, drawing
from core.web.auth import current_user
from plugins.chat.media import call_rules, calls, cobrowsing, recordings
from plugins.chat.media.calls import Party
from plugins.chat.media.visitor_views import EndSchema, JoinSchema, SignalSchema, body_of
from plugins.chat.models import Cobrowse, Recording

# The page of the visitor is drawn from what came from outside: nothing of it runs, and it can reach nothing but pictures and
# styles over HTTPS and those of its own site.
FRAME_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline' https: {origin}; img-src https: data: blob: {origin}; "
    "font-src https: data: {origin}; media-src 'none'; connect-src 'none'; form-action 'none'; base-uri 'none'; frame-src 'self'; "
    "frame-ancestors 'self'"
)


def agent() -> Party:
    """The signed-in user as a party."""
    user = current_user()
    assert user is not None
    return Party("agent", user_id=user.id)


@require("case.reply")
def call(interaction_id: int, media: str) -> Response:
    """Call the visitor; the page then takes part."""
    made = calls.offer(interaction_id, agent(), media)
    raised = drawing.trigger(**{"okno:call": {"call": calls.view(made, "agent")}})
    return Response(status=204, headers={"HX-Trigger": raised})


@require("case.reply")
def going_on() -> Response:
    """The agent's open calls and shown pages, for a desk that has just been loaded."""
    party = agent()
    open_calls = [calls.view(row, "agent") for row in calls.calls_of(party.user_id)]
    return jsonify(calls=open_calls, pages=[cobrowsing.view(row) for row in cobrowsing.pages_of(party.user_id)])


@require("case.reply")
def dock() -> str:
    """Where a call is answered and held."""
    return render_template("chat/media/dock.html")


@require("case.reply")
def answer_call(call_id: int) -> Response:
    """Take the visitor's call."""
    return jsonify(call=calls.view(calls.answer(call_id, agent()), "agent"))


@require("case.reply")
def join_call(call_id: int) -> Response:
    """This page takes part from now on."""
    row = calls.join(call_id, agent(), body_of(JoinSchema)["peer"])
    return jsonify(call=calls.view(row, "agent"), configuration=calls.configuration(row, "agent"))


@require("case.reply")
def signal(call_id: int) -> Response:
    """Something for the visitor's page."""
    body = body_of(SignalSchema)
    calls.signal(call_id, agent(), body["peer"], body["to"], body["body"])
    return jsonify({})


@require("case.reply")
def end_call(call_id: int) -> Response:
    """Hang up, decline or withdraw."""
    calls.end(call_id, agent(), lost=body_of(EndSchema)["lost"])
    return jsonify({})


# --- recordings --------------------------------------------------------------------------------------


@require("case.reply")
def begin_recording(call_id: int) -> Response:
    """Begin a recording of the type in ``type``."""
    body: Any = request.get_json(silent=True) or {}
    row = recordings.begin(call_id, agent(), str(body.get("type", "")))
    return jsonify(id=row.id)


@require("case.reply")
def add_recorded(recording_id: int) -> Response:
    """Write the body at ``offset``; says where the next piece goes."""
    offset = request.args.get("offset", -1, type=int)
    if offset < 0:
        raise Rejected(Text("The message cannot be read", "Сообщение не разобрать"), "invalid")
    return jsonify(offset=recordings.add(recording_id, agent(), offset, request.get_data()))


@require("case.reply")
def complete_recording(recording_id: int) -> Response:
    """The last piece has come."""
    recordings.complete(recording_id, agent())
    return jsonify({})


@require("case.view")
def recording(recording_id: int) -> Response:
    """The file, in ranges for a player."""
    row = db.session.get(Recording, recording_id)
    if row is None or row.sha256 is None:
        abort(404)
    case_views.seen_case(row.case_id)
    path = storage.path(row.sha256)
    if not path.exists():
        abort(404)
    answer = send_file(path, mimetype=row.content_type, conditional=True)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@require("case.view")
def recordings_of_case() -> str:
    """The panel beside a case: players."""
    case_id = request.args.get("case", 0, type=int)
    case_views.seen_case(case_id)
    return render_template("chat/media/recordings.html", rows=recordings.of_case(case_id), words_of=calls.words_of)


# --- the visitor's page ------------------------------------------------------------------------------


def _seen_page(cobrowse_id: int) -> Cobrowse:
    row = db.session.get(Cobrowse, cobrowse_id, populate_existing=True)
    if row is None:
        abort(404)
    if not agent().owns(row):
        abort(403)
    return row


@require("case.reply")
def page(cobrowse_id: int) -> str:
    """The tab in which the agent sees the visitor's page."""
    row = _seen_page(cobrowse_id)
    return render_template("chat/media/cobrowse.html", row=row, case=row.interaction.case)


@require("case.reply")
def frame(cobrowse_id: int) -> Response:
    """The document in which it is drawn."""
    row = _seen_page(cobrowse_id)
    policy = FRAME_POLICY.format(origin=_origin(row.page))
    html = render_template("chat/media/cobrowse_frame.html", row=row)
    return Response(html, headers={"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"})


def _origin(url: str) -> str:
    """``http://host:port`` of an address that is one; anything else could say more in a header than an origin."""
    scheme, _, rest = url.partition("://")
    host = rest.split("/")[0]
    plain = host.isascii() and host and all(letter.isalnum() or letter in ".-:" for letter in host)
    return f"{scheme}://{host}" if scheme in ("http", "https") and plain else ""


@require("case.reply")
def pieces(cobrowse_id: int) -> Response:
    """What has happened on the page after piece ``after``: JSON ``{"pieces": [{"id", "events"}]}``, fifty at most."""
    found = cobrowsing.pieces(cobrowse_id, agent(), request.args.get("after", 0, type=int))
    kept = ",".join(f'{{"id":{piece.id},"events":{piece.data}}}' for piece in found)
    headers = {"Cache-Control": "no-store"}
    return Response(f'{{"pieces":[{kept}]}}', mimetype="application/json", headers=headers)


@require("case.reply")
def accept_page(cobrowse_id: int) -> Response:
    """Look at it."""
    row = cobrowsing.accept(cobrowse_id, agent())
    opened = {"okno:open": {"url": url_for("chat_media.page", cobrowse_id=row.id)}}
    return Response(status=204, headers={"HX-Trigger": drawing.trigger(**opened)})


@require("case.reply")
def end_page(cobrowse_id: int) -> Response:
    """Look no more, or decline."""
    cobrowsing.end(cobrowse_id, agent())
    return Response(status=204)


@require("case.reply")
def point(cobrowse_id: int) -> Response:
    """Where the agent points."""
    body: Any = request.get_json(silent=True) or {}
    try:
        x, y = float(body["x"]), float(body["y"])
    except (KeyError, TypeError, ValueError) as wrong:
        raise Rejected(Text("The message cannot be read", "Сообщение не разобрать"), "invalid") from wrong
    if not (abs(x) < 1e6 and abs(y) < 1e6):
        raise Rejected(Text("The message cannot be read", "Сообщение не разобрать"), "invalid")
    cobrowsing.point(cobrowse_id, agent(), x, y, bool(body.get("pressed")))
    return Response(status=204)


# --- the rule of a service ---------------------------------------------------------------------------


def _rule(key: str, saved: bool = False) -> str:
    service = services.get_service(key)
    rule = call_rules.rule_of(service.id)
    return render_template("chat/media/call_rule.html", service=service, rule=rule, saved=saved)


@require("admin.services")
def call_rule() -> str:
    """The card of the service ``service``."""
    return _rule(request.args.get("service", ""))


@require("admin.services")
def save_call_rule() -> str:
    """Keep what is ticked."""
    form = request.form
    ticked = {name: name in form for name in ("audio", "video", "recorded", "cobrowse")}
    call_rules.set_rule(form.get("service", ""), call_rules.Rule(**ticked))
    return _rule(form.get("service", ""), saved=True)
