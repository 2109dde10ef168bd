"""The pages of pings: the list of what waits for me and what I asked, one ping, the dialog that asks, the panel of a case."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, abort, render_template, request
from sqlalchemy import select

from core import pings
from core.clock import now
from core.db import db
from core.model import Case, Draft, Ping
from core.permissions import require
from core.web import drawing
from core.web.case_views import seen_case
from core.web.desk_commands import done
from core.web.desk_frame import permitted, signed_in
from core.web.desk_pages import midnight
from core.web.language import here

blueprint = Blueprint("pings", __name__)
BOXES = ("mine", "asked", "figures")
SPANS = {"today": 0, "week": 6, "month": 29}


@blueprint.get("/pings")
@require("case.view")
def listing() -> str:
    """What waits for me, what I asked, or for supervisors the figures."""
    user = signed_in()
    supervises = permitted(user, "supervisor.view")
    box = request.args.get("box", BOXES[0])
    if box not in BOXES or (box == "figures" and not supervises):
        box = BOXES[0]
    values: dict[str, Any] = {"box": box, "supervises": supervises, "kinds": pings.KINDS}
    if box == "figures":
        span = request.args.get("span", "week")
        since = midnight() - timedelta(days=SPANS.get(span, SPANS["week"]))
        return render_template("desk/pings.html", figures=pings.figures(since, now()), span=span, **values)
    rows = pings.to_answer(user.id) if box == "mine" else pings.asked_by(user.id)
    return render_template("desk/pings.html", rows=rows, overdue_at=pings.overdue_at, **values)


def _seen(ping_id: int) -> Ping:
    """A ping that the viewer asked, may answer, or whose case may be seen; 404 or 403 otherwise."""
    ping = db.session.get(Ping, ping_id)
    if ping is None:
        abort(404)
    user = signed_in()
    if user.id != ping.asked_by_id and not pings.may_answer(ping, user.id):
        seen_case(ping.case_id)
    return pings.get(ping_id)


@blueprint.get("/pings/<int:ping_id>")
@require("case.view")
def page(ping_id: int) -> str:
    """One question with what may be done about it."""
    ping, user = _seen(ping_id), signed_in()
    return render_template(
        "desk/ping.html",
        ping=ping,
        mine=ping.asked_by_id == user.id,
        answers=pings.may_answer(ping, user.id),
        holds=ping.answered_by_id == user.id,
        draft=_draft(ping.case_id, "ping"),
        overdue_at=pings.overdue_at(ping),
        kinds=pings.KINDS,
        in_russian=here() == "ru",
    )


def _draft(case_id: int, kind: str) -> str:
    query = select(Draft.body_html).where(Draft.user_id == signed_in().id, Draft.case_id == case_id, Draft.kind == kind)
    return db.session.scalar(query) or ""


@blueprint.get("/cases/<int:case_id>/pings")
@require("case.view")
def panel(case_id: int) -> str:
    """The questions asked from a case."""
    seen_case(case_id)
    return render_template(
        "desk/ping_panel.html", case_id=case_id, rows=pings.of_case(case_id), any_target=bool(pings.targets())
    )


@blueprint.get("/cases/<int:case_id>/pings/new")
@require("case.reply")
def new(case_id: int) -> str:
    """The dialog: whom, what, and the fields that the addressee wants."""
    case: Case = seen_case(case_id)
    return render_template(
        "desk/ping_ask.html",
        case=case,
        targets=pings.targets(),
        kinds=pings.KINDS,
        draft=_draft(case_id, "ask"),
        interaction_id=request.args.get("interaction_id", ""),
        in_russian=here() == "ru",
    )


@blueprint.post("/cases/<int:case_id>/pings")
@require("case.reply")
def ask(case_id: int) -> Response:
    """Send it."""
    seen_case(case_id)
    target, interaction = request.form.get("target", ""), request.form.get("interaction_id", "")
    prefix = f"field-{target}-"
    values = {name.removeprefix(prefix): text for name, text in request.form.items() if name.startswith(prefix)}
    pings.ask(
        case_id,
        signed_in().id,
        int(target) if target.isdigit() else 0,
        request.form.get("question", ""),
        values,
        int(interaction) if interaction.isdigit() else None,
    )
    return done(**{"okno:close": {}, "okno:fresh": {"case_id": case_id}, "okno:pings": {"case_id": case_id}})


@blueprint.post("/pings/<int:ping_id>/take")
@require("case.view")
def take(ping_id: int) -> Response:
    """I answer this one."""
    pings.take(ping_id, signed_in().id)
    return _moved(ping_id)


@blueprint.post("/pings/<int:ping_id>/give-back")
@require("case.view")
def give_back(ping_id: int) -> Response:
    """Somebody else answers it."""
    pings.give_back(ping_id, signed_in().id)
    return _moved(ping_id)


@blueprint.post("/pings/<int:ping_id>/withdraw")
@require("case.view")
def withdraw(ping_id: int) -> Response:
    """No answer is needed any more."""
    pings.withdraw(ping_id, signed_in().id)
    return _moved(ping_id)


@blueprint.post("/pings/<int:ping_id>/answer")
@require("case.view")
def answer(ping_id: int) -> Response:
    """The answer, which goes into the case."""
    pings.answer(ping_id, signed_in().id, request.form.get("answer", ""))
    return _moved(ping_id)


def _moved(ping_id: int) -> Response:
    return Response(status=204, headers={"HX-Trigger": drawing.trigger(**{"okno:pings": {"ping_id": ping_id}})})
