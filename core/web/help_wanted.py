"""Requests for help on the desk: the agent's dialog, the supervisors' list."""

from __future__ import annotations

from flask import Response, render_template, request, url_for

from core import help_requests
from core.db import db
from core.model import User
from core.permissions import allowed, require
from core.web import case_views
from core.web.desk_commands import done
from core.web.desk_frame import signed_in


@require("case.reply")
def dialog(interaction_id: int) -> str:
    """What to ask for, or who is coming."""
    interaction = case_views.seen_interaction(interaction_id)
    helper = db.session.get(User, interaction.help_by_id) if interaction.help_by_id else None
    return render_template("desk/help_ask.html", interaction=interaction, helper=helper)


@require("case.reply")
def open_dialog(interaction_id: int) -> Response:
    """The control of the status bar: the page's script fetches the dialog."""
    return done(**{"okno:task": {"url": url_for("people.help_dialog", interaction_id=interaction_id)}})


@require("case.reply")
def ask(interaction_id: int) -> Response:
    """Raise the flag."""
    help_requests.ask(interaction_id, signed_in().id, request.form.get("text", ""))
    return done(**{"okno:around": {}, "okno:task-done": {}})


@require("case.reply")
def withdraw(interaction_id: int) -> Response:
    """Take the flag back."""
    help_requests.withdraw(interaction_id, signed_in().id)
    return done(**{"okno:around": {}, "okno:task-done": {}})


@require("supervisor.view")
def wanted() -> str:
    """The supervisors' list: those of their own teams, or all."""
    user = signed_in()
    everywhere = request.args.get("scope") == "all" and allowed(user, "case.view_all")
    rows = help_requests.wanted(user.id, everywhere=everywhere)
    return render_template(
        "desk/help_wanted.html", rows=rows, everywhere=everywhere, may_all=allowed(user, "case.view_all")
    )


@require("supervisor.view")
def come(interaction_id: int) -> Response:
    """«I am coming»; the case opens."""
    interaction = case_views.seen_interaction(interaction_id)
    help_requests.come(interaction_id, signed_in().id)
    return done(**{"okno:open": {"url": url_for("desk.case", case_id=interaction.case_id)}, "okno:help": {}})
