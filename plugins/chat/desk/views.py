"""What agents ask of a chat: each view calls one operation."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, jsonify, render_template, request
from flask_babel import gettext as _

from core import bans
from core.model import Interaction
from core.permissions import allowed, require
from core.web import case_aside
from core.web.case_views import seen_interaction
from core.web.desk_commands import done, opens
from core.web.desk_frame import signed_in
from core.web.language import here
from core.web.user_agents import device_of
from plugins.chat import conversations
from plugins.chat.desk import banning, canned, ending, new_case, signs, transcript, visitors

blueprint = Blueprint("chat_desk", __name__)
SHOWN_AT_ONCE = 60


def _number(name: str) -> int:
    value = request.values.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 12 else 0


@blueprint.post("/interactions/<int:interaction_id>/end")
@require("case.reply")
def end(interaction_id: int) -> Response:
    """The agent ends the chat; the desk then asks for the disposition."""
    ending.end(interaction_id, signed_in().id)
    return done(**{"okno:around": {}})


@blueprint.post("/interactions/<int:interaction_id>/agent-typing")
@require("case.reply")
def typing(interaction_id: int) -> Response:
    """The agent writes."""
    signs.typing(interaction_id, signed_in().id)
    return done()


@blueprint.post("/interactions/<int:interaction_id>/agent-read")
@require("case.reply")
def read(interaction_id: int) -> Response:
    """The agent has the newest message in view."""
    signs.read(interaction_id, signed_in().id, _number("up_to"))
    return done()


@blueprint.post("/interactions/<int:interaction_id>/ban")
@require("contact.ban")
def ban(interaction_id: int) -> Response:
    """``/ban``: the chat ends, the contact is blocked everywhere."""
    interaction = seen_interaction(interaction_id)
    banning.ban(interaction_id, signed_in().id, request.form.get("reason", ""))
    told = {"level": "success", "text": _("The contact is blocked on all channels")}
    return done(**{"okno:around": {}, "okno:fresh": {"case_id": interaction.case_id}, "toast": told})


# --- canned replies ----------------------------------------------------------------------------------


@blueprint.get("/canned/found")
@require("case.reply")
def canned_found() -> Response:
    """What ``/words`` finds, or all in order when nothing is asked."""
    user, query = signed_in(), request.args.get("q", "")[:80].strip()
    found = canned.search(user.id, query) if query else canned.visible(user.id)[:SHOWN_AT_ONCE]
    rows = [
        {"id": one.id, "title": one.title, "path": list(one.path), "scope": one.scope, "text": one.text[:160]}
        for one in found
    ]
    return jsonify(found=rows, may_ban=allowed(user, "contact.ban"))


@blueprint.get("/canned/<int:canned_id>/filled")
@require("case.reply")
def canned_filled(canned_id: int) -> Response:
    """A reply with its names filled in, for the interaction it goes into."""
    interaction = seen_interaction(_number("interaction"))
    return jsonify(html=canned.filled(canned_id, signed_in().id, interaction.id))


@blueprint.get("/canned/button")
@require("case.reply")
def canned_button() -> str:
    """The button beside the paper clip."""
    return render_template("chat/canned_button.html")


# --- beside the conversation -------------------------------------------------------------------------


@blueprint.get("/interactions/<int:interaction_id>/visitor")
@require("case.view")
def visitor(interaction_id: int) -> str:
    """The page that the visitor looks at, where from, on what; how far they have read; what can be made of the chat."""
    interaction = seen_interaction(interaction_id)
    visit = visitors.visit_of(interaction)
    return render_template(
        "chat/visitor_panel.html",
        interaction=interaction,
        visit=visit,
        device=device_of(visit.user_agent) if visit and visit.user_agent else "",
        told=visitors.told_by(visit, here()) if visit else [],
        read=signs.read_by_visitor(interaction_id),
        web_address=visitors.web_address,
        rating=conversations.rating_of(interaction),
        banned=bans.is_banned(interaction.contact_id),
        mine=_mine(interaction),
        may_ban=allowed(signed_in(), "contact.ban"),
        letters=transcript.letters(),
    )


def _mine(interaction: Interaction) -> bool:
    return interaction.agent_id == signed_in().id and interaction.state in ("active", "wrap_up")


@blueprint.get("/interactions/<int:interaction_id>/case")
@require("case.reply")
def case_dialog(interaction_id: int) -> str:
    """What the new case is about."""
    interaction = seen_interaction(interaction_id)
    return render_template("chat/new_case.html", interaction=interaction, services=case_aside.services())


@blueprint.post("/interactions/<int:interaction_id>/case")
@require("case.reply")
def open_case(interaction_id: int) -> Response:
    """A case of its own, with the transcript; it opens in a tab."""
    seen_interaction(interaction_id)
    service_id = _number("service") or None
    case = new_case.open_case(interaction_id, signed_in().id, request.form.get("subject", ""), service_id=service_id)
    return done(**opens(case.id), **{"okno:close": {}})


@blueprint.get("/interactions/<int:interaction_id>/transcript")
@require("case.reply")
def transcript_dialog(interaction_id: int) -> str:
    """Whom to send the transcript to."""
    interaction = seen_interaction(interaction_id)
    address = transcript.known_address(interaction)
    return render_template("chat/transcript.html", interaction=interaction, address=address, key=uuid.uuid4())


@blueprint.post("/interactions/<int:interaction_id>/transcript")
@require("case.reply")
def send_transcript(interaction_id: int) -> Response:
    """Send it."""
    user, interaction = signed_in(), seen_interaction(interaction_id)
    key = f"{user.id}:{request.form.get('key', '')[:40]}"
    transcript.send(interaction_id, request.form.get("address", ""), command_key=key, user_id=user.id)
    told = {"level": "success", "text": _("The transcript is on its way")}
    return done(**{"okno:close": {}, "okno:fresh": {"case_id": interaction.case_id}, "toast": told})
