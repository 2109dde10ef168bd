"""Who edits an article: one window at a time, by a row that is taken with compare-and-swap and kept alive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import joinedload

from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.events import log as events
from plugins.kb.models import Article, EditLock

EXPIRES = timedelta(seconds=90)
HEARTBEAT_SECONDS = 30
TOKEN_MOST = 40


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has the lock: ``mine`` when it is the asking window."""

    mine: bool
    user_id: int
    name: str
    since: datetime


class LockLost(Rejected):
    """Another window edits the article now; nothing was written. ``holder`` says who, None when nobody does."""

    def __init__(self, holder: Holder | None) -> None:
        self.holder = holder
        who = holder.name if holder else ""
        super().__init__(
            Text(
                f"{who or 'Nobody'} edits this article now. Your text stays in this window: copy it, or take over.",
                f"Статью сейчас правит {who or 'другое окно'}. Ваш текст остаётся в этом окне: скопируйте его или "
                "возьмите правку себе.",
            ),
            "lock-lost",
        )


def take(article_id: int, user_id: int, token: str) -> Holder:
    """Take the lock if it is free, expired or this window's; else say who has it. ``token`` names the window."""
    with transaction():
        row = {"user_id": user_id, "token": token[:TOKEN_MOST], "since": now(), "seen_at": now()}
        insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
        statement = insert(EditLock).values(article_id=article_id, **row)
        free = or_(EditLock.seen_at < now() - EXPIRES, EditLock.token == token[:TOKEN_MOST])
        kept = row | {"since": statement.excluded.since}
        db.session.execute(
            statement.on_conflict_do_update(index_elements=["article_id"], set_=kept, where=free).execution_options(
                synchronize_session=False
            )
        )
        found = holder(article_id, token)
        assert found is not None
        return found


def take_over(article_id: int, user_id: int, token: str) -> Holder:
    """Take the lock from whoever has it; their window is told at once."""
    with transaction():
        before = holder(article_id, token)
        if before is not None and not before.mine:
            number = db.session.scalar(select(Article.number).where(Article.id == article_id))
            db.session.execute(delete(EditLock).where(EditLock.article_id == article_id))
            payload = {"article_id": article_id, "number": number, "by": user_id, "token": token[:TOKEN_MOST]}
            events.publish(f"user:{before.user_id}", "kb.lock.lost", payload)
        return take(article_id, user_id, token)


def beat(article_id: int, token: str) -> Holder | None:
    """The window is still open: prolongs its lock. Returns who has it, None when nobody does."""
    with transaction():
        mine = update(EditLock).where(EditLock.article_id == article_id, EditLock.token == token[:TOKEN_MOST])
        db.session.execute(mine.values(seen_at=now()).execution_options(synchronize_session=False))
        return holder(article_id, token)


def release(article_id: int, token: str) -> None:
    """The window was closed; those who wait for the article are told."""
    with transaction():
        mine = delete(EditLock).where(EditLock.article_id == article_id, EditLock.token == token[:TOKEN_MOST])
        if db.session.execute(mine).rowcount:  # type: ignore[attr-defined]
            events.publish("desk", "kb.lock.free", {"article_id": article_id})


def holder(article_id: int, token: str = "") -> Holder | None:
    """Who edits the article; None when nobody does, or the last sign of life is too old."""
    query = select(EditLock).where(EditLock.article_id == article_id).options(joinedload(EditLock.user))
    row = db.session.scalar(query.execution_options(populate_existing=True))
    if row is None or row.seen_at < now() - EXPIRES:
        return None
    return Holder(row.token == token[:TOKEN_MOST], row.user_id, row.user.name, row.since)


def hold(article_id: int, token: str) -> None:
    """Make sure, in the open transaction, that this window has the lock until it ends. Raises :class:`LockLost`."""
    mine = update(EditLock).where(EditLock.article_id == article_id, EditLock.token == token[:TOKEN_MOST])
    result = db.session.execute(mine.values(seen_at=now()).execution_options(synchronize_session=False))
    if result.rowcount != 1:  # type: ignore[attr-defined]
        raise LockLost(holder(article_id, token))
