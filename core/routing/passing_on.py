"""What an agent leaves behind: conversations pass to a colleague who takes part in them, the rest returns to the queue."""

from __future__ import annotations

from sqlalchemy import select, update

from core import company, timeline
from core.clock import now
from core.db import db
from core.events import log as events
from core.house import okno
from core.model import Interaction, Offer, Participant, User
from core.routing import offers
from core.routing.queueing import end_offer, fresh, look_again, requeue_offer, swap, tell


def give_back(user_id: int, cause: str) -> None:
    """Of an agent who is gone: offers and live conversations return to the queue, letters wait in the personal queue."""
    ringing = select(Offer.id).where(Offer.agent_id == user_id, Offer.outcome.is_(None)).order_by(Offer.interaction_id)
    for offer_id in list(db.session.scalars(ringing)):
        if end_offer(offer_id, user_id, "lost"):
            requeue_offer(offer_id, "lost")
    live = [name for name, channel in okno().channels.items() if channel.capabilities.live]
    leave_companies(user_id)
    give_back_active(user_id, cause, live)


def give_back_active(user_id: int, cause: str, channels: list[str] | None) -> None:
    """What the agent works on goes to who takes part, else to the queue: of these channels, or of all when None."""
    mine = select(Interaction.id).where(Interaction.agent_id == user_id, Interaction.state == "active")
    if channels is not None:
        mine = mine.where(Interaction.channel.in_(channels))
    for interaction_id in list(db.session.scalars(mine.order_by(Interaction.id))):
        if pass_to_heir(interaction_id, user_id) is not None:
            continue
        if swap(interaction_id, "active", "queued", holder=user_id, agent_id=None, waiting_since=now()):
            interaction = fresh(interaction_id)
            timeline.write(interaction.case_id, "interaction.returned", interaction_id=interaction_id, cause=cause)
            tell(interaction)
            look_again()


def pass_to_heir(interaction_id: int, user_id: int) -> int | None:
    """Give the user's active interaction to the colleague who takes part longest; returns who that is, None for nobody.

    Needs an open transaction.
    """
    heir = company.heir_of(interaction_id)
    if heir is None or not swap(interaction_id, "active", "active", holder=user_id, agent_id=heir, accepted_at=now()):
        return None
    leave(interaction_id, heir)
    named = _name_of(heir)
    offers.assigned(interaction_id, heir, "passed", user_id, user_id, title_en=named, title_ru=named, note="")
    return heir


def _name_of(user_id: int) -> str:
    """The name of a colleague for the history."""
    return db.session.get_one(User, user_id).name


def leave(interaction_id: int, user_id: int) -> bool:
    """End the user's place in it, in the open transaction; False when there was none."""
    statement = update(Participant).where(
        Participant.interaction_id == interaction_id, Participant.user_id == user_id, Participant.left_at.is_(None)
    )
    done = db.session.execute(statement.values(left_at=now()).execution_options(synchronize_session=False))
    return bool(done.rowcount)  # type: ignore[attr-defined]


def leave_companies(user_id: int) -> None:
    """The user is gone: out of every conversation of colleagues."""
    query = select(Participant.interaction_id).where(Participant.user_id == user_id, Participant.left_at.is_(None))
    for interaction_id in list(db.session.scalars(query.order_by(Participant.interaction_id))):
        leave(interaction_id, user_id)
        interaction = fresh(interaction_id)
        told = {"interaction_id": interaction_id, "case_id": interaction.case_id}
        events.publish("desk", "participants.changed", told)
