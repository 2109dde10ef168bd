"""Callbacks: what a visitor may ask for on the page of a call, what agents do with those who wait, when they are called."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from core import assignment, clock
from core.contracts import Rejected
from core.db import db, transaction
from core.model import Interaction, TimelineEntry
from plugins.voice import switchboard
from plugins.voice.calls import book, dialling, ending, menus, picture, resending, talk, waiting
from plugins.voice.calls.arrival import from_page
from plugins.voice.messages import rules
from plugins.voice.messages.rules import Rule
from plugins.voice.models.calls import VoiceCall
from plugins.voice.models.registration import VoiceCallback
from plugins.voice.registration import callbacks
from tests.support.call_house import CALLER, NUMBER, SDP, promised, shared_house

OWN, TYPED, SHOWN = "+74951112233", "8 (495) 111-22-33", "+7 495 111-22-33"


@pytest.fixture(scope="module")
def centre(tmp_path_factory, migrated_templates):
    yield from shared_house(tmp_path_factory.mktemp("callbacks"), migrated_templates)


@pytest.fixture
def house(centre):
    yield centre
    for row in callbacks.latest():
        assignment.come_back(row.interaction_id)
    centre.clear()
    rules.set_rule("support", Rule())
    centre.app.extensions.pop("okno_voice_rates", None)
    assert callbacks.latest() == []


@pytest.fixture
def visitor(house):
    """A visitor without a number, and what their page sends."""
    client = house.app.test_client()
    made = client.post("/voice/visitor/calls", json={"entry": NUMBER, "sdp": SDP, "name": "Пётр"}).json
    headers = {"Authorization": f"Bearer {made['token']}"}

    def ask(what: str, **body: object):
        return client.post(f"/voice/visitor/calls/{made['key']}/{what}", json=body, headers=headers)

    house.voice.driver.media_flows(house.customer(made["key"]))
    house.voice.pump()
    ask.key, ask.first = made["key"], made["state"]
    return ask


def refused(answer) -> str:
    assert answer.status_code == 422, answer.json
    return answer.json["error"]["code"]


def fresh(model, key):
    return db.session.get_one(model, key, populate_existing=True)


def rows() -> list[VoiceCallback]:
    return list(db.session.scalars(db.select(VoiceCallback).order_by(VoiceCallback.id)))


def test_a_visitor_hangs_up_keeps_the_place_and_is_called_back(house, visitor):
    assert visitor.first["callback"] is True and visitor.first["promised"] is None
    interaction_id = house.interaction(visitor.key).id
    state = visitor("callback", number=TYPED).json["state"]
    assert (state["state"], state["promised"]) == ("ended", {"number": SHOWN, "position": 1, "wait_seconds": None})
    house.voice.pump()
    assert house.live_legs() == []
    assert fresh(Interaction, interaction_id).state == "queued"
    # Asked twice it is one callback, and the page says the same.
    assert visitor("callback", number="+7 999 000-00-00").json["state"]["promised"]["number"] == SHOWN
    assert [(row.number, row.state) for row in callbacks.latest()] == [(OWN, "waiting")]
    # The agent's offer says what it is; who accepts it calls.
    case_id = fresh(Interaction, interaction_id).case_id
    (mark,) = callbacks.badges([case_id], "ru")[case_id]
    assert mark.title == f"Перезвонить: {SHOWN}"
    house.ready("anna")
    assert house.accept("anna") == interaction_id
    house.voice.pump()
    (call,) = picture.of_user(house.anna)
    assert (call["direction"], call["number"]) == ("out", OWN)
    (row,) = callbacks.latest()
    assert (row.state, row.by_id, row.attempts) == ("calling", house.anna, 1)


def test_numbers_that_nobody_can_call_are_refused_and_the_visitor_still_waits(house, visitor, monkeypatch):
    for typed in ("", "12", "nobody", "sip:someone@example.org", "+74951112233,,42#"):
        assert refused(visitor("callback", number=typed)) == "number-invalid", typed
        house.app.extensions.pop("okno_voice_rates", None)
    monkeypatch.setitem(house.app.extensions["okno"].config.values, "voice.forbidden", ["+881"])
    assert refused(visitor("callback", number="+881 000-00-00-00")) == "direction-forbidden"
    assert visitor("state").json["state"]["state"] == "queued"
    assert callbacks.latest() == []


def test_asking_often_is_refused(house, visitor, monkeypatch):
    monkeypatch.setitem(house.app.extensions["okno"].config.values, "voice.visitor_callbacks", 2)
    answers = [refused(visitor("callback", number="12")) for _ in range(3)]
    assert answers == ["number-invalid", "number-invalid", "too-often"]


def test_the_rule_of_a_service_switches_it_off(house):
    rules.set_rule("support", Rule(callback=False))
    client = house.app.test_client()
    made = client.post("/voice/visitor/calls", json={"entry": NUMBER, "sdp": SDP}).json
    assert made["state"]["callback"] is False
    answer = client.post(
        f"/voice/visitor/calls/{made['key']}/callback",
        json={"number": OWN},
        headers={"Authorization": f"Bearer {made['token']}"},
    )
    assert refused(answer) == "callback-not-offered"


def test_a_house_without_lines_offers_none(house, monkeypatch):
    driver = house.voice.driver
    monkeypatch.setattr(driver, "abilities", replace(driver.abilities, sip=False))
    call, _ = from_page(NUMBER, SDP)
    assert picture.of_visitor(call)["callback"] is False


def test_a_number_that_waits_already_keeps_its_earlier_place(house, visitor):
    visitor("callback", number=OWN)
    other, second = house.visitor(), house.visitor()
    interaction_id = house.interaction(second).id
    db.session.expire_all()

    with transaction():
        menus.call_back(book.by_key(second), OWN)
    assert [row.number for row in callbacks.latest()] == [OWN]
    assert fresh(Interaction, interaction_id).state == "closed"
    promised = db.session.scalars(db.select(VoiceCall.course).where(VoiceCall.key == second)).one()["promised"]
    assert promised == {"number": OWN, "position": 1, "wait_seconds": None}
    # Who is on the line stands behind who is called back, on the page as in what is announced.
    assert waiting.standing(house.call(other))[0] == 2
    assert waiting.announce_due() >= 0
    assert house.call(other).course["told"][0] == 2


def test_an_agent_takes_a_callback_over_and_calls_at_once(house):
    row = promised(house)
    house.ready("boris")
    assert callbacks.take_over(row.id, house.boris) == row.interaction_id
    house.voice.pump()
    (call,) = picture.of_user(house.boris)
    assert (call["number"], call["case_id"]) == (CALLER, fresh(Interaction, row.interaction_id).case_id)
    with pytest.raises(Rejected) as gone:
        callbacks.take_over(row.id, house.anna)
    assert gone.value.code == "callback-gone"


def test_what_is_put_off_is_offered_to_nobody_until_its_time_and_then_to_who_promised_it(house):
    row = promised(house)
    at = clock.now() + timedelta(hours=1)
    callbacks.postpone(row.id, house.anna, at)
    house.ready("boris")
    house.ready("anna")
    assert assignment.route_due() == 0
    assert (fresh(VoiceCallback, row.id).due_at, waiting.standing_of(row.interaction_id)) == (at, (0, None))
    assert callbacks.come_due() == 0
    with clock.at(at + timedelta(seconds=1)):
        assert callbacks.come_due() == 1
        assert assignment.route_due() == 1
        assert fresh(Interaction, row.interaction_id).agent_id == house.anna
    assert fresh(VoiceCallback, row.id).due_at is None


def test_what_is_put_off_may_be_put_off_again_called_earlier_and_cancelled(house):
    row = promised(house)
    soon = clock.now() + timedelta(minutes=10)
    callbacks.postpone(row.id, house.anna, soon)
    callbacks.postpone(row.id, house.boris, soon + timedelta(hours=1))
    assert fresh(VoiceCallback, row.id).by_id == house.boris
    house.ready("anna")
    callbacks.take_over(row.id, house.anna)
    house.voice.pump()
    assert picture.of_user(house.anna)[0]["number"] == CALLER
    other = promised(house, "+74957654321")
    callbacks.postpone(other.id, house.vera, soon)
    callbacks.cancel(other.id, house.vera, "  перезвонил  сам ")
    ended = fresh(VoiceCallback, other.id)
    assert (ended.state, ended.reason, ended.by_id, ended.due_at) == ("cancelled", "перезвонил сам", house.vera, None)
    assert fresh(Interaction, other.interaction_id).state == "closed"


@pytest.mark.parametrize("minutes", [-1, 0, 15 * 24 * 60])
def test_a_time_that_has_passed_or_is_far_away_is_refused(house, minutes):
    row = promised(house)
    with pytest.raises(Rejected) as wrong:
        callbacks.postpone(row.id, house.anna, clock.now() + timedelta(minutes=minutes))
    assert wrong.value.code == "callback-time"


def test_a_callback_is_cancelled_for_a_reason_only_and_the_case_says_so(house):
    row = promised(house)
    with pytest.raises(Rejected) as wrong:
        callbacks.cancel(row.id, house.anna, "   ")
    assert wrong.value.code == "callback-reason"
    callbacks.cancel(row.id, house.anna, "ошиблись номером")
    case_id = fresh(Interaction, row.interaction_id).case_id
    told = db.session.scalars(db.select(TimelineEntry).where(TimelineEntry.case_id == case_id)).all()
    assert any("ошиблись номером" in str(entry.data) for entry in told)


def test_a_callback_ends_with_its_interaction(house):
    row = promised(house)
    assignment.abandon(row.interaction_id)
    assert fresh(VoiceCallback, row.id).state == "cancelled"


def test_where_no_line_is_connected_any_more_it_is_tried_three_times_and_no_more(house, monkeypatch):
    row = promised(house)

    def no_lines() -> str:
        raise Rejected(dialling.NO_LINES, "voice-no-lines")

    monkeypatch.setattr(dialling, "require_lines", no_lines)
    for name, state in (("anna", "waiting"), ("boris", "waiting"), ("vera", "failed")):
        house.ready(name)
        callbacks.take_over(row.id, house.users[name])
        assert fresh(VoiceCallback, row.id).state == state
    assert fresh(Interaction, row.interaction_id).state == "wrap_up"


def test_a_call_is_no_unread_message(house):
    assert house.interaction(house.visitor()).unread == 0


# --- scenes that were lost ---------------------------------------------------------------------------


def test_a_scene_that_was_lost_is_sent_anew(house):
    key = house.answered()
    ask, lost = house.app.extensions["okno_voice_transport"], []

    def lossy(op, arguments, seconds):
        if op == "arrange" and not lost:
            lost.append(arguments)
            raise switchboard.Away("lost by the test")
        return ask(op, arguments, seconds)

    house.app.extensions["okno_voice_transport"] = lossy
    try:
        talk.mute(key, house.anna, True)
    finally:
        house.app.extensions["okno_voice_transport"] = ask
    assert lost and not house.voice.driver.legs[house.media("anna")].muted
    assert resending.send_lost() == 1
    assert house.voice.driver.legs[house.media("anna")].muted
    assert resending.send_lost() == 0


def test_the_end_of_a_call_that_was_lost_is_sent_anew(house):
    key = house.visitor()
    leg = house.customer(key)
    house.voice.away = True

    with transaction():
        ending.end(book.by_key(key))
    assert resending.send_lost() == 0
    house.voice.away = False
    assert leg in house.live_legs()
    assert resending.send_lost() == 1
    assert house.live_legs() == [] and resending.send_lost() == 0


def test_times_are_shown_in_the_zone_of_the_house(house):
    row = promised(house)
    at = (clock.now() + timedelta(hours=2)).astimezone(ZoneInfo("Europe/Moscow"))
    callbacks.postpone(row.id, house.anna, at)
    case_id = fresh(Interaction, row.interaction_id).case_id
    told = db.session.scalars(db.select(TimelineEntry).where(TimelineEntry.case_id == case_id)).all()
    assert any(at.strftime("%d.%m %H:%M") in str(entry.data) for entry in told)
