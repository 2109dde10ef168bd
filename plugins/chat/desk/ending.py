"""The end of a conversation by its agent."""

from __future__ import annotations

from core import assignment, timeline
from core.db import db, transaction
from core.model import Interaction
from plugins.chat import telling


def end(interaction_id: int, user_id: int) -> None:
    """The agent ends the conversation: wrap-up for the agent, «over» for the visitor. Raises ``Rejected`` when it is not theirs."""
    with transaction():
        assignment.finish(interaction_id, user_id)
        interaction = db.session.get_one(Interaction, interaction_id)
        timeline.write(
            interaction.case_id,
            "chat.ended",
            actor_id=user_id,
            interaction_id=interaction_id,
            title_en="The agent ended the chat",
            title_ru="Оператор завершил чат",
        )
        telling.tell_state(interaction_id)
