"""Changing a case without overwriting a colleague: the row is held, and what the writer saw is compared with what is there."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from core.contracts import Rejected, Text
from core.db import db
from core.model import Case, TimelineEntry, User


class CaseChanged(Rejected):
    """Somebody else has changed the same field meanwhile; ``current`` is what stands there now."""

    def __init__(self, title: Text, current: Any, who: str) -> None:
        self.current = current
        by_en, by_ru = (f" by {who}", f" ({who})") if who else ("", "")
        super().__init__(
            Text(
                f"«{title.en}» was changed meanwhile{by_en}. Look at the new value and change it again if need be.",
                f"Пока вы правили, поле «{title.ru}» изменили{by_ru}. Посмотрите новое значение и, если нужно, исправьте.",
            ),
            "case-changed",
        )


def locked(case_id: int) -> Case:
    """The case as it is now, held until the open transaction ends. Raises ``Rejected``."""
    case = db.session.get(Case, case_id, with_for_update={"of": Case}, populate_existing=True)
    if case is None:
        raise Rejected(Text("There is no such case", "Такого запроса нет"), "case-unknown")
    return case


def check_same(title: Text, current: Any, seen: Any, case_id: int, kind: str, key: str = "") -> None:
    """Raises :class:`CaseChanged` when the writer saw something else than what is there; an empty value equals none."""
    if str(seen if seen is not None else "") != str(current if current is not None else ""):
        raise CaseChanged(title, current, last_changed_by(case_id, kind, key))


def last_changed_by(case_id: int, kind: str, key: str = "") -> str:
    """Who wrote the newest entry of ``kind``, and of the field ``key``; "" when nobody is known."""
    query = select(TimelineEntry, User).outerjoin(User, User.id == TimelineEntry.actor_id)
    query = query.where(TimelineEntry.case_id == case_id, TimelineEntry.kind == kind)
    for entry, user in db.session.execute(query.order_by(TimelineEntry.id.desc()).limit(20)):
        if not key or entry.data.get("key") == key:
            return user.name if entry.actor_id else ""
    return ""
