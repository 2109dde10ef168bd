"""The line directory at the desk, and among the admin pages where it is kept."""

from __future__ import annotations

from typing import Any

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from core import services
from core.directory import list_teams
from core.permissions import require
from core.web.admin_frame import Answer, FormState, attempt, choices, found, ticked, typed
from core.web.desk_frame import signed_in
from core.web.language import here
from plugins.voice.feature_frame import draw_admin, feature_blueprint, plain_number
from plugins.voice.lines import directory
from plugins.voice.models.lines import VoiceLine

blueprint = feature_blueprint("lines")
TEXTS = ("title_en", "title_ru", "product", "number", "note", "service")


@blueprint.get("/voice/lines")
@require("voice.call")
def shown() -> str:
    """Lines by product; ``q`` narrows. Those that the agent may not consult are there, and say so."""
    query = request.args.get("q", "")
    lines = directory.find(query)
    mine = {line.id for line in directory.find(query, signed_in().id)}
    return render_template("voice/lines.html", lines=lines, mine=mine, query=query)


@blueprint.get("/voice/lines.json")
@require("voice.call")
def picked() -> Any:
    """Lines that the agent may pass a call to: [{id, title, product, number, service_id, note}]."""
    lines = directory.find(request.args.get("q", ""), signed_in().id)
    russian = here() == "ru"
    return jsonify(
        lines=[
            {
                "id": line.id,
                "title": line.title_ru if russian else line.title_en,
                "product": line.product,
                "number": line.number,
                "service_id": line.service_id,
                "note": line.note,
            }
            for line in lines[:100]
        ]
    )


# --- kept --------------------------------------------------------------------------------------------


@blueprint.get("/admin/voice-lines")
@require("admin.services")
def index() -> Answer:
    """All lines."""
    return draw_admin("lines_admin", rows=directory.list_lines())


@blueprint.route("/admin/voice-lines/new", methods=["GET", "POST"])
@require("admin.services")
def new() -> Answer:
    """Add one."""
    if request.method == "GET":
        return _page(None, FormState({"active": True, "position": 0, "teams": []}))
    return _save(None, request.form.get("key", ""))


@blueprint.route("/admin/voice-lines/<key>", methods=["GET", "POST"])
@require("admin.services")
def one(key: str) -> Answer:
    """One line."""
    row = found(lambda: directory.get_line(key))
    if request.method == "POST":
        return _save(row, key)
    values = {name: getattr(row, name) for name in directory.FIELDS}
    service = services.service_by_id(row.service_id)
    teams = [team.key for team in row.teams]
    return _page(row, FormState({**values, "service": service.key if service else "", "teams": teams}))


def _save(row: VoiceLine | None, key: str) -> Answer:
    values: dict[str, Any] = {**typed(*TEXTS), **ticked("active"), "position": plain_number("position")}
    teams = request.form.getlist("teams")
    errors = attempt(lambda: directory.save_line(key, teams=teams, new=row is None, **values))
    if errors:
        shown_row = directory.get_line(key) if row else None
        return _page(shown_row, FormState({**values, "key": key, "teams": teams}, errors))
    flash(_("Saved"), "good")
    return redirect(url_for("voice_lines.index"), 303)


@blueprint.post("/admin/voice-lines/<key>/remove")
@require("admin.services")
def remove(key: str) -> Response:
    """Take one away."""
    found(lambda: directory.remove_line(key))
    flash(_("Removed"), "good")
    return redirect(url_for("voice_lines.index"), 303)


def _page(row: VoiceLine | None, form: FormState) -> Answer:
    return draw_admin(
        "line_form",
        form,
        line_row=row,
        services=[("", "—"), *choices(services.list_services(inactive=False))],
        teams=choices(list_teams()),
    )
