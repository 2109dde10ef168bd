"""What agents do at the desk. Each view reads the form, calls one operation, and tells the page what to refresh."""

from __future__ import annotations

from typing import Any

from flask import Response, request, session, url_for

from core import assignment, casework, preferences
from core.live import bots
from core.model import Interaction
from core.permissions import require
from core.web import case_views, desk_indicators, drawing, screen_pop_views
from core.web.desk_frame import signed_in
from core.web.language import LANGUAGES


def done(**events: Any) -> Response:
    """204 with the events that the page's scripts react to."""
    return Response(status=204, headers={"HX-Trigger": drawing.trigger(**events)} if events else {})


def opens(case_id: int, interaction_id: int | None = None) -> dict[str, Any]:
    """The events that open a case and refresh the frame."""
    return {
        "okno:open": {"url": url_for("desk.case", case_id=case_id), "reload": True, "focus": interaction_id},
        "okno:around": {},
    }


def pops(interaction: Interaction) -> dict[str, Any]:
    """The screen pops that open with an interaction."""
    tabs = screen_pop_views.tabs_for(interaction)
    return {"okno:pops": {"tabs": tabs}} if tabs else {}


@require("desk.use")
def set_service() -> Response:
    """Whose numbers the status bar shows: a service's, or "" for all."""
    chosen = request.form.get("service", "")
    preferences.remember(signed_in().id, desk_indicators.PREFERENCE, int(chosen) if chosen.isdigit() else 0)
    return done(**{"okno:around": {}})


@require("desk.use")
def set_language() -> Response:
    """The interface's language, kept for the user."""
    from core.directory import update_user

    user = signed_in()
    chosen = request.form.get("language", "")
    if chosen in LANGUAGES:
        session["language"] = chosen
        update_user(user.id, language=chosen)
    return Response(status=204, headers={"HX-Refresh": "true"})


@require("case.reply")
def accept(offer_id: int) -> Response:
    """Take what rings; its case opens, with ``background`` in a tab behind the one in view."""
    interaction_id = assignment.accept(offer_id, signed_in().id)
    interaction = case_views.seen_interaction(interaction_id)
    if request.form.get("background"):
        url = url_for("desk.case", case_id=interaction.case_id)
        return done(**{"okno:open": {"url": url, "background": True}, "okno:around": {}}, **pops(interaction))
    return done(**opens(interaction.case_id, interaction_id), **pops(interaction))


@require("case.reply")
def reject(offer_id: int) -> Response:
    """Let a colleague have it."""
    assignment.reject(offer_id, signed_in().id)
    return done(**{"okno:around": {}})


@require("case.reply")
def postpone(offer_id: int) -> Response:
    """Keep what rings for later: into the agent's own queue."""
    assignment.postpone(offer_id, signed_in().id)
    return done(**{"okno:around": {}})


@require("case.reply")
def take(interaction_id: int) -> Response:
    """Pull from the group queue, or from a bot."""
    interaction = case_views.seen_interaction(interaction_id)
    case_id = interaction.case_id
    bots.take(interaction_id, signed_in().id)
    return done(**opens(case_id, interaction_id), **pops(case_views.seen_interaction(interaction_id)))


@require("case.reply")
def release(interaction_id: int) -> Response:
    """Back to the group queue."""
    interaction = case_views.seen_interaction(interaction_id)
    case_id = interaction.case_id
    assignment.release(interaction_id, signed_in().id)
    return done(**opens(case_id))


@require("case.view")
def mark_read(interaction_id: int) -> Response:
    """The interaction is in focus."""
    casework.mark_read(interaction_id, signed_in().id)
    return done()
