"""What editors look after: drafts, what waits for review, what is to be looked at again, what expired or was put away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, exists, func, or_, select

from core.clock import now
from core.contracts import Text
from core.db import db
from core.model import User
from core.permissions import holders
from plugins.kb.models import Article, WorkingCopy
from plugins.kb.reading import Row, rows_where

LISTS: Mapping[str, Text] = {
    "drafts": Text("Drafts", "Черновики"),
    "edited": Text("Being edited", "Правятся"),
    "review": Text("Waiting for review", "Ждут проверки"),
    "outdated": Text("To be reviewed", "Пора пересмотреть"),
    "scheduled": Text("Scheduled", "Запланированы"),
    "expired": Text("Expired", "Срок истёк"),
    "archived": Text("Archive", "Архив"),
}
MOST = 200


def _copied(*states: str) -> ColumnElement[bool]:
    return exists().where(WorkingCopy.article_id == Article.id, WorkingCopy.state.in_(states))


def _conditions() -> dict[str, ColumnElement[bool]]:
    return {
        "drafts": Article.status == "draft",
        "edited": (Article.status == "published") & _copied("editing"),
        "review": or_(Article.status == "review", _copied("review")),
        "outdated": (Article.status == "published") & (Article.review_at <= now()),
        "scheduled": Article.publish_at.is_not(None),
        "expired": (Article.status == "archived") & (Article.expires_at <= now()),
        "archived": Article.status == "archived",
    }


def rows(name: str) -> list[Row]:
    """The articles of a list, the latest changed first."""
    return rows_where(_conditions()[name], Article.updated_at.desc(), MOST)


def counts() -> dict[str, int]:
    """How many articles each list has: one statement."""
    parts = {
        name: select(func.count(Article.id)).where(condition).scalar_subquery()
        for name, condition in _conditions().items()
    }
    found = db.session.execute(select(*parts.values())).one()
    return dict(zip(parts, found, strict=True))


def begun(user_id: int) -> Sequence[WorkingCopy]:
    """Articles that the user began and never saved, the latest first."""
    query = select(WorkingCopy).where(WorkingCopy.user_id == user_id, WorkingCopy.article_id.is_(None))
    return db.session.scalars(query.order_by(WorkingCopy.at.desc()).limit(20)).all()


def editors() -> Sequence[User]:
    """Who may own articles."""
    query = select(User).where(User.id.in_(holders("kb.edit")), User.disabled_at.is_(None))
    return db.session.scalars(query.order_by(User.last_name, User.first_name)).all()
