"""``%AF %AL %F %L`` (names of agent and contact) and ``$(…)`` in canned replies and greetings."""

from __future__ import annotations

import re
from html import escape

from core import variables
from core.contracts import VariableContext
from core.db import db
from core.model import Contact, Interaction, User

SHORT = re.compile(r"%(AF|AL|F|L)(?![A-Za-z])")
LONE_SPACE = re.compile(r"[ \u00a0]+(?=[,.!?:;])")


def fill(html: str, interaction: Interaction, user_id: int) -> str:
    """The HTML with its names and variables filled in; a name that is not known leaves no gap before punctuation."""
    values = _names(interaction, user_id)
    named = SHORT.sub(lambda match: escape(values[match.group(1)]), html)
    if named != html:
        named = LONE_SPACE.sub("", named)
    context = VariableContext(
        user_id=user_id,
        case_id=interaction.case_id,
        interaction_id=interaction.id,
        contact_id=interaction.contact_id,
        service_id=interaction.service_id,
    )
    return variables.fill(named, context, html=True).text


def _names(interaction: Interaction, user_id: int) -> dict[str, str]:
    user = db.session.get(User, user_id)
    contact = db.session.get(Contact, interaction.contact_id) if interaction.contact_id else None
    first, _, last = (contact.name if contact else "").strip().partition(" ")
    return {
        "AF": (user.nickname or user.first_name) if user else "",
        "AL": user.last_name if user else "",
        "F": first,
        "L": last.strip(),
    }
