"""Calls through the running centre: web, worker, voice process with the embedded switch; each party speaks a tone and says what it hears."""

from __future__ import annotations

import os
import signal

import pytest

from tests.support.tone_people import CallCentre, Refusal, serve_calls
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow
VISITOR, ANNA, BORIS, ELENA = 400, 650, 950, 1350


@pytest.fixture(scope="module")
def centre(migrated_templates, tmp_path_factory):
    yield from serve_calls(migrated_templates, tmp_path_factory.mktemp("calls"))


@pytest.fixture
def house(centre: CallCentre):
    yield centre
    centre.all_leave()


@pytest.mark.feature("V-02", "V-04", "V-10")
def test_a_caller_waits_talks_is_held_consulted_about_and_passed_on(house: CallCentre):
    visitor = house.visitor(VISITOR)
    assert visitor.comes_to("queued")["position"] == 1
    visitor.hears_something_else()
    anna, boris = house.agent("anna", ANNA, ready=True), house.agent("boris", BORIS)
    key = anna.answer()
    assert visitor.comes_to("talking")["agent"] == "Анна"
    visitor.hears(ANNA)
    anna.hears(VISITOR)
    anna.do(key, "hold")
    visitor.hears_something_else()
    anna.hears()
    anna.do(key, "retrieve")
    visitor.hears(ANNA)
    anna.do(key, "mute")
    visitor.hears()
    anna.hears(VISITOR)
    anna.do(key, "unmute")
    second = anna.ask("POST", f"calls/{key}/consult", {"target": {"user_id": house.user_id("boris")}})["call"]
    assert second["state"] == "held"
    boris.answer("ringing")
    boris.hears(ANNA)
    anna.hears(BORIS)
    anna.do(key, "merge")
    visitor.hears(ANNA, BORIS)
    boris.hears(ANNA, VISITOR)
    anna.do(key, "leave")
    visitor.hears(BORIS)
    boris.hears(VISITOR)
    (call,) = boris.calls
    assert call["can"]["transfer"]
    boris.do(key, "hangup")
    visitor.comes_to("ended")
    ended = "SELECT agent_id, ended_at IS NOT NULL FROM interaction WHERE id = ?"
    assert house.rows(ended, call["interaction_id"]) == [(house.user_id("boris"), 1)]


@pytest.mark.feature("V-04")
def test_attended_and_blind_transfer_and_a_supervisor_who_listens_whispers_and_joins(house: CallCentre):
    visitor = house.visitor(VISITOR)
    anna, boris, elena = house.agent("anna", ANNA, ready=True), house.agent("boris", BORIS), house.agent("elena", ELENA)
    key = anna.answer()
    visitor.hears(ANNA)
    elena.connect()
    elena.do(key, "supervise", mode="monitor")
    elena.hears(ANNA, VISITOR)
    visitor.hears(ANNA)
    elena.do(key, "supervise", mode="whisper")
    anna.hears(ELENA, VISITOR)
    visitor.hears(ANNA)
    elena.do(key, "supervise", mode="barge")
    visitor.hears(ANNA, ELENA)
    elena.do(key, "supervise", mode=None)
    visitor.hears(ANNA)
    boris.connect()
    anna.do(key, "consult", target={"number": ""} | {"user_id": house.user_id("boris")})
    boris.answer("ringing")
    anna.do(key, "complete")
    visitor.hears(BORIS)
    boris.hears(VISITOR)
    anna.leave()
    wait_until(
        lambda: house.rows("SELECT state FROM presence WHERE user_id = ?", house.user_id("anna")) == [("ready",)]
    )
    boris.do(key, "transfer", target={"user_id": house.user_id("anna")})
    visitor.hears_something_else()
    assert anna.answer() == key
    visitor.hears(ANNA)


@pytest.mark.feature("V-03")
def test_colleagues_call_each_other_and_numbers_outside_need_a_line(house: CallCentre):
    anna, boris = house.agent("anna", ANNA, ready=True), house.agent("boris", BORIS, ready=True)
    anna.connect()
    key = anna.ask("POST", "calls", {"user_id": house.user_id("boris")})["call"]["key"]
    anna.hears_something_else()
    boris.answer("ringing")
    anna.hears(BORIS)
    boris.hears(ANNA)
    anna.do(key, "hangup")
    wait_until(lambda: not boris.calls)
    with pytest.raises(Refusal) as refusal:
        anna.ask("POST", "calls", {"number": "+7 495 123-45-67"})
    assert refusal.value.code == "voice-no-lines"


def test_a_killed_browser_leaves_music_and_a_new_one_goes_on(house: CallCentre):
    visitor = house.visitor(VISITOR)
    anna = house.agent("anna", ANNA, ready=True)
    key = anna.answer()
    visitor.hears(ANNA)
    anna.leave()
    visitor.hears_something_else()
    anna.connect()
    visitor.hears(ANNA)
    anna.hears(VISITOR)
    anna.do(key, "hangup")


def test_a_killed_voice_process_ends_its_calls_and_the_next_one_carries_new_ones(house: CallCentre):
    visitor, waiting = house.visitor(VISITOR), house.visitor(BORIS, number="+74950000002", name="Мария")
    anna = house.agent("anna", ANNA, ready=True)
    anna.answer()
    talks, waits = (visitor, waiting) if visitor.do("state")["state"] == "talking" else (waiting, visitor)
    talks.hears(ANNA)
    before = house.voice_pid()
    os.kill(before, signal.SIGKILL)
    assert (talks.comes_to("ended")["cause"], waits.comes_to("ended")["cause"]) == ("lost", "lost")
    assert anna.calls == []
    answered = house.rows("SELECT agent_id IS NOT NULL FROM interaction ORDER BY id DESC LIMIT 2")
    assert sorted(answered) == [(0,), (1,)]
    assert house.voice_pid() != before
    for person in (anna, visitor, waiting):
        person.leave()
    house.agent("anna", ANNA)
    boris = house.agent("boris", BORIS, ready=True)
    again = house.visitor(VISITOR)
    boris.answer()
    again.hears(BORIS)
    boris.hears(VISITOR)
