"""«Report a problem»: what an agent wrote, with the log of the browser, kept for the administrators."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import joinedload

from core import audit
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.directory import missing
from core.model import ProblemReport
from core.notifications import notify
from core.permissions import holders

MANAGE = "admin.help"
LINES, LINE, LONGEST = 200, 500, 5000
PAGE = 50
# What may open a door: values behind telling names, and long random words.
NAMED_SECRET = re.compile(
    r"(?i)\b(password|passwd|token|csrf\w*|secret|authorization|cookie|api[_-]?key|session\w*)(\"?\s*[=:]\s*\"?)([^\s\"&,;]+)"
)
BEARER = re.compile(r"(?i)\bbearer\s+\S+")
LONG_WORD = re.compile(r"\b(?=[\w\-]*\d)(?=[\w\-]*[A-Za-z])[A-Za-z0-9_\-]{32,}\b")


def masked(line: str) -> str:
    """``line`` without passwords, tokens and other long random words."""
    line = BEARER.sub("Bearer •••", line)
    return LONG_WORD.sub("•••", NAMED_SECRET.sub(r"\1\2•••", line))


def report(user_id: int, text: str, *, page: str = "", browser: str = "", log: Sequence[Any] = ()) -> int:
    """Keep a report and tell the administrators; returns its id. Raises ``Rejected`` (``problem-empty``) without words.

    Of ``log`` the last 200 lines are kept, each at most 500 characters and masked once more.
    """
    text = text.strip()
    if not text:
        words = Text("Say in a few words what went wrong", "Опишите в двух словах, что случилось")
        raise Rejected(words, "problem-empty")
    lines = [masked(str(line))[:LINE] for line in list(log)[-LINES:]]
    with transaction():
        row = ProblemReport(user_id=user_id, text=text[:LONGEST], page=page[:300], browser=browser[:500], log=lines)
        db.session.add(row)
        db.session.flush()
        notify(holders(MANAGE), "problem.reported", f"/admin/problems/{row.id}", {"text": text[:120]}, user_id)
        return row.id


def listed(*, closed: bool = False, before: int | None = None) -> list[ProblemReport]:
    """Open reports (or the closed ones), newest first, fifty at a time; ``before`` pages on by id. One statement."""
    query = select(ProblemReport).options(joinedload(ProblemReport.user))
    query = query.where(ProblemReport.closed_at.is_not(None) if closed else ProblemReport.closed_at.is_(None))
    if before is not None:
        query = query.where(ProblemReport.id < before)
    return list(db.session.scalars(query.order_by(ProblemReport.id.desc()).limit(PAGE)))


def get(report_id: int) -> ProblemReport:
    """The report; raises ``Rejected`` (``not-found``)."""
    found = db.session.get(ProblemReport, report_id, options=[joinedload(ProblemReport.user)])
    if found is None:
        raise missing("problem report", "сообщение о проблеме", report_id)
    return found


def close(report_id: int) -> None:
    """Nothing is left to do about it; safe to repeat. Raises ``Rejected`` (``not-found``)."""
    with transaction():
        get(report_id)
        still = update(ProblemReport).where(ProblemReport.id == report_id, ProblemReport.closed_at.is_(None))
        changed = db.session.execute(still.values(closed_at=now()).execution_options(synchronize_session=False))
        if changed.rowcount == 1:  # type: ignore[attr-defined]
            audit.record("problem.close", "problem", report_id)
