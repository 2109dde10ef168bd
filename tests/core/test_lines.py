"""Support lines of a service with their targets, and the teams that stand on them."""

from __future__ import annotations

from typing import Any

import pytest

from core import audit, casework, directory, lines, services
from core.contracts import Rejected
from core.db import transaction
from core.lines import Line
from core.model import Service
from core.schemas import Invalid
from core.service_routing import TeamPlace, places_of

FIRST, SECOND = Line(1, "Line 1", "1-я линия", 900, 3600), Line(2, "Experts", "Эксперты", 1800, 14400)


@pytest.fixture
def service(db: Any) -> int:
    directory.add_team("first-line", "First line", "1-я линия")
    directory.add_team("experts", "Experts", "Эксперты")
    return services.add_service("support", "Support", "Поддержка", teams=["first-line"]).id


@pytest.mark.feature("R-06")
def test_lines_are_set_changed_and_removed_together(service: int) -> None:
    lines.set_lines(service, [SECOND, FIRST])
    assert [(line.number, line.take_seconds) for line in lines.lines_of([service])[service]] == [(1, 900), (2, 1800)]
    lines.set_lines(service, [Line(1, "Line 1", "1-я линия", 600, 0)])
    (line,) = lines.lines_of([service])[service]
    assert (line.take_seconds, line.solve_seconds) == (600, 0)
    assert lines.line_of(service, 2) is None
    assert audit.entries(object_type="service")[0].action == "service.lines"
    count = len(audit.entries(object_type="service"))
    lines.set_lines(service, [Line(1, "Line 1", "1-я линия", 600, 0)])
    assert len(audit.entries(object_type="service")) == count


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([FIRST, Line(1, "Again", "Опять")], "number 1"),
        ([Line(0, "Zero", "Ноль")], "From 1 to 9"),
        ([Line(1, "Late", "Поздно", -5)], "From 0 to"),
        ([Line(1, "", "")], "fill this in"),
        ([Line("x", "X", "X")], "whole number"),  # type: ignore[arg-type]
    ],
)
def test_wrong_lines_are_refused(service: int, given: list[Line], words: str) -> None:
    with pytest.raises(Invalid, match=words) as refused:
        lines.set_lines(service, given)
    assert set(refused.value.errors) == {"lines"}
    assert lines.lines_of([service]) == {service: []}


def test_a_line_with_open_cases_or_teams_stays(service: int, db: Any) -> None:
    lines.set_lines(service, [FIRST, SECOND])
    services.set_service_teams(service, ["first-line", TeamPlace("experts", 2)])
    with pytest.raises(Rejected) as refused:
        lines.set_lines(service, [FIRST])
    assert refused.value.code == "in-use"
    services.set_service_teams(service, ["first-line"])
    with transaction():
        case = casework.create(subject="x", service=db.session.get(Service, service), contact=None, priority="low")
        case.line = 2
    with pytest.raises(Rejected, match="1 open cases"):
        lines.set_lines(service, [FIRST])


@pytest.mark.feature("R-06")
def test_teams_stand_on_lines_and_join_later(service: int) -> None:
    services.set_service_teams(service, [TeamPlace("first-line"), TeamPlace("experts", 2, 120)])
    assert list(map(str, places_of([service])[service])) == ["first-line", "experts:2:120"]
    services.set_service_teams(service, ["experts"])
    assert places_of([service])[service] == [TeamPlace("experts", 2, 120)]
    for wrong in (TeamPlace("experts", 12), TeamPlace("experts", 1, -1)):
        with pytest.raises(Invalid, match="experts"):
            services.set_service_teams(service, [wrong])


# --- overflow and hours of services ------------------------------------------------------------------


@pytest.mark.feature("R-03")
def test_an_overflow_ends_somewhere(service: int) -> None:
    second = services.add_service("sales", "Sales", "Продажи", overflow_service="support", overflow_seconds=60)
    third = services.add_service("night", "Night", "Ночь", overflow_service="sales", overflow_seconds=60)
    for key, way in (("support", "support → support"), ("night", "support → night → sales → support")):
        with pytest.raises(Invalid, match=way) as refused:
            services.update_service(service, overflow_service=key)
        assert refused.value.code == "overflow-circle"
    services.update_service(third.id, overflow_service="", overflow_seconds=0)
    assert (second.overflow_service_id, third.overflow_service_id) == (service, None)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"overflow_service": "nowhere"}, "overflow_service"),
        ({"closed_action": "overflow"}, "overflow_service"),
        ({"overflow_seconds": 60}, "overflow_service"),
        ({"overflow_seconds": -1}, "overflow_seconds"),
        ({"calendar_key": "nobody-knows"}, "calendar_key"),
        ({"closed_action": "sleep"}, "closed_action"),
        ({"agent_choice": "tallest"}, "agent_choice"),
        ({"target_percent": 101}, "target_percent"),
        ({"target_seconds": 0}, "target_seconds"),
        ({"last_agent_seconds": "soon"}, "last_agent_seconds"),
    ],
)
def test_wrong_routing_is_named_by_its_field(service: int, values: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        services.update_service(service, **values)
    assert set(refused.value.errors) == {field}
