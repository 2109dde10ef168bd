"""Who has a case open now, so that two agents do not answer at once. Kept alive by the page's own sign of life."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import joinedload

from core.clock import now
from core.db import db, transaction
from core.events import log as events
from core.model import CaseViewer, User

PRESENT = timedelta(seconds=60)
FORGOTTEN = timedelta(minutes=10)


def seen(case_id: int, user_id: int, writing: bool = False) -> None:
    """The page of ``user_id`` shows the case; ``writing`` while an answer is being typed. Colleagues hear of changes only."""
    with transaction():
        before = db.session.get(CaseViewer, (case_id, user_id), populate_existing=True)
        news = before is None or before.writing != writing or before.seen_at < now() - PRESENT
        if before is None:
            db.session.execute(delete(CaseViewer).where(CaseViewer.seen_at < now() - FORGOTTEN))
        insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
        row = {"writing": writing, "seen_at": now()}
        statement = insert(CaseViewer).values(case_id=case_id, user_id=user_id, **row)
        keys = ["case_id", "user_id"]
        db.session.execute(statement.on_conflict_do_update(index_elements=keys, set_=row))
        if news:
            _tell(case_id)


def left(case_id: int, user_id: int) -> None:
    """The page was closed."""
    with transaction():
        mine = delete(CaseViewer).where(CaseViewer.case_id == case_id, CaseViewer.user_id == user_id)
        if db.session.execute(mine).rowcount:  # type: ignore[attr-defined]
            _tell(case_id)


def viewers(case_id: int, without: int | None = None) -> list[tuple[User, bool]]:
    """Who has the case open and whether they write, writers first; ``without`` leaves the asking user out."""
    query = select(CaseViewer).where(CaseViewer.case_id == case_id, CaseViewer.seen_at > now() - PRESENT)
    if without is not None:
        query = query.where(CaseViewer.user_id != without)
    rows = db.session.scalars(query.options(joinedload(CaseViewer.user)).order_by(CaseViewer.writing.desc()))
    return [(row.user, row.writing) for row in rows.unique()]


def _tell(case_id: int) -> None:
    events.publish("desk", "case.viewers", {"case_id": case_id})
