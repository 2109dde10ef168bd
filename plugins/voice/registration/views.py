"""Registration of calls on pages: beside the case of a call, the list of what is not registered, the report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, abort, render_template, request

from core.contracts import Rejected
from core.db import db
from core.directory import list_teams
from core.model import Case
from core.permissions import allowed, require
from core.web import case_views, desk_queries
from core.web.desk_frame import signed_in
from core.web.language import here
from plugins.voice.feature_frame import feature_blueprint, plain_number
from plugins.voice.models.calls import VoiceCall
from plugins.voice.quality.views import beside_calls
from plugins.voice.recordings.views import DAYS, period, shown_day
from plugins.voice.registration import links, report
from plugins.voice.registration.report import Asked
from plugins.voice.sheets import sheet_answer

blueprint = feature_blueprint("registration")


# --- beside a case -----------------------------------------------------------------------------------


@blueprint.get("/voice/registration/case")
@require("case.view")
def of_case() -> str:
    """The panel: the calls of the case ``case``, where they are registered, a form to link them elsewhere."""
    return _panel(case_views.seen_case(plain_number("case")))


def _panel(case: Case, trouble: str = "", call_id: int = 0, typed: str = "") -> str:
    user = signed_in()
    calls = links.calls_of_case(case.id)
    views = [links.view_of(call) for call in calls]
    mine = {call.id for call in calls if user.id == call.agent_id or allowed(user, links.PERMISSION)}
    return render_template(
        "voice/registration_panel.html",
        case=case,
        views=views,
        mine=mine,
        candidates={view.call.id: links.candidates(view.call) for view in views[:1] if view.call.id in mine},
        trouble=trouble,
        trouble_at=call_id,
        typed=typed,
        **beside_calls([call.id for call in calls]),
    )


@blueprint.post("/voice/registration/case/<int:call_id>")
@require("case.reply")
def link_beside(call_id: int) -> str:
    """Link a call from the panel of the case ``case``: by number, or to that from the list."""
    shown = case_views.seen_case(plain_number("case"))
    typed = request.form.get("number", "")
    try:
        _link(call_id, typed)
    except Rejected as refusal:
        db.session.rollback()
        return _panel(shown, refusal.text.to(here()), call_id, typed)
    return _panel(shown)


@blueprint.post("/voice/registration/case/<int:call_id>/unlink")
@require("case.reply")
def unlink_beside(call_id: int) -> str:
    """Take a registration back."""
    shown = case_views.seen_case(plain_number("case"))
    try:
        links.unlink(call_id, signed_in().id)
    except Rejected as refusal:
        db.session.rollback()
        return _panel(shown, refusal.text.to(here()), call_id)
    return _panel(shown)


def _link(call_id: int, number: str) -> None:
    case = db.session.get(Case, plain_number("case_id")) if "case_id" in request.form else links.case_by_number(number)
    if case is None or not desk_queries.may_see(signed_in(), case):
        raise Rejected(links.NO_CASE, "case-unknown")
    links.link(call_id, case.id, signed_in().id)


# --- the list ----------------------------------------------------------------------------------------


def _asked(mine: bool = False) -> Asked:
    since, until = period()
    user = signed_in()
    agent_id = user.id if mine else plain_number("agent") or None
    return Asked(since, until, plain_number("team") or None, agent_id)


def _only_mine() -> bool:
    return not allowed(signed_in(), links.PERMISSION)


@blueprint.get("/voice/registration")
@require("case.reply")
def unregistered() -> str:
    """Calls that are registered nowhere; agents see their own. ``find`` looks for a call by its id instead."""
    wanted = request.args.get("find", "").strip()
    trouble, rows, more = "", [], None
    if wanted:
        try:
            rows = [_found(wanted)]
        except Rejected as refusal:
            trouble = refusal.text.to(here())
    else:
        rows = report.unregistered(_asked(_only_mine()), before=plain_number("before") or None, limit=report.PAGE + 1)
        more = rows[report.PAGE - 1].id if len(rows) > report.PAGE else None
    return render_template(
        "voice/registration_list.html",
        views=[links.view_of(call) for call in rows[: report.PAGE]],
        more=more,
        wanted=wanted,
        trouble=trouble,
        **_filters(),
    )


def _found(text: str) -> VoiceCall:
    call = links.find_call(text)
    user = signed_in()
    if call.agent_id != user.id and not allowed(user, links.PERMISSION):
        raise Rejected(links.UNKNOWN, "call-unknown")
    return call


def _filters() -> dict[str, Any]:
    return {
        "first": shown_day("from", DAYS),
        "last": shown_day("until", 0),
        "teams": list_teams(),
        "team_id": plain_number("team") or None,
        "agent_id": plain_number("agent") or None,
        "limits": report.exclusions(),
    }


@blueprint.get("/voice/registration/calls/<int:call_id>")
@require("case.reply")
def call_row(call_id: int) -> str:
    """A row with its form open: the caller's cases to choose from."""
    call = _attempt_or_404(lambda: _found(str(call_id)))
    return _row(call, opened=True)


@blueprint.post("/voice/registration/calls/<int:call_id>")
@require("case.reply")
def link_row(call_id: int) -> str:
    """Link the call of a row."""
    _attempt_or_404(lambda: _found(str(call_id)))
    typed = request.form.get("number", "")
    try:
        _link(call_id, typed)
    except Rejected as refusal:
        db.session.rollback()
        return _row(links.find_call(str(call_id)), opened=True, trouble=refusal.text.to(here()), typed=typed)
    return _row(links.find_call(str(call_id)))


def _attempt_or_404(find: Callable[[], VoiceCall]) -> VoiceCall:
    try:
        return find()
    except Rejected:
        abort(404)


def _row(call: VoiceCall, *, opened: bool = False, trouble: str = "", typed: str = "") -> str:
    """The row alone, as an answer: the focus stays in it."""
    cases = links.candidates(call) if opened else []
    view = links.view_of(call)
    values = {"view": view, "opened": opened, "candidates": cases, "trouble": trouble, "typed": typed}
    values["answered"] = True
    return render_template("voice/registration_row.html", **values)


# --- the report --------------------------------------------------------------------------------------


@blueprint.get("/voice/registration/report")
@require(links.PERMISSION)
def figures() -> str:
    """«% registered» by department, supervisor or agent."""
    by = _cut()
    lines, total = report.report(_asked(), by, here())
    return render_template(
        "voice/registration_report.html",
        by=by,
        cuts=report.TITLES,
        ways=report.WAYS,
        lines=lines,
        total=total,
        **_filters(),
    )


def _cut() -> str:
    return request.args["by"] if request.args.get("by") in report.BY else report.BY[0]


@blueprint.get("/voice/registration/report.csv")
@require(links.PERMISSION)
def figures_csv() -> Response:
    """The report for a spreadsheet."""
    lines, total = report.report(_asked(), _cut(), here())
    return sheet_answer(report.report_csv(lines, total, _cut(), here()), f"registration-{_cut()}")


@blueprint.get("/voice/registration/calls.csv")
@require("case.reply")
def calls_csv() -> Response:
    """The list of calls that are not registered, for a spreadsheet."""
    rows = report.unregistered(_asked(_only_mine()), limit=report.MOST_EXPORTED)
    return sheet_answer(report.unregistered_csv(rows, here()), "calls-not-registered")
