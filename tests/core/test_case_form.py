"""The case form: what may stand in a field, what a case needs to close, and that nobody overwrites a colleague."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import assignment, case_catalogue, case_form, case_values, casework
from core.case_changes import CaseChanged
from core.case_form import Incomplete
from core.contracts import Rejected
from core.db import db
from core.model import Case, CaseField, Interaction, TimelineEntry
from core.schemas import Invalid


def row(type: str, **fields: object) -> CaseField:
    return CaseField(key="f", title_en="F", title_ru="Ф", type=type, choices=fields.get("choices", []))


@pytest.mark.parametrize(
    ("type", "value", "kept"),
    [
        ("text", "  Касса № 4 ", "Касса № 4"),
        ("lines", "одна\nдве", "одна\nдве"),
        ("number", "1 204,50", "1204.50"),
        ("number", "-7", "-7"),
        ("number", 12, "12"),
        ("date", "2026-11-21", "2026-11-21"),
        ("url", "https://okno.example/a?b=1", "https://okno.example/a?b=1"),
        ("email", "anna@example.org", "anna@example.org"),
        ("phone", "+7 495 123-45-67", "+7 495 123-45-67"),
        ("phone", "8 495 123 45 67", "8 495 123 45 67"),
        ("bool", True, True),
        ("bool", "true", True),
        ("text", "", ""),
        ("date", None, ""),
    ],
)
def test_what_fits_a_field_is_kept(type, value, kept):
    assert case_form.check_values([row(type)], {"f": value}) == {"f": kept}


@pytest.mark.parametrize(
    ("type", "value"),
    [
        ("number", "много"),
        ("number", "NaN"),
        ("number", "1e999999999999"),
        ("date", "31.02.2026"),
        ("date", "завтра"),
        ("url", "javascript:alert(1)"),
        ("url", "https://"),
        ("url", "https://[1"),
        ("email", "anna"),
        ("phone", "позвоните"),
        ("bool", "может быть"),
        ("text", ["список"]),
        ("text", {"a": 1}),
        ("text", "я" * 501),
        ("lines", "я" * 10_001),
        ("text", "ноль\x00"),
    ],
)
def test_what_does_not_fit_is_refused_in_both_languages(type, value):
    with pytest.raises(Invalid) as refusal:
        case_form.check_values([row(type)], {"f": value})
    assert refusal.value.errors["f"].en and refusal.value.errors["f"].ru


def test_a_choice_is_one_of_the_list():
    choices = [{"key": "a", "title_en": "A", "title_ru": "А"}, "прямо так"]
    field = row("choice", choices=choices)
    assert case_form.check_values([field], {"f": "прямо так"}) == {"f": "прямо так"}
    with pytest.raises(Invalid):
        case_form.check_values([field], {"f": "b"})


def test_a_field_that_the_form_does_not_have_is_refused():
    with pytest.raises(Invalid):
        case_form.check_values([row("text")], {"other": "x"})


@given(
    st.sampled_from(["text", "lines", "number", "date", "url", "email", "phone", "bool"]),
    st.text() | st.integers() | st.none(),
)
def test_any_value_is_kept_or_refused_but_breaks_nothing(type, value):
    try:
        kept = case_form.check_values([row(type)], {"f": value})
    except Invalid:
        return
    assert isinstance(kept["f"], str | bool)
    assert case_form.check_values([row(type)], kept) == kept


@pytest.fixture
def case_id(centre):
    centre.mine = centre.taken(centre.agents[0])
    return db.session.get(Interaction, centre.mine).case_id


def test_a_field_of_the_service_replaces_a_general_one_with_its_key(centre):
    case_catalogue.add_field(None, "serial", "Serial", "Номер", position=2)
    case_catalogue.add_field(None, "when", "When", "Когда", type="date", position=1)
    case_catalogue.add_field(centre.service_id, "serial", "Serial number", "Серийный номер", required=True)
    assert [(row.key, row.title_en) for row in case_form.fields_of(centre.service_id)] == [
        ("serial", "Serial number"),
        ("when", "When"),
    ]
    assert [row.key for row in case_form.fields_of(None)] == ["when", "serial"]


def test_a_value_is_written_with_its_history(centre, case_id):
    case_catalogue.add_field(centre.service_id, "serial", "Serial", "Номер")
    assert case_values.set_fields(case_id, centre.agents[0], {"serial": "A-1"}) == {"serial": "A-1"}
    assert case_values.set_fields(case_id, centre.agents[0], {"serial": "A-1"}) == {}
    assert db.session.get(Case, case_id).fields == {"serial": "A-1"}
    entry = db.session.scalars(db.select(TimelineEntry).where(TimelineEntry.kind == "case.field")).one()
    assert (entry.data["before"], entry.data["after"], entry.actor_id) == ("", "A-1", centre.agents[0])


def test_a_colleagues_change_is_shown_and_never_overwritten(centre, case_id):
    case_catalogue.add_field(centre.service_id, "serial", "Serial", "Номер")
    anna, boris = centre.agents[:2]
    case_values.set_fields(case_id, boris, {"serial": "B"}, before={"serial": ""})
    with pytest.raises(CaseChanged) as refusal:
        case_values.set_fields(case_id, anna, {"serial": "A"}, before={"serial": ""})
    assert refusal.value.current == "B" and refusal.value.code == "case-changed"
    assert db.session.get(Case, case_id).fields == {"serial": "B"}
    # What both wanted alike is no conflict, and a field that nobody else touched isn't either.
    case_values.set_fields(case_id, anna, {"serial": "B"}, before={"serial": ""})
    with pytest.raises(CaseChanged):
        casework.change(case_id, anna, subject="Моя тема", before={"subject": "старая"})


def test_a_case_closes_only_with_its_required_fields(centre, case_id):
    case_catalogue.add_field(centre.service_id, "serial", "Serial number", "Серийный номер", required=True)
    anna = centre.agents[0]
    with pytest.raises(Incomplete) as refusal:
        assignment.complete(centre.mine, anna, centre.solved_id)
    assert "заполните требуемые поля: «Серийный номер»" in refusal.value.text.ru
    assert db.session.get(Case, case_id, populate_existing=True).status == "open"
    assert db.session.get(Interaction, centre.mine, populate_existing=True).state == "active"
    case_values.set_fields(case_id, anna, {"serial": "A-1"})
    assignment.complete(centre.mine, anna, centre.solved_id)
    assert db.session.get(Case, case_id, populate_existing=True).status == "closed"


def test_a_disposition_that_leaves_the_case_open_asks_for_nothing(centre, case_id):
    case_catalogue.add_field(centre.service_id, "serial", "Serial number", "Серийный номер", required=True)
    assignment.complete(centre.mine, centre.agents[0], centre.later_id)
    assert db.session.get(Case, case_id, populate_existing=True).status == "pending"


def test_facts_that_cannot_be_are_refused(centre, case_id):
    anna = centre.agents[0]
    for fields, code in (
        ({"priority": "самый"}, "priority-unknown"),
        ({"status": "lost"}, "status-unknown"),
        ({"status": "closed"}, "case-in-work"),
        ({"assignee_id": 10**6}, "user-unknown"),
        ({"organisation_id": 10**6}, "organisation-unknown"),
        ({"service_id": 10**6}, "service-unknown"),
        ({"category": "нет такой"}, "category-unknown"),
    ):
        with pytest.raises(Rejected) as refusal:
            casework.change(case_id, anna, **fields)
        assert refusal.value.code == code
    with pytest.raises(Rejected):
        casework.change(10**6, anna, subject="x")


def test_facts_are_changed_with_their_history(centre, case_id):
    case_catalogue.add_category(None, "refund", "Refund", "Возврат")
    anna = centre.agents[0]
    casework.change(case_id, anna, category="refund", priority="high", subject="  Новая\nтема ", is_candidate=True)
    case = db.session.get(Case, case_id)
    assert (case.category, case.priority, case.subject, case.is_candidate) == ("refund", "high", "Новая тема", True)
    kinds = set(db.session.scalars(db.select(TimelineEntry.kind).where(TimelineEntry.case_id == case_id)))
    assert {"case.category", "case.priority", "case.subject", "case.is_candidate"} <= kinds
