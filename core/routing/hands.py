"""What an agent has in hand against what the agent may have."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select, update

from core.clock import now
from core.contracts import Capabilities, Rejected, Text
from core.db import db
from core.house import okno
from core.model import Interaction, Presence, Team, TeamMember, User
from core.routing.capacity import Mix, capacity_of, has_room, mix_of, usual

IN_HAND = ("offered", "active", "wrap_up")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one agent may have of one channel, and what may be together."""

    push: int
    limit: int
    mix: Mix


def usual_of(channel: str) -> dict[str, int]:
    """The capacity of a channel where nobody has set one."""
    known = okno().channels.get(channel)
    return usual(known.capabilities if known else Capabilities())


def bounds(user: User, channel: str) -> Bounds:
    """The user's own numbers, else those of the first team, else the usual ones."""
    first = select(Team).join(TeamMember, TeamMember.team_id == Team.id).where(TeamMember.user_id == user.id)
    team = db.session.scalar(first.order_by(Team.id).limit(1))
    numbers = capacity_of(channel, user.capacity, team.capacity if team else {}, usual_of(channel))
    return Bounds(numbers["push"], numbers["limit"], mix_of(team.mix if team else ()))


def in_hand(user_id: int) -> dict[str, int]:
    """How many interactions the agent has by channel: offered, active and in wrap-up."""
    counted = (
        select(Interaction.channel, func.count().label("number"))
        .where(Interaction.agent_id == user_id, Interaction.state.in_(IN_HAND))
        .group_by(Interaction.channel)
    )
    return {row.channel: row.number for row in db.session.execute(counted)}


def claim(user_id: int) -> None:
    """Make every router that has read this agent's load read it again.

    Whatever adds to what an agent has in hand does this in its transaction before it looks at the load: on PostgreSQL the row
    is then locked until the commit, so that no two can fill the same room.
    """
    statement = update(Presence).where(Presence.user_id == user_id).values(version=Presence.version + 1)
    db.session.execute(statement.execution_options(synchronize_session=False))


def rest_from(user_id: int) -> None:
    """The idle time of an agent begins anew: work was given or has ended."""
    statement = update(Presence).where(Presence.user_id == user_id).values(idle_since=now())
    db.session.execute(statement.execution_options(synchronize_session=False))


def state_of(user_id: int) -> str:
    """The agent's state now."""
    return db.session.scalar(select(Presence.state).where(Presence.user_id == user_id)) or "offline"


def check_limit(user: User, channel: str, *, himself: bool) -> None:
    """Refuse when the agent has more in hand than the limit. Call it after the move and :func:`claim`, in the transaction."""
    number, limit = in_hand(user.id).get(channel, 0), bounds(user, channel).limit
    if number <= limit:
        return
    known = okno().channels.get(channel)
    label = known.label if known else Text(channel, channel)
    if himself:
        words = Text(
            f"You have {number - 1} of at most {limit} in hand ({label.en}). Finish one of them first.",
            f"У вас в работе уже {number - 1} из {limit} ({label.ru}). Сначала завершите одно из них.",
        )
    else:
        words = Text(
            f"{user.name} has {number - 1} of at most {limit} in hand ({label.en}). Choose somebody else.",
            f"{user.name}: в работе уже {number - 1} из {limit} ({label.ru}). Выберите другого оператора.",
        )
    raise Rejected(words, "capacity-limit")


def may_be_offered(user: User, channel: str) -> bool:
    """Whether the agent may hear one more of the channel ring now; call it after :func:`claim`."""
    row = db.session.get(Presence, user.id, populate_existing=True)
    if user.disabled_at is not None or row is None or row.state not in ("ready", "busy") or row.next_state:
        return False
    rings = select(Interaction.id).where(Interaction.agent_id == user.id, Interaction.state == "offered").limit(1)
    if db.session.scalar(rings) is not None:
        return False
    allowed = bounds(user, channel)
    return has_room(channel, in_hand(user.id), {channel: allowed.push}, allowed.mix)
