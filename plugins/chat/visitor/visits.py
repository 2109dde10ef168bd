"""What a visitor's page tells of itself: where the visitor is, on which device, that they type or have read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import IntegrityError

from core.clock import now
from core.db import db, transaction
from plugins.chat import conversations, reading, telling
from plugins.chat.models import Visit
from plugins.chat.visitor.visitors import Visitor

PAGES_KEPT = 10
ANSWER_MOST = 300
# One typing mark lasts this long on the other side unless the next comes.
TYPING_SECONDS = 6
LIMITS = {
    "url": 500,
    "title": 300,
    "referrer": 500,
    "language": 5,
    "user_agent": 300,
    "screen": 20,
    "timezone": 60,
    "ip": 45,
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a visitor's page and browser; empty words change nothing. ``told``: answers to the questions before the chat."""

    url: str = ""
    title: str = ""
    referrer: str = ""
    language: str = ""
    user_agent: str = ""
    screen: str = ""
    timezone: str = ""
    ip: str = ""
    told: Mapping[str, str] = field(default_factory=dict)


def report(visitor: Visitor, seen: Seen) -> Visit:
    """Write down where the visitor is now; the agent who has the conversation is told when the page is another."""
    try:
        return note(visitor, seen)
    except IntegrityError:
        # Two tabs of one visitor have reported for the first time at once.
        return note(visitor, seen)


def note(visitor: Visitor, seen: Seen) -> Visit:
    """:func:`report` once, in the open transaction; raises ``IntegrityError`` when another request was first."""
    with transaction():
        row = db.session.get(Visit, visitor.id, populate_existing=True)
        if row is None:
            blank = dict.fromkeys(LIMITS, "")
            row = Visit(
                visitor_id=visitor.id, widget_key=visitor.entry[:80], pages=[], told={}, first_seen_at=now(), **blank
            )
            db.session.add(row)
        moved = bool(seen.url) and (row.url, row.title) != (seen.url[:500], seen.title[:300])
        for name, limit in LIMITS.items():
            if value := clean(str(getattr(seen, name)), limit):
                setattr(row, name, value)
        row.seen_at = now()
        if seen.told:
            row.told = {**(row.told or {}), **answers(seen.told)}
        if moved:
            page = {"url": row.url, "title": row.title, "at": now().isoformat()}
            row.pages = [*(row.pages or []), page][-PAGES_KEPT:]
        db.session.flush()
        if moved and (interaction := conversations.under_way(visitor.id)) is not None:
            telling.tell_agent(interaction, "chat.page")
        return row


def answers(told: Mapping[str, Any]) -> dict[str, str]:
    """What was answered, cut to size; keys are those of the widget's questions."""
    given = {clean(str(key), 40): clean(str(value), ANSWER_MOST) for key, value in list(told.items())[:20]}
    return {key: value for key, value in given.items() if key and value}


def clean(text: str, limit: int) -> str:
    """One line without control characters."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:limit]


def of(visitor_id: str) -> Visit | None:
    """What is known of the visitor behind an interaction's ``address``; None before the first report."""
    return db.session.get(Visit, visitor_id)


def typing(visitor: Visitor) -> None:
    """Tell the agent that the visitor types; the mark lasts ``TYPING_SECONDS``."""
    with transaction():
        interaction = conversations.under_way(visitor.id)
        if interaction is not None:
            telling.tell_agent(interaction, "chat.typing", seconds=TYPING_SECONDS)


def read(visitor: Visitor, up_to: int) -> bool:
    """The visitor has seen all messages up to this one. False when that was known, or there is no such message."""
    interaction = conversations.latest(visitor.id)
    return interaction is not None and reading.by_visitor(interaction, up_to)
