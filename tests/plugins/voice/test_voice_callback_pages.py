"""The page of callbacks as requests, on both data bases: what it lists, to whom, in how many statements, what its forms do."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from core import presence
from core.clock import now
from core.db import db, transaction
from core.model import Interaction, User
from plugins.voice.calls import dialling
from plugins.voice.models.calls import VoiceCall
from plugins.voice.models.registration import VoiceCallback
from plugins.voice.registration import callback_list, callbacks
from plugins.voice.registration.callback_list import Asked
from tests.support.voice_features_house import FeaturesHouse


@pytest.fixture
def house(features: FeaturesHouse) -> FeaturesHouse:
    return features


def wish(house: FeaturesHouse, **values: Any) -> VoiceCallback:
    """Somebody waits to be called back."""
    call = house.call()
    interaction_id = call.interaction_id
    row = callbacks.wish(interaction_id, call.from_number)
    with transaction():
        # Whoever is called back has hung up: the call that follows has the interaction.
        db.session.get_one(VoiceCall, call.id).interaction_id = None
        for name, value in values.items():
            setattr(row, name, value)
        if values.get("service_id"):
            db.session.get_one(Interaction, interaction_id).service_id = values["service_id"]
    return row


def lately(**values: Any) -> Asked:
    return Asked(now() - timedelta(days=1), now() + timedelta(seconds=1), **values)


def text(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status, answer.get_data(as_text=True)[-2000:]
    return answer.get_data(as_text=True)


def test_states_are_counted_and_listed(house):
    soon = now() + timedelta(hours=1)
    waits, promised = wish(house), wish(house, due_at=soon, by_id=house.users["anna"])
    paused = wish(house, due_at=soon, attempts=1)
    calling = wish(house, state="calling", attempts=2)
    ended = {state: wish(house, state=state, ended_at=now(), attempts=1) for state in callback_list.ENDED}
    wish(house, state="done", ended_at=now() - timedelta(days=3))
    assert callback_list.counts(lately()) == dict.fromkeys(callback_list.TITLES, 1)
    assert [row.callback.id for row in callback_list.page(lately())] == [waits.id, promised.id, paused.id, calling.id]
    for state, row in {"waiting": waits, "promised": promised, "paused": paused, "calling": calling, **ended}.items():
        (found,) = callback_list.page(lately(state=state))
        assert (found.callback.id, found.state) == (row.id, state)
    assert [row.missed for row in callback_list.page(lately(state="calling"))] == [1]
    (shown,) = callback_list.page(lately(state="paused"))
    assert (shown.missed, shown.who) == (1, None)
    page = text(house.client("vera").get("/voice/callbacks?state=paused"))
    assert "Ждёт новой попытки" in page and "следующая попытка" in page and "не дозвонились: 1 из 3" in page


def test_places_are_those_of_the_queue_and_only_of_who_waits(house):
    first, second = wish(house), wish(house)
    callbacks.postpone(wish(house).id, house.users["vera"], now() + timedelta(hours=1))
    other = wish(house, service_id=house.services["sales"])
    with transaction():
        db.session.get_one(Interaction, second.interaction_id).priority = 999
    places = {row.callback.id: row.place for row in callback_list.page(lately())}
    assert (places[second.id], places[first.id], places[other.id]) == (1, 2, 1)


def test_pages_follow_one_another_by_id(house):
    ids = [wish(house).id for _ in range(5)]
    first = [row.callback.id for row in callback_list.page(lately(), limit=3)]
    rest = [row.callback.id for row in callback_list.page(lately(), beyond=first[-1], limit=3)]
    assert first + rest == ids
    with transaction():
        for row in db.session.scalars(db.select(VoiceCallback)):
            row.state, row.ended_at = "done", now()
    newest = [row.callback.id for row in callback_list.page(lately(state="done"), limit=3)]
    assert newest == ids[:1:-1]
    assert [row.callback.id for row in callback_list.page(lately(state="done"), beyond=newest[-1])] == ids[1::-1]


def test_as_many_statements_for_many_as_for_few(house, count_queries):
    wish(house)
    db.session.expire_all()
    with count_queries() as few:
        callback_list.page(lately())
    for _ in range(6):
        wish(house)
    db.session.expire_all()
    with count_queries() as many:
        rows = callback_list.page(lately())
        assert [row.who for row in rows] == [None] * 7
        assert {row.callback.service.key for row in rows} == {"support"}
    assert many.count <= few.count
    with count_queries() as counted:
        callback_list.counts(lately())
    assert counted.count == 1


def test_agents_see_the_callbacks_of_their_services(house):
    mine, theirs = wish(house), wish(house, service_id=house.services["sales"])
    anna, boris, vera = (text(house.client(login).get("/voice/callbacks")) for login in ("anna", "boris", "vera"))
    for page, here in ((anna, (True, False)), (boris, (False, True)), (vera, (True, True))):
        assert (f'id="callback-{mine.id}"' in page, f'id="callback-{theirs.id}"' in page) == here
    assert house.post("anna", f"/voice/callbacks/{theirs.id}/cancel", {"reason": "x"}).status_code == 404
    assert house.client("anna").get("/voice/callbacks/0/cancel").status_code == 404


@pytest.mark.parametrize("state", ["", *callback_list.TITLES, "nonsense"])
def test_every_state_has_its_page_with_the_tab_of_the_journal(house, state):
    wish(house)
    page = text(house.client("vera").get(f"/voice/callbacks?state={state}"))
    assert re.search(r'aria-current="page">Обратные звонки', page)
    rows = text(house.client("vera").get(f"/voice/callbacks/rows?state={state}"))
    assert "data-callback-rows" in rows


def test_an_empty_list_says_so(house):
    assert "Обратного звонка никто не ждёт" in text(house.client("anna").get("/voice/callbacks"))
    assert "таких обратных звонков нет" in text(house.client("anna").get("/voice/callbacks?state=failed"))


def test_nobody_without_a_telephone_sees_them(house):
    with transaction():
        db.session.get_one(User, house.users["anna"]).roles[0].privileges = ["desk.use", "case.reply"]
    assert house.client("anna").get("/voice/callbacks").status_code == 403
    assert "/voice/callbacks" not in text(house.client("anna").get("/voice/registration"))


def test_forms_put_off_and_cancel(house):
    row = wish(house)
    path = f"/voice/callbacks/{row.id}"
    assert "Позвонить в" in text(house.client("anna").get(f"{path}/postpone"))
    assert house.post("anna", f"{path}/postpone", {"at": "yesterday"}).status_code == 422
    at = (now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    assert house.post("anna", f"{path}/postpone", {"at": at}).status_code == 204
    assert db.session.get_one(VoiceCallback, row.id, populate_existing=True).due_at is not None
    assert "Причина" in text(house.client("anna").get(f"{path}/cancel"))
    assert house.post("anna", f"{path}/cancel", {"reason": " "}).status_code == 422
    assert house.post("anna", f"{path}/cancel", {"reason": "не нужно"}).status_code == 204
    ended = db.session.get_one(VoiceCallback, row.id, populate_existing=True)
    assert (ended.state, ended.reason) == ("cancelled", "не нужно")
    assert house.post("anna", f"{path}/take").status_code == 422


def test_who_takes_one_over_gets_its_case(house, monkeypatch):
    row = wish(house)
    presence.sign_on(house.users["anna"])
    # Nothing carries calls here: nothing is taken.
    assert house.post("anna", f"/voice/callbacks/{row.id}/take").status_code == 422
    assert db.session.get_one(VoiceCallback, row.id, populate_existing=True).attempts == 0
    monkeypatch.setattr(dialling, "require_lines", lambda: "run")
    answer = house.post("anna", f"/voice/callbacks/{row.id}/take")
    assert answer.status_code == 204 and "/cases/" in answer.headers["HX-Trigger"]
    again = db.session.get_one(VoiceCallback, row.id, populate_existing=True)
    assert (again.state, again.attempts, again.by_id) == ("calling", 1, house.users["anna"])


def test_the_sheet_has_what_the_page_has(house):
    row = wish(house, state="cancelled", ended_at=now(), reason="=1+1", by_id=house.users["vera"])
    sheet = text(house.client("vera").get("/voice/callbacks.csv?state=cancelled"))
    assert f"'{row.number}" in sheet and "'=1+1" in sheet and "Вера" in sheet and "Отменён" in sheet
