"""What a visitor may see of the conversation: the messages so far, and where it stands. Reads only."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from core.db import db
from core.model import ContactAddress, Interaction, Message, User

CHANNEL = "chat"
PAGE = 200
UNDER_WAY = ("queued", "offered", "active")
STATES = {"queued": "waiting", "offered": "waiting", "active": "active", "wrap_up": "ended", "closed": "ended"}


def latest(visitor_id: str) -> Interaction | None:
    """The visitor's newest conversation."""
    query = select(Interaction).where(_of(visitor_id)).order_by(Interaction.id.desc()).limit(1)
    return db.session.scalar(query.execution_options(populate_existing=True))


def count(visitor_id: str) -> int:
    """How many conversations there have been."""
    return db.session.scalar(select(func.count()).select_from(Interaction).where(_of(visitor_id))) or 0


def written_since(visitor_id: str, moment: datetime, seconds: float) -> int:
    """How many messages the visitor has sent in the ``seconds`` before ``moment``."""
    sent = select(func.count()).select_from(Message).join(Interaction, Interaction.id == Message.interaction_id)
    recent = Message.at > moment - timedelta(seconds=seconds)
    return db.session.scalar(sent.where(_of(visitor_id), Message.author == "contact", recent)) or 0


def state_of(interaction: Interaction | None) -> dict[str, str]:
    """Where the conversation stands, for the visitor: ``state`` new, waiting, active or ended, and who is there."""
    if interaction is None:
        return {"state": "new", "agent": ""}
    state = STATES[interaction.state]
    return {"state": state, "agent": shown_name(interaction.agent) if state == "active" else ""}


def messages(visitor_id: str, after: int = 0, limit: int = PAGE) -> list[dict[str, Any]]:
    """The newest ``limit`` messages with a greater id than ``after``, in order, over all the visitor's conversations."""
    query = (
        select(Message)
        .join(Interaction, Interaction.id == Message.interaction_id)
        .where(_of(visitor_id), Message.id > after)
        .options(joinedload(Message.user))
        .order_by(Message.id.desc())
        .limit(limit)
    )
    return [drawn(message) for message in reversed(db.session.scalars(query).all())]


def drawn(message: Message) -> dict[str, Any]:
    """A message as the visitor's page gets it: plain text only, never markup."""
    return {
        "id": message.id,
        "key": message.data.get("client_id", ""),
        "author": message.author,
        "name": shown_name(message.user),
        "text": message.body_text,
        "at": message.at.isoformat(),
    }


def shown_name(user: User | None) -> str:
    """What visitors may know of an agent: the nickname, else the first name."""
    return (user.nickname or user.first_name) if user else ""


def _of(visitor_id: str) -> Any:
    # By the contact, because that is indexed; the address alone would read the whole table.
    known = (ContactAddress.kind == CHANNEL) & (ContactAddress.value == visitor_id)
    contact = select(ContactAddress.contact_id).where(known).scalar_subquery()
    return (Interaction.contact_id == contact) & (Interaction.channel == CHANNEL) & (Interaction.address == visitor_id)
