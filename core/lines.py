"""Support lines (линии поддержки) of services with their own targets (OLA). The only code that changes them.

Moving a case between lines is :mod:`core.routing`'s; the sla plugin measures how long a case stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import func, select

from core import audit
from core.contracts import Rejected, SetupChange, Text
from core.db import db, on_commit, transaction
from core.directory import missing
from core.events.wake import wake
from core.house import okno
from core.model import Case, Service, ServiceTeam, SupportLine
from core.schemas import Invalid, LineForm, checked


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a service. ``take_seconds``: until an agent takes the case; ``solve_seconds``: until it leaves the line; 0 for none."""

    number: int
    title_en: str
    title_ru: str
    take_seconds: int = 0
    solve_seconds: int = 0


def lines_of(service_ids: Iterable[int]) -> dict[int, list[SupportLine]]:
    """The lines of each of these services, by number."""
    found: dict[int, list[SupportLine]] = {service_id: [] for service_id in service_ids}
    query = select(SupportLine).where(SupportLine.service_id.in_(list(found))).order_by(SupportLine.number)
    for row in db.session.scalars(query):
        found[row.service_id].append(row)
    return found


def line_of(service_id: int | None, number: int) -> SupportLine | None:
    """A line of a service, None when the service has no such line."""
    query = select(SupportLine).where(SupportLine.service_id == service_id, SupportLine.number == number)
    line: SupportLine | None = db.session.scalar(query)
    return line


def set_lines(service_id: int, lines: Sequence[Line]) -> None:
    """Let a service have exactly these lines.

    Raises ``Invalid`` (``lines``) for two lines with one number or values out of range, ``in-use`` for a line with open cases or teams.
    """
    plain = [_checked(line) for line in lines]
    chosen = {line.number: line for line in plain}
    if len(chosen) != len(plain):
        numbers = [line.number for line in plain]
        twice = next(number for number in numbers if numbers.count(number) > 1)
        text = Text(f"There are two lines with the number {twice}.", f"Две линии с одним номером: {twice}.")
        raise Invalid({"lines": text}, "line-twice")
    with transaction():
        service = db.session.get(Service, service_id)
        if service is None:
            raise missing("service", "сервис", service_id)
        rows = {row.number: row for row in lines_of([service_id])[service_id]}
        before = [_plain(row) for row in rows.values()]
        for number in rows.keys() - chosen.keys():
            _refuse_used(service, number)
            db.session.delete(rows[number])
        for number, line in chosen.items():
            row = rows.get(number) or SupportLine(service_id=service_id)
            for name, value in asdict(line).items():
                setattr(row, name, value)
            db.session.add(row)
        db.session.flush()
        after = [asdict(line) for _, line in sorted(chosen.items())]
        if audit.record("service.lines", "service", service.key, {"lines": before}, {"lines": after}):
            change = SetupChange("service", service.key, {"lines": (before, after)})
            okno().hooks.during_setup_change(change)
            on_commit(lambda: wake("routing"))


def _checked(line: Line) -> Line:
    try:
        return Line(**checked(LineForm, asdict(line)))
    except Invalid as invalid:
        text = next(iter(invalid.errors.values()))
        words = Text(f"Line {line.number}: {text.en}", f"Линия {line.number}: {text.ru}")
        raise Invalid({"lines": words}) from None


def _plain(row: SupportLine) -> dict[str, object]:
    names = ("number", "title_en", "title_ru", "take_seconds", "solve_seconds")
    return {name: getattr(row, name) for name in names}


def _refuse_used(service: Service, number: int) -> None:
    cases = select(func.count(Case.id)).where(
        Case.service_id == service.id, Case.line == number, Case.status.in_(("open", "pending"))
    )
    teams = (
        select(func.count())
        .select_from(ServiceTeam)
        .where(ServiceTeam.service_id == service.id, ServiceTeam.line == number)
    )
    open_cases, standing = db.session.scalar(cases) or 0, db.session.scalar(teams) or 0
    # A service always has a first line, whether it is described or not.
    if number == 1 or not (open_cases or standing):
        return
    text = Text(
        f"Line {number} is in use: {open_cases} open cases, {standing} teams. Move them to another line first.",
        f"Линия {number} используется: открытых запросов {open_cases}, групп {standing}. Сначала переведите их на другую линию.",
    )
    raise Rejected(text, "in-use")
