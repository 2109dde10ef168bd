"""Calls to a colleague who does not take them: forwarded inside the house, or into the colleague's voicemail; nobody rings twice.
A call whose agent does not wait for the number that it is passed on to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import clock
from core.contracts import Rejected
from core.db import db
from plugins.voice.calls import company, dialling, ending, menus, timing
from plugins.voice.calls.dialling import Target
from plugins.voice.models.voicemail import Voicemail
from plugins.voice.voicemail import boxes
from plugins.voice.voicemail.boxes import Whose
from plugins.voice.voicemail.forwarding import Forward, set_forwards
from tests.support.call_house import PEOPLE, CallHouse, shared_house


@pytest.fixture(scope="module")
def centre(tmp_path_factory, migrated_templates):
    yield from shared_house(tmp_path_factory.mktemp("diverting"), migrated_templates)


@pytest.fixture
def house(centre):
    yield centre
    for login in PEOPLE:
        set_forwards(centre.users[login], {})
        boxes.set_box(boxes.ensure_box(Whose(user_id=centre.users[login])).id, active=False, email="", email_as="none")
    centre.clear()


def box_of(house: CallHouse, login: str) -> int:
    box = boxes.ensure_box(Whose(user_id=house.users[login]))
    boxes.set_box(box.id, active=True, email="", email_as="none")
    return box.id


def late(seconds: int = 31) -> int:
    with clock.at(clock.now() + timedelta(seconds=seconds)):
        return timing.end_unanswered()


def ringing(house: CallHouse, key: str) -> set[str]:
    from plugins.voice.calls import book

    by_id = {user_id: login for login, user_id in house.users.items()}
    return {by_id[leg.user_id] for leg in book.legs_of(house.call(key)) if leg.state == "ringing" and leg.user_id}


def test_a_colleague_who_does_not_answer_has_voicemail(house):
    house.ready("anna")
    house.ready("boris")
    media, box_id = house.browser("anna"), box_of(house, "boris")
    key = dialling.call(house.anna, {"user_id": house.boris})
    assert ringing(house, key) == {"boris"}
    assert late() == 1
    house.voice.pump()
    assert (ringing(house, key), house.call(key).state) == (set(), "menu")
    assert house.voice.driver.sounds_at(media) == [boxes.TONE]
    for playback in list(house.voice.driver.playing):
        house.voice.driver.heard_out(playback)
    house.voice.pump()
    assert [one.target for one in house.voice.driver.recordings.values()] == [media]
    assert menus.message_left(f"m-{key}", "/tmp/left.wav")
    kept = db.session.scalars(db.select(Voicemail)).one()
    anna = f"{PEOPLE['anna'][0]}"
    assert (kept.box_id, kept.number, kept.name.split()[0]) == (box_id, PEOPLE["anna"][1], anna)
    ending.hang_up(key, house.anna)
    assert house.call(key).state == "ended"


def test_who_is_away_or_busy_has_voicemail_at_once_and_without_a_box_the_call_is_refused(house):
    house.ready("anna")
    house.browser("anna")
    with pytest.raises(Rejected) as refusal:
        dialling.call(house.anna, {"user_id": house.vera})
    assert refusal.value.code == "agent-offline"
    box_of(house, "vera")
    key = dialling.call(house.anna, {"user_id": house.vera})
    house.voice.pump()
    assert (house.call(key).state, ringing(house, key)) == ("menu", set())


def test_forwarding_to_a_colleague_rings_there_and_never_back(house):
    for login in ("anna", "boris", "vera"):
        house.ready(login)
    house.browser("anna")
    box_of(house, "boris")
    set_forwards(house.boris, {"no_answer": Forward(PEOPLE["vera"][1], 10)})
    set_forwards(house.vera, {"no_answer": Forward(PEOPLE["boris"][1], 10)})
    key = dialling.call(house.anna, {"user_id": house.boris})
    assert late() == 1
    assert ringing(house, key) == {"vera"}
    assert late(62) == 1
    assert house.call(key).state == "ended"


def test_an_agent_who_hangs_up_after_a_blind_transfer_to_a_number_does_not_end_the_call(house):
    key = house.answered()
    company.transfer(key, house.anna, Target(number=dialling.parse("+79161234567")))
    house.voice.pump()
    outside, customer = house.outside(key), house.customer(key)
    ending.hang_up(key, house.anna)
    assert (house.live_legs(), house.interaction(key).state) == (sorted([customer, outside]), "wrap_up")
    house.voice.driver.media_flows(outside)
    assert house.hears(customer) == {"outside"}
    house.voice.driver.goes(outside)
    assert house.live_legs() == []
