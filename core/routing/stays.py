"""How long a case stays on each support line: entered, taken by an agent, left. Written in the open transaction.

The first stay is written when an agent takes the case or when it moves, and begins with the case; only cases of services with
lines have any.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, exists, insert, literal, select, update

from core.clock import now
from core.db import db
from core.model import Case, LineStay, SupportLine


def take(case: Case) -> None:
    """An agent works on the case: the time to take it has ended."""
    if not _change_open(case.id, LineStay.taken_at.is_(None), taken_at=now()):
        lines = exists().where(SupportLine.service_id == case.service_id)
        fresh = lines & ~exists().where(LineStay.case_id == case.id)
        _begin(fresh, case_id=case.id, line=case.line, entered_at=case.created_at, taken_at=now())


def move(case: Case, line: int, by_user_id: int, note: str) -> None:
    """From the case's line to another one."""
    if not _change_open(case.id, left_at=now()):
        fresh = ~exists().where(LineStay.case_id == case.id)
        _begin(fresh, case_id=case.id, line=case.line, entered_at=case.created_at, left_at=now())
    db.session.add(LineStay(case_id=case.id, line=line, entered_at=now(), moved_by_id=by_user_id, note=note))
    db.session.flush()


def leave(case_id: int) -> None:
    """The case is closed."""
    _change_open(case_id, left_at=now())


def come_back(case_id: int) -> None:
    """The case is open again: it stays where it was, if it was anywhere."""
    last = select(LineStay.line).where(LineStay.case_id == case_id).order_by(LineStay.id.desc()).limit(1)
    line = db.session.scalar(last)
    if line is not None:
        db.session.add(LineStay(case_id=case_id, line=line, entered_at=now()))


def _change_open(case_id: int, *conditions: ColumnElement[bool], **values: Any) -> bool:
    """Change the stay that goes on; False when there is none."""
    current = update(LineStay).where(LineStay.case_id == case_id, LineStay.left_at.is_(None), *conditions)
    changed = db.session.execute(current.values(**values).execution_options(synchronize_session=False))
    return bool(changed.rowcount)  # type: ignore[attr-defined]


def _begin(condition: ColumnElement[bool], **values: Any) -> None:
    """A first stay, if the condition holds; one statement."""
    table = LineStay.__table__
    given = [literal(value, table.c[name].type) for name, value in {**values, "note": ""}.items()]
    row = select(*given).where(condition)
    db.session.execute(insert(LineStay).from_select([*values, "note"], row, include_defaults=False))
