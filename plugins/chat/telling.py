"""What the visitor's page is told: events on the visitor's own topic, and the answers of agents on their way out."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm.attributes import set_committed_value

from core.contracts import Delivery
from core.db import current_work, db, transaction
from core.events import log as events
from core.model import Interaction, Message, Participant
from plugins.chat import conversations

_SENT = update(Message.__table__).where(Message.__table__.c.id == bindparam("message")).values(delivery="sent")


def topic_of(visitor_id: str) -> str:
    """The event topic of a visitor, the same through all conversations; ``visitor_id`` is the interaction's ``address``."""
    return f"session:chat-{visitor_id}"


def tell(visitor_id: str, type: str, **payload: Any) -> None:
    """Publish an event to the visitor's page, in the open transaction."""
    events.publish(topic_of(visitor_id), type, payload)


def tell_state(interaction_id: int) -> None:
    """Tell the visitor's page where the conversation stands now, in a transaction of its own or the open one."""
    with transaction():
        interaction = db.session.get(Interaction, interaction_id, populate_existing=True)
        if interaction is not None and interaction.address:
            tell(interaction.address, "chat.state", **conversations.state_of(interaction))


def tell_agent(interaction: Interaction, type: str, **payload: Any) -> None:
    """Publish an event to who holds the conversation and who takes part, in the open transaction; nobody hears while it waits."""
    if interaction.agent_id is None:
        return
    beside = select(Participant.user_id).where(
        Participant.interaction_id == interaction.id,
        Participant.joined_at.is_not(None),
        Participant.left_at.is_(None),
    )
    for user_id in {interaction.agent_id, *db.session.scalars(beside)}:
        events.publish(f"user:{user_id}", type, {"interaction_id": interaction.id, **payload})


def deliver(delivery: Delivery) -> None:
    """Tell the visitor's page; the event log keeps it for a page that is away, so it counts as sent."""
    interaction = db.session.get_one(Interaction, delivery.interaction_id)
    current_work().connection.execute(_SENT, {"message": delivery.message_id})
    set_committed_value(db.session.get_one(Message, delivery.message_id), "delivery", "sent")
    tell(interaction.address, "chat.message", message_id=delivery.message_id)
