"""Signs of life that agents give visitors: who is typing, how far they have read."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from core import company, participants
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.model import Interaction, User
from plugins.chat import reading, telling
from plugins.chat.models import Reading

TYPING = timedelta(seconds=6)


def typing(interaction_id: int, user_id: int) -> None:
    """Let the visitor see that the agent writes. Raises ``Rejected`` (``not-your-interaction``)."""
    with transaction():
        if (interaction := _theirs(interaction_id, user_id)) is None:
            return
        name = participants.shown_name(db.session.get_one(User, user_id))
        telling.tell(interaction.address, "chat.typing", name=name, until=(now() + TYPING).isoformat())


def read(interaction_id: int, user_id: int, up_to: int) -> None:
    """The agent has seen messages up to that one. Raises ``Rejected`` (``not-your-interaction``)."""
    if (interaction := _theirs(interaction_id, user_id)) is not None:
        reading.by_agent(interaction, up_to)


def read_by_visitor(interaction_id: int) -> int:
    """Up to which message the visitor has read, 0 for none."""
    return db.session.scalar(select(Reading.visitor_read_id).where(Reading.interaction_id == interaction_id)) or 0


def _theirs(interaction_id: int, user_id: int) -> Interaction | None:
    """The conversation; None when it has ended meanwhile: a sign that comes late is nobody's mistake."""
    interaction = db.session.get(Interaction, interaction_id)
    if interaction is not None and interaction.state != "active":
        return None
    if interaction is None or not (interaction.agent_id == user_id or company.takes_part(interaction_id, user_id)):
        words = Text("This interaction is not in your hands (any more)", "Это обращение сейчас не у вас")
        raise Rejected(words, "not-your-interaction")
    return interaction
