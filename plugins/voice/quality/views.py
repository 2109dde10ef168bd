"""The quality of calls on pages: the calls of a time with what was measured, agents compared; what an agent says beside the case."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, render_template, request

from core.contracts import Rejected
from core.db import db
from core.directory import list_teams
from core.model import User
from core.permissions import require
from core.web.desk_frame import signed_in
from core.web.language import here
from plugins.voice.calls.talk import MOST_JITTER, MOST_LOSS
from plugins.voice.feature_frame import feature_blueprint, plain_number
from plugins.voice.quality import figures, sound_reports
from plugins.voice.quality.figures import Asked
from plugins.voice.recordings.views import DAYS, period, shown_day
from plugins.voice.sheets import sheet_answer

blueprint = feature_blueprint("quality")
PERMISSION = "voice.quality"


def _asked() -> Asked:
    since, until = period()
    team_id, agent_id = plain_number("team") or None, plain_number("agent") or None
    return Asked(since, until, team_id, agent_id, _ticked("poor"), _ticked("said"))


def _ticked(name: str) -> bool:
    return request.args.get(name) == "1"


def _filters(asked: Asked) -> dict[str, Any]:
    return {
        "first": shown_day("from", DAYS),
        "last": shown_day("until", 0),
        "teams": list_teams(),
        "team_id": asked.team_id,
        "agent": db.session.get(User, asked.agent_id) if asked.agent_id else None,
        "asked": asked,
        "limits": (f"{MOST_LOSS:g}", f"{MOST_JITTER:g}"),
    }


@blueprint.get("/voice/quality")
@require(PERMISSION)
def shown() -> str:
    """Calls, the newest first; with ``by=agent`` a row for each agent."""
    asked = _asked()
    if request.args.get("by") == "agent":
        lines, total = figures.by_agent(asked, here())
        return render_template("voice/quality_agents.html", lines=lines, total=total, by="agent", **_filters(asked))
    rows = figures.page(asked, before=plain_number("before") or None, limit=figures.PAGE + 1)
    more = rows[figures.PAGE - 1].call.id if len(rows) > figures.PAGE else None
    values = {"rows": rows[: figures.PAGE], "more": more, "number_of": figures.number_of, **_sound_words()}
    return render_template("voice/quality_calls.html", by="calls", **values, **_filters(asked))


@blueprint.get("/voice/quality/calls.csv")
@require(PERMISSION)
def calls_csv() -> Response:
    """The calls for a spreadsheet."""
    return sheet_answer(figures.calls_csv(figures.every(_asked()), here()), "call-quality")


@blueprint.get("/voice/quality/agents.csv")
@require(PERMISSION)
def agents_csv() -> Response:
    """The table by agent for a spreadsheet."""
    return sheet_answer(figures.agents_csv(*figures.by_agent(_asked(), here()), here()), "call-quality-agents")


# --- beside a case -----------------------------------------------------------------------------------


def _sound_words() -> dict[str, Any]:
    return {"faults": sound_reports.TITLES, "title_of": sound_reports.title_of}


def beside_calls(call_ids: list[int]) -> dict[str, Any]:
    """What the panel of the calls of a case shows of their sound: what was said, and in which the viewer has talked."""
    talked = sound_reports.talked_in(signed_in().id, call_ids)
    return {"said": sound_reports.of_calls(call_ids), "talked": talked, "viewer": signed_in().id, **_sound_words()}


@blueprint.post("/voice/quality/calls/<int:call_id>/sound")
@require("voice.call")
def say(call_id: int) -> str:
    """What was wrong with the sound; with ``take_back`` nothing was."""
    if call_id not in sound_reports.talked_in(signed_in().id, [call_id]):
        abort(404)
    typed, trouble = request.form.get("comment", ""), ""
    try:
        if "take_back" in request.form:
            sound_reports.take_back(call_id, signed_in().id)
        else:
            sound_reports.say(call_id, signed_in().id, request.form.get("fault", ""), typed)
    except Rejected as refusal:
        db.session.rollback()
        trouble = refusal.text.to(here())
    return render_template(
        "voice/sound_report.html",
        call_id=call_id,
        place=plain_number("case"),
        trouble=trouble,
        typed=typed,
        answered=True,
        **beside_calls([call_id]),
    )
