"""Messengers by webhook: who may speak, what is believed, receipts, files both ways."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from core import clock, outbox
from core.contracts import FileIn
from core.db import db
from core.live import LANE
from core.model import Intake, Message, TimelineEntry
from core.webhook_delivery import signature
from plugins.messenger import links
from tests.support.live_house import LiveHouse, MessengerDriver, base64_of, furnish
from tests.support.webhook_receiver import WebhookReceiver

pytestmark = pytest.mark.feature("T-02")


@pytest.fixture
def database_kind() -> str:
    """The contract of live channels runs on both; what is here is the webhook's side."""
    return "sqlite"


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"core.plugins": ["messenger"], "webhooks.allow_private": True}


@pytest.fixture
def house(app: Flask) -> Iterator[LiveHouse]:
    with app.app_context():
        yield furnish(app)
        db.session.remove()


@pytest.fixture
def viber(house: LiveHouse, receiver: WebhookReceiver) -> MessengerDriver:
    return MessengerDriver(house, receiver)


def said(text: str, id: str = "m1", **more: Any) -> dict[str, Any]:
    return {"type": "message", "message": {"id": id, "from": {"id": "u7", "name": "Мария"}, "text": text, **more}}


@pytest.mark.feature("P-08")
def test_only_what_is_signed_whole_and_fresh_is_taken(house, viber):
    later = str(int(clock.now().timestamp()) + 60)
    for changed in (
        {"webhook_signature": "v1,AAAA"},
        {"webhook_signature": ""},
        {"webhook_id": "other"},
        {"webhook_timestamp": later},
        {"webhook_timestamp": "soon"},
    ):
        answer = viber.post(said("я злоумышленник"), "known", **changed)
        assert answer.status_code == 401
    yesterday = _signed(viber, said("вчерашнее"), int(clock.now().timestamp()) - 301)
    assert viber.client.post("/messenger/viber", **yesterday).json["error"]["code"] == "too-old"
    assert house.rows(Intake) == []
    assert viber.client.post("/messenger/unknown", json={}).status_code == 404


def _signed(viber: MessengerDriver, event: dict[str, Any], stamp: int) -> dict[str, Any]:
    body = json.dumps(event).encode()
    headers = {"webhook-id": "x", "webhook-timestamp": str(stamp)}
    return {
        "data": body,
        "headers": {**headers, "webhook-signature": "v1," + signature(viber.secret, "x", stamp, body)},
    }


@pytest.mark.feature("P-08")
def test_a_replayed_request_and_a_repeated_message_change_nothing(house, viber):
    for _again in range(3):
        assert viber.post(said("Помогите"), "evt-a").status_code == 202
    assert viber.post(said("Помогите"), "evt-b").status_code == 202
    assert house.texts == ["Помогите"]
    assert [row.repeats for row in house.rows(Intake)] == [2, 0]


def test_what_does_not_fit_the_contract_is_refused_with_the_field(house, viber):
    for event, field in (
        ({"type": "dance"}, "type"),
        ({"type": "message"}, "message"),
        (said(" "), "message"),
        (said("я" * 50_001), "message"),
        (said("x", id=""), "message"),
        ({"type": "receipt", "receipt": {"message_id": "7", "status": "read"}}, "receipt"),
        ([], "_schema"),
    ):
        answer = viber.post(event)
        assert answer.status_code == 422
        assert field in answer.json["error"]["fields"], event
    assert house.rows(Intake) == []


def test_receipts_come_in_any_order_and_never_go_back(house, viber):
    viber.say("Помогите")
    message_id = house.reply(house.accept(), "Ответ")
    house.work()

    def tell(status: str, id: int = message_id) -> str:
        assert (
            viber.post(
                {"type": "receipt", "receipt": {"message_id": id, "status": status, "detail": "offline"}}
            ).status_code
            == 202
        )
        return str(db.session.get_one(Message, message_id, populate_existing=True).delivery)

    assert tell("read") == "read"
    assert tell("delivered") == "read"
    assert tell("failed") == "read"
    tell("read", 999)
    second = house.reply(house.interaction.id, "Ещё")
    house.work()
    tell("failed", second)
    assert db.session.get_one(Message, second, populate_existing=True).delivery == "failed"
    (told,) = (entry for entry in house.rows(TimelineEntry) if entry.kind == "messenger.failed")
    assert told.data["title_ru"].endswith(": offline")


def test_an_adapter_cannot_speak_of_messages_of_another(house, viber, receiver):
    viber.say("Помогите")
    message_id = house.reply(house.accept(), "Ответ")
    house.work()
    other = links.add("other", "Other", receiver.url)
    viber.secret, path = other.secret, "/messenger/other"
    event = {"type": "receipt", "receipt": {"message_id": message_id, "status": "read"}}
    assert viber.client.post(path, **_signed(viber, event, int(clock.now().timestamp()))).status_code == 202
    house.work()
    assert db.session.get_one(Message, message_id, populate_existing=True).delivery == "sent"


def test_our_messages_are_signed_and_files_are_fetched_by_their_link(house, viber, receiver):
    viber.say("Помогите")
    message_id = house.reply(house.accept(), "Ответ", FileIn("Акт.pdf", "application/pdf", b"%PDF-1.4"))
    house.work()
    (delivery,) = receiver.deliveries
    assert delivery.signed_with(viber.secret)
    assert delivery.headers["webhook-id"] == f"msg_{message_id}"
    message = delivery.body["message"]
    assert (message["to"], message["author"], message["name"]) == ("u7", "agent", "Аня")
    (file,) = message["files"]
    path = "/messenger/files/" + file["url"].rpartition("/")[2]
    answer = viber.client.get(path)
    assert (answer.data, answer.headers["X-Content-Type-Options"]) == (b"%PDF-1.4", "nosniff")
    assert "attachment" in answer.headers["Content-Disposition"]
    assert viber.client.get(path + "x").status_code == 404


def test_an_adapter_that_is_away_gets_the_same_message_again_in_order(house, viber, receiver):
    viber.say("Помогите")
    interaction_id = house.accept()
    receiver.answers = [503, 200, 200]
    house.reply(interaction_id, "первый")
    house.reply(interaction_id, "второй")
    house.work()
    with clock.at(clock.now() + timedelta(seconds=20)):
        house.work()
    assert [(one.body["message"]["text"], one.answered) for one in receiver.deliveries] == [
        ("первый", 503),
        ("первый", 200),
        ("второй", 200),
    ]
    assert receiver.deliveries[0].headers["webhook-id"] == receiver.deliveries[1].headers["webhook-id"]


def test_files_come_inside_or_by_an_address(house, viber, bot_api):
    bot_api.files["act"] = b"from the net"
    inside = {"name": "a.txt", "content_type": "text/plain", "content": base64_of(b"inside")}
    viber.say("два файла", files=[inside, {"name": "b.txt", "url": f"{bot_api.base}/file/act"}])
    viber.say("нет файла", files=[{"name": "c.txt", "url": f"{bot_api.base}/file/none"}])
    first, second = house.rows(Message)
    assert [one.name for one in first.attachments] == ["a.txt", "b.txt"]
    assert list(second.data["files"].values()) == ["missed: HTTP 404"]


def test_a_private_address_is_not_asked_for_files(app, house, viber, bot_api):
    app.extensions["okno"].config.values["webhooks.allow_private"] = False
    bot_api.files["act"] = b"secret"
    viber.say("файл", files=[{"name": "b.txt", "url": f"{bot_api.base}/file/act"}])
    (message,) = house.rows(Message)
    assert message.attachments == []
    assert "not a public address" in next(iter(message.data["files"].values()))


def test_after_a_rotation_both_secrets_count_for_a_day(house, viber, receiver):
    old = viber.secret
    new = links.rotate("viber").secret
    viber.say("старым")
    viber.secret = new
    viber.say("новым")
    assert house.texts == ["старым", "новым"]
    viber.secret = old
    with clock.at(clock.now() + timedelta(days=1, seconds=1)):
        assert viber.post(said("поздно")).status_code == 401
        assert outbox.send_due(lane=LANE) == 0
