"""What happens to clocks without anybody's doing: warnings fall due, changed terms are applied, cases get clocks."""

from __future__ import annotations

import structlog
from sqlalchemy import ColumnElement, select, update

from core.calendars.business_time import NoOpenTime
from core.calendars.field_reading import FieldError
from core.clock import now
from core.db import db, transaction
from core.model import Case
from plugins.sla import clock
from plugins.sla.case_clocks import adopt, keep, renewed
from plugins.sla.catalogue import Catalogue, load
from plugins.sla.clock_state import ClockState
from plugins.sla.models import SlaClock

BATCH = 200
log = structlog.get_logger("okno.sla")


def watch() -> None:
    """The periodic job: finish what a changed calendar has begun, then give each due warning, once."""
    while recompute(BATCH) == BATCH:
        continue
    warn_due()


def warn_due(limit: int = BATCH) -> int:
    """Raise the flags that are due, each clock in a transaction of its own; returns how many clocks were looked at."""
    due = select(SlaClock.id).where(SlaClock.next_flag_at <= now()).order_by(SlaClock.next_flag_at).limit(limit)
    ids = list(db.session.scalars(due))
    for clock_id in ids:
        with transaction():
            _warn(clock_id)
    return len(ids)


def _warn(clock_id: int) -> None:
    for row in _locked(SlaClock.id == clock_id, 1):
        if row.next_flag_at is None:
            continue
        try:
            before = ClockState.from_dict(row.state)
        except FieldError as error:
            # One damaged clock must not keep the warnings of all others back.
            log.error("clock cannot be read", case_id=row.case_id, error=str(error))
            row.next_flag_at = None
            continue
        keep(row, before, clock.observe(before, max(now(), before.phase.started)))


def mark(which: ColumnElement[bool]) -> int:
    """Ask for new terms of the open clocks that match ``which``; returns how many. Needs a transaction."""
    statement = update(SlaClock).where(which, SlaClock.resolved.is_(False)).values(stale=True)
    result = db.session.execute(statement.execution_options(synchronize_session=False))
    return int(result.rowcount)  # type: ignore[attr-defined]


def of_service(service_id: int) -> ColumnElement[bool]:
    """The clocks of a service's cases, for :func:`mark`."""
    return SlaClock.case_id.in_(select(Case.id).where(Case.service_id == service_id))


def recompute(limit: int = BATCH) -> int:
    """Work out the terms of up to ``limit`` marked clocks, in one transaction; returns how many there were.

    The timeline gets what became late by it, nobody gets a notice: a changed calendar is no alarm.
    """
    with transaction():
        catalogue = load()
        rows = _locked(SlaClock.stale.is_(True), limit)
        for row in rows:
            _renew(row, catalogue)
        return len(rows)


def _renew(row: SlaClock, catalogue: Catalogue) -> None:
    row.stale = False
    if row.resolved:
        return
    try:
        before = ClockState.from_dict(row.state)
        after = renewed(before, row, catalogue, now())
    except (FieldError, NoOpenTime) as error:
        log.warning("clock left as it was", case_id=row.case_id, error=str(error))
        return
    keep(row, before, after, notify=False)


def _locked(which: ColumnElement[bool], limit: int) -> list[SlaClock]:
    query = select(SlaClock).where(which).order_by(SlaClock.id).limit(limit)
    return list(db.session.scalars(query.with_for_update(skip_locked=True).execution_options(populate_existing=True)))


def adopt_missing(limit: int = BATCH, *, closed: bool = False) -> int:
    """Give clocks to cases that have none, the newest first; returns how many. Closed ones only when asked for."""
    query = select(Case).outerjoin(SlaClock, SlaClock.case_id == Case.id).where(SlaClock.id.is_(None))
    if not closed:
        query = query.where(Case.status.in_(("open", "pending")))
    with transaction():
        catalogue = load()
        cases = list(db.session.scalars(query.order_by(Case.id.desc()).limit(limit)))
        for case in cases:
            adopt(case, catalogue)
        return len(cases)
