"""What a visitor may see of the conversation: the messages so far, and where it stands. Reads only."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from core.db import db
from core.live import conversations as live
from core.model import Attachment, Interaction, Message, Participant, User
from plugins.chat import file_links, places
from plugins.chat.models import Rating, Reading

CHANNEL = "chat"
PAGE = 200
UNDER_WAY = live.UNDER_WAY
STATES = {
    "bot": "bot",
    "put_off": "waiting",
    "queued": "waiting",
    "offered": "waiting",
    "active": "active",
    "wrap_up": "ended",
    "closed": "ended",
}


def latest(visitor_id: str) -> Interaction | None:
    """The visitor's newest conversation."""
    return live.latest(CHANNEL, visitor_id)


def under_way(visitor_id: str) -> Interaction | None:
    """The visitor's conversation that waits or is held, None when there is none."""
    return live.under_way(CHANNEL, visitor_id)


def state_of(interaction: Interaction | None) -> dict[str, Any]:
    """Where the conversation stands, for the visitor.

    ``state`` is new, bot, waiting, active or ended; ``agent`` the name of who has it, ``agents`` of all who are there; ``position`` in the
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


def is_rateable(interaction: Interaction | None) -> bool:
    """Whether an agent has answered and it is over."""
    return interaction is not None and interaction.accepted_at is not None and interaction.state not in UNDER_WAY


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
        "buttons": message.data.get("buttons", []) if message.author == "bot" else [],
        "at": message.at.isoformat(),
    }


def shown_name(user: User | None) -> str:
    """What visitors may know of an agent: the nickname, else the first name."""
    return (user.nickname or user.first_name) if user else ""


def _of(visitor_id: str) -> Any:
    return live.with_address(CHANNEL, visitor_id)
