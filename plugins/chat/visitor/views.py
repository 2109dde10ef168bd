"""The visitor's requests. Each view reads its body, calls one operation, answers JSON; visitors prove themselves by a token."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from flask import Blueprint, Response, abort, jsonify, render_template, request, send_file, send_from_directory
from marshmallow import EXCLUDE, Schema, ValidationError, fields

from core import storage
from core.contracts import FileIn, Rejected, Text
from core.db import db
from core.events import log as events
from core.house import okno
from core.model import Attachment
from core.permissions import public
from core.web.language import here
from core.web.security import own_proof
from plugins.chat import conversations, file_links
from plugins.chat.visitor import leaving, rates, visits, widget_page, widgets
from plugins.chat.visitor import messages as written
from plugins.chat.visitor.doors import asking, check_page, open_to_sites
from plugins.chat.visitor.visitors import new_visitor

blueprint = Blueprint("chat", "plugins.chat", template_folder="templates", static_folder="static")
open_to_sites(blueprint)
FOREVER = "public, max-age=31536000, immutable"
# A site's page gets changes of the loader within this time.
LOADER_SECONDS = 300
SIGNS_A_MINUTE = 120


class Body(Schema):
    """What visitors send; unknown words are left out."""

    class Meta:
        unknown = EXCLUDE


class SaidSchema(Body):
    """The body of ``POST /chat/messages``, or its part ``message`` beside ``files`` in a form."""

    id = fields.String(required=True)
    text = fields.String(required=True)
    name = fields.String(load_default="")
    entry = fields.String(load_default="")
    page = fields.String(load_default="")
    told = fields.Dict(keys=fields.String(), values=fields.String(), load_default=dict)


class PageSchema(Body):
    """The body of ``POST /chat/page``."""

    url = fields.String(load_default="")
    title = fields.String(load_default="")
    referrer = fields.String(load_default="")
    screen = fields.String(load_default="")
    timezone = fields.String(load_default="")


class LeftSchema(Body):
    """The body of ``POST /chat/offline``."""

    id = fields.String(required=True)
    text = fields.String(required=True)
    email = fields.String(required=True)
    name = fields.String(load_default="")
    page = fields.String(load_default="")
    told = fields.Dict(keys=fields.String(), values=fields.String(), load_default=dict)


class RatedSchema(Body):
    """The body of ``POST /chat/rating``."""

    score = fields.Integer(required=True)
    comment = fields.String(load_default="")


class ReadSchema(Body):
    """The body of ``POST /chat/read``."""

    up_to = fields.Integer(required=True)


# --- the widget's own files --------------------------------------------------------------------------


@blueprint.get("/demo")
@public
def demo() -> str:
    """A page of the demo company with the widget on it; ``?entry=`` shows another widget, ``?open=1`` shows it open."""
    return render_template("chat/demo.html", entry=request.args.get("entry", "demo"), opened="open" in request.args)


@blueprint.get("/widget.js")
@public
def loader() -> Response:
    """The script that sites carry."""
    text = (widget_page.FOLDER / "loader.js").read_text("utf-8").replace("{version}", widget_page.version())
    response = Response(text, mimetype="text/javascript")
    response.headers["Cache-Control"] = f"public, max-age={LOADER_SECONDS}"
    return response


@blueprint.get("/widget/<version>/<path:name>")
@public
def widget_file(version: str, name: str) -> Response:
    """A module or stylesheet of the widget; of another version than the newest it may not be kept."""
    response = send_from_directory(widget_page.FOLDER, name)
    response.headers["Cache-Control"] = FOREVER if version == widget_page.version() else "no-store"
    return response


@blueprint.get("/widgets/<key>")
@public
def widget(key: str) -> Response:
    """How the widget looks and what it asks, in the language of ``?lang=``."""
    row = widgets.look_up(key.lower()[:80])
    widgets.check_origin(row, request.headers.get("Origin", ""), request.host_url.rstrip("/"))
    return _uncached(jsonify(widget_page.settings(row, here())))


# --- the conversation --------------------------------------------------------------------------------


@blueprint.post("/session")
@public
@own_proof
def session() -> Response:
    """A token for a new visitor of the widget ``entry``; nothing is stored."""
    body = request.get_json(silent=True)
    entry = str(body.get("entry", "")) if isinstance(body, dict) else ""
    check_page(entry.lower())
    rates.check("chat-session", request.remote_addr or "", int(okno().config.get("chat.sessions_a_minute")))
    return _uncached(jsonify(token=new_visitor(entry).token()))


@blueprint.get("/messages")
@public
def messages() -> Response:
    """The conversation after message ``after``, where it stands, and how to hear what comes next.

    ``events_after`` is read first: an event that happens while the messages are read is told again, never missed.
    """
    visitor = asking()
    events_after = events.head()
    after = request.args.get("after", 0, type=int)
    newest = conversations.latest(visitor.id)
    state = conversations.state_of(newest)
    found = conversations.messages(visitor.id, after)
    marks = {"read_up_to": conversations.read_by_agent(newest), "rating": conversations.rating_of(newest)}
    marks["rateable"] = conversations.is_rateable(newest)
    return _uncached(
        jsonify(messages=found, events_after=events_after, stream=visitor.stream_token(), **marks, **state)
    )


@blueprint.post("/messages")
@public
@own_proof
def say() -> Response:
    """Take a message in, with its files when it is a form; the same id again gives the same answer."""
    visitor = asking()
    sent = _read(SaidSchema, request.form.get("message") if request.files else None)
    files = tuple(
        FileIn(file.filename or "file", file.mimetype, file.read()) for file in request.files.getlist("files")
    )
    told = visits.answers(sent["told"])
    name = sent["name"] or told.get("name", "")
    said = written.Said(sent["id"], sent["text"], name, sent["entry"], here(), sent["page"], files, told)
    message = written.say(visitor, said)
    response = jsonify(message=conversations.drawn(message))
    response.status_code = 201
    return _uncached(response)


@blueprint.get("/files/<signed>")
@public
def file(signed: str) -> Response:
    """A file of the conversation; pictures are shown, all else is saved."""
    found = file_links.read(signed)
    row = db.session.get(Attachment, found) if found else None
    if row is None or not storage.path(row.sha256).exists():
        abort(404)
    shown = row.content_type in file_links.PICTURES
    kind = row.content_type if shown else "application/octet-stream"
    response = send_file(
        storage.path(row.sha256), mimetype=kind, download_name=row.name or "file", as_attachment=not shown
    )
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = "private, max-age=86400"
    return response


# --- signs -------------------------------------------------------------------------------------------


@blueprint.post("/typing")
@public
@own_proof
def typing() -> Response:
    """The visitor types; said again while it lasts."""
    visitor = asking()
    rates.check("chat-signs", visitor.id, SIGNS_A_MINUTE)
    visits.typing(visitor)
    return _done()


@blueprint.post("/read")
@public
@own_proof
def read() -> Response:
    """The visitor has seen all messages up to ``up_to``."""
    visitor = asking()
    rates.check("chat-signs", visitor.id, SIGNS_A_MINUTE)
    visits.read(visitor, _read(ReadSchema)["up_to"])
    return _done()


@blueprint.post("/page")
@public
@own_proof
def page() -> Response:
    """Where the visitor is now."""
    visitor = asking()
    rates.check("chat-signs", visitor.id, SIGNS_A_MINUTE)
    told = _read(PageSchema)
    agent = request.user_agent.string or ""
    visits.report(visitor, visits.Seen(**told, language=here(), user_agent=agent, ip=request.remote_addr or ""))
    return _done()


# --- the end -----------------------------------------------------------------------------------------


@blueprint.post("/end")
@public
@own_proof
def end() -> Response:
    """The visitor ends the conversation; safe to repeat."""
    leaving.end(asking())
    return _done()


@blueprint.post("/rating")
@public
@own_proof
def rate() -> Response:
    """The visitor rates the conversation that is over."""
    visitor = asking()
    sent = _read(RatedSchema)
    leaving.rate(visitor, sent["score"], sent["comment"])
    return _done()


@blueprint.post("/offline")
@public
@own_proof
def offline() -> Response:
    """A message left when nobody is there becomes a case; the same id again changes nothing."""
    visitor = asking()
    rates.check("chat-form", request.remote_addr or "", SIGNS_A_MINUTE)
    sent = _read(LeftSchema)
    told = visits.answers(sent["told"])
    left = leaving.Left(
        sent["id"], sent["text"], sent["email"], sent["name"] or told.get("name", ""), here(), sent["page"]
    )
    leaving.leave_message(visitor, left)
    response = _done()
    response.status_code = 201
    return response


def _read(schema: type[Schema], text: str | None = None) -> dict[str, Any]:
    """The JSON body, or ``text``, through its schema. Raises ``Rejected`` (``invalid``)."""
    try:
        body: Any = request.get_json(silent=True) if text is None else json.loads(text)
    except ValueError:
        body = None
    try:
        loaded: dict[str, Any] = _schema(schema).load(body)
    except ValidationError as wrong:
        raise Rejected(Text("The message cannot be read", "Сообщение не разобрать"), "invalid") from wrong
    return loaded


@cache
def _schema(schema: type[Schema]) -> Schema:
    return schema()


def _done() -> Response:
    return _uncached(jsonify(done=True))


def _uncached(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
