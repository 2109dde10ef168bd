"""Who takes part in a conversation beside the agent who has it. Reads only; changes are in :mod:`core.participants`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from core.db import db
from core.model import Interaction, Participant


def of(interaction_id: int) -> list[Participant]:
    """Those invited and those there, with their users, in the order they were invited."""
    query = select(Participant).where(Participant.interaction_id == interaction_id, Participant.left_at.is_(None))
    return list(db.session.scalars(query.options(joinedload(Participant.user)).order_by(Participant.id)))


def place_of(interaction_id: int, user_id: int) -> Participant | None:
    """The user's place in it, invited or there."""
    query = select(Participant).where(
        Participant.interaction_id == interaction_id, Participant.user_id == user_id, Participant.left_at.is_(None)
    )
    return db.session.scalar(query.execution_options(populate_existing=True))


def takes_part(interaction_id: int, user_id: int) -> bool:
    """Whether the user has joined and not left."""
    place = place_of(interaction_id, user_id)
    return place is not None and place.joined_at is not None


def joined_by(user_id: int) -> Select[Any]:
    """The ids of the interactions in which the user takes part, as a statement."""
    return select(Participant.interaction_id).where(
        Participant.user_id == user_id, Participant.left_at.is_(None), Participant.joined_at.is_not(None)
    )


def concerns(user_id: int, case_id: int) -> bool:
    """Whether the user is invited to, or takes part in, a conversation of the case."""
    query = select(Participant.id).join(Interaction, Interaction.id == Participant.interaction_id)
    query = query.where(Participant.user_id == user_id, Participant.left_at.is_(None), Interaction.case_id == case_id)
    return db.session.scalar(query.limit(1)) is not None


def heir_of(interaction_id: int) -> int | None:
    """Who has it when its agent leaves: whoever joined first."""
    query = select(Participant.user_id).where(
        Participant.interaction_id == interaction_id,
        Participant.left_at.is_(None),
        Participant.joined_at.is_not(None),
    )
    return db.session.scalar(query.order_by(Participant.joined_at, Participant.id).limit(1))
