"""Calls from ringing to wrap-up: who hears whom is what the backend without sound says."""

from __future__ import annotations

import pytest

from core import assignment, presence
from core.contracts import Rejected
from core.db import db
from core.model import TimelineEntry
from plugins.voice.calls import book, company, dialling, ending, phones, recording, talk
from plugins.voice.calls.dialling import Target
from plugins.voice.messages import rules
from plugins.voice.messages.rules import Rule
from plugins.voice.models.recordings import CallRecording
from plugins.voice.process.scene import MUSIC, RINGBACK
from tests.support.call_house import CALLER, NUMBER, SDP, shared_house


@pytest.fixture(scope="module")
def centre(tmp_path_factory, migrated_templates):
    """One house for the module: each test begins with no calls and nobody signed on."""
    yield from shared_house(tmp_path_factory.mktemp("calls"), migrated_templates)


@pytest.fixture
def house(centre):
    yield centre
    centre.clear()


def refused(work, *arguments, **values) -> str:
    with pytest.raises(Rejected) as refusal:
        work(*arguments, **values)
    db.session.rollback()
    return refusal.value.code


def test_a_visitor_waits_with_music_is_offered_answered_and_wrapped_up(house):
    key = house.visitor()
    driver = house.voice.driver
    assert house.call(key).state == "queued"
    assert driver.sounds_at(house.customer(key)) == [MUSIC]
    house.ready("anna")
    assert assignment.route_due() == 1
    offered = house.call(key)
    assert [
        leg.state for leg in db.session.scalars(db.select(ending.VoiceLeg).where(ending.VoiceLeg.kind == "agent"))
    ] == ["ringing"]
    assert offered.state == "queued"
    talk.answer(key, house.anna)
    house.voice.pump()
    # The telephone is not connected yet: the music goes on.
    assert driver.sounds_at(house.customer(key)) == [MUSIC]
    anna = house.browser("anna")
    assert house.hears(anna) == {"customer"}
    assert house.hears(house.customer(key)) == {"anna"}
    assert driver.sounds_at(house.customer(key)) == []
    assert (house.call(key).state, house.interaction(key).state, house.state_of("anna")) == (
        "talking",
        "active",
        "busy",
    )
    ending.hang_up(key, house.anna)
    assert house.live_legs() == []
    assert driver.bridges == {}
    assert (house.call(key).state, house.interaction(key).state) == ("ended", "wrap_up")
    kinds = set(db.session.scalars(db.select(TimelineEntry.kind)))
    assert {"voice.answered", "voice.ended"} <= kinds


def test_who_hangs_up_while_waiting_is_no_longer_offered(house):
    key = house.visitor()
    house.ready("anna")
    assert assignment.route_due() == 1
    house.voice.driver.goes(house.customer(key))
    house.voice.pump()
    assert (house.call(key).state, house.interaction(key).state, house.state_of("anna")) == ("ended", "closed", "ready")


def test_the_contact_hangs_up_and_the_agent_wraps_up(house):
    key = house.answered()
    house.voice.driver.goes(house.customer(key))
    house.voice.pump()
    assert (house.call(key).cause, house.interaction(key).state, house.live_legs()) == ("normal", "wrap_up", [])


def test_a_declined_call_waits_again(house):
    key = house.visitor()
    house.ready("anna")
    assignment.route_due()
    talk.reject(key, house.anna)
    assert (house.call(key).state, house.interaction(key).state, house.state_of("anna")) == (
        "queued",
        "queued",
        "not_ready",
    )
    house.ready("boris")
    house.accept("boris")
    assert house.hears(house.browser("boris")) == {"customer"}


def test_hold_plays_music_and_retrieve_brings_the_talk_back(house):
    key = house.answered()
    driver, anna, customer = house.voice.driver, house.media("anna"), house.customer(key)
    talk.hold(key, house.anna)
    assert (house.hears(anna), house.hears(customer), driver.sounds_at(customer)) == (set(), set(), [MUSIC])
    talk.retrieve(key, house.anna)
    assert (house.hears(anna), house.hears(customer), driver.sounds_at(customer)) == ({"customer"}, {"anna"}, [])
    talk.mute(key, house.anna, True)
    assert (house.hears(anna), house.hears(customer)) == ({"customer"}, set())
    talk.mute(key, house.anna, False)
    assert house.hears(customer) == {"anna"}


def test_a_colleague_is_called_answers_and_is_not_offered_anything_meanwhile(house):
    house.ready("anna")
    house.ready("boris")
    key = dialling.call(house.anna, {"user_id": house.boris})
    anna = house.browser("anna")
    house.voice.pump()
    assert house.voice.driver.sounds_at(anna) == [RINGBACK]
    talk.answer(key, house.boris)
    assert house.hears(house.browser("boris")) == {"anna"}
    house.visitor()
    assert assignment.route_due() == 0
    ending.hang_up(key, house.boris)
    house.voice.pump()
    assert (house.state_of("anna"), house.state_of("boris")) == ("ready", "ready")
    assert refused(dialling.call, house.anna, {"user_id": house.vera}) == "agent-offline"
    assert refused(dialling.call, house.anna, {"number": "999"}) == "number-unknown"


def test_a_number_outside_is_dialled_with_keys_for_its_menu(house):
    house.ready("anna")
    key = house.dial("anna", "8 (495) 765-43-21,,12#")
    driver, call = house.voice.driver, house.call(key)
    anna = house.browser("anna")
    assert driver.dialled == [(call.customer_leg, "tel:+74957654321", NUMBER)]
    assert driver.sounds_at(anna) == [RINGBACK]
    driver.media_flows(call.customer_leg)
    house.voice.pump()
    assert driver.pressed == [(call.customer_leg, ",,12#")]
    assert (house.hears(anna), house.call(key).state) == ({"outside"}, "talking")
    assert (house.interaction(key).direction, house.state_of("anna")) == ("out", "busy")
    driver.goes(call.customer_leg)
    house.voice.pump()
    assert house.interaction(key).state == "wrap_up"


@pytest.mark.parametrize("cause", ["busy", "no_answer", "unreachable"])
def test_a_number_that_is_not_reached_ends_the_call_with_its_cause(house, cause):
    house.ready("anna")
    key = house.dial("anna", "+74957654321")
    house.voice.driver.goes(house.customer(key), cause)
    house.voice.pump()
    assert (house.call(key).cause, house.call(key).talk_seconds, house.interaction(key).state) == (cause, 0, "wrap_up")


def test_consult_swap_and_attended_transfer_to_a_colleague(house):
    key = house.answered()
    house.ready("boris")
    second = company.consult(key, house.anna, Target(user_id=house.boris))
    driver, customer, anna = house.voice.driver, house.customer(key), house.media("anna")
    talk.answer(second, house.boris)
    boris = house.browser("boris")
    assert (house.hears(anna), house.hears(boris), house.hears(customer)) == ({"boris"}, {"anna"}, set())
    assert driver.sounds_at(customer) == [MUSIC]
    company.swap(key, house.anna)
    assert (house.hears(anna), house.hears(boris)) == ({"customer"}, set())
    company.swap(key, house.anna)
    company.complete(key, house.anna)
    assert (house.hears(boris), house.hears(customer)) == ({"customer"}, {"boris"})
    assert house.live_legs() == sorted([boris, customer])
    assert house.interaction(key).agent_id == house.boris
    assert house.call(key).ended_by_transfer
    assert (house.state_of("anna"), house.state_of("boris")) == ("ready", "busy")
    ending.hang_up(key, house.boris)
    assert house.live_legs() == []


def test_a_consultation_that_ends_brings_the_first_call_back(house):
    key = house.answered()
    house.ready("boris")
    second = company.consult(key, house.anna, Target(user_id=house.boris))
    talk.reject(second, house.boris)
    assert house.hears(house.media("anna")) == {"customer"}
    second = company.consult(key, house.anna, Target(user_id=house.boris))
    talk.answer(second, house.boris)
    house.browser("boris")
    ending.hang_up(second, house.anna)
    assert (house.hears(house.media("anna")), house.state_of("boris")) == ({"customer"}, "ready")


def test_merge_makes_a_conference_that_its_owner_may_leave(house):
    key = house.answered()
    house.ready("boris")
    second = company.consult(key, house.anna, Target(user_id=house.boris))
    assert refused(company.merge, key, house.anna) == "call-not-now"
    talk.answer(second, house.boris)
    boris, anna, customer = house.browser("boris"), house.media("anna"), house.customer(key)
    company.merge(key, house.anna)
    assert house.hears(customer) == {"anna", "boris"}
    assert (house.hears(anna), house.hears(boris)) == ({"customer", "boris"}, {"customer", "anna"})
    talk.hold(key, house.anna)
    assert (house.hears(customer), house.hears(anna)) == ({"boris"}, set())
    talk.retrieve(key, house.anna)
    ending.leave(key, house.anna)
    assert (house.hears(customer), house.interaction(key).agent_id) == ({"boris"}, house.boris)
    assert refused(ending.leave, key, house.boris) == "nobody-left"


def test_a_conference_in_one_step_with_a_number_outside_kick_and_end_for_all(house):
    key = house.answered()
    company.invite(key, house.anna, Target(number=dialling.parse("+79161234567")))
    house.voice.pump()
    outside, anna, customer = house.outside(key), house.media("anna"), house.customer(key)
    assert house.hears(customer) == {"anna"}
    house.voice.driver.media_flows(outside)
    assert (house.hears(customer), house.hears(anna)) == ({"anna", "outside"}, {"customer", "outside"})
    member = next(leg for leg in book.legs_of(house.call(key)) if leg.kind == "external")
    talk.hold_member(key, house.anna, member.key, True)
    assert (house.hears(customer), house.hears(outside)) == ({"anna"}, set())
    talk.hold_member(key, house.anna, member.key, False)
    ending.kick(key, house.anna, member.key)
    assert (house.hears(customer), outside in house.live_legs()) == ({"anna"}, False)
    company.invite(key, house.anna, Target(user_id=house.boris)) if house.ready("boris") else None
    ending.end_for_all(key, house.anna)
    assert house.live_legs() == []


def test_blind_transfer_to_a_colleague_rings_and_to_a_service_waits(house):
    key = house.answered()
    house.ready("boris")
    company.transfer(key, house.anna, Target(user_id=house.boris))
    assert (house.interaction(key).state, house.state_of("boris")) == ("offered", "ringing")
    assert house.live_legs() == [house.customer(key)]
    assert house.voice.driver.sounds_at(house.customer(key)) == [MUSIC]
    talk.answer(key, house.boris)
    assert house.hears(house.browser("boris")) == {"customer"}
    company.transfer(key, house.boris, Target(service_id=house.other_service_id))
    assert (house.interaction(key).state, house.call(key).service_id) == ("queued", house.other_service_id)
    assert house.call(key).state == "queued"


def test_blind_transfer_to_a_number_frees_the_agent_when_it_answers_and_comes_back_when_not(house):
    key = house.answered()
    number = Target(number=dialling.parse("+79161234567"))
    company.transfer(key, house.anna, number)
    house.voice.pump()
    house.voice.driver.goes(house.outside(key), "busy")
    house.voice.pump()
    assert house.hears(house.media("anna")) == {"customer"}
    company.transfer(key, house.anna, number)
    house.voice.pump()
    outside, customer = house.outside(key), house.customer(key)
    house.voice.driver.media_flows(outside)
    assert house.hears(customer) == {"outside"}
    assert house.live_legs() == sorted([customer, outside])
    assert house.interaction(key).state == "wrap_up"
    house.voice.driver.goes(customer)
    assert house.live_legs() == []
    assert house.call(key).ended_by_transfer


def test_a_supervisor_listens_whispers_and_joins_without_interruption(house):
    key = house.answered()
    elena = house.browser("elena")
    anna, customer = house.media("anna"), house.customer(key)
    company.supervise(key, house.elena, "monitor")
    assert (house.hears(elena), house.hears(anna), house.hears(customer)) == (
        {"anna", "customer"},
        {"customer"},
        {"anna"},
    )
    company.supervise(key, house.elena, "whisper")
    assert (house.hears(anna), house.hears(customer)) == ({"customer", "elena"}, {"anna"})
    company.supervise(key, house.elena, "barge")
    assert house.hears(customer) == {"anna", "elena"}
    company.supervise(key, house.elena, "")
    assert (house.hears(customer), elena in house.live_legs()) == ({"anna"}, False)


def test_recording_begins_pauses_and_is_kept(house):
    key = house.answered()
    assert refused(recording.switch, key, house.anna, True) == "recording-forbidden"
    rules.set_rule("support", Rule(record="ask"))
    recording.switch(key, house.anna, True)
    house.voice.pump()
    tape = next(iter(house.voice.driver.recordings.values()))
    assert (tape.target, tape.paused) == (house.call(key).bridge, False)
    recording.switch(key, house.anna, False)
    house.voice.pump()
    assert house.voice.driver.recordings[tape.id].paused
    ending.hang_up(key, house.anna)
    house.voice.pump()
    assert house.voice.driver.recordings == {}
    assert db.session.scalars(db.select(CallRecording.state)).all() == ["raw"]


def test_a_page_that_is_reloaded_goes_on_with_a_new_connection(house):
    key = house.answered()
    before = house.media("anna")
    house.voice.driver.goes(before, "lost")
    house.voice.pump()
    assert house.voice.driver.sounds_at(house.customer(key)) == [MUSIC]
    after = house.browser("anna")
    assert after != before
    assert house.hears(after) == {"customer"}


def test_an_agent_who_is_lost_leaves_the_caller_to_the_queue(house):
    key = house.answered()
    presence.sign_off(house.anna, "connection_lost")
    assert (house.call(key).state, house.interaction(key).state) == ("queued", "queued")
    assert house.live_legs() == [house.customer(key)]
    house.ready("boris")
    house.accept("boris")
    assert house.hears(house.browser("boris")) == {"customer"}


def test_a_voice_process_that_dies_ends_its_calls_cleanly(house):
    key, waiting = house.answered(), house.visitor("+74950000001")
    house.voice.begin()
    house.voice.pump()
    assert (house.call(key).cause, house.interaction(key).state) == ("lost", "wrap_up")
    assert (house.call(waiting).cause, house.interaction(waiting).state) == ("lost", "closed")
    assert house.media("anna") == ""
    again = house.visitor("+74950000002")
    assert house.call(again).state == "queued"


def test_a_recording_that_fails_lets_the_call_go_on(house):
    rules.set_rule("support", Rule(record="always"))
    key = house.answered()
    house.voice.pump()
    tape = next(iter(house.voice.driver.recordings))
    del house.voice.driver.recordings[tape]
    house.voice.driver.tell("recording.failed", recording=tape, data={"why": "No space left on device"})
    house.voice.pump()
    rules.set_rule("support", Rule())
    assert (house.call(key).recording, house.call(key).state) == ("", "talking")
    assert house.hears(house.customer(key)) == {"anna"}
    kept = db.session.scalars(db.select(CallRecording).where(CallRecording.key == tape)).one()
    assert kept.failure == "No space left on device"


def test_without_the_voice_process_commands_say_so_and_hanging_up_works(house):
    key = house.answered()
    house.voice.away = True
    assert refused(phones.connect, house.boris, SDP) == "voice-unavailable"
    assert refused(dialling.call, house.boris, {"number": "+74951112233"}) == "voice-unavailable"
    ending.hang_up(key, house.anna)
    assert house.interaction(key).state == "wrap_up"


def test_a_call_on_a_telephone_line_is_answered_and_queued(house):
    key = house.line()
    assert (house.call(key).from_number, house.call(key).state) == (CALLER, "queued")
    assert house.voice.driver.sounds_at(house.customer(key)) == [MUSIC]
    assert house.interaction(key).address == CALLER


@pytest.mark.parametrize("typed", ["12345678", "+7", "восемь", "+7495abc", "8 495"])
def test_what_is_no_number_is_refused(house, typed):
    assert refused(dialling.parse, typed) == "number-invalid"


def test_forbidden_directions_are_refused(house, monkeypatch):
    values = house.app.extensions["okno"].config.values
    monkeypatch.setitem(values, "voice.forbidden", ["+7900"])
    monkeypatch.setitem(values, "voice.allowed", ["+7"])
    for number in ("+79001234567", "+14155550100"):
        with pytest.raises(Rejected) as refusal:
            dialling.parse(number)
        assert (refusal.value.code, refusal.value.text.ru) == ("direction-forbidden", "Исходящие вызовы не разрешены")
    assert dialling.parse("00 7 495 123 45 67").number == CALLER
