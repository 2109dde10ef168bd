"""Telegram's own ways: albums, files, stops, limits, updates exactly once by long polling and webhook."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from core import clock, intake, outbox
from core.contracts import FileIn, Rejected
from core.db import db
from core.live import LANE
from core.model import Intake, Message, OutboxRow, TimelineEntry
from plugins.telegram import bots, polling, receiving, sending
from plugins.telegram.models import TelegramBot
from tests.support.bot_api_server import TOKEN, BotApiServer
from tests.support.live_house import LiveHouse, TelegramDriver, furnish

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
pytestmark = pytest.mark.feature("T-02")


@pytest.fixture
def database_kind() -> str:
    """The contract of live channels runs on both; what is here is the Bot API's side."""
    return "sqlite"


@pytest.fixture
def migrated_url(database_kind: str, home: Any, migrated_templates: Any) -> Iterator[str]:
    url = migrated_templates.copy(database_kind, {"core.plugins": ["telegram"]}, home)
    yield url
    migrated_templates.drop(database_kind, url)


@pytest.fixture
def settings(bot_api: BotApiServer) -> dict[str, Any]:
    return {"core.plugins": ["telegram"], "telegram.api_base": bot_api.base, "telegram.poll_seconds": 0}


@pytest.fixture
def house(app: Flask) -> Iterator[LiveHouse]:
    with app.app_context():
        yield furnish(app)
        db.session.remove()


@pytest.fixture
def maria(house: LiveHouse, bot_api: BotApiServer) -> TelegramDriver:
    return TelegramDriver(house, bot_api)


def files_of(message: Message) -> list[tuple[str, str]]:
    return [(one.name, one.content_type) for one in message.attachments]


def test_an_album_is_one_message_with_its_pictures_and_caption(house, maria, bot_api):
    for number, caption in ((1, ""), (2, "Вот акты"), (3, "")):
        photo = bot_api.photo(PNG + bytes([number]), f"P{number}")
        words = {"caption": caption} if caption else {}
        assert maria.post(bot_api.write(photo=photo, media_group_id="g1", **words)) == 200
    house.work()
    (message,) = house.rows(Message)
    assert message.body_text == "Вот акты"
    assert [kind for _name, kind in files_of(message)] == ["image/jpeg"] * 3
    assert len({one.sha256 for one in message.attachments}) == 3
    assert set(message.data["files"].values()) == {"here"}


def test_the_largest_picture_is_fetched_and_a_file_that_is_too_large_is_named(house, maria, bot_api):
    bot_api.files["doc-1"] = b"%PDF-1.4"
    document = {
        "file_id": "doc-1",
        "file_unique_id": "d1",
        "file_name": "Акт.pdf",
        "mime_type": "application/pdf",
        "file_size": 8,
    }
    maria.post(bot_api.write(photo=bot_api.photo(PNG)))
    maria.post(bot_api.write(document=document, caption="Акт"))
    maria.post(bot_api.write(document={**document, "file_unique_id": "d2", "file_size": 30 << 20}))
    house.work()
    picture, act, huge = house.rows(Message)
    assert picture.attachments[0].file.size == len(PNG)
    assert files_of(act) == [("Акт.pdf", "application/pdf")]
    assert (files_of(huge), list(huge.data["files"].values())) == ([], ["missed: Акт.pdf: 30 MB"])


def test_a_file_that_telegram_loses_is_said_and_one_that_fails_for_a_moment_comes_later(house, maria, bot_api):
    bot_api.fail("getFile", 500, "Internal Server Error")
    maria.post(bot_api.write(photo=bot_api.photo(PNG)))
    house.work()
    assert files_of(house.rows(Message)[0]) == []
    with clock.at(clock.now() + timedelta(seconds=20)):
        outbox.send_due(lane=LANE)
    assert len(files_of(house.rows(Message)[0])) == 1
    bot_api.fail("getFile", 400, "Bad Request: wrong file_id")
    maria.post(bot_api.write(photo=bot_api.photo(PNG, "other")))
    house.work()
    assert list(house.rows(Message)[1].data["files"].values()) == ["missed: Bad Request: wrong file_id"]


def test_a_crash_between_update_and_answer_neither_loses_nor_doubles(house, bot_api, monkeypatch):
    bot = bots.add(TOKEN, "support")
    api = bots.api(TOKEN)
    bot_api.write("раз")
    bot_api.write("два")
    found = api.call("getUpdates", timeout=0)
    # Stored, and dead before the number was: Telegram gives the same again.
    receiving.take_in(bot.id, found)
    db.session.get_one(TelegramBot, bot.id).next_update = 0
    db.session.commit()
    assert polling.poll(bot.id, api) == 2
    bot_api.write("три")
    assert polling.poll(bot.id, api) == 1
    house.work()
    assert house.texts == ["раз", "два", "три"]
    assert [row.repeats for row in house.rows(Intake)] == [1, 1, 0]
    assert polling.poll(bot.id, api) == 0
    assert bot_api.waiting == 0


def test_after_a_week_of_silence_numbers_begin_anew_and_nothing_is_lost(house, bot_api):
    bot = bots.add(TOKEN, "support")
    row = db.session.get_one(TelegramBot, bot.id)
    row.next_update, row.heard_at = 900_000, clock.now() - timedelta(days=8)
    db.session.commit()
    bot_api.write("мы снова здесь")
    assert polling.poll(bot.id, bots.api(TOKEN)) == 1
    house.work()
    assert house.texts == ["мы снова здесь"]


def test_the_daemon_listens_to_bots_that_are_added_later_and_stops_at_once(app, house, bot_api, monkeypatch):
    monkeypatch.setattr(polling, "LOOK_SECONDS", 0.05)
    app.extensions["okno"].config.values["telegram.poll_seconds"] = 25
    stop = polling.start(app)
    stored = threading.Event()
    take_in = receiving.take_in
    monkeypatch.setattr(receiving, "take_in", lambda *given: (take_in(*given), stored.set())[0])
    bots.add(TOKEN, "support")
    bot_api.write("Есть кто?")
    assert stored.wait(20)
    stop()
    house.work()
    assert house.texts == ["Есть кто?"]
    assert not [one for one in threading.enumerate() if one.name.startswith("okno-telegram")]


def test_start_greets_without_a_case_and_stop_ends_the_conversation(house, maria, bot_api):
    maria.say("/start")
    assert (house.rows(Message), bot_api.texts) == ([], [receiving.HELLO.ru])
    maria.say("Вопрос")
    maria.say("/stop")
    assert house.interaction.state == "closed"
    assert bot_api.texts[-1] == receiving.GOODBYE.ru


def test_an_answer_to_who_blocked_the_bot_is_not_delivered_and_the_case_says_why(house, maria, bot_api):
    maria.say("Вопрос")
    interaction_id = house.accept()
    bot_api.fail("sendMessage", 403, "Forbidden: bot was blocked by the user")
    message_id = house.reply(interaction_id, "Ответ")
    house.work()
    assert db.session.get_one(Message, message_id).delivery == "failed"
    assert "telegram.blocked" in {entry.kind for entry in house.rows(TimelineEntry)}


def test_who_is_told_to_wait_waits_as_long_and_the_order_holds(house, maria, bot_api):
    maria.say("Вопрос")
    interaction_id = house.accept()
    bot_api.fail("sendMessage", 429, "Too Many Requests: retry after 40", retry_after=40)
    moment = clock.now()
    with clock.at(moment):
        house.reply(interaction_id, "первый")
        house.reply(interaction_id, "второй")
        house.work()
    rows = [row for row in house.rows(OutboxRow) if row.kind == sending.KIND]
    assert [row.attempts for row in rows] == [0, 0]
    assert rows[0].due_at == moment + timedelta(seconds=40)
    with clock.at(moment + timedelta(seconds=39)):
        house.work()
    assert bot_api.texts == []
    with clock.at(moment + timedelta(seconds=41)):
        house.work()
    assert bot_api.texts == ["первый", "второй"]


def test_a_long_answer_with_files_goes_in_parts_and_a_retry_goes_on_behind_what_was_sent(house, maria, bot_api):
    maria.say("Вопрос")
    interaction_id = house.accept()
    words = "\n".join(f"строка {number} " + "я" * 90 for number in range(60))
    pictures = [FileIn(f"{number}.png", "image/png", PNG + bytes([number])) for number in range(2)]
    act = FileIn("Акт.pdf", "application/pdf", b"%PDF-1.4")
    bot_api.fail("sendMediaGroup", 502, "Bad Gateway")
    message_id = house.reply(interaction_id, words, *pictures, act)
    house.work()
    assert [call.method for call in bot_api.sent()] == ["sendMessage", "sendMessage"]
    with clock.at(clock.now() + timedelta(seconds=20)):
        house.work()
    assert [call.method for call in bot_api.sent()] == ["sendMessage", "sendMessage", "sendMediaGroup", "sendDocument"]
    assert "\n".join(bot_api.texts) == words
    album, document = bot_api.sent()[2:]
    assert [name for name, _content in album.uploads.values()] == ["0.png", "1.png"]
    assert document.uploads["document"] == ("Акт.pdf", b"%PDF-1.4")
    assert len(db.session.get_one(Message, message_id).data["telegram_ids"]) == 4


def test_a_webhook_without_the_secret_is_refused_and_nothing_is_stored(house, maria, bot_api):
    update = bot_api.write("Вопрос")
    assert maria.post(update, **{"X-Telegram-Bot-Api-Secret-Token": "guess"}) == 401
    assert maria.client.post("/telegram/webhook/unknown", json=update, headers=maria.headers).status_code == 404
    assert maria.client.post("/telegram/webhook/tavolga_bot", data="[]", headers=maria.headers).status_code == 400
    assert house.rows(Intake) == []


def test_telegram_is_told_how_updates_are_to_come(app, house, bot_api):
    bot = bots.add(TOKEN, "support")
    app.extensions["okno"].config.values["telegram.mode"] = "webhook"
    polling.prepare(bot.id, bots.api(TOKEN))
    assert bot_api.webhook["url"].endswith("/telegram/webhook/tavolga_bot")
    assert (bot_api.webhook["secret_token"], bot_api.webhook["max_connections"]) == (bot.webhook_secret, 1)
    app.extensions["okno"].config.values["telegram.mode"] = "polling"
    polling.prepare(bot.id, bots.api(TOKEN))
    assert bot_api.webhook == {}


def test_a_token_that_telegram_does_not_know_is_refused(house):
    for token in ("", "abc", "1:short", "999999:A-token-nobody-has-ever-seen"):
        with pytest.raises(Rejected) as refused:
            bots.add(token, "support")
        assert refused.value.code == "telegram-token"


def test_other_kinds_of_messages_are_said_in_words(house, maria, bot_api):
    for content in (
        {"location": {"latitude": 55.75, "longitude": 37.62}},
        {"contact": {"first_name": "Пётр", "phone_number": "+79990000000"}},
        {"sticker": {"file_id": "s", "emoji": "👍"}},
        {"poll": {"id": "1"}},
    ):
        maria.post(bot_api.write(**content))
    house.work()
    assert house.texts == [
        "https://www.openstreetmap.org/?mlat=55.75&mlon=37.62#map=16/55.75/37.62",
        "Пётр: +79990000000",
        "👍",
        "(сообщение такого вида здесь не показывается)",
    ]


def test_groups_and_other_bots_open_nothing(house, maria, bot_api):
    maria.post(bot_api.update(message={**bot_api.message("в группе"), "chat": {"id": -7, "type": "group"}}))
    maria.post(
        bot_api.update(message={**bot_api.message("я бот"), "from": {"id": 9, "is_bot": True, "first_name": "x"}})
    )
    house.work()
    assert house.texts == []
    assert [row.state for row in house.rows(Intake)] == ["done", "done"]


def test_a_flood_is_stopped_and_an_honest_second_person_is_not(app, house, maria, bot_api):
    app.extensions["okno"].config.values["telegram.flood_messages"] = 6
    with clock.at(clock.now()):
        now = int(clock.now().timestamp())
        for number in range(8):
            receiving.take_in(1, [bot_api.update(message={**bot_api.message(f"{number}"), "date": now})])
        receiving.take_in(1, [bot_api.update(message={**bot_api.message("честный", 502), "date": now})])
        while intake.process_due():
            continue
    assert (len(house.texts), house.texts[-1]) == (7, "честный")
    assert [row.state for row in house.rows(Intake)].count("failed") == 2
