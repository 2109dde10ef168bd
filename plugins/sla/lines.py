"""Promises between support lines (OLA): how long a case may stay on a line until it is taken, and until it leaves it.

The core writes the stays (:class:`core.model.LineStay`) and keeps the targets of lines; both are measured in the opening hours of
the service. A case that nobody has taken yet has no stay: its first one begins with the case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import and_, select

from core import calendars, timeline
from core.calendars.business_time import NoOpenTime, WorkingTime
from core.clock import now
from core.contracts import Badge, CaseChange, Text
from core.db import db
from core.model import Case, LineStay, Service, SupportLine
from plugins.sla import wording

TAKE, SOLVE = Text("taking the case", "взятие"), Text("this line", "решение на линии")
WARN_AT = 0.8
_SAME = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Goal:
    """One target of a line for one stay: open time allowed and spent, when it is due, whether it is over."""

    title: Text
    target: timedelta
    spent: timedelta
    due: datetime | None
    done: bool

    @property
    def late(self) -> bool:
        """Whether more was spent than allowed."""
        return self.spent > self.target


@dataclass(frozen=True, slots=True)
class Stay:
    """A case on its line now, with the goals that the line has."""

    line: int
    title: Text
    entered: datetime
    goals: tuple[Goal, ...]
    time: WorkingTime

    @property
    def running(self) -> Goal | None:
        """The goal that is open now: to be taken first, then to leave the line."""
        return next((goal for goal in self.goals if not goal.done), None)


def stays_now(case_ids: Sequence[int]) -> dict[int, Stay]:
    """The stay of each open case on a line with targets; one query for any number of cases."""
    query = (
        select(
            Case.id,
            Case.created_at,
            Case.line,
            Service.calendar_key,
            SupportLine,
            LineStay.entered_at,
            LineStay.taken_at,
        )
        .join(Service, Service.id == Case.service_id)
        .join(SupportLine, and_(SupportLine.service_id == Case.service_id, SupportLine.number == Case.line))
        .outerjoin(LineStay, and_(LineStay.case_id == Case.id, LineStay.left_at.is_(None)))
        .where(Case.id.in_(case_ids), Case.status.in_(("open", "pending")))
    )
    found: dict[int, Stay] = {}
    at = now()
    for case_id, created, number, calendar, line, entered, taken in db.session.execute(query):
        began, time = entered or created, calendars.time_of(calendar)
        goals = goals_of(line, time, began, taken, None, at)
        if goals:
            found[case_id] = Stay(number, Text(line.title_en, line.title_ru), began, goals, time)
    return found


def goals_of(
    line: SupportLine,
    time: WorkingTime,
    entered: datetime,
    taken: datetime | None,
    left: datetime | None,
    at: datetime,
) -> tuple[Goal, ...]:
    """The goals of a stay as they stand at ``at``; a stay that was left untaken was over for both at once."""
    found = []
    for title, seconds, end in ((TAKE, line.take_seconds, taken or left), (SOLVE, line.solve_seconds, left)):
        if seconds:
            target, until = timedelta(seconds=seconds), max(entered, end or at)
            spent = time.between(entered, until)
            found.append(Goal(title, target, spent, _due(time, entered, target), end is not None))
    return tuple(found)


def _due(time: WorkingTime, entered: datetime, target: timedelta) -> datetime | None:
    try:
        return time.add(entered, target)
    except NoOpenTime:
        return None


# --- on a case ---------------------------------------------------------------------------------------


def collect(case_ids: Sequence[int], language: str) -> dict[int, Badge]:
    """What is left of the line's target: from the second line on always, on the first one only when it is late."""
    found = {}
    for case_id, stay in stays_now(case_ids).items():
        goal = stay.running
        if goal is not None and (stay.line > 1 or goal.late):
            found[case_id] = badge(stay, goal, language)
    return found


def badge(stay: Stay, goal: Goal, language: str) -> Badge:
    """The clock of a line as a small mark."""
    at, left = now(), goal.target - goal.spent
    tone: Literal["good", "warn", "bad"] = (
        "bad" if goal.late else "warn" if goal.spent >= goal.target * WARN_AT else "good"
    )
    words = wording.left(left, stay.time.day_length, language)
    due = f", {wording.DUE.to(language)} {wording.due_moment(goal.due, language)}" if goal.due else ""
    return Badge(
        text=f"L{stay.line} {words}" if language != "ru" else f"Л{stay.line} {words}",
        title=f"{stay.title.to(language)}: {goal.title.to(language)}{due}",
        tone=tone,
        icon="arrows-sort",
        due_at=None if goal.due is None or abs((goal.due - at) - left) >= _SAME else goal.due,
        paused=not stay.time.is_open(at),
    )


def follow(change: CaseChange) -> None:
    """Write down when a case leaves a line later than promised. Needs a transaction."""
    if "line" not in change.changes or change.changes["line"][0] is None:
        return
    query = select(LineStay, SupportLine, Service.calendar_key)
    query = query.join(
        SupportLine, and_(SupportLine.number == LineStay.line, SupportLine.service_id == change.case.service_id)
    )
    query = query.join(Service, Service.id == SupportLine.service_id)
    last = query.where(LineStay.case_id == change.case.id, LineStay.left_at.is_not(None)).order_by(LineStay.id.desc())
    row = db.session.execute(last.limit(1)).first()
    if row is None:
        return
    stay, line, calendar = row
    goals = goals_of(line, calendars.time_of(calendar), stay.entered_at, stay.taken_at, stay.left_at, change.at)
    late = [goal for goal in goals if goal.late]
    if late:
        timeline.write(
            change.case.id,
            "sla.line_late",
            line=stay.line,
            title_en=f"Late on «{line.title_en}»: {', '.join(goal.title.en for goal in late)}",
            title_ru=f"Опоздание, {line.title_ru}: {', '.join(goal.title.ru for goal in late)}",
        )


# --- figures -----------------------------------------------------------------------------------------


@dataclass(slots=True)
class LineFigures:
    """The stays on a line of a service in a span of time. Seconds are means of open time, None where there is nothing."""

    service: str
    line: int
    title: Text
    stays: int = 0
    open: int = 0
    taken_late: int = 0
    left_late: int = 0
    late_now: int = 0
    to_take: float | None = None
    to_leave: float | None = None


def figures(days: int = 30) -> list[LineFigures]:
    """Every line of every service, with the stays that began in the last ``days``; three queries."""
    at = now()
    found: dict[tuple[int, int], LineFigures] = {}
    lines: dict[tuple[int, int], tuple[SupportLine, WorkingTime]] = {}
    rows = select(SupportLine, Service).join(Service, Service.id == SupportLine.service_id)
    for line, service in db.session.execute(rows.order_by(Service.key, SupportLine.number)):
        place = (service.id, line.number)
        found[place] = LineFigures(service.key, line.number, Text(line.title_en, line.title_ru))
        lines[place] = (line, calendars.time_of(service.calendar_key))
    spans: dict[tuple[int, int], tuple[list[float], list[float]]] = {place: ([], []) for place in found}
    stays = select(Case.service_id, LineStay).join(Case, Case.id == LineStay.case_id)
    for service_id, stay in db.session.execute(stays.where(LineStay.entered_at >= at - timedelta(days=days))):
        place = (service_id, stay.line)
        if place in found:
            _count(found[place], stay, *lines[place], spans[place], at)
    for place, (taken, left) in spans.items():
        found[place].to_take, found[place].to_leave = _mean(taken), _mean(left)
    return list(found.values())


def _count(
    row: LineFigures,
    stay: LineStay,
    line: SupportLine,
    time: WorkingTime,
    spans: tuple[list[float], list[float]],
    at: datetime,
) -> None:
    row.stays += 1
    row.open += stay.left_at is None
    if stay.taken_at is not None:
        spans[0].append(time.between(stay.entered_at, stay.taken_at).total_seconds())
    if stay.left_at is not None:
        spans[1].append(time.between(stay.entered_at, stay.left_at).total_seconds())
    for goal in goals_of(line, time, stay.entered_at, stay.taken_at, stay.left_at, at):
        if not goal.late:
            continue
        row.taken_late += goal.title is TAKE
        row.left_late += goal.title is SOLVE
        row.late_now += not goal.done


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return sum(known) / len(known) if known else None


def as_row(row: LineFigures) -> Mapping[str, Any]:
    """Figures for lists and programs."""
    return {
        "service": row.service,
        "line": row.line,
        "title": row.title.en,
        "title_ru": row.title.ru,
        "stays": row.stays,
        "open": row.open,
        "taken_late": row.taken_late,
        "left_late": row.left_late,
        "late_now": row.late_now,
        "to_take_seconds": None if row.to_take is None else round(row.to_take),
        "to_leave_seconds": None if row.to_leave is None else round(row.to_leave),
    }
