"""What people in a call are told: that a recording begins, why somebody who was called in did not come."""

from __future__ import annotations

import json

import pytest

from core.db import db
from core.model import Event
from plugins.voice.calls import company, dialling, ending, recording, saying
from plugins.voice.calls.dialling import Target
from plugins.voice.messages import rules
from plugins.voice.messages.rules import Rule
from tests.support.call_house import shared_house


@pytest.fixture(scope="module")
def centre(tmp_path_factory, migrated_templates):
    yield from shared_house(tmp_path_factory.mktemp("told"), migrated_templates)


@pytest.fixture
def house(centre):
    yield centre
    centre.clear()
    rules.set_rule("support", Rule())


def sounds_in(house, key: str) -> dict[str, str]:
    """What is played into a call, by whom it is for: everybody («all») or a leg."""
    house.voice.pump()
    bridge = house.call(key).bridge
    return {
        "all" if one.target == bridge else one.target: one.sound
        for name, one in house.voice.driver.playing.items()
        if name.startswith(key)
    }


def test_everybody_hears_that_a_recording_begins_in_the_middle_of_a_call(house, monkeypatch):
    key = house.answered()
    rules.set_rule("support", Rule(record="ask"))
    recording.switch(key, house.anna, True)
    assert sounds_in(house, key) == {"all": recording.NOTICE}
    # The tape runs from the first moment, and the agent cannot take the notice back.
    assert [tape.target for tape in house.voice.driver.recordings.values()] == [house.call(key).bridge]
    saying.message(key, house.anna, None, stop=True)
    assert sounds_in(house, key) == {"all": recording.NOTICE}
    house.voice.driver.heard_out(f"{key}.consent1")
    # Who comes from outside later hears it alone.
    company.invite(key, house.anna, Target(number=dialling.parse("+79161234567")))
    house.voice.pump()
    outside = house.outside(key)
    house.voice.driver.media_flows(outside)
    assert sounds_in(house, key) == {outside: recording.NOTICE}
    house.voice.driver.goes(outside)
    # So does who was consulted and is brought in.
    second = company.consult(key, house.anna, Target(number=dialling.parse("+79161234568")))
    house.voice.pump()
    asked = house.outside(second)
    house.voice.driver.media_flows(asked)
    house.voice.pump()
    assert sounds_in(house, second) == {}
    company.merge(key, house.anna)
    assert sounds_in(house, key) == {asked: recording.NOTICE}
    ending.end_for_all(key, house.anna)
    assert sounds_in(house, key) == {}


def test_a_service_with_an_announcement_plays_it_instead_of_the_tone_which_may_be_switched_off(house, monkeypatch):
    key = house.answered()
    consent = house.add_message("recorded")
    rules.set_rule("support", Rule(record="ask", consent_id=consent))
    recording.switch(key, house.anna, True)
    assert sounds_in(house, key)["all"].startswith("file:")
    ending.hang_up(key, house.anna)
    rules.set_rule("support", Rule(record="ask"))
    monkeypatch.setitem(house.app.extensions["okno"].config.values, "voice.recording_tone", False)
    house.clear()
    key = house.answered()
    recording.switch(key, house.anna, True)
    assert sounds_in(house, key) == {}


@pytest.mark.parametrize(("cause", "told"), [("busy", True), ("no_answer", True), ("normal", False)])
def test_who_talks_is_told_why_somebody_called_in_did_not_come(house, cause, told):
    key = house.answered()
    for way in (company.invite, company.transfer):
        way(key, house.anna, Target(number=dialling.parse("+79161234567")))
        house.voice.pump()
        seen = last_event()
        house.voice.driver.goes(house.outside(key), cause)
        house.voice.pump()
        expected = [{"key": key, "name": "+79161234567", "cause": cause}] if told else []
        assert members_told(house.anna, seen) == expected
        assert house.hears(house.media("anna")) == {"customer"}
    # Of a call that ends with it the end is told, nothing else.
    ending.hang_up(key, house.anna)
    house.ready("boris")
    other, seen = house.dial("boris", "+79161234567"), last_event()
    house.voice.driver.goes(house.customer(other), cause)
    house.voice.pump()
    assert members_told(house.boris, seen) == []


def last_event() -> int:
    return db.session.scalar(db.select(db.func.max(Event.id))) or 0


def members_told(user_id: int, since: int) -> list[dict[str, object]]:
    query = db.select(Event.payload).where(
        Event.id > since, Event.topic == f"user:{user_id}", Event.type == "voice.member"
    )
    return [json.loads(payload) for payload in db.session.scalars(query)]
