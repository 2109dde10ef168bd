"""The pages of who calls by the browser: the call itself, the script that other sites carry, the demo page."""

from __future__ import annotations

from flask import Response, make_response, render_template, request, send_from_directory
from flask_babel import gettext as _
from flask_babel import pgettext
from sqlalchemy import select

from core.db import db
from core.model import ServiceEntry
from core.permissions import public
from core.web.security import POLICY
from plugins.voice.desk import ice
from plugins.voice.desk.static_folder import FOLDER
from plugins.voice.operations import CHANNEL

LOADER_SECONDS = 300
FRAMED = POLICY.replace("frame-ancestors 'self'", "frame-ancestors *")


def _words() -> dict[str, str]:
    return {
        "opening": _("Opening the microphone…"),
        "connecting": _("Connecting…"),
        "ringing": pgettext("call", "Calling…"),
        "menu": _("Listen and press the keys"),
        "queued": _("You are number {position} in the queue"),
        "queued_unplaced": _("Wait for an agent, please"),
        "soon": _("Less than a minute to wait"),
        "wait": _("About {minutes} min to wait"),
        "offered": _("An agent is about to answer"),
        "talking": _("You talk with {agent}"),
        "talking_unnamed": _("You talk with an agent"),
        "held": _("You are on hold, stay on the line"),
        "ended": _("The call is over"),
        "promised": pgettext("callback", "We will call you back at {number}"),
        "promised_turn": pgettext("callback", "when your turn comes: you are number {position} in the queue."),
        "promised_wait": pgettext("callback", "That is in about {minutes} min."),
        "promised_later": pgettext("callback", "when your turn comes."),
        "promised_then": pgettext("callback", "You may close this page; keep the telephone at hand."),
        "lost": _("The connection of the call is lost"),
        "shaken": _("The connection is shaky, wait a moment…"),
        "failed": _("The call could not be made. Try again in a minute."),
        "microphone_denied": _("Allow the microphone: press the icon left of the page’s address, then call again."),
        "microphone_missing": _("No microphone was found. Connect one and call again."),
        "microphone_busy": _("Another program holds the microphone. Close it and call again."),
        "microphone_insecure": _("The browser gives the microphone only to pages with HTTPS."),
        "microphone_failed": _("The microphone could not be opened. Try again."),
    }


@public
def call_page() -> Response:
    """The call, alone or in the frame that ``call.js`` opens on another site. ``entry`` says which service is rung."""
    page = render_template(
        "voice/visitor/call.html",
        entry=request.args.get("entry", ""),
        framed="framed" in request.args,
        words=_words(),
        servers=ice.servers("visitor"),
    )
    response = make_response(page)
    response.headers["Content-Security-Policy"] = FRAMED
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@public
def loader() -> Response:
    """The script that sites carry."""
    response = send_from_directory(FOLDER / "visitor", "loader.js", mimetype="text/javascript", max_age=LOADER_SECONDS)
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@public
def demo() -> str:
    """A page of the demo company with «Call» on it; ``?entry=`` rings another number than the first one."""
    entry = request.args.get("entry") or _first_number()
    return render_template("voice/visitor/demo.html", entry=entry)


def _first_number() -> str:
    numbers = select(ServiceEntry.address).where(ServiceEntry.channel == CHANNEL).order_by(ServiceEntry.address)
    return db.session.scalar(numbers.limit(1)) or ""
