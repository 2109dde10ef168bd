"""What a supervisor sees of the agents of the own teams and may decide for them: their state, an end to their session."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from core import notifications, presence, sessions
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.model import Contact, Interaction, Presence, Team, TeamMember, User
from core.permissions import allowed
from core.states_history import Span, histories

IN_HAND = ("offered", "active", "wrap_up")


@dataclass(slots=True)
class Watched:
    """An agent with everything that a row of the supervisor's page shows."""

    user: User
    presence: Presence | None
    teams: list[Team] = field(default_factory=list)
    interactions: list[Interaction] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)

    @property
    def state(self) -> str:
        """The state's word; offline before the first sign-on."""
        return self.presence.state if self.presence else presence.OFFLINE


def teams_of(user: User) -> list[Team]:
    """The teams that the user supervises; all for who manages users and supervises none."""
    mine = select(TeamMember.team_id).where(TeamMember.user_id == user.id, TeamMember.supervisor)
    found = list(db.session.scalars(select(Team).where(Team.id.in_(mine)).order_by(Team.id)))
    if found or not allowed(user, "admin.users"):
        return found
    return list(db.session.scalars(select(Team).order_by(Team.id)))


def supervises(user: User, agent_id: int) -> bool:
    """Whether the agent is in one of the user's teams."""
    teams = [team.id for team in teams_of(user)]
    member = select(TeamMember.user_id).where(TeamMember.user_id == agent_id, TeamMember.team_id.in_(teams))
    return db.session.scalar(member.limit(1)) is not None


def watched(
    teams: Sequence[Team], since: datetime, until: datetime, only: Iterable[int] | None = None
) -> list[Watched]:
    """The enabled agents of these teams, by name, with their day; ``only`` narrows to some. A constant number of queries."""
    by_team = {team.id: team for team in teams}
    members = select(TeamMember.user_id, TeamMember.team_id).where(
        TeamMember.team_id.in_(by_team), TeamMember.supervisor.is_(False)
    )
    if only is not None:
        members = members.where(TeamMember.user_id.in_(list(only)))
    belongs: dict[int, list[Team]] = {}
    for user_id, team_id in db.session.execute(members.order_by(TeamMember.team_id)):
        belongs.setdefault(user_id, []).append(by_team[team_id])
    rows = db.session.execute(
        select(User, Presence)
        .outerjoin(Presence, Presence.user_id == User.id)
        .where(User.id.in_(belongs), User.disabled_at.is_(None))
        .order_by(User.last_name, User.first_name, User.id)
        .execution_options(populate_existing=True)
    ).all()
    ids = [row.User.id for row in rows]
    spans, work = histories(ids, since, until), _in_hand(ids)
    return [
        Watched(user, state, belongs[user.id], work.get(user.id, []), spans.get(user.id, [])) for user, state in rows
    ]


def _in_hand(user_ids: Sequence[int]) -> dict[int, list[Interaction]]:
    query = (
        select(Interaction)
        .where(Interaction.agent_id.in_(user_ids), Interaction.state.in_(IN_HAND))
        .options(joinedload(Interaction.case))
        .order_by(Interaction.accepted_at, Interaction.id)
    )
    found: dict[int, list[Interaction]] = {}
    for interaction in db.session.scalars(query):
        if interaction.agent_id is not None:
            found.setdefault(interaction.agent_id, []).append(interaction)
    return found


def names_of(agents: Iterable[Watched]) -> dict[int, str]:
    """The names of the contacts whose interactions are in hand, by contact."""
    ids = {item.contact_id for agent in agents for item in agent.interactions if item.contact_id}
    return {row.id: row.name for row in db.session.execute(select(Contact.id, Contact.name).where(Contact.id.in_(ids)))}


def count_states(teams: Sequence[Team]) -> dict[str, int]:
    """How many agents of these teams are in each state."""
    members = select(TeamMember.user_id).where(
        TeamMember.team_id.in_([team.id for team in teams]), TeamMember.supervisor.is_(False)
    )
    state = func.coalesce(Presence.state, presence.OFFLINE)
    rows = db.session.execute(
        select(state, func.count())
        .select_from(User)
        .outerjoin(Presence, Presence.user_id == User.id)
        .where(User.id.in_(members), User.disabled_at.is_(None))
        .group_by(state)
    )
    return {row[0]: row[1] for row in rows}


def force(supervisor: User, agent_id: int, state: str, reason: str = "") -> presence.Outcome:
    """Set an agent of the own teams Ready or Not ready; "later" while work is in hand. Codes: ``not-yours`` and those of
    :func:`core.presence.force`."""
    _check(supervisor, agent_id)
    return presence.force(agent_id, state, reason, supervisor.id)


def sign_out(supervisor: User, agent_id: int) -> None:
    """End the sessions of an agent of the own teams; live conversations go back to the queue, letters stay."""
    _check(supervisor, agent_id)
    with transaction():
        if presence.of(agent_id).state != presence.OFFLINE:
            told = {"state": presence.OFFLINE, "reason": ""}
            notifications.notify([agent_id], "state.forced", "/", told, supervisor.id)
        sessions.end_of_user(agent_id, "supervisor")
        presence.sign_off(agent_id, "supervisor", supervisor.id)


def _check(supervisor: User, agent_id: int) -> None:
    if not supervises(supervisor, agent_id):
        raise Rejected(
            Text("This agent is in none of your teams.", "Этого оператора нет в ваших группах."), "not-yours"
        )
