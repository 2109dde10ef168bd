"""What the desk shows of a visitor. Reads only."""

from __future__ import annotations

from urllib.parse import urlsplit

from sqlalchemy import select

from core.db import db
from core.model import Interaction
from plugins.chat import conversations
from plugins.chat.models import Visit, Widget


def visit_of(interaction: Interaction) -> Visit | None:
    """The visit behind a chat; None for other channels and visitors who told nothing."""
    if interaction.channel != conversations.CHANNEL:
        return None
    return db.session.get(Visit, interaction.address, populate_existing=True)


def told_by(visit: Visit, language: str) -> list[tuple[str, str]]:
    """The answers to the questions before the chat in their order, each under its question as the widget asks it now."""
    widget = db.session.scalar(select(Widget).where(Widget.key == visit.widget_key))
    first, second = ("title_ru", "title_en") if language == "ru" else ("title_en", "title_ru")
    asked = {one["key"]: one.get(first) or one.get(second) for one in (widget.fields if widget else [])}
    order = [*asked, *(key for key in visit.told if key not in asked)]
    return [(asked.get(key) or key, visit.told[key]) for key in order if visit.told.get(key)]


def web_address(url: str) -> str:
    """The address if it may be a link: http and https only, because visitors' pages say what they like; else ""."""
    return url if urlsplit(url).scheme in ("http", "https") else ""
