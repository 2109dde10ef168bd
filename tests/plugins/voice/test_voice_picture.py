"""What the softphone is told of a call: whether it may be recorded and why not, whether it is answered without a press."""

from __future__ import annotations

import pytest

from core import assignment
from core.contracts import Rejected
from plugins.voice.calls import company, dialling, ending, phones, picture, recording, talk
from plugins.voice.calls.dialling import Target
from plugins.voice.messages import rules
from plugins.voice.messages.rules import Rule
from tests.support.call_house import CallHouse, shared_house


@pytest.fixture(scope="module")
def centre(tmp_path_factory, migrated_templates):
    yield from shared_house(tmp_path_factory.mktemp("pictures"), migrated_templates)


@pytest.fixture
def house(centre):
    yield centre
    centre.clear()
    for service in ("support", "sales"):
        rules.set_rule(service, Rule())
    answers_by_itself(centre, "boris", on=False)


def seen(house: CallHouse, name: str, key: str) -> dict:
    """The call as this agent sees it."""
    return next(call for call in picture.of_user(house.users[name]) if call["key"] == key)


def answers_by_itself(house: CallHouse, name: str, on: bool = True) -> None:
    phones.choose(house.users[name], "browser", auto_answer=on)


def test_a_call_is_recorded_where_its_service_allows_it_and_says_why_not_elsewhere(house: CallHouse):
    key = house.answered()
    call = seen(house, "anna", key)
    # Nobody records here: there is nothing to explain.
    assert (call["can"]["record"], call["recordable"], call["record_lock"]) == (False, False, "")
    rules.set_rule("sales", Rule(record="ask"))
    call = seen(house, "anna", key)
    assert (call["can"]["record"], call["record_lock"]) == (False, "Этот сервис не записывает звонки")
    rules.set_rule("support", Rule(record="ask"))
    call = seen(house, "anna", key)
    assert (call["can"]["record"], call["recordable"], call["record_lock"]) == (True, True, "")
    recording.switch(key, house.anna, True)
    # A rule that changes meanwhile leaves what has begun to the agent.
    rules.set_rule("support", Rule())
    assert seen(house, "anna", key)["can"]["record"]


def test_a_call_between_colleagues_has_no_recording_to_offer(house: CallHouse):
    rules.set_rule("support", Rule(record="ask"))
    house.ready("anna")
    house.ready("boris")
    key = dialling.call_colleague(house.anna, house.boris)
    talk.answer(key, house.boris)
    call = seen(house, "anna", key)
    assert (call["can"]["record"], call["recordable"], call["record_lock"]) == (False, False, "")


def test_a_telephony_that_records_nothing_says_so(house: CallHouse, monkeypatch):
    rules.set_rule("support", Rule(record="ask"))
    key = house.answered()
    abilities = type(house.voice.driver.abilities)(webrtc=True, recording=False)
    monkeypatch.setattr(house.voice.driver, "abilities", abilities)
    with pytest.raises(Rejected) as refused:
        recording.switch(key, house.anna, True)
    assert refused.value.code == "voice-unsupported"


@pytest.mark.parametrize("reach", ["internal number", "consultation", "conference", "transfer"])
def test_calls_straight_to_an_agent_are_answered_without_a_press_as_the_agent_wishes(house: CallHouse, reach: str):
    house.ready("boris")
    answers_by_itself(house, "boris")
    house.ready("anna")
    if reach == "internal number":
        key = house.dial("anna", "102")
    else:
        first = key = house.answered()
        target = Target(user_id=house.boris)
        if reach == "consultation":
            key = company.consult(first, house.anna, target)
        elif reach == "conference":
            company.invite(first, house.anna, target)
        else:
            company.transfer(first, house.anna, target)
    assert seen(house, "boris", key)["auto_answer"]
    talk.answer(key, house.boris, by_itself=True)
    call = seen(house, "boris", key)
    assert call["leg"] and not call["can"]["answer"] and not call["auto_answer"]


def test_who_does_not_wish_it_answers_by_hand(house: CallHouse):
    house.ready("anna")
    house.ready("boris")
    answers_by_itself(house, "boris", on=False)
    key = house.dial("anna", "102")
    assert not seen(house, "boris", key)["auto_answer"]
    with pytest.raises(Rejected) as refused:
        talk.answer(key, house.boris, by_itself=True)
    assert refused.value.code == "call-not-now"
    talk.answer(key, house.boris)


def test_of_two_calls_that_ring_at_once_only_one_is_answered_without_a_press(house: CallHouse):
    house.ready("anna")
    house.ready("boris")
    answers_by_itself(house, "boris")
    straight = house.dial("anna", "102")
    waiting = house.visitor()
    assignment.route_due()
    assert {call["key"] for call in picture.of_user(house.boris) if call["auto_answer"]} == {straight, waiting}
    talk.answer(waiting, house.boris, by_itself=True)
    with pytest.raises(Rejected) as refused:
        talk.answer(straight, house.boris, by_itself=True)
    assert refused.value.code == "call-not-now"
    assert not seen(house, "boris", straight)["auto_answer"]
    # By hand it is answered all the same; the other one waits.
    talk.answer(straight, house.boris)
    assert seen(house, "boris", waiting)["held"]
    ending.hang_up(straight, house.boris)
