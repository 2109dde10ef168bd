"""Conferences at the desk: inviting a colleague, joining, leaving. Each view calls one operation."""

from __future__ import annotations

from flask import Response, render_template, request

from core import company, participants
from core.contracts import Rejected, Text
from core.model import Interaction
from core.permissions import require
from core.web import case_transfer, case_views
from core.web.desk_commands import done, opens
from core.web.desk_frame import signed_in
from core.web.desk_queries import is_written_live
from core.web.language import here


def talks(interaction: Interaction) -> bool:
    """Whether it is a live conversation in writing, which colleagues can be invited to."""
    return is_written_live(interaction.channel)


@require("case.reply")
def dialog(interaction_id: int) -> str:
    """Whom to invite: colleagues at their desks who are not in it."""
    interaction, user = case_views.seen_interaction(interaction_id), signed_in()
    inside = {interaction.agent_id, *(one.user_id for one in company.of(interaction_id))}
    able = case_transfer.colleagues(interaction.case, user, here())
    there = [one for one in able if one.state != "offline" and one.user.id not in inside]
    return render_template("desk/participants_invite.html", interaction=interaction, colleagues=there)


@require("case.reply")
def invite(interaction_id: int) -> Response:
    """Ask a colleague in."""
    case_views.seen_interaction(interaction_id)
    chosen = request.form.get("user", "")
    if not chosen.isascii() or not chosen.isdigit() or len(chosen) > 9:
        raise Rejected(Text("Choose whom to invite", "Выберите, кого пригласить"), "target-missing")
    participants.invite(interaction_id, signed_in().id, int(chosen))
    return done(**{"okno:close": {}})


@require("case.reply")
def join(interaction_id: int) -> Response:
    """Accept an invitation."""
    case_id = case_views.seen_interaction(interaction_id).case_id
    participants.join(interaction_id, signed_in().id)
    return done(**opens(case_id, interaction_id))


@require("case.reply")
def decline(interaction_id: int) -> Response:
    """Refuse it."""
    case_views.seen_interaction(interaction_id)
    participants.decline(interaction_id, signed_in().id)
    return done(**{"okno:around": {}})


@require("case.reply")
def leave(interaction_id: int) -> Response:
    """Go out of the conversation."""
    case_views.seen_interaction(interaction_id)
    participants.leave(interaction_id, signed_in().id)
    return done(**{"okno:around": {}})


@require("case.reply")
def remove(interaction_id: int, user_id: int) -> Response:
    """Send a participant off."""
    case_views.seen_interaction(interaction_id)
    participants.remove(interaction_id, signed_in().id, user_id)
    return done()
