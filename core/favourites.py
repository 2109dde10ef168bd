"""Favourites of the directory (избранное): at most fifty a person, in an order of their own."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, update

from core.contracts import Rejected, Text
from core.db import db, transaction
from core.events import log as events
from core.model import Contact, Favourite, Service, User

LIMIT = 50
KINDS = {"user": User, "contact": Contact, "service": Service}
FULL = Text(
    f"At most {LIMIT} entries fit into the favourites. Remove one you no longer need.",
    f"В избранном не больше {LIMIT} записей. Уберите те, что больше не нужны.",
)
Key = tuple[str, int]


def of(user_id: int) -> list[Favourite]:
    """The user's favourites in their order."""
    query = select(Favourite).where(Favourite.user_id == user_id).order_by(Favourite.position, Favourite.id)
    return list(db.session.scalars(query))


def add(user_id: int, kind: str, object_id: int) -> None:
    """Pin an entry at the end; safe to repeat. Raises ``Rejected``: ``favourites-full``, ``favourite-unknown``."""
    model = KINDS.get(kind)
    if model is None or db.session.get(model, object_id) is None:
        raise Rejected(Text("There is no such entry", "Такой записи нет"), "favourite-unknown")
    with transaction():
        rows = _locked(user_id)
        if any((row.kind, row.object_id) == (kind, object_id) for row in rows):
            return
        if len(rows) >= LIMIT:
            raise Rejected(FULL, "favourites-full")
        last = max((row.position for row in rows), default=0)
        db.session.add(Favourite(user_id=user_id, kind=kind, object_id=object_id, position=last + 1))
        _tell(user_id)


def remove(user_id: int, kind: str, object_id: int) -> None:
    """Unpin an entry; safe to repeat."""
    with transaction():
        for row in _locked(user_id):
            if (row.kind, row.object_id) == (kind, object_id):
                db.session.delete(row)
                _tell(user_id)


def arrange(user_id: int, order: Sequence[Key]) -> None:
    """Put the favourites into ``order``; what it does not name keeps its place behind, what it names wrongly is left out."""
    with transaction():
        rows = _locked(user_id)
        wanted = {key: place for place, key in enumerate(order)}
        rows.sort(key=lambda row: wanted.get((row.kind, row.object_id), len(wanted)))
        _renumber(user_id, rows)


def move(user_id: int, kind: str, object_id: int, by: int) -> None:
    """Move an entry up (``by`` < 0) or down by so many places, at most to the end."""
    with transaction():
        rows = _locked(user_id)
        place = next((n for n, row in enumerate(rows) if (row.kind, row.object_id) == (kind, object_id)), None)
        if place is not None:
            rows.insert(max(0, min(len(rows) - 1, place + by)), rows.pop(place))
            _renumber(user_id, rows)


def _locked(user_id: int) -> list[Favourite]:
    """The rows, while nobody else may change them: two windows of one person must not pin a fifty-first together."""
    db.session.execute(select(User.id).where(User.id == user_id).with_for_update())
    query = select(Favourite).where(Favourite.user_id == user_id).order_by(Favourite.position, Favourite.id)
    return list(db.session.scalars(query.execution_options(populate_existing=True)))


def _renumber(user_id: int, rows: Sequence[Favourite]) -> None:
    places = [{"id": row.id, "position": place} for place, row in enumerate(rows, 1) if row.position != place]
    if places:
        db.session.execute(update(Favourite), places)
        _tell(user_id)


def _tell(user_id: int) -> None:
    events.publish(f"user:{user_id}", "favourites.changed", {})
