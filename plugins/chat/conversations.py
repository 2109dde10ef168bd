"""What a visitor may see of the conversation: the messages so far, and where it stands. Reads only."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from core.db import db
from core.model import Attachment, ContactAddress, Interaction, Message, Participant, User
from plugins.chat import file_links, places
from plugins.chat.models import Rating, Reading

CHANNEL = "chat"
PAGE = 200
UNDER_WAY = ("queued", "offered", "active")
STATES = {"queued": "waiting", "offered": "waiting", "active": "active", "wrap_up": "ended", "closed": "ended"}


def latest(visitor_id: str) -> Interaction | None:
    """The visitor's newest conversation."""
    query = select(Interaction).where(_of(visitor_id)).order_by(Interaction.id.desc()).limit(1)
    return db.session.scalar(query.execution_options(populate_existing=True))


def under_way(visitor_id: str) -> Interaction | None:
    """The visitor's conversation that waits or is held, None when there is none."""
    newest = latest(visitor_id)
    return newest if newest is not None and newest.state in UNDER_WAY else None


def count(visitor_id: str) -> int:
    """How many conversations there have been."""
    return db.session.scalar(select(func.count()).select_from(Interaction).where(_of(visitor_id))) or 0


def written_since(visitor_id: str, moment: datetime, seconds: float) -> int:
    """How many messages the visitor has sent in the ``seconds`` before ``moment``."""
    sent = select(func.count()).select_from(Message).join(Interaction, Interaction.id == Message.interaction_id)
    recent = Message.at > moment - timedelta(seconds=seconds)
    return db.session.scalar(sent.where(_of(visitor_id), Message.author == "contact", recent)) or 0


def state_of(interaction: Interaction | None) -> dict[str, Any]:
    """Where the conversation stands, for the visitor.

    ``state`` is new, waiting, active or ended; ``agent`` the name of who has it, ``agents`` of all who are there; ``position`` in the
    queue from 1 and ``wait_seconds`` (None: not known) while it waits.
    """
    if interaction is None:
        return {"state": "new", "agent": "", "agents": [], "position": 0, "wait_seconds": None}
    state = STATES[interaction.state]
    agent = shown_name(interaction.agent) if state == "active" else ""
    place = places.position(interaction)
    wait = places.wait_seconds(place, places.seconds_between(interaction.service_id)) if place else None
    agents = [agent, *_beside(interaction)] if state == "active" else []
    return {"state": state, "agent": agent, "agents": agents, "position": place, "wait_seconds": wait}


def _beside(interaction: Interaction) -> list[str]:
    there = select(User).join(Participant, Participant.user_id == User.id)
    there = there.where(
        Participant.interaction_id == interaction.id,
        Participant.joined_at.is_not(None),
        Participant.left_at.is_(None),
        Participant.user_id != interaction.agent_id,
    )
    return [shown_name(user) for user in db.session.scalars(there.order_by(Participant.id))]


def read_by_agent(interaction: Interaction | None) -> int:
    """Up to which message the agent has read, 0 for none."""
    if interaction is None:
        return 0
    return db.session.scalar(select(Reading.agent_read_id).where(Reading.interaction_id == interaction.id)) or 0


def rating_of(interaction: Interaction | None) -> int:
    """What the visitor gave the conversation, 0 for nothing yet."""
    if interaction is None:
        return 0
    return db.session.scalar(select(Rating.score).where(Rating.interaction_id == interaction.id)) or 0


def messages(visitor_id: str, after: int = 0, limit: int = PAGE) -> list[dict[str, Any]]:
    """The newest ``limit`` messages with a greater id than ``after``, in order, over all the visitor's conversations."""
    query = (
        select(Message)
        .join(Interaction, Interaction.id == Message.interaction_id)
        .where(_of(visitor_id), Message.id > after, Message.delivery != "recalled")
        .options(joinedload(Message.user), selectinload(Message.attachments).joinedload(Attachment.file))
        .order_by(Message.id.desc())
        .limit(limit)
    )
    return [drawn(message) for message in reversed(db.session.scalars(query).all())]


def drawn(message: Message) -> dict[str, Any]:
    """A message as the visitor's page gets it. ``text`` is plain; ``html`` is there for what agents have formatted."""
    return {
        "id": message.id,
        "key": message.data.get("client_id", ""),
        "author": message.author,
        "name": shown_name(message.user),
        "text": message.body_text,
        "html": message.body_html if message.direction == "out" else "",
        "files": [file_links.drawn(file) for file in message.attachments],
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
