"""What readers say: helpful or not, and comments that go to the author of an article."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Integer, Select, cast, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import joinedload

from core import notifications
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.events import log as events
from core.house import okno
from core.model import User
from core.permissions import holders
from plugins.kb.models import Article, Comment, Rating

COMMENT_MOST = 2000
PAGE = 50
OPEN, ANSWERED, RESOLVED = "open", "answered", "resolved"


@dataclass(frozen=True, slots=True)
class Opinion:
    """How many said «helpful» and «not», and what the asking reader said (None: nothing)."""

    helpful: int = 0
    unhelpful: int = 0
    own: bool | None = None


def agent_key(user_id: int) -> str:
    """The reader that an agent is."""
    return f"user:{user_id}"


def visitor_key(article_id: int, address: str, agent: str) -> str:
    """The reader that a visitor is, for one article only: a hash that cannot be led back to the address."""
    told = f"{okno().config.secret_key()}|{article_id}|{address}|{agent}"
    return hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:40]


def rate(article: Article, reader_key: str, helpful: bool, user_id: int | None = None) -> None:
    """Keep what a reader thinks; a second time replaces the first. One statement."""
    values = {"user_id": user_id, "helpful": helpful, "version": article.version, "at": now()}
    with transaction():
        insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
        told = insert(Rating).values(article_id=article.id, reader_key=reader_key, **values)
        db.session.execute(told.on_conflict_do_update(index_elements=["article_id", "reader_key"], set_=values))


def comment(article: Article, text: str, user_id: int | None = None) -> Comment:
    """Keep a comment and tell the author. Raises ``Rejected``: ``comment-empty``, ``comment-long``."""
    words = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if not words:
        raise Rejected(Text("Write what should be changed", "Напишите, что стоит изменить"), "comment-empty")
    if len(words) > COMMENT_MOST:
        raise Rejected(
            Text(f"A comment may have {COMMENT_MOST} characters", f"В комментарии может быть до {COMMENT_MOST} знаков"),
            "comment-long",
        )
    with transaction():
        row = Comment(article_id=article.id, user_id=user_id, text=words, version=article.version)
        db.session.add(row)
        db.session.flush()
        data = {"number": article.number, "title": article.title, "text": words[:300]}
        notifications.notify(authors(article), "kb.comment", f"/kb/feedback?comment={row.id}", data, user_id)
        events.publish("desk", "kb.feedback", {"article_id": article.id})
        return row


def authors(article: Article) -> list[int]:
    """Who is told: the owner, else who edited last or wrote it; without any, everybody who may edit."""
    for user_id in (article.owner_id, article.updated_by_id, article.created_by_id):
        if user_id is not None and db.session.scalar(
            select(User.id).where(User.id == user_id, User.disabled_at.is_(None))
        ):
            return [user_id]
    return holders("kb.edit")


def settle(comment_id: int, user_id: int, answer: str = "") -> Comment:
    """Close an open comment, with an answer to its author or without. Raises ``Rejected``: ``comment-unknown``, ``comment-settled``."""
    words = answer.replace("\r\n", "\n").replace("\x00", "").strip()[:COMMENT_MOST]
    with transaction():
        taken = update(Comment).where(Comment.id == comment_id, Comment.state == OPEN)
        values = {"state": ANSWERED if words else RESOLVED, "answer": words, "answered_by_id": user_id}
        done = db.session.execute(
            taken.values(**values, answered_at=now()).execution_options(synchronize_session=False)
        )
        row = db.session.get(Comment, comment_id, populate_existing=True)
        if row is None:
            raise Rejected(Text("There is no such comment", "Такого комментария нет"), "comment-unknown")
        if done.rowcount != 1:  # type: ignore[attr-defined]
            raise Rejected(
                Text("Somebody has dealt with this comment already", "С этим комментарием уже разобрались"),
                "comment-settled",
            )
        if row.user_id is not None:
            data = {"number": row.article.number, "title": row.article.title, "text": words[:300]}
            kind = "kb.answered" if words else "kb.resolved"
            notifications.notify([row.user_id], kind, f"/kb/articles/{row.article.number}", data, user_id)
        events.publish("desk", "kb.feedback", {"article_id": row.article_id})
        return row


# --- reading -----------------------------------------------------------------------------------------


def opinion(article_id: int, reader_key: str = "") -> Opinion:
    """What is thought of an article: one statement."""
    own = func.max(cast(Rating.helpful, Integer)).filter(Rating.reader_key == reader_key)
    query = select(func.count(Rating.id), func.coalesce(func.sum(cast(Rating.helpful, Integer)), 0), own)
    told: tuple[Any, ...] = tuple(db.session.execute(query.where(Rating.article_id == article_id)).one())
    every, yes, mine = told
    return Opinion(int(yes), int(every) - int(yes), None if mine is None else bool(mine))


def opinions(article_ids: Iterable[int]) -> dict[int, Opinion]:
    """What is thought of several articles: one statement; those nobody rated are missing."""
    wanted = list(article_ids)
    query = select(Rating.article_id, func.count(Rating.id), func.sum(cast(Rating.helpful, Integer)))
    rows = db.session.execute(query.where(Rating.article_id.in_(wanted)).group_by(Rating.article_id)) if wanted else ()
    return {article_id: Opinion(int(yes), int(every) - int(yes)) for article_id, every, yes in rows}


def _with_people() -> Select[tuple[Comment]]:
    return select(Comment).options(
        joinedload(Comment.article), joinedload(Comment.user), joinedload(Comment.answered_by)
    )


def comments_of(article_id: int, limit: int = 20) -> list[Comment]:
    """The latest comments on an article."""
    query = _with_people().where(Comment.article_id == article_id).order_by(Comment.at.desc(), Comment.id.desc())
    return list(db.session.scalars(query.limit(limit)))


def comments(state: str, before: int | None = None) -> list[Comment]:
    """Comments in ``state``, newest first; ``before`` pages on by id."""
    query = _with_people().where(Comment.state == state)
    if before is not None:
        query = query.where(Comment.id < before)
    return list(db.session.scalars(query.order_by(Comment.id.desc()).limit(PAGE)))


def counts() -> Mapping[str, int]:
    """How many comments there are in each state."""
    rows = db.session.execute(select(Comment.state, func.count()).group_by(Comment.state))
    return {str(state): int(count) for state, count in rows}
