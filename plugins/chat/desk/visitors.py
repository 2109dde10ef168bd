"""What the desk shows of a visitor. Reads only."""

from __future__ import annotations

from urllib.parse import urlsplit

from core.db import db
from core.model import Interaction
from plugins.chat import conversations
from plugins.chat.models import Visit


def visit_of(interaction: Interaction) -> Visit | None:
    """The visit behind a chat; None for other channels and visitors who told nothing."""
    if interaction.channel != conversations.CHANNEL:
        return None
    return db.session.get(Visit, interaction.address, populate_existing=True)


def web_address(url: str) -> str:
    """The address if it may be a link: http and https only, because visitors' pages say what they like; else ""."""
    return url if urlsplit(url).scheme in ("http", "https") else ""
