"""Who is told of every change of a case (наблюдатели)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from core import notifications
from core.contracts import Rejected, Text
from core.db import current_work, db, transaction
from core.events import log as events
from core.model import Case, CaseWatcher, User

_TOLD = (
    select(CaseWatcher.user_id)
    .join(User, User.id == CaseWatcher.user_id)
    .where(CaseWatcher.case_id == bindparam("case"), User.disabled_at.is_(None))
)
NO_CASE = Text("There is no such case", "Такого запроса нет")


def url_of(case_id: int, entry_id: int | None = None) -> str:
    """The address of a case, or of an entry in it."""
    return f"/cases/{case_id}#entry-{entry_id}" if entry_id else f"/cases/{case_id}"


def watch(case_id: int, user_id: int) -> None:
    """``user_id`` is told from now on; twice changes nothing. Raises ``Rejected`` for no such case or a disabled user."""
    with transaction():
        if db.session.get(Case, case_id) is None:
            raise Rejected(NO_CASE, "case-unknown")
        user = db.session.get(User, user_id)
        if user is None or user.disabled_at is not None:
            words = Text("This person does not work here any more", "Учётная запись этого сотрудника отключена")
            raise Rejected(words, "user-disabled")
        add([user_id], case_id)
        _tell_desk(case_id)


def add(user_ids: list[int], case_id: int) -> None:
    """Make active users watchers, in the open transaction; those who are so already stay."""
    if not user_ids:
        return
    insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    rows = [{"case_id": case_id, "user_id": user_id} for user_id in sorted(set(user_ids))]
    db.session.execute(insert(CaseWatcher).values(rows).on_conflict_do_nothing())


def unwatch(case_id: int, user_id: int) -> None:
    """No longer told; nothing happens to who was not."""
    with transaction():
        db.session.execute(delete(CaseWatcher).where(CaseWatcher.case_id == case_id, CaseWatcher.user_id == user_id))
        _tell_desk(case_id)


def watchers(case_id: int) -> list[User]:
    """Active watchers, the oldest first."""
    query = select(User).join(CaseWatcher, CaseWatcher.user_id == User.id)
    query = query.where(CaseWatcher.case_id == case_id, User.disabled_at.is_(None))
    return list(db.session.scalars(query.order_by(CaseWatcher.since, User.id)))


def watches(case_id: int, user_id: int) -> bool:
    """Whether the user is told of this case."""
    return db.session.get(CaseWatcher, (case_id, user_id)) is not None


def tell(case: Case, kind: str, *, actor_id: int | None = None, entry_id: int | None = None, **data: Any) -> None:
    """Notify the watchers in the open transaction; ``kind`` is one of ``case.message``, ``case.reply``, ``case.note``,
    ``case.closed``, ``case.reopened``, ``case.watched``."""
    told = list(current_work().connection.execute(_TOLD, {"case": case.id}).scalars())
    if told:
        facts = {"number": case.number, "subject": case.subject, **data}
        notifications.notify(told, kind, url_of(case.id, entry_id), facts, actor_id)


def _tell_desk(case_id: int) -> None:
    events.publish("desk", "case.changed", {"case_id": case_id, "changes": ["watchers"]})
