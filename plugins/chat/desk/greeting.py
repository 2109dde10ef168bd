"""The first words of an agent: sent by themselves, or laid out to be sent, as the service wishes."""

from __future__ import annotations

from html import escape

from sqlalchemy import select

from core import case_drafts, casework, participants
from core.contracts import InteractionInfo
from core.db import db
from core.model import Interaction, Message, Participant, User
from core.plain_text import plain_text
from plugins.chat.desk import inactivity, rules, words


def greet(info: InteractionInfo) -> bool:
    """Greet in the transaction that gives the agent the conversation; once, never after an agent has written.

    Returns whether it did.
    """
    rule = rules.rule_of(info.service_id or 0)
    if rule.greeting == "none" or info.agent_id is None or info.channel not in inactivity.talking_channels():
        return False
    interaction = db.session.get_one(Interaction, info.id)
    written = select(Message.id).where(Message.interaction_id == info.id, Message.author == "agent").limit(1)
    if db.session.scalar(written) is not None:
        return False
    language = interaction.case.language or interaction.service.language
    html = casework.sanitise(words.fill(rule.greeting_html.to(language), interaction, info.agent_id))
    if rule.greeting == "automatic":
        _send(interaction, info.agent_id, html)
        return True
    draft = case_drafts.find(info.agent_id, interaction.case_id, "reply")
    if draft is not None and draft.body_html.strip():
        return False
    case_drafts.save(info.agent_id, interaction.case_id, "reply", html)
    return True


def introduce(info: InteractionInfo) -> bool:
    """Tell a contact who was served by somebody else that another agent has come; in the open transaction."""
    if info.agent_id is None or info.channel not in inactivity.talking_channels():
        return False
    interaction = db.session.get_one(Interaction, info.id)
    written = select(Message.user_id).where(Message.interaction_id == info.id, Message.author == "agent")
    last = db.session.scalar(written.order_by(Message.id.desc()).limit(1))
    if last in (None, info.agent_id) or _was_there(info.id, info.agent_id):
        return False
    language = interaction.case.language or interaction.service.language
    user = db.session.get_one(User, info.agent_id)
    text = participants.COMES.to(language).format(name=participants.shown_name(user))
    key = f"chat-introduced:{interaction.id}:{interaction.version}"
    casework.post(interaction, key, author="system", html=escape(text), text=text, automatic=True)
    return True


def _was_there(interaction_id: int, user_id: int) -> bool:
    """Whether the agent took part before and the contact knows."""
    query = select(Participant.id).where(
        Participant.interaction_id == interaction_id,
        Participant.user_id == user_id,
        Participant.joined_at.is_not(None),
    )
    return db.session.scalar(query.limit(1)) is not None


def _send(interaction: Interaction, user_id: int, html: str) -> None:
    casework.post(
        interaction,
        f"chat-greeting:{interaction.id}",
        author="agent",
        user_id=user_id,
        html=html,
        text=plain_text(html),
        automatic=True,
    )
