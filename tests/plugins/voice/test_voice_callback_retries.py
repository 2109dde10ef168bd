"""Callbacks that reached nobody, that nobody makes any more, whose time is changed while it comes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core import assignment, clock
from core.db import db
from core.model import Interaction, TimelineEntry
from plugins.voice.calls import dialling, picture, waiting
from plugins.voice.models.registration import VoiceCallback
from plugins.voice.registration import callbacks
from tests.support.call_house import CALLER, CallHouse, promised, shared_house


@pytest.fixture(scope="module")
def centre(tmp_path_factory, migrated_templates):
    yield from shared_house(tmp_path_factory.mktemp("retries"), migrated_templates)


@pytest.fixture
def house(centre) -> CallHouse:
    yield centre
    for row in callbacks.latest():
        assignment.come_back(row.interaction_id)
    centre.clear()
    assert callbacks.latest() == []


def fresh(model: Any, key: int) -> Any:
    return db.session.get_one(model, key, populate_existing=True)


def nobody_answers(house, row: VoiceCallback, name: str, cause: str = "busy") -> None:
    """An agent calls back out of turn and reaches nobody."""
    house.ready(name)
    callbacks.take_over(row.id, house.users[name])
    house.voice.pump()
    (call,) = picture.of_user(house.users[name])
    house.voice.driver.goes(house.customer(call["key"]), cause)
    house.voice.pump()


def told_of(row: VoiceCallback) -> list[str]:
    case_id = fresh(Interaction, row.interaction_id).case_id
    entries = db.session.scalars(
        db.select(TimelineEntry).where(TimelineEntry.case_id == case_id, TimelineEntry.kind == "voice.callback")
    )
    return [str(entry.data) for entry in entries]


def test_who_was_not_reached_is_called_again_after_a_pause_that_grows(house):
    row = promised(house)
    began = clock.now()
    with clock.at(began):
        nobody_answers(house, row, "anna")
        assert (fresh(VoiceCallback, row.id).due_at, row.by_id) == (began + timedelta(minutes=10), None)
        assert fresh(Interaction, row.interaction_id).state == "put_off"
        # Nobody is asked meanwhile, and no place in the queue is taken.
        house.ready("boris")
        assert (assignment.route_due(), waiting.standing_of(row.interaction_id), callbacks.come_due()) == (
            0,
            (0, None),
            0,
        )
    second = began + timedelta(minutes=10, seconds=1)
    with clock.at(second):
        assert callbacks.come_due() == 1
        # Nobody has promised it: whoever has rested longest is asked, the first caller among them.
        assert house.accept("anna") == row.interaction_id
        house.voice.pump()
        house.voice.driver.goes(house.customer(picture.of_user(house.anna)[0]["key"]), "no_answer")
        house.voice.pump()
        assert fresh(VoiceCallback, row.id).due_at == second + timedelta(minutes=20)
    with clock.at(second + timedelta(minutes=21)):
        assert callbacks.come_due() == 1
        nobody_answers(house, row, "vera", "unreachable")
    assert (fresh(VoiceCallback, row.id).state, fresh(Interaction, row.interaction_id).state) == ("failed", "wrap_up")
    _asks, first, again, ended = told_of(row)
    shown = (began + timedelta(minutes=10)).astimezone(ZoneInfo("Europe/Moscow")).strftime("%d.%m %H:%M")
    assert f"попытка 1 из 3: не дозвонились. Следующая — {shown}" in first and "попытка 2 из 3" in again
    assert "не дозвонились, попыток — 3" in ended


def test_pause_and_number_of_tries_are_set(house, monkeypatch):
    values = house.app.extensions["okno"].config.values
    monkeypatch.setitem(values, "voice.callback_retry_minutes", 0)
    monkeypatch.setitem(values, "voice.callback_tries", 2)
    row = promised(house)
    nobody_answers(house, row, "anna")
    assert (fresh(VoiceCallback, row.id).due_at, fresh(Interaction, row.interaction_id).state) == (None, "queued")
    nobody_answers(house, row, "boris")
    assert fresh(VoiceCallback, row.id).state == "failed"
    monkeypatch.setitem(values, "voice.callback_retry_minutes", 600)
    assert callbacks.pause_after(3) == timedelta(days=1)


def test_what_is_promised_for_later_while_its_time_comes_stays_promised(house, monkeypatch):
    row = promised(house)
    soon = clock.now() + timedelta(minutes=10)
    callbacks.postpone(row.id, house.anna, soon)
    lock = callbacks._locked

    def overtaken(callback_id: int) -> VoiceCallback | None:
        monkeypatch.setattr(callbacks, "_locked", lock)
        callbacks.postpone(callback_id, house.boris, soon + timedelta(hours=1))
        return lock(callback_id)

    monkeypatch.setattr(callbacks, "_locked", overtaken)
    with clock.at(soon + timedelta(seconds=1)):
        assert callbacks.come_due() == 0
    assert fresh(VoiceCallback, row.id).due_at == soon + timedelta(hours=1)
    assert fresh(Interaction, row.interaction_id).state == "put_off"


@pytest.mark.parametrize(("answered", "state"), [(False, "cancelled"), (True, "done")])
def test_a_callback_whose_case_is_finished_while_it_rings_or_talks_is_over(house, answered, state):
    row = promised(house)
    house.ready("anna")
    callbacks.take_over(row.id, house.anna)
    house.voice.pump()
    (call,) = picture.of_user(house.anna)
    if answered:
        house.voice.driver.media_flows(house.customer(call["key"]))
        house.voice.pump()
    assignment.finish(row.interaction_id, house.anna)
    house.voice.pump()
    assert (fresh(VoiceCallback, row.id).state, house.live_legs()) == (state, [])
    # A dead one would swallow the next wish of the same number.
    assert callbacks.same_wish(house.service_id, CALLER) is None


def test_a_callback_that_talks_and_is_put_back_ends_with_its_contact(house):
    row = promised(house)
    house.ready("anna")
    callbacks.take_over(row.id, house.anna)
    house.voice.pump()
    (call,) = picture.of_user(house.anna)
    house.voice.driver.media_flows(house.customer(call["key"]))
    house.voice.pump()
    assignment.release(row.interaction_id, house.anna)
    house.voice.driver.goes(house.customer(call["key"]))
    house.voice.pump()
    assert (fresh(VoiceCallback, row.id).state, fresh(Interaction, row.interaction_id).state) == ("done", "closed")


def test_a_callback_that_somebody_was_to_call_and_nobody_does_is_tried_again(house, monkeypatch):
    """The process dies between taking and calling; the interaction is taken away in between."""
    row = promised(house)
    house.ready("anna")
    monkeypatch.setattr(dialling, "call_back", lambda interaction_id, user_id: callbacks.begin(interaction_id, user_id))
    callbacks.take_over(row.id, house.anna)
    assert (fresh(VoiceCallback, row.id).state, callbacks.end_lost()) == ("calling", 0)
    with clock.at(clock.now() + timedelta(minutes=2)):
        assert callbacks.end_lost() == 1
        lost = fresh(VoiceCallback, row.id)
        assert (lost.state, lost.due_at is not None, fresh(Interaction, row.interaction_id).state) == (
            "waiting",
            True,
            "put_off",
        )
        assert callbacks.end_lost() == 0
    monkeypatch.undo()
    begin = callbacks.begin

    def overtaken(interaction_id: int, user_id: int | None = None) -> str:
        number = begin(interaction_id, user_id)
        assignment.release(interaction_id, user_id or 0)
        return number

    monkeypatch.setattr(callbacks, "begin", overtaken)
    house.ready("boris")
    callbacks.take_over(row.id, house.boris)
    left = fresh(VoiceCallback, row.id)
    assert (left.state, left.due_at, fresh(Interaction, row.interaction_id).state) == ("waiting", None, "queued")
    assert picture.of_user(house.boris) == []


def test_a_callback_that_is_being_called_is_not_taken_for_lost(house):
    row = promised(house)
    house.ready("anna")
    callbacks.take_over(row.id, house.anna)
    house.voice.pump()
    with clock.at(clock.now() + timedelta(minutes=5)):
        assert callbacks.end_lost() == 0
    assert fresh(VoiceCallback, row.id).state == "calling"
