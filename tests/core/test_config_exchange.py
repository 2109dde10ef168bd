"""The configuration as a file: out, into an empty house, and in again without a change."""

from __future__ import annotations

import copy
from contextlib import suppress
from typing import Any

import pytest
import yaml
from sqlalchemy import func, select

from core import calendars, case_catalogue, directory, exchange, ping_targets, reasons, services, skills, team_rules
from core.contracts import Rejected
from core.db import db as database
from core.db import transaction
from core.lines import Line, set_lines
from core.model import Audit, Service, Team
from core.service_routing import TeamPlace
from core.skills import SkillDemand


class Undone(Exception):
    """Takes back what a block built."""


@pytest.fixture(autouse=True)
def house(db: Any) -> None:
    directory.ensure_roles()
    reasons.ensure_reasons()


def build() -> None:
    """A house with something of everything."""
    calendars.add_calendar(
        "office", "Office", "Офис", {"zone": "Europe/Moscow", "weekly": {"mon-fri": ["09:00-18:00"]}}
    )
    skills.add_skill("tax", "Taxes", "Налоги")
    for key in ("first-line", "experts"):
        directory.add_team(key, key.title(), f"Группа {key}")
    team_rules.set_rules(
        directory.get_team("first-line").id, capacity={"chat": {"push": 3, "limit": 4}}, away_minutes=20
    )
    services.define_workflow("survey", "Survey", "Опрос", [{"type": "wait", "minutes": 30}])
    night = services.add_service("night", "Night", "Ночь", teams=["experts"])
    support = services.add_service(
        "support", "Support", "Поддержка", teams=["first-line"], calendar_key="office", closed_action="overflow",
        overflow_service="night", texts={"signature": "Ваш Okno"}, is_default=True,
    )  # fmt: skip
    services.set_service_teams(support.id, ["first-line", TeamPlace("experts", 2, 60)])
    skills.set_service_skills(support.id, [SkillDemand("tax", 3, 60, 1)])
    set_lines(support.id, [Line(1, "Line 1", "1-я линия", 900, 3600)])
    services.add_entry(support.id, "email", "help@example.com")
    services.add_entry(night.id, "email", "night@example.com")
    parent = services.add_disposition(support.id, "solved", "Solved", "Решено", workflow_key="survey")
    services.add_disposition(support.id, "advice", "Advice", "Совет", parent_id=parent.id)
    services.add_disposition(None, "spam", "Spam", "Спам")
    case_catalogue.add_field(None, "contract", "Contract", "Договор")
    choices = [{"key": "a", "title_en": "A", "title_ru": "А"}, "Б"]
    case_catalogue.add_field(support.id, "carrier", "Carrier", "Носитель", type="choice", choices=choices)
    case_catalogue.add_category(support.id, "error", "Error", "Ошибка")
    ping_targets.add_target("expert", "Expert", "Эксперт", team="experts")
    reasons.add_reason("walk", "Walk", "Прогулка", is_break=True)


def as_file(data: dict[str, Any]) -> Any:
    """What comes back from a file."""
    return yaml.safe_load(yaml.safe_dump(data, allow_unicode=True))


@pytest.fixture
def exported() -> Any:
    """The configuration of the built house, the house being empty again."""
    database.session.rollback()
    data: dict[str, Any] = {}
    with suppress(Undone), transaction():
        build()
        data = as_file(exchange.export())
        raise Undone
    database.session.rollback()
    calendars.calendars.forget()
    return data


@pytest.mark.feature("R-01")
def test_what_was_exported_makes_an_empty_house_the_same(exported: Any) -> None:
    assert database.session.scalar(select(func.count(Service.id))) == 0
    changes = exchange.load(exported)
    assert {change.kind for change in changes} >= {"calendar", "skill", "team", "service", "disposition", "case_field"}
    assert as_file(exchange.export()) == exported
    support = services.get_service("support")
    assert services.service_by_id(support.overflow_service_id) is services.get_service("night")
    count = database.session.scalar(select(func.count(Audit.id)))
    assert exchange.load(exported) == []
    assert database.session.scalar(select(func.count(Audit.id))) == count


@pytest.mark.feature("R-01")
def test_a_dry_run_tells_the_difference_and_changes_nothing(exported: Any) -> None:
    exchange.load(exported)
    changed = copy.deepcopy(exported)
    support = next(row for row in changed["services"] if row["key"] == "support")
    support["offer_seconds"] = 45
    support["skills"][0]["level"] = 5
    changed["calendars"][0]["settings"]["weekly"]["sat"] = ["10:00-12:00"]
    found = {
        (change.action, change.key): (change.before, change.after) for change in exchange.load(changed, dry_run=True)
    }
    assert found[("service.change", "support")] == ({"offer_seconds": 30}, {"offer_seconds": 45})
    assert found[("service.skills", "support")][1] == {"skills": ["tax:5:60:1"]}
    assert ("calendar.change", "office") in found and len(found) == 3
    assert as_file(exchange.export()) == exported
    assert len(exchange.load(changed)) == 3


def test_what_a_file_leaves_out_stays(exported: Any) -> None:
    exchange.load(exported)
    exchange.load({"okno_config": 1, "teams": [{"key": "experts", "away_minutes": 5}]})
    assert directory.get_team("experts").title_ru == "Группа experts"
    assert directory.get_team("experts").away_minutes == 5
    assert directory.get_team("first-line").away_minutes == 20


@pytest.mark.parametrize(
    ("data", "words", "code"),
    [
        ({}, "okno_config: 1", "config-version"),
        ({"okno_config": 2}, "okno_config: 1", "config-version"),
        ({"okno_config": 1, "colours": []}, "colours: there is no such name", "config-unknown"),
        ({"okno_config": 1, "teams": {}}, "teams: must be a list", "config-shape"),
        ({"okno_config": 1, "teams": ["x"]}, r"teams\[0\]: must be a mapping with a key", "config-shape"),
        ({"okno_config": 1, "teams": [{"key": "a", "color": 1}]}, r"teams\[a\]\.color", "config-unknown"),
        ({"okno_config": 1, "skills": [{"key": "a"}, {"key": "a"}]}, "«a» twice", "config-twice"),
        ({"okno_config": 1, "teams": [{"key": "Ж"}]}, r"teams", "invalid"),
        ({"okno_config": 1, "teams": [{"key": "a", "away_minutes": -1}]}, r"teams\[a\]\.away_minutes: From 0", "invalid"),
        ({"okno_config": 1, "services": [{"key": "a", "calendar_key": "x"}]}, r"services\[a\]\.calendar_key", "not-found"),
        ({"okno_config": 1, "services": [{"key": "a", "teams": [{"team": "x"}]}]}, r"services\[a\]: .*«x»", "not-found"),
        ({"okno_config": 1, "services": [{"key": "a", "lines": [{"number": 1}]}]}, r"services\[a\]: lines: a row lacks", "config-shape"),
        ({"okno_config": 1, "services": [{"key": "a", "skills": [{"skil": 1}]}]}, r"skills\.skil", "config-unknown"),
        ({"okno_config": 1, "services": [{"key": "a", "overflow_service": "a"}]}, "circle", "overflow-circle"),
        ({"okno_config": 1, "dispositions": [{"key": "a", "parent": "b"}]}, r"dispositions\[\*/a\]", "not-found"),
        ({"okno_config": 1, "case_fields": [{"key": "a", "type": "colour"}]}, r"case_fields\[\*/a\]\.type", "invalid"),
        ({"okno_config": 1, "roles": [{"key": "a", "privileges": ["fly"]}]}, r"roles\[a\]: .*«fly»", "not-found"),
        ({"okno_config": 1, "workflows": [{"key": "a", "steps": [{"type": "fly"}]}]}, r"workflows\[a\]\.steps", "invalid"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_whole_with_its_place(data: dict[str, Any], words: str, code: str) -> None:
    given = {**data, "teams": [{"key": "kept-out"}]} if "teams" not in data and len(data) > 1 else data
    with pytest.raises(Rejected, match=words) as refused:
        exchange.load(given)
    assert refused.value.code == code
    assert database.session.scalar(select(func.count(Team.id))) == 0


def test_single_sections_are_exported_by_name() -> None:
    assert list(exchange.export(("skills",))) == ["okno_config", "skills"]
    with pytest.raises(Rejected):
        exchange.export(("colours",))
