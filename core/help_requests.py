"""A request for help (запрос помощи): an agent flags an interaction in hand, supervisors are told, one of them comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import joinedload

from core import timeline
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.events import log as events
from core.model import Interaction, TeamMember, TimelineEntry, User
from core.notifications import notify
from core.permissions import holders

IN_HAND = ("active", "wrap_up")
LONGEST = 1000
NOT_YOURS = Text("This interaction is not in your hands (any more)", "Это обращение сейчас не у вас")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request that stands: the interaction, what the agent wrote, who said to come."""

    interaction: Interaction
    words: str
    helper: User | None


def ask(interaction_id: int, user_id: int, words: str = "") -> None:
    """Flag an interaction of the user's; asking again changes nothing. Raises ``Rejected`` when it is not in their hands."""
    words = words.strip()[:LONGEST]
    with transaction():
        interaction = _mine(interaction_id, user_id)
        flag = update(Interaction).where(
            Interaction.id == interaction_id,
            Interaction.agent_id == user_id,
            Interaction.state.in_(IN_HAND),
            Interaction.help_wanted_at.is_(None),
        )
        if not _changed(flag.values(help_wanted_at=now(), help_by_id=None)):
            return
        timeline.write(interaction.case_id, "help.wanted", actor_id=user_id, interaction_id=interaction_id, text=words)
        data = {"interaction_id": interaction_id, "number": interaction.case.number, "text": words[:200]}
        notify(supervisors_of(user_id), "help.wanted", "/supervisor/help", data, user_id)
        _tell(interaction, "help.wanted")


def withdraw(interaction_id: int, user_id: int) -> None:
    """The agent needs no help any more; safe to repeat."""
    with transaction():
        interaction = _mine(interaction_id, user_id)
        flag = update(Interaction).where(
            Interaction.id == interaction_id, Interaction.agent_id == user_id, Interaction.help_wanted_at.is_not(None)
        )
        if _changed(flag.values(help_wanted_at=None, help_by_id=None)):
            timeline.write(interaction.case_id, "help.withdrawn", actor_id=user_id, interaction_id=interaction_id)
            _tell(interaction, "help.withdrawn")


def come(interaction_id: int, user_id: int) -> None:
    """A supervisor says «I am coming»; the first one wins. Raises ``Rejected``: ``help-not-wanted``, ``help-is-coming``."""
    with transaction():
        flag = update(Interaction).where(
            Interaction.id == interaction_id,
            Interaction.state.in_(IN_HAND),
            Interaction.help_wanted_at.is_not(None),
            Interaction.help_by_id.is_(None),
        )
        won = _changed(flag.values(help_by_id=user_id))
        interaction = db.session.get(Interaction, interaction_id, populate_existing=True)
        if interaction is None or interaction.help_wanted_at is None or interaction.state not in IN_HAND:
            raise Rejected(Text("Help is no longer wanted there", "Там помощь уже не нужна"), "help-not-wanted")
        if not won:
            if interaction.help_by_id == user_id:
                return
            raise Rejected(Text("A colleague is on the way already", "Туда уже идёт коллега"), "help-is-coming")
        timeline.write(interaction.case_id, "help.coming", actor_id=user_id, interaction_id=interaction_id)
        data = {"interaction_id": interaction_id, "number": interaction.case.number}
        if interaction.agent_id is not None:
            notify([interaction.agent_id], "help.coming", f"/cases/{interaction.case_id}", data, user_id)
        _tell(interaction, "help.coming")


def wanted(user_id: int, *, everywhere: bool) -> list[Wanted]:
    """The requests that stand, oldest first: of the teams that ``user_id`` supervises, or of all. Three statements."""
    query = (
        select(Interaction)
        .where(Interaction.help_wanted_at.is_not(None), Interaction.state.in_(IN_HAND))
        .options(joinedload(Interaction.case), joinedload(Interaction.agent), joinedload(Interaction.service))
        .order_by(Interaction.help_wanted_at, Interaction.id)
        .limit(200)
    )
    if not everywhere:
        query = query.where(Interaction.agent_id.in_(_supervised(user_id)))
    rows = list(db.session.scalars(query))
    said = _words([row.id for row in rows])
    helpers = _people({row.help_by_id for row in rows if row.help_by_id})
    return [Wanted(row, said.get(row.id, ""), helpers.get(row.help_by_id or 0)) for row in rows]


def wanted_count(user_id: int) -> int:
    """How many requests of the teams that ``user_id`` supervises stand without anybody coming. One statement."""
    query = select(func.count()).where(
        Interaction.help_wanted_at.is_not(None),
        Interaction.help_by_id.is_(None),
        Interaction.state.in_(IN_HAND),
        Interaction.agent_id.in_(_supervised(user_id)),
    )
    return db.session.scalar(query) or 0


def supervisors_of(user_id: int) -> list[int]:
    """The supervisors of the user's teams; where there are none, everybody who may watch teams."""
    mine = select(TeamMember.team_id).where(TeamMember.user_id == user_id)
    named = select(TeamMember.user_id).where(TeamMember.team_id.in_(mine), TeamMember.supervisor)
    found = set(db.session.scalars(named)) - {user_id}
    return sorted(found) or holders("supervisor.view")


def _supervised(user_id: int) -> Any:
    teams = select(TeamMember.team_id).where(TeamMember.user_id == user_id, TeamMember.supervisor)
    return select(TeamMember.user_id).where(TeamMember.team_id.in_(teams))


def _words(interaction_ids: list[int]) -> dict[int, str]:
    if not interaction_ids:
        return {}
    query = select(TimelineEntry.interaction_id, TimelineEntry.data).where(
        TimelineEntry.case_id.in_(select(Interaction.case_id).where(Interaction.id.in_(interaction_ids))),
        TimelineEntry.kind == "help.wanted",
    )
    return {key: data.get("text", "") for key, data in db.session.execute(query.order_by(TimelineEntry.id)) if key}


def _people(ids: set[int]) -> dict[int, User]:
    return {user.id: user for user in db.session.scalars(select(User).where(User.id.in_(ids)))} if ids else {}


def _mine(interaction_id: int, user_id: int) -> Interaction:
    interaction = db.session.get(Interaction, interaction_id, populate_existing=True)
    if interaction is None or interaction.agent_id != user_id or interaction.state not in IN_HAND:
        raise Rejected(NOT_YOURS, "not-your-interaction")
    return interaction


def _changed(statement: Any) -> bool:
    result = db.session.execute(statement.execution_options(synchronize_session=False))
    return bool(result.rowcount == 1)  # type: ignore[attr-defined]


def _tell(interaction: Interaction, what: str) -> None:
    data = {
        "interaction_id": interaction.id,
        "case_id": interaction.case_id,
        "state": interaction.state,
        "agent_id": interaction.agent_id,
        "service_id": interaction.service_id,
        "help": what,
    }
    events.publish("desk", "interaction.changed", data)
    changed = {"case_id": interaction.case_id, "number": interaction.case.number, "changes": ["help"]}
    events.publish("desk", "case.changed", changed)
