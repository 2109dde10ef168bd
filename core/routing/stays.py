"""How long a case stays on each support line: entered, taken by an agent, left. Written in the open transaction."""

from __future__ import annotations

from sqlalchemy import exists, insert, literal, select, update

from core.clock import now
from core.db import db
from core.model import LineStay, SupportLine


def begin(case_id: int, service_id: int | None) -> None:
    """A new case is on the first line, if its service has lines; one statement."""
    moment = literal(now(), LineStay.entered_at.type)
    first = select(literal(case_id), literal(1), moment, literal("")).where(
        exists().where(SupportLine.service_id == service_id)
    )
    db.session.execute(insert(LineStay).from_select(["case_id", "line", "entered_at", "note"], first))


def take(case_id: int) -> None:
    """An agent works on the case: the time to take it has ended."""
    _of(case_id, LineStay.taken_at.is_(None), taken_at=now())


def leave(case_id: int) -> None:
    """The case is closed or goes on to another line."""
    _of(case_id, left_at=now())


def move(case_id: int, before: int, line: int, since: object, by_id: int, note: str) -> None:
    """From one line to another; a stay that nobody has noted began with the case (``since``)."""
    open_stay = select(LineStay.id).where(LineStay.case_id == case_id, LineStay.left_at.is_(None)).limit(1)
    if db.session.scalar(open_stay) is None:
        db.session.add(LineStay(case_id=case_id, line=before, entered_at=since))
        db.session.flush()
    leave(case_id)
    db.session.add(LineStay(case_id=case_id, line=line, entered_at=now(), moved_by_id=by_id, note=note))
    db.session.flush()


def _of(case_id: int, *conditions: object, **values: object) -> None:
    current = update(LineStay).where(LineStay.case_id == case_id, LineStay.left_at.is_(None), *conditions)  # type: ignore[arg-type]
    db.session.execute(current.values(**values).execution_options(synchronize_session=False))
