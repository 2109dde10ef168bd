"""The help screen: documents for one's roles and teams, the keyboard sheet, the version, «report a problem»."""

from __future__ import annotations

import json

from flask import Response, abort, render_template, request
from flask_babel import gettext as _
from markupsafe import Markup

from core import __version__, help_documents, problem_reports
from core.permissions import require
from core.web.desk_commands import done
from core.web.desk_frame import signed_in
from core.web.language import here


@require("desk.use")
def help_screen() -> str:
    """All documents for the viewer."""
    documents = help_documents.for_user(signed_in())
    return render_template("desk/help_screen.html", documents=documents, version=__version__)


@require("desk.use")
def document(document_id: int) -> str:
    """A text in a tab; 404 for one that is not for the viewer."""
    found = next((row for row in help_documents.for_user(signed_in()) if row.id == document_id), None)
    if found is None:
        abort(404)
    html = Markup(help_documents.to_html(found, here()))  # noqa: S704 -- nh3 has just cleaned it
    return render_template("desk/help_document.html", document=found, html=html)


@require("desk.use")
def report_dialog() -> str:
    """The dialog; the page's script fills in the log, which is shown before it is sent."""
    return render_template("desk/problem.html")


@require("desk.use")
def report() -> Response:
    """Keep the report with the log as the agent saw it."""
    try:
        log = json.loads(request.form.get("log", "[]"))
    except ValueError:
        log = []
    problem_reports.report(
        signed_in().id,
        request.form.get("text", ""),
        page=request.form.get("page", ""),
        browser=request.user_agent.string or "",
        log=log if isinstance(log, list) else [],
    )
    told = {"level": "good", "text": _("Thank you. The administrators have been told.")}
    return done(**{"toast": told, "okno:task-done": {}})
