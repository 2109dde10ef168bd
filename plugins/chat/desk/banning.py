"""``/ban``: the chat ends and no channel serves the contact any more."""

from __future__ import annotations

from core import assignment, bans, timeline
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.model import Ban, Interaction, User
from core.permissions import allowed
from plugins.chat import telling


def ban(interaction_id: int, user_id: int, reason: str = "") -> Ban:
    """End the conversation and ban its contact. Raises ``Rejected``: ``not-your-interaction``, ``ban-denied``, ``contact-unknown``."""
    with transaction():
        user = db.session.get(User, user_id)
        if user is None or not allowed(user, "contact.ban"):
            raise Rejected(Text("You may not ban contacts", "Вам нельзя блокировать контакты"), "ban-denied")
        assignment.finish(interaction_id, user_id)
        banned = bans.ban_from(interaction_id, user_id, reason)
        interaction = db.session.get_one(Interaction, interaction_id)
        timeline.write(
            interaction.case_id,
            "contact.banned",
            actor_id=user_id,
            interaction_id=interaction_id,
            title_en=f"{user.name} banned the contact" + (f": {banned.reason}" if banned.reason else ""),
            title_ru=f"{user.name} блокирует контакт" + (f": {banned.reason}" if banned.reason else ""),
        )
        telling.tell_state(interaction_id)
        return banned
