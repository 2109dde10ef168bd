"""Help documents and reports of problems."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_babel import gettext as _
from markupsafe import Markup

from core import directory, help_documents, problem_reports
from core.model import HelpDocument
from core.permissions import require
from core.web.admin_frame import (
    Answer,
    FormState,
    attempt,
    blueprint,
    choices,
    done,
    draw,
    found,
    refused,
    ticked,
    typed,
)
from core.web.language import here

FIELDS = ("title_en", "title_ru", "url", "text_en", "text_ru", "role", "team", "position")
MANAGE = problem_reports.MANAGE


@blueprint.get("/help")
@require(MANAGE)
def help_list() -> Answer:
    """All documents in their order."""
    return draw("help_documents", rows=help_documents.listed())


@blueprint.get("/help/new")
@require(MANAGE)
def new_help() -> Answer:
    """An empty form."""
    return _page(None, FormState({"position": 0, "active": True}))


@blueprint.post("/help/new")
@require(MANAGE)
def add_help() -> Answer:
    """Add a document."""
    values = _typed()
    errors = attempt(lambda: help_documents.save(None, values))
    return _page(None, FormState(values, errors)) if errors else done("admin.help_list", _("Document added"))


@blueprint.get("/help/<int:document_id>")
@require(MANAGE)
def help_page(document_id: int) -> Answer:
    """One document, with what agents see."""
    row = found(lambda: help_documents.get(document_id))
    values = {name: getattr(row, name) for name in (*FIELDS[:5], "position", "active")}
    role, team = row.role.key if row.role else "", row.team.key if row.team else ""
    return _page(row, FormState({**values, "role": role, "team": team}))


@blueprint.post("/help/<int:document_id>")
@require(MANAGE)
def change_help(document_id: int) -> Answer:
    """Change it."""
    row = found(lambda: help_documents.get(document_id))
    values = _typed()
    errors = attempt(lambda: help_documents.save(document_id, values))
    return _page(row, FormState(values, errors)) if errors else done("admin.help_list")


@blueprint.post("/help/<int:document_id>/remove")
@require(MANAGE)
def remove_help(document_id: int) -> Answer:
    """Remove it."""
    errors = attempt(lambda: help_documents.remove(document_id))
    return refused(errors, "admin.help_list") if errors else done("admin.help_list", _("Document removed"))


def _typed() -> dict[str, Any]:
    values = {**typed(*FIELDS), **ticked("active")}
    return {**values, "position": values["position"] or 0}


def _page(row: HelpDocument | None, form: FormState) -> Answer:
    shown = Markup(help_documents.to_html(row, here())) if row is not None and not row.url else ""  # noqa: S704 -- cleaned
    return draw(
        "help_document",
        form,
        row=row,
        shown=shown,
        roles=choices(directory.list_roles()),
        teams=choices(directory.list_teams()),
    )


# --- reports ------------------------------------------------------------------------------------------


@blueprint.get("/problems")
@require(MANAGE)
def problems() -> Answer:
    """Open reports, or the closed ones."""
    closed = request.args.get("closed") == "1"
    rows = problem_reports.listed(closed=closed, before=request.args.get("before", type=int))
    more = rows[-1].id if len(rows) == problem_reports.PAGE else None
    return draw("problems", rows=rows, closed=closed, more=more)


@blueprint.get("/problems/<int:report_id>")
@require(MANAGE)
def problem(report_id: int) -> Answer:
    """One report with the browser's log."""
    return draw("problem", row=found(lambda: problem_reports.get(report_id)))


@blueprint.post("/problems/<int:report_id>/close")
@require(MANAGE)
def close_problem(report_id: int) -> Answer:
    """It is dealt with."""
    errors = attempt(lambda: problem_reports.close(report_id))
    return refused(errors, "admin.problems") if errors else done("admin.problems", _("Report closed"))
