"""Visitors who wait hear how the queue moves: a job compares what they were told with where they stand."""

from __future__ import annotations

from sqlalchemy import delete, select, text

from core.db import db, transaction
from core.model import Interaction
from plugins.chat import places, telling
from plugins.chat.models import Place

SECONDS = 5
# Who waits behind more people than this hears of it when the page asks.
MOST = 2000


def tell_due() -> int:
    """Tell those whose place or expected wait has changed; returns how many. In the worker, every few seconds."""
    waiting = _waiting()
    known = {row.interaction_id: row for row in db.session.scalars(select(Place))}
    db.session.rollback()
    if not waiting and not known:
        return 0
    standing = _standing(waiting)
    changed = [
        row
        for row in waiting
        if row.id not in known or (known[row.id].position, known[row.id].wait_seconds) != standing[row.id]
    ]
    gone = set(known) - {row.id for row in waiting}
    if changed or gone:
        with transaction():
            waits = _still_waiting(changed)
            changed = [row for row in changed if row.id in waits]
            db.session.execute(delete(Place).where(Place.interaction_id.in_([*gone, *(row.id for row in changed)])))
            for row in changed:
                place, wait = standing[row.id]
                db.session.add(Place(interaction_id=row.id, position=place, wait_seconds=wait))
                telling.tell(
                    row.address, "chat.state", state="waiting", agent="", agents=[], position=place, wait_seconds=wait
                )
    return len(changed)


def _waiting() -> list[Interaction]:
    query = select(Interaction).where(text("interaction.state = 'queued'"), Interaction.channel == places.CHANNEL)
    order = (Interaction.service_id, Interaction.line, Interaction.priority.desc(), Interaction.queued_at)
    return list(db.session.scalars(query.order_by(*order, Interaction.id).limit(MOST)))


def _still_waiting(rows: list[Interaction]) -> set[int]:
    """The ids of those that nobody has taken since they were read, kept so until the open transaction ends.

    Else a visitor who has just got an agent would be told, after that, to wait.
    """
    query = select(Interaction.id).where(Interaction.id.in_([row.id for row in rows]), Interaction.state == "queued")
    return set(db.session.scalars(query.with_for_update(skip_locked=True)))


def _standing(waiting: list[Interaction]) -> dict[int, tuple[int, int | None]]:
    found: dict[int, tuple[int, int | None]] = {}
    ahead: dict[tuple[int, int], int] = {}
    pace: dict[int, float | None] = {}
    for row in waiting:
        queue = (row.service_id, row.line)
        ahead[queue] = ahead.get(queue, 0) + 1
        if row.service_id not in pace:
            pace[row.service_id] = places.seconds_between(row.service_id)
        found[row.id] = (ahead[queue], places.wait_seconds(ahead[queue], pace[row.service_id]))
    return found
