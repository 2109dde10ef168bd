"""Registration of calls: what counts, who has linked what, the report by department, supervisor and agent; the line directory."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core import case_links
from core.clock import now
from core.contracts import Rejected
from core.db import db, transaction
from core.model import Disposition, Interaction, TimelineEntry
from core.schemas import Invalid
from plugins.voice.lines import directory
from plugins.voice.models.calls import VoiceCall
from plugins.voice.registration import links, report
from plugins.voice.registration.report import Asked, Line
from tests.support.voice_features_house import FeaturesHouse


@pytest.fixture
def house(features: FeaturesHouse) -> FeaturesHouse:
    return features


def lately(**values: Any) -> Asked:
    return Asked(now() - timedelta(days=1), now(), **values)


def code_of(act: Any) -> str:
    with pytest.raises(Rejected) as refusal:
        act()
    db.session.rollback()
    return refusal.value.code


def missing() -> list[int]:
    return [call.id for call in report.unregistered(lately())]


# --- what counts -------------------------------------------------------------------------------------


def test_short_calls_quick_transfers_internal_numbers_and_other_calls_are_left_out(house):
    house.call(seconds=19)
    house.call(seconds=149, ended_by_transfer=True)
    house.call(seconds=60, from_number="10234")
    house.call(seconds=60, direction="out")
    house.call(seconds=60, direction="internal")
    house.call(seconds=60, answered_at=None)
    house.call(seconds=60, at=now() - timedelta(days=3))
    counted = [
        house.call(seconds=20),
        house.call(seconds=150, ended_by_transfer=True),
        house.call(seconds=60, from_number="102345"),
        house.call(seconds=60, from_number=""),
    ]
    assert missing() == sorted((call.id for call in counted), reverse=True)
    assert report.report(lately(), "agent", "en")[1] == Line("All", 4, 0)


def test_a_linked_call_of_an_internal_number_counts(house):
    call = house.call(from_number="10234")
    assert report.per_agent(lately()) == {}
    links.link(call.id, house.case("Внутренний").id, house.users["anna"])
    assert report.per_agent(lately()) == {house.users["anna"]: (1, 1)}


def test_a_call_is_registered_by_a_link_or_by_its_own_finished_case(house):
    with transaction():
        solved = Disposition(key="solved", title_en="Solved", title_ru="Решено")
        db.session.add(solved)
    finished, linked, left = house.call(), house.call(), house.call()
    house.finish(finished, solved.id)
    case = house.case("Возврат")
    links.link(linked.id, case.id, house.users["anna"])
    assert [links.view_of(call).how for call in (finished, linked, left)] == ["disposition", "linked", ""]
    assert missing() == [left.id]
    assert report.per_agent(lately()) == {house.users["anna"]: (3, 2)}


# --- linking -----------------------------------------------------------------------------------------


def test_linking_is_told_to_both_cases_and_may_be_changed_and_taken_back(house):
    call, anna = house.call(), house.users["anna"]
    case, other = house.case("Возврат"), house.case("Доставка")
    links.link(call.id, case.id, anna)
    links.link(call.id, case.id, anna)
    told = select(TimelineEntry).where(TimelineEntry.kind == "voice.registered")
    assert [entry.case_id for entry in db.session.scalars(told)] == [case.id]
    assert [one.case.id for one in case_links.linked_cases(call.case_id)] == [case.id]
    assert [one.id for one in links.calls_of_case(case.id)] == [call.id]
    links.link(call.id, other.id, anna)
    assert links.view_of(db.session.get_one(VoiceCall, call.id)).case.id == other.id
    links.unlink(call.id, anna)
    assert links.view_of(db.session.get_one(VoiceCall, call.id)).how == "" and missing() == [call.id]


def test_only_the_agent_of_the_call_or_who_watches_registration_links_it(house):
    call, case = house.call(), house.case("Возврат")
    assert code_of(lambda: links.link(call.id, case.id, house.users["boris"])) == "call-not-yours"
    assert code_of(lambda: links.link(10**6, case.id, None)) == "call-unknown"
    assert code_of(lambda: links.link(call.id, 10**6, None)) == "case-unknown"
    links.link(call.id, case.id, house.users["vera"])
    assert missing() == []


def test_calls_and_cases_are_found_by_what_people_write(house):
    call, case = house.call(), house.case("Возврат")
    assert links.find_call(f" #{call.id} ").id == call.id and links.find_call(call.key.upper()).id == call.id
    assert code_of(lambda: links.find_call("nothing")) == "call-unknown"
    assert links.case_by_number(f"№ {case.number.lower()}").id == case.id
    assert code_of(lambda: links.case_by_number("0")) == "case-unknown"


def test_the_callers_other_cases_are_offered(house):
    call = house.call()
    contact_id = db.session.get_one(Interaction, call.interaction_id).contact_id
    mine, _other = house.case("Мой", contact_id), house.case("Чужой")
    assert [case.id for case in links.candidates(call)] == [mine.id]


# --- the report --------------------------------------------------------------------------------------


def test_the_report_counts_by_department_supervisor_and_agent(house):
    anna, boris = house.users["anna"], house.users["boris"]
    calls = [house.call("anna") for _ in range(4)] + [house.call("boris") for _ in range(2)]
    for call in (calls[0], calls[4], calls[5]):
        links.link(call.id, house.case("Запрос").id, None)
    lines, total = report.report(lately(), "team", "ru")
    assert [(line.title, line.calls, line.registered, line.percent) for line in lines] == [
        ("Первая линия", 4, 1, 25.0),
        ("Вторая линия", 2, 2, 100.0),
    ]
    assert (total.calls, total.registered, total.percent, total.missing) == (6, 3, 50.0, 3)
    lines, _ = report.report(lately(), "supervisor", "ru")
    assert [(line.title, line.calls) for line in lines] == [("Вера", 4), ("Без супервизора", 2)]
    lines, _ = report.report(lately(), "agent", "ru")
    assert [(line.title, line.id) for line in lines] == [("Анна", anna), ("Борис", boris)]
    assert report.report(lately(agent_id=boris), "agent", "ru")[1].calls == 2
    written = report.report_csv(*report.report(lately(), "team", "ru"), "team", "ru")
    assert written.splitlines()[1:] == ["Первая линия,4,1,25", "Вторая линия,2,2,100", "Всего,6,3,50"]


def test_names_cannot_become_formulas_in_a_spreadsheet(house):
    written = report.report_csv([Line("=1+1", 1, 0)], Line("All", 1, 0), "agent", "en")
    assert "'=1+1" in written
    house.call(from_number="+74951112233")
    assert "'+74951112233" in report.unregistered_csv(report.unregistered(lately()), "en")


def test_the_list_and_the_report_take_a_constant_number_of_statements(house, count_queries):
    for _ in range(3):
        house.call()
    with count_queries() as few:
        report.report(lately(), "supervisor", "ru")
        report.unregistered(lately())
    for _ in range(5):
        house.call("boris")
    with count_queries() as many:
        report.report(lately(), "supervisor", "ru")
        report.unregistered(lately())
    assert many.count == few.count


# --- lines -------------------------------------------------------------------------------------------


def line(key: str, **values: Any) -> Any:
    return directory.save_line(
        key, **{"title_en": key, "title_ru": key, "product": "Вклады", "number": "+7 (495) 111-22-33", **values}
    )


def test_a_line_is_found_by_its_words_and_consulted_by_its_teams(house):
    anna, boris = house.users["anna"], house.users["boris"]
    cards = line("cards", product="Карты", note="Блокировка карт", teams=["second"])
    deposits = line("deposits", service="support")
    assert deposits.number == "+74951112233"
    assert [one.key for one in directory.find("")] == ["deposits", "cards"] or len(directory.find("")) == 2
    assert [one.key for one in directory.find("блокировка карты")] == ["cards"]
    assert [one.key for one in directory.find("", anna)] == ["deposits"]
    assert {one.key for one in directory.find("", boris)} == {"cards", "deposits"}
    assert directory.target(deposits.id, anna).service_id == house.services["support"]
    assert directory.target(cards.id, boris).number == "+74951112233"
    assert code_of(lambda: directory.target(cards.id, anna)) == "line-not-yours"
    line("cards", product="Карты", teams=["second"], active=False)
    assert code_of(lambda: directory.target(cards.id, boris)) == "voice-line-unknown"
    directory.remove_line("cards")
    assert [one.key for one in directory.list_lines()] == ["deposits"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"number": "call me"}, "number"),
        ({"product": " "}, "product"),
        ({"service": "nowhere"}, "service"),
        ({"teams": ["nobody"]}, "teams"),
    ],
)
def test_a_line_that_does_not_fit_is_refused_by_field(house, values, field):
    with pytest.raises(Invalid) as refusal:
        line("cards", **values)
    assert field in refusal.value.errors
    db.session.rollback()
    assert directory.list_lines() == []
