"""The notification centre: what a person is told, kept until read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import joinedload

from core.clock import now
from core.db import db, transaction
from core.events import log as events
from core.model import Notification

KEPT = timedelta(days=30)
PAGE = 30


def notify(
    user_ids: Iterable[int], kind: str, url: str, data: dict[str, Any] | None = None, actor_id: int | None = None
) -> None:
    """Tell each of ``user_ids`` once, except ``actor_id``, in one statement within the open transaction.

    ``kind`` is a dotted word whose texts are in :mod:`core.web.notice_words`; ``data`` is what these texts need.
    """
    told = sorted(set(user_ids) - {actor_id})
    if not told:
        return
    row = {"kind": kind, "url": url, "data": data or {}, "actor_id": actor_id, "at": now()}
    db.session.execute(insert(Notification), [{"user_id": user_id, **row} for user_id in told])
    for user_id in told:
        events.publish(f"user:{user_id}", "notification.new", {"kind": kind, "url": url})


def unread(user_id: int) -> int:
    """How many the user has not read, at most 1000."""
    mine = select(Notification.id).where(Notification.user_id == user_id, Notification.read_at.is_(None)).limit(1000)
    return db.session.scalar(select(func.count()).select_from(mine.subquery())) or 0


def mark_read(user_id: int, notification_ids: Iterable[int] | None = None) -> None:
    """Mark some as read, or all when None."""
    with transaction():
        mine = update(Notification).where(Notification.user_id == user_id, Notification.read_at.is_(None))
        if notification_ids is not None:
            mine = mine.where(Notification.id.in_(list(notification_ids)))
        db.session.execute(mine.values(read_at=now()).execution_options(synchronize_session=False))
        events.publish(f"user:{user_id}", "notification.read", {})


def latest(
    user_id: int, *, unread_only: bool = False, before: int | None = None, limit: int = PAGE
) -> Sequence[Notification]:
    """The user's notifications, newest first, with who is behind them; ``before`` pages on by id. One statement."""
    query = select(Notification).where(Notification.user_id == user_id).options(joinedload(Notification.actor))
    if unread_only:
        query = query.where(Notification.read_at.is_(None))
    if before is not None:
        query = query.where(Notification.id < before)
    return db.session.scalars(query.order_by(Notification.id.desc()).limit(limit)).all()


def prune() -> int:
    """Forget what is older than thirty days; returns how many. One statement."""
    with transaction():
        gone = db.session.execute(delete(Notification).where(Notification.at < now() - KEPT))
        return int(gone.rowcount)  # type: ignore[attr-defined]
