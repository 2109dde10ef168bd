"""What is left of a call when something around it breaks: the voice process, the agent's own telephone."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from core import clock
from core.db import db
from core.model import Event, Presence
from plugins.voice.calls import phones, reconciling, recording
from plugins.voice.messages import rules
from plugins.voice.messages.rules import Rule
from plugins.voice.models.recordings import CallRecording
from tests.support.call_house import SDP, shared_house


@pytest.fixture(scope="module")
def centre(tmp_path_factory, migrated_templates):
    yield from shared_house(tmp_path_factory.mktemp("breaks"), migrated_templates)


@pytest.fixture
def house(centre):
    yield centre
    centre.clear()


def test_what_a_killed_voice_process_recorded_waits_for_no_more_of_it(house):
    rules.set_rule("support", Rule(record="ask"))
    key = house.answered()
    recording.switch(key, house.anna, True)
    house.voice.pump()
    house.voice.begin()
    house.voice.pump()
    assert (house.call(key).cause, house.call(key).recording) == ("lost", "")
    assert db.session.scalars(db.select(CallRecording.state)).all() == ["raw"]


def test_a_telephone_outside_that_nobody_picks_up_leaves_the_caller_in_the_queue(house):
    phones.choose(house.anna, "external", "+7 495 555-00-01")
    house.ready("anna")
    key = house.visitor()
    house.accept("anna")
    house.voice.pump()
    assert _told_of_line(house.anna)[-1] == {"state": "ringing", "address": "tel:+74955550001"}
    leg = house.media("anna")
    house.voice.driver.goes(leg, "no_answer")
    house.voice.pump()
    assert (house.call(key).state, house.interaction(key).state) == ("queued", "queued")
    assert house.live_legs() == [house.customer(key)]
    row = db.session.get_one(Presence, house.anna)
    assert (row.state, row.reason) == ("not_ready", "no_answer")
    assert _told_of_line(house.anna)[-1] == {"state": "lost", "leg": leg}
    house.ready("boris")
    house.accept("boris")
    assert house.hears(house.browser("boris")) == {"customer"}


def _told_of_line(user_id: int) -> list[dict[str, Any]]:
    query = db.select(Event.payload).where(Event.topic == f"user:{user_id}", Event.type == "voice.line")
    return [json.loads(payload) for payload in db.session.scalars(query.order_by(Event.id))]


def test_after_lost_events_rows_and_process_are_brought_together(house):
    key = house.answered()
    gone = house.visitor("+74950000003")
    driver, process = house.voice.driver, house.voice.host.process
    # The caller's leg has ended, a bridge is away and nobody has told us; a leg is there that nobody knows.
    driver.legs.pop(house.customer(gone))
    house.voice.run(driver.destroy(house.call(key).bridge))
    house.voice.run(driver.offer("stray", SDP))
    with clock.at(clock.now() + timedelta(seconds=11)):
        assert reconciling.reconcile(process, house.voice.ask("snapshot", {}, 1)) == 1
    assert (house.call(gone).cause, house.interaction(gone).state) == ("lost", "closed")
    assert house.hears(house.media("anna")) == {"customer"}
    assert reconciling.strays(house.voice.ask("snapshot", {}, 1)) == {"stray"}
    reconciling.end_strays({"stray"})
    assert "stray" not in house.live_legs()
