"""Where a visitor stands in the queue and how long it may take. Reads only."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import and_, func, or_, select, text

from core.clock import now
from core.db import db
from core.model import Interaction

CHANNEL = "chat"
RECENT_SECONDS = 1800
# Fewer answered chats than this say nothing about the next one.
LEAST = 3


def position(interaction: Interaction) -> int:
    """The place in the queue of its service and line, from 1; 0 when it does not wait."""
    if interaction.state != "queued":
        return 1 if interaction.state == "offered" else 0
    earlier = or_(
        Interaction.priority > interaction.priority,
        and_(Interaction.priority == interaction.priority, Interaction.queued_at < interaction.queued_at),
        and_(
            Interaction.priority == interaction.priority,
            Interaction.queued_at == interaction.queued_at,
            Interaction.id < interaction.id,
        ),
    )
    ahead = select(func.count()).where(
        # Written out: only so does the partial index of the queue serve.
        text("interaction.state = 'queued'"),
        Interaction.service_id == interaction.service_id,
        Interaction.line == interaction.line,
        Interaction.channel == CHANNEL,
        earlier,
    )
    return 1 + (db.session.scalar(ahead) or 0)


def seconds_between(service_id: int) -> float | None:
    """How often an agent of the service has answered a chat of late, in seconds; None when too few were answered."""
    since = now() - timedelta(seconds=RECENT_SECONDS)
    answered = select(func.count(), func.min(Interaction.accepted_at)).where(
        Interaction.service_id == service_id,
        Interaction.accepted_at.is_not(None),
        Interaction.accepted_at > since,
        Interaction.channel == CHANNEL,
    )
    count, first = db.session.execute(answered).one()
    if first is None or count < LEAST:
        return None
    return max((now() - first).total_seconds() / count, 1.0)


def wait_seconds(place: int, pace: float | None) -> int | None:
    """The expected wait at a ``place`` with an answer every ``pace`` seconds, rounded as people say it; None: not known."""
    if pace is None or place < 1:
        return None
    seconds = place * pace
    step = 15 if seconds < 120 else 60
    return int(-(-seconds // step) * step)
