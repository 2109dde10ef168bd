"""How far each side has read a conversation: marks that only move forward, told to the other side."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute

from core.db import current_work, db, transaction
from core.model import Interaction, Message
from plugins.chat import telling
from plugins.chat.models import Reading


def by_visitor(interaction: Interaction, up_to: int) -> bool:
    """The visitor has seen all up to this message; the agent is told. False when that was known."""
    with transaction():
        moved = _move(interaction.id, Reading.visitor_read_id, up_to)
        if moved:
            telling.tell_agent(interaction, "chat.read", up_to=up_to)
        return moved


def by_agent(interaction: Interaction, up_to: int) -> bool:
    """An agent has seen all up to this message; the visitor is told. False when that was known."""
    with transaction():
        moved = _move(interaction.id, Reading.agent_read_id, up_to)
        if moved:
            telling.tell(interaction.address, "chat.read", up_to=up_to)
        return moved


def _move(interaction_id: int, column: InstrumentedAttribute[int], up_to: int) -> bool:
    # A message of another conversation moves nothing: ids come from outside.
    if db.session.scalar(select(Message.interaction_id).where(Message.id == up_to)) != interaction_id:
        return False
    connection = current_work().connection
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    values = {"interaction_id": interaction_id, "visitor_read_id": 0, "agent_read_id": 0}
    connection.execute(insert(Reading).values(values).on_conflict_do_nothing(index_elements=["interaction_id"]))
    changed = update(Reading).where(Reading.interaction_id == interaction_id, column < up_to).values({column: up_to})
    return bool(connection.execute(changed).rowcount)
