"""What agents do at the desk. Each view reads the form, calls one operation, and tells the page what to refresh."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response, render_template, request, session, url_for

from core import assignment, casework, presence
from core.contracts import FileIn
from core.permissions import require
from core.web import case_queries, case_views, drawing
from core.web.desk_frame import signed_in
from core.web.language import LANGUAGES


def done(**events: Any) -> Response:
    """204 with the events that the page's scripts react to."""
    return Response(status=204, headers={"HX-Trigger": drawing.trigger(**events)} if events else {})


def _opens(case_id: int, interaction_id: int | None = None) -> dict[str, Any]:
    return {
        "okno:open": {"url": url_for("desk.case", case_id=case_id), "reload": True, "focus": interaction_id},
        "okno:around": {},
    }


@require("desk.use")
def sign_on() -> Response:
    """The desk is open (again, after a lost connection)."""
    presence.sign_on(signed_in().id)
    return done(**{"okno:around": {}})


@require("desk.use")
def set_state() -> Response:
    """Ready, or not ready with a reason."""
    presence.set_state(signed_in().id, request.form.get("state", ""), request.form.get("reason", ""))
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
    """Take what rings; its case opens."""
    interaction_id = assignment.accept(offer_id, signed_in().id)
    interaction = case_views.seen_interaction(interaction_id)
    return done(**_opens(interaction.case_id, interaction_id))


@require("case.reply")
def reject(offer_id: int) -> Response:
    """Let a colleague have it."""
    assignment.reject(offer_id, signed_in().id)
    return done(**{"okno:around": {}})


@require("case.reply")
def take(interaction_id: int) -> Response:
    """Pull from the group queue."""
    interaction = case_views.seen_interaction(interaction_id)
    case_id = interaction.case_id
    assignment.take(interaction_id, signed_in().id)
    return done(**_opens(case_id, interaction_id))


@require("case.reply")
def release(interaction_id: int) -> Response:
    """Back to the group queue."""
    interaction = case_views.seen_interaction(interaction_id)
    case_id = interaction.case_id
    assignment.release(interaction_id, signed_in().id)
    return done(**_opens(case_id))


@require("case.reply")
def finish(interaction_id: int) -> str:
    """The contact is served: into wrap-up, and on to the choice of a disposition."""
    interaction = case_views.seen_interaction(interaction_id)
    if interaction.state == "active":
        assignment.finish(interaction_id, signed_in().id)
        interaction = case_views.seen_interaction(interaction_id)
    groups = case_queries.dispositions(interaction.service_id)
    return render_template("desk/disposition.html", interaction=interaction, groups=groups, case=interaction.case)


@require("case.reply")
def complete(interaction_id: int) -> Response:
    """Close with a disposition."""
    interaction = case_views.seen_interaction(interaction_id)
    case_id, chosen = interaction.case_id, request.form.get("disposition", "")
    assignment.complete(
        interaction_id,
        signed_in().id,
        int(chosen) if chosen.isdigit() else None,
        request.form.get("comment", "").strip(),
    )
    return done(**_opens(case_id), **{"okno:completed": {"interaction_id": interaction_id, "case_id": case_id}})


@require("case.view")
def mark_read(interaction_id: int) -> Response:
    """The interaction is in focus."""
    casework.mark_read(interaction_id, signed_in().id)
    return done()


@require("case.reply")
def reply(interaction_id: int) -> Response | str:
    """Answer the contact; ``then=finish`` goes on to the disposition."""
    user = signed_in()
    files = [
        FileIn(file.filename or "file", file.mimetype or "application/octet-stream", file.read())
        for file in request.files.getlist("files")
        if file.filename
    ]
    casework.reply(
        interaction_id,
        user.id,
        request.form.get("html", ""),
        command_key=f"{user.id}:{request.headers.get('Idempotency-Key') or uuid.uuid4()}",
        subject=request.form.get("subject"),
        to=request.form.get("to") or None,
        files=files,
    )
    case_id = case_views.seen_interaction(interaction_id).case_id
    events = {"okno:sent": {"interaction_id": interaction_id, "case_id": case_id}, "okno:fresh": {"case_id": case_id}}
    if request.form.get("then") != "finish":
        return done(**events)
    return Response(finish(interaction_id), headers={"HX-Trigger": drawing.trigger(**events)})


@require("case.view")
def add_note(case_id: int) -> Response:
    """A note for colleagues."""
    case_views.seen_case(case_id)
    user = signed_in()
    casework.add_note(case_id, user.id, request.form.get("text", ""))
    casework.save_draft(user.id, case_id, "note", "")
    return done(**{"okno:noted": {"case_id": case_id}, "okno:fresh": {"case_id": case_id}})


@require("case.view")
def save_draft(case_id: int) -> Response:
    """Keep what is being typed."""
    case_views.seen_case(case_id)
    data = {name: request.form[name] for name in ("to", "subject") if name in request.form}
    casework.save_draft(
        signed_in().id, case_id, request.form.get("kind", "reply")[:10], request.form.get("html", ""), data
    )
    return done()


@require("case.reply")
def change(case_id: int) -> Response:
    """Change priority, subject or assignment of a case."""
    case_views.seen_case(case_id)
    fields = {name: request.form[name] for name in ("subject", "priority") if name in request.form}
    casework.change(case_id, signed_in().id, **fields)
    return done(**{"okno:fresh": {"case_id": case_id}})
