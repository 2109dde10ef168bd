"""The clock on the case page and the home page's list of what is about to be late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Blueprint, abort, render_template
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from core.calendars.business_time import WorkingTime
from core.clock import now
from core.contracts import Badge, Text
from core.db import db
from core.model import Case, User
from core.permissions import require
from core.web.auth import current_user
from core.web.desk_queries import may_see, service_ids
from core.web.language import here
from plugins.sla import lines, wording
from plugins.sla.badges import badge
from plugins.sla.catalogue import load
from plugins.sla.clock import observe, reading
from plugins.sla.clock_state import ClockState, Flag, Phase
from plugins.sla.models import SlaClock

blueprint = Blueprint(
    "sla", __name__, template_folder="templates", static_folder="static", static_url_path="/sla/static"
)
SOON = timedelta(hours=24)
TILE_ROWS = 8


@dataclass(frozen=True)
class PromiseLine:
    """One promise as the panel shows it; ``percent`` is how much of the target is spent, at most 100."""

    title: Text
    target: str
    spent: str
    left: str
    due: datetime | None
    kept: datetime | None
    late: bool
    warned: bool
    percent: int


@dataclass(frozen=True)
class PhaseLine:
    """One stretch of the case's life; ``lasted`` is by the wall clock, ``spent`` is open time or ""."""

    title: Text
    holder: str
    started: datetime
    lasted: str
    spent: str


def _user() -> User:
    user = current_user()
    if user is None:
        abort(401)
    return user


@blueprint.get("/sla/cases/<int:case_id>/panel")
@require("case.view")
def panel(case_id: int) -> str:
    """The case's clock: both promises, what is spent and left, who held it how long."""
    case = db.session.get(Case, case_id)
    if case is None:
        abort(404)
    if not may_see(_user(), case):
        abort(403)
    row = db.session.scalar(select(SlaClock).where(SlaClock.case_id == case_id))
    if row is None:
        return render_template("sla/panel.html", case=case, clock=None, line=_line(case_id))
    catalogue = load()
    state = ClockState.from_dict(row.state)
    time, at = catalogue.time(state.terms.calendar), max(now(), state.phase.started)
    return render_template(
        "sla/panel.html",
        case=case,
        clock=state,
        mark=badge(state, time, at, here()),
        priority=wording.PRIORITIES[str(state.terms.priority)],
        promises=_promises(state, time, at),
        phases=_phases(state, time, at),
        calendar=catalogue.calendar_title(state.terms.calendar),
        policy=catalogue.policies[row.policy_key].title if row.policy_key in catalogue.policies else None,
        open_now=time.is_open(at),
        line=_line(case_id),
    )


def _line(case_id: int) -> dict[str, object] | None:
    """The case's support line with its goals, None where no targets are set."""
    stay = lines.stays_now([case_id]).get(case_id)
    if stay is None:
        return None
    language, day = here(), stay.time.day_length

    def goal_line(goal: lines.Goal) -> PromiseLine:
        return PromiseLine(
            title=goal.title,
            target=wording.span(goal.target, day, language),
            spent=wording.span(goal.spent, day, language),
            left=wording.left(goal.target - goal.spent, day, language),
            due=goal.due,
            kept=stay.entered if goal.done else None,
            late=goal.late,
            warned=goal.spent >= goal.target * lines.WARN_AT,
            percent=min(100, int(100 * goal.spent / goal.target)),
        )

    return {"title": stay.title, "entered": stay.entered, "goals": [goal_line(goal) for goal in stay.goals]}


def _promises(state: ClockState, time: WorkingTime, at: datetime) -> list[PromiseLine]:
    seen, shown, language = observe(state, at), reading(state, at, time), here()

    def line(title: Text, target: timedelta, spent: timedelta, name: str, kept: datetime | None) -> PromiseLine:
        return PromiseLine(
            title=title,
            target=wording.span(target, time.day_length, language),
            spent=wording.span(spent, time.day_length, language),
            left=wording.left(target - spent, time.day_length, language),
            due=getattr(seen, f"{name}_due"),
            kept=kept,
            late=Flag(f"{name}_breached") in seen.flags,
            warned=Flag(f"{name}_warned") in seen.flags,
            percent=min(100, int(100 * spent / target)),
        )

    return [
        line(wording.RESPONSE, state.terms.response, shown.response_spent, "response", state.responded_at),
        line(wording.RESOLUTION, state.terms.resolution, shown.resolution_spent, "resolution", state.resolved_at),
    ]


def _phases(state: ClockState, time: WorkingTime, at: datetime) -> list[PhaseLine]:
    ids = {int(phase.holder.partition(":")[2]) for phase in state.phases if phase.holder}
    query = select(User).where(User.id.in_(ids))
    names = {f"user:{user.id}": user.name for user in db.session.scalars(query)} if ids else {}

    def line(phase: Phase) -> PhaseLine:
        ended = phase.ended or at
        spent = phase.spent if phase.ended else time.between(phase.started, at)
        return PhaseLine(
            title=wording.PHASES[phase.kind],
            holder=names.get(phase.holder, ""),
            started=phase.started,
            lasted=wording.span(ended - phase.started, timedelta(days=1), here()),
            spent=wording.span(spent, time.day_length, here()) if phase.kind.runs else "",
        )

    return [line(phase) for phase in state.phases]


@blueprint.get("/sla/tile")
@require("case.view")
def tile() -> str:
    """The open cases of the viewer's teams that are late or due within a day, the most urgent first."""
    at = now()
    user, language = _user(), here()
    query = select(SlaClock).join(Case).where(SlaClock.due_at <= at + SOON).options(joinedload(SlaClock.case))
    services = service_ids(user)
    if services is not None:
        query = query.where(or_(Case.service_id.in_(services), Case.assignee_id == user.id))
    rows = list(db.session.scalars(query.order_by(SlaClock.due_at).limit(TILE_ROWS)))
    catalogue = load() if rows else None
    lines: list[tuple[Case, Badge | None]] = []
    for row in rows:
        assert catalogue is not None
        state = ClockState.from_dict(row.state)
        lines.append((row.case, badge(state, catalogue.time(state.terms.calendar), at, language)))
    return render_template("sla/tile.html", lines=lines)
