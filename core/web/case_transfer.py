"""Passing a case on: to a colleague, a group, another service, up or down the support lines."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, render_template, request
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from core import assignment, casework
from core.contracts import Rejected, Text
from core.db import db
from core.model import Case, Interaction, Presence, Service, Team, TeamMember, User
from core.permissions import granted, require
from core.web import case_aside, case_views
from core.web.desk_commands import done, opens
from core.web.desk_frame import signed_in

MOST = 400
OPEN_STATES = ("queued", "offered", "active", "wrap_up")
KINDS = ("user", "team", "service", "line")
CHOOSE = Text("Choose whom to pass it to", "Выберите, кому передать")


@dataclass(slots=True)
class Colleague:
    """Somebody who may take a case over, with what the list shows."""

    user: User
    state: str
    teams: str
    serves: bool


def current_interaction(case_id: int, user: User) -> Interaction | None:
    """What would move: the user's own open interaction of the case, else its newest open one."""
    query = select(Interaction).where(Interaction.case_id == case_id, Interaction.state.in_(OPEN_STATES))
    rows = list(db.session.scalars(query.order_by(Interaction.id.desc())))
    return next((row for row in rows if row.agent_id == user.id), rows[0] if rows else None)


def colleagues(case: Case, user: User, language: str) -> list[Colleague]:
    """Who may answer cases, those of the service's teams first, ready ones before busy ones."""
    query = select(User, Presence.state).outerjoin(Presence, Presence.user_id == User.id)
    query = query.where(User.disabled_at.is_(None), User.id != user.id).limit(MOST)
    query = query.options(selectinload(User.roles), selectinload(User.memberships).joinedload(TeamMember.team))
    serving = {team.id for team in case.service.teams} if case.service else set()
    found = []
    for person, state in db.session.execute(query):
        if "case.reply" not in granted(person):
            continue
        teams = [membership.team for membership in person.memberships]
        titles = ", ".join(team.title_ru if language == "ru" else team.title_en for team in teams)
        found.append(Colleague(person, state or "offline", titles, any(team.id in serving for team in teams)))
    rank = {"ready": 0, "busy": 1, "ringing": 1, "wrap_up": 1, "not_ready": 2, "offline": 3}
    return sorted(found, key=lambda one: (not one.serves, rank.get(one.state, 2), one.user.name))


@require("case.reply")
def dialog(case_id: int) -> str:
    """Whom to pass it to."""
    from core.web.language import here

    case, user = case_views.seen_case(case_id), signed_in()
    return render_template(
        "desk/case_transfer.html",
        case=case,
        interaction=current_interaction(case_id, user),
        colleagues=colleagues(case, user, here()),
        teams=list(db.session.scalars(select(Team).order_by(Team.id))),
        services=case_aside.services(exclude=case.service_id),
        lines=[line for line in case_aside.lines_of(case.service_id) if line.number != case.line],
    )


@require("case.reply")
def transfer(case_id: int) -> Response:
    """Carry it out; a case without an open interaction only changes its agent or service."""
    case, user = case_views.seen_case(case_id), signed_in()
    kind, _, chosen = request.form.get("target", "").partition(":")
    if kind not in KINDS or not chosen.isdigit() or len(chosen) > 9:
        raise Rejected(CHOOSE, "target-missing")
    interaction = current_interaction(case.id, user)
    note = request.form.get("note", "").strip()
    if interaction is None:
        _without_interaction(case_id, user.id, kind, int(chosen))
    else:
        _pass_on(interaction.id, user.id, kind, int(chosen), note)
    return done(**opens(case_id), **{"okno:close": {}})


def _pass_on(interaction_id: int, user_id: int, kind: str, target_id: int, note: str) -> None:
    if kind == "line":
        assignment.move_line(interaction_id, user_id, target_id, note)
    else:
        assignment.transfer(interaction_id, user_id, **{f"to_{kind}_id": target_id}, note=note)


def _without_interaction(case_id: int, user_id: int, kind: str, target_id: int) -> None:
    if kind == "user":
        casework.change(case_id, user_id, assignee_id=target_id)
    elif kind == "service":
        casework.change(case_id, user_id, service_id=db.session.get_one(Service, target_id).id)
    else:
        words = Text(
            "Nothing of this case is in work: choose an agent or a service",
            "В запросе нет открытого обращения: выберите оператора или сервис",
        )
        raise Rejected(words, "nothing-to-pass")


@require("case.reply")
def move_line(case_id: int) -> Response:
    """One line up or down, from the buttons of the header."""
    case, user = case_views.seen_case(case_id), signed_in()
    interaction = current_interaction(case.id, user)
    line = request.form.get("line", "")
    if interaction is None or not line.isdigit():
        raise Rejected(CHOOSE, "nothing-to-pass")
    assignment.move_line(interaction.id, user.id, int(line[:4]), request.form.get("note", "").strip())
    return done(**opens(case_id))
