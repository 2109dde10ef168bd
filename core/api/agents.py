"""Agents and teams (операторы и группы): who is there, in which state."""

from __future__ import annotations

from typing import Any

from flask import abort
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from core import presence, supervision
from core.api import fields as f
from core.api.auth import me
from core.api.paging import Order, Page, PageQuery, page
from core.api.resource import Resource
from core.api.shapes import AgentShape, TeamShape
from core.contracts import Text
from core.db import db
from core.model import Presence, Team, TeamMember, User

resource = Resource("agents", Text("Agents and teams", "Операторы и группы"))
BY_ID = Order("agents", ((User.id, False),))
CHOSEN = (*presence.CHOSEN_BY_AGENT, presence.OFFLINE)


class AgentQuery(PageQuery):
    team_id = f.asked(f.key())
    state = f.asked(f.word(presence.STATES))


class StateInput(f.Input):
    state = f.word(CHOSEN, required=True)
    reason = f.text(40, Text("Of not_ready", "Причина для not_ready"), load_default="")


def shown(users: list[User]) -> list[dict[str, Any]]:
    """Users as :class:`AgentShape` takes them; one query, given that their memberships are loaded."""
    ids = [user.id for user in users]
    fresh = select(Presence).where(Presence.user_id.in_(ids)).execution_options(populate_existing=True)
    rows = {row.user_id: row for row in db.session.scalars(fresh)} if ids else {}
    names = ("id", "login", "name", "email", "phone", "location", "language", "timezone")
    return [
        {
            **{name: getattr(user, name) for name in names},
            "teams": [membership.team for membership in user.memberships],
            "presence": rows.get(user.id),
        }
        for user in users
    ]


def _users() -> Any:
    teams = selectinload(User.memberships).joinedload(TeamMember.team)
    return select(User).where(User.disabled_at.is_(None)).options(teams)


@resource.get("/agents", Text("Agents", "Операторы"), query=AgentQuery, answer=AgentShape, paged=True)
def list_agents(query: dict[str, Any]) -> Page:
    """Enabled users with their teams and states, by id."""
    statement = _users()
    if "team_id" in query:
        members = select(TeamMember.user_id).where(TeamMember.team_id == query["team_id"])
        statement = statement.where(User.id.in_(members))
    if "state" in query:
        statement = statement.where(User.id.in_(select(Presence.user_id).where(Presence.state == query["state"])))
    found = page(statement, BY_ID, query, lambda user: (user.id,))
    return Page(shown(list(found.rows)), found.cursor)


@resource.get("/agents/<id:user_id>", Text("An agent", "Оператор"), answer=AgentShape)
def get_agent(user_id: int) -> dict[str, Any]:
    """With teams and state."""
    user = db.session.scalar(_users().where(User.id == user_id))
    if user is None:
        abort(404)
    return shown([user])[0]


@resource.put(
    "/agents/<id:user_id>/state",
    Text("Set an agent's state", "Сменить состояние оператора"),
    permission="supervisor.view",
    body=StateInput,
    answer=AgentShape,
)
def force_state(user_id: int, body: dict[str, Any]) -> dict[str, Any]:
    """For supervisors of the agent's teams; it comes after the work in hand."""
    get_agent(user_id)
    if user_id == me().id:
        choose(body)
    elif body["state"] == presence.OFFLINE:
        supervision.sign_out(me(), user_id)
    else:
        supervision.force(me(), user_id, body["state"], body["reason"])
    return get_agent(user_id)


def choose(body: dict[str, Any]) -> None:
    """Bring the caller into the state they choose; ready and not ready sign on first."""
    if body["state"] == presence.OFFLINE:
        presence.sign_off(me().id, "api", me().id)
        return
    presence.sign_on(me().id)
    presence.set_state(me().id, body["state"], body["reason"], "api")


@resource.get("/teams", Text("Teams", "Группы"), answer=TeamShape, many=True)
def list_teams() -> list[Team]:
    """All teams with their members, by key."""
    members = selectinload(Team.members).joinedload(TeamMember.user)
    return list(db.session.scalars(select(Team).options(members).order_by(Team.key)))


@resource.get("/teams/<id:team_id>", Text("A team", "Группа"), answer=TeamShape)
def get_team(team_id: int) -> Team:
    """With its members."""
    members = selectinload(Team.members).joinedload(TeamMember.user)
    team: Team | None = db.session.scalar(select(Team).where(Team.id == team_id).options(members))
    if team is None:
        abort(404)
    return team
