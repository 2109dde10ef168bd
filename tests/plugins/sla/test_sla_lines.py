"""Promises between support lines: measured in the service's hours, shown on the case, counted by line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from tests.plugins.sla.conftest import MOSCOW, TUESDAY

Case = Callable[..., int]


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@pytest.fixture
def lined(db: Any, centre: SimpleNamespace) -> SimpleNamespace:
    """The service keeps hours with a lunch break and has two lines."""
    from core import calendars, lines, services
    from core.lines import Line

    calendars.add_calendar("lunch", "With lunch", "С обедом", MOSCOW)
    services.update_service(centre.service, calendar_key="lunch")
    first = Line(1, "Line 1", "1-я линия", 900, 3600)
    lines.set_lines(centre.service, [first, Line(2, "Experts", "Эксперты", 1800, 4 * 3600)])
    return centre


@pytest.fixture
def move(db: Any) -> Callable[..., None]:
    """``move(case_id, line, minutes=30)`` moves a case as the core does, that long after ``TUESDAY``."""
    from core import casework, clock
    from core.db import transaction
    from core.model import Case as CaseRow
    from core.routing import stays

    def act(case_id: int, line: int, *, minutes: float, by: int) -> None:
        with clock.at(TUESDAY + timedelta(minutes=minutes)), transaction():
            case = db.session.get(CaseRow, case_id)
            stays.move(case, line, by, "")
            casework.touch(case, line=line, cause="line")

    return act


def marks(case_id: int, at_minutes: float, language: str = "ru") -> list[Any]:
    from core import clock
    from core.house import okno

    with clock.at(TUESDAY + minutes(at_minutes)):
        return okno().hooks.case_badges([case_id], language)[case_id][1:]


@pytest.mark.feature("R-06")
def test_the_clock_of_the_second_line_stands_beside_that_of_the_case(
    lined: SimpleNamespace, open_case: Case, move: Any, app: Any
) -> None:
    case_id = open_case("high")
    assert marks(case_id, 10) == []
    move(case_id, 2, minutes=10, by=lined.agent)
    (mark,) = marks(case_id, 20)
    assert (mark.text, mark.tone) == ("Л2 20 мин", "good")
    assert mark.title.startswith("Эксперты: взятие, срок 16 июн")
    assert marks(case_id, 35)[0].tone == "warn"
    late = marks(case_id, 45, "en")[0]
    assert (late.text, late.tone) == ("L2 late by 5 min", "bad")
    assert not app.extensions["okno"].plugins.peek_faults()


@pytest.mark.feature("R-06")
def test_the_time_on_a_line_counts_in_the_hours_of_the_service(
    lined: SimpleNamespace, open_case: Case, move: Any
) -> None:
    from core import clock
    from plugins.sla import lines

    case_id = open_case("high")
    # 12:50 in Moscow, ten minutes before lunch: half an hour is over at 14:20.
    move(case_id, 2, minutes=170, by=lined.agent)
    with clock.at(TUESDAY + minutes(240)):
        stay = lines.stays_now([case_id])[case_id]
    assert stay.goals[0].due == TUESDAY + minutes(260)
    assert stay.goals[0].spent == minutes(10)


@pytest.mark.feature("R-06")
def test_a_line_that_was_left_late_is_written_down_and_counted(
    lined: SimpleNamespace, open_case: Case, move: Any, timeline_of: Any
) -> None:
    from core import clock
    from plugins.sla import lines

    late, kept = open_case("high"), open_case("high")
    move(late, 2, minutes=20, by=lined.agent)
    move(kept, 2, minutes=10, by=lined.agent)
    entries = [entry for entry in timeline_of(late) if entry.kind == "sla.line_late"]
    assert [entry.data["title_ru"] for entry in entries] == ["Опоздание, 1-я линия: взятие"]
    assert "sla.line_late" not in {entry.kind for entry in timeline_of(kept)}
    with clock.at(TUESDAY + minutes(45)):
        first, second = lines.figures()
    assert (first.stays, first.open, first.taken_late, first.left_late, first.late_now) == (2, 0, 1, 0, 0)
    assert first.to_leave == 15 * 60
    assert (second.stays, second.open, second.taken_late, second.late_now) == (2, 2, 1, 1)


def test_a_line_without_targets_has_no_clock(db: Any, centre: SimpleNamespace, open_case: Case, move: Any) -> None:
    from core import lines
    from core.lines import Line

    lines.set_lines(centre.service, [Line(1, "One", "Одна"), Line(2, "Two", "Две")])
    case_id = open_case("high")
    move(case_id, 2, minutes=10, by=centre.agent)
    assert marks(case_id, 100) == []
