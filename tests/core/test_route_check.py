"""Trying a route: who would get an interaction, and the first reason why each of the others would not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core import assignment, calendars, clock, directory, presence, route_check, services, skills, team_rules
from core.contracts import Rejected
from core.model import Service
from core.service_routing import TeamPlace
from core.skills import SkillDemand
from tests.core.conftest import Centre

# A Tuesday at noon in Moscow.
NOON = datetime(2026, 6, 16, 9, 0, tzinfo=UTC)
OFFICE = {"zone": "Europe/Moscow", "weekly": {"mon-fri": ["09:00-18:00"]}}


def words(found: route_check.RouteCheck, language: str = "ru") -> dict[str, str]:
    return {agent.login: agent.text.to(language) for agent in found.agents}


def steps(found: route_check.RouteCheck) -> str:
    return " ".join(step.text.ru for step in found.steps)


@pytest.mark.feature("R-03")
def test_the_longest_idle_would_get_it_and_the_absent_are_named(centre: Centre) -> None:
    anna, boris, _vera = centre.agents
    with clock.at(NOON):
        centre.ready(anna)
    with clock.at(NOON + timedelta(minutes=5)):
        centre.ready(boris)
        found = route_check.check("support", "toy")
    assert found.answer.ru == "Сейчас его получит Anna."
    assert [agent.chosen for agent in found.agents] == [True, False, False]
    assert words(found)["anna"] == "первый: свободен с 12:00"
    assert words(found)["vera"] == "не в системе"
    with clock.at(NOON + timedelta(minutes=6)):
        presence.set_state(boris, presence.NOT_READY)
        assert words(route_check.check("support", "toy"))["boris"] == "«Не готов», с 12:06"


@pytest.mark.feature("R-03")
def test_a_skill_that_is_too_low_says_when_it_is_enough(centre: Centre) -> None:
    anna, boris, vera = centre.agents
    skills.add_skill("tax", "Taxes", "Налоги")
    skills.set_levels({anna: {"tax": 1}, boris: {"tax": 3}})
    skills.set_service_skills(centre.service_id, [SkillDemand("tax", 3, 120, 1)])
    centre.ready(anna, boris, vera)
    found = route_check.check("support", "toy")
    assert found.agents[0].login == "boris"
    assert words(found)["anna"] == "навык «Налоги»: 1 из 3; хватит через 00:04:00 ожидания"
    assert words(found, "en")["vera"] == "«Taxes» 0 of 3; never enough"
    assert "от 3, через 00:02:00 на единицу меньше" in steps(found)
    later = route_check.check("support", "toy", waited=240)
    assert {agent.login for agent in later.agents if agent.ok} == {"anna", "boris"}


@pytest.mark.feature("R-06")
def test_teams_of_other_lines_and_of_later_are_named(centre: Centre) -> None:
    _anna, boris, vera = centre.agents
    for key, member in (("experts", boris), ("duty", vera)):
        directory.set_members(directory.add_team(key, key.title(), f"Группа {key}").id, {member: False})
    directory.set_members(directory.get_team("first").id, {centre.agents[0]: False})
    places = ["first", TeamPlace("experts", 2), TeamPlace("duty", 1, 90)]
    services.set_service_teams(centre.service_id, places)
    centre.ready(*centre.agents)
    found = route_check.check("support", "toy", waited=30)
    assert words(found)["boris"] == "стоит на линии 2"
    assert words(found)["vera"] == "группа подключится через 00:01:00 ожидания"
    assert "Группа «Группа duty» подключится через 00:01:00." in steps(found)
    assert route_check.check("support", "toy", waited=90).agents[1].ok
    assert [agent.login for agent in route_check.check("support", "toy", line=2).agents if agent.ok] == ["boris"]


@pytest.mark.feature("R-03")
def test_outside_opening_hours_it_waits_or_another_service_takes_it(centre: Centre, db: Any) -> None:
    centre.ready(*centre.agents)
    calendars.add_calendar("office", "Office", "Офис", OFFICE)
    services.update_service(centre.service_id, calendar_key="office")
    night = NOON + timedelta(hours=9)
    closed = route_check.check("support", "toy", at=night)
    assert closed.answer.ru.startswith("Сейчас его не получит никто. Закрыт до 17.06 09:00")
    assert not any(agent.ok for agent in closed.agents)
    assert route_check.check("support", "toy", at=NOON).agents[0].chosen
    services.update_service(centre.service_id, closed_action="offer")
    assert route_check.check("support", "toy", at=night).agents[0].chosen
    services.add_service("night", "Night", "Ночь", teams=["first"])
    services.update_service(centre.service_id, closed_action="overflow", overflow_service="night")
    over = route_check.check("support", "toy", at=night)
    assert "принимает сервис «Ночь»" in steps(over) and over.agents[0].chosen


@pytest.mark.feature("R-02")
def test_who_has_enough_in_hand_is_busy(centre: Centre) -> None:
    anna = centre.agents[0]
    centre.taken(anna)
    found = route_check.check("support", "toy")
    assert words(found)["anna"] == "занят: Игрушка 1 из 1"
    team_rules.set_user_capacity(anna, {"toy": {"push": 2}})
    assert words(route_check.check("support", "toy"))["anna"].startswith("первый")


def test_who_declined_is_not_asked_again_so_soon(centre: Centre) -> None:
    anna = centre.agents[0]
    centre.mail()
    centre.ready(anna)
    assert assignment.route_due() == 1
    offer = centre.open_offers()[0]
    interaction = offer.interaction_id
    assignment.reject(offer.id, anna)
    presence.set_state(anna, presence.READY)
    found = route_check.check_interaction(interaction)
    assert words(found, "en")["anna"].startswith("declined it less than 00:01:00 ago")


def test_a_service_that_pulls_offers_nothing(centre: Centre) -> None:
    centre.ready(*centre.agents)
    services.update_service(centre.service_id, push=False)
    found = route_check.check("support", "toy")
    assert not any(agent.ok for agent in found.agents)
    assert "Операторы берут из очереди сами" in found.answer.ru


def test_unknown_names_are_refused(centre: Centre, db: Any) -> None:
    for key, channel in (("nowhere", "toy"), ("support", "pigeon")):
        with pytest.raises(Rejected):
            route_check.check(key, channel)
    with pytest.raises(Rejected):
        route_check.check_interaction(999)
    assert db.session.get(Service, centre.service_id) is not None
