"""Forbidden directions, and the ways around them that people try."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.contracts import Rejected
from plugins.voice.calls import dialling, directions, phones
from tests.support.call_house import shared_house

PREMIUM = "+79001234567"


@pytest.fixture(scope="module")
def centre(tmp_path_factory, migrated_templates):
    yield from shared_house(tmp_path_factory.mktemp("directions"), migrated_templates)


@pytest.fixture
def house(centre):
    yield centre
    centre.clear()


@pytest.fixture
def rules(house, monkeypatch):
    """Sets the lists of allowed and forbidden beginnings."""

    def give(allowed=(), forbidden=()) -> None:
        values = house.app.extensions["okno"].config.values
        monkeypatch.setitem(values, "voice.allowed", list(allowed))
        monkeypatch.setitem(values, "voice.forbidden", list(forbidden))

    return give


def code(work, *arguments, **named) -> str:
    with pytest.raises(Rejected) as refusal:
        work(*arguments, **named)
    return refusal.value.code


@pytest.mark.parametrize(
    "typed",
    [
        "+7 900 123-45-67",
        "8 (900) 123.45.67",
        "79001234567",
        "007 900 1234567",
        "+79001234567,,42#",
        "+7\u00a0900\u20091234567",
        f"sip:{PREMIUM}@trunk.example",
        "sips:89001234567@trunk.example:5061",
        "sip:79001234567@trunk.example",
        "sip:8109001234567@trunk.example",
        "sip:+7-900-123-45-67@trunk.example",
        "sip:+7.900.1234567@trunk.example",
        "sip:*67*+79001234567@trunk.example",
        "sip:x79001234567@trunk.example",
    ],
)
def test_no_way_of_writing_a_number_gets_around_the_rules(rules, typed):
    rules(forbidden=["+7900", "+900"])
    assert code(dialling.parse, typed) == "direction-forbidden"
    rules(allowed=["+7495"])
    assert code(dialling.parse, typed) == "direction-forbidden"


@pytest.mark.parametrize(
    "typed",
    [
        "+7٩٠٠١٢٣٤٥٦٧",
        "8٩٠٠١٢٣٤٥٦٧",
        "+７９００１２３４５６７",
        "sip:+7٩٠٠1234567@trunk.example",
        "sip:%2B79001234567@trunk.example",
        "sip:a;phone-context=+7900@trunk.example",
        "sip:a@trunk.example;user=phone",
        "sip:a@trunk.example?Replaces=x",
        "sip:a@trunk.example\r\nX-Evil: 1",
        "SIP:79001234567@trunk.example",
        "tel:+79001234567",
        "+79001234567;ext=1",
        "+79001234567&PJSIP/1",
        "PJSIP/79001234567",
        "+7900abc4567",
    ],
)
def test_what_only_a_machine_could_read_is_no_number(rules, typed):
    rules(forbidden=["+7900"])
    assert code(dialling.parse, typed) == "number-invalid"


def test_where_only_some_beginnings_are_allowed_names_have_to_be_allowed_too(rules):
    rules(allowed=["+7495"])
    assert code(dialling.parse, "sip:anna@example.org") == "direction-forbidden"
    rules(allowed=["+7495", "sip:anna@"])
    assert dialling.parse("sip:anna@example.org").address == "sip:anna@example.org"
    rules(forbidden=["+7900"])
    assert dialling.parse("sip:anna@example.org").address == "sip:anna@example.org"


@pytest.mark.parametrize("rule", ["+7 900", "+7 (900)", "7900", "007900", " +7-900 "])
def test_a_rule_written_as_people_write_numbers_is_a_rule(rules, rule):
    rules(forbidden=[rule])
    assert code(dialling.parse, PREMIUM) == "direction-forbidden"
    rules(allowed=[rule])
    assert dialling.parse(PREMIUM).number == PREMIUM


def test_an_agent_cannot_be_rung_where_nobody_may_call(house, rules):
    rules(forbidden=["+7900"])
    assert code(phones.choose, house.anna, "external", "+7 900 123-45-67") == "direction-forbidden"
    assert code(phones.choose, house.anna, "sip", f"sip:{PREMIUM}@trunk.example") == "direction-forbidden"
    rules(allowed=["+7495"])
    assert code(phones.choose, house.anna, "sip", f"sip:{PREMIUM}@trunk.example") == "direction-forbidden"
    # A desk telephone is one of the house.
    phones.choose(house.anna, "sip", "sip:desk@10.0.0.5:5060")
    phones.choose(house.anna, "external", "+7 495 123-45-67")


def test_a_transfer_by_a_telephone_and_a_forwarding_obey_the_same_rules(rules, house):
    rules(forbidden=["+7900"])
    for asked in ({"number": PREMIUM}, {"number": f"sip:{PREMIUM}@trunk.example"}):
        assert code(dialling.target_of, asked, house.anna) == "direction-forbidden"


@given(st.text(alphabet="0123456789+*#.- ()sip:@;,%aé٣", max_size=30))
def test_what_is_let_through_is_plain_ascii_and_begins_as_allowed(house_rules, typed):
    try:
        found = dialling.parse(typed)
    except Rejected:
        return
    assert found.address.isascii()
    assert all(number.startswith("+7495") for number in directions._numbers_in(found.address.removeprefix("tel:")))


@pytest.fixture(scope="module")
def house_rules(centre):
    values = centre.app.extensions["okno"].config.values
    before = values["voice.allowed"]
    values["voice.allowed"] = ["+7495", "sip:"]
    yield
    values["voice.allowed"] = before
