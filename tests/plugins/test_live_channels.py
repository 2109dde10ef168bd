"""The contract of live text channels, run on every one: web chat, Telegram, messengers by webhook."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from core import assignment, casework, presence
from core.db import db, transaction
from core.live import bots
from core.model import Case, Contact, Interaction, Message
from plugins.bot import rules
from tests.support.bot_api_server import BotApiServer
from tests.support.live_house import PLUGINS, ChatDriver, LiveHouse, MessengerDriver, TelegramDriver, furnish
from tests.support.webhook_receiver import WebhookReceiver

CHANNELS = ("chat", "telegram", "messenger")
pytestmark = pytest.mark.feature("T-02")


@pytest.fixture
def settings(bot_api: BotApiServer) -> dict[str, Any]:
    return {
        "core.plugins": PLUGINS,
        "telegram.api_base": bot_api.base,
        "webhooks.allow_private": True,
        "telegram.mode": "webhook",
    }


@pytest.fixture
def migrated_url(database_kind: str, home: Any, migrated_templates: Any) -> Iterator[str]:
    """Migrated once for all the tests: the port of the local Bot API changes nothing in the data base."""
    url = migrated_templates.copy(database_kind, {"core.plugins": PLUGINS}, home)
    yield url
    migrated_templates.drop(database_kind, url)


@pytest.fixture
def house(app: Flask) -> Iterator[LiveHouse]:
    with app.app_context():
        yield furnish(app)
        db.session.remove()


@pytest.fixture(params=CHANNELS)
def contact(request: pytest.FixtureRequest, house: LiveHouse, bot_api: BotApiServer, receiver: WebhookReceiver) -> Any:
    if request.param == "chat":
        return ChatDriver(house)
    return TelegramDriver(house, bot_api) if request.param == "telegram" else MessengerDriver(house, receiver)


def test_a_conversation_begins_goes_both_ways_once_and_in_order_ends_and_begins_again(house, contact):
    key = contact.say("Не могу войти в личный кабинет")
    interaction, case = house.interaction, house.rows(Case)[0]
    assert (interaction.channel, interaction.state, interaction.service_id) == (
        contact.channel,
        "queued",
        house.service_id,
    )
    assert (case.subject, case.language) == ("Не могу войти в личный кабинет", "ru")
    assert case.contact.name.startswith("Мария")

    script = "<script>alert(1)</script> & <b>жирно</b>"
    contact.say(script)
    contact.say("Не могу войти в личный кабинет", key)
    assert house.texts == ["Не могу войти в личный кабинет", script]
    assert house.rows(Message)[1].body_html == ""
    assert len(house.rows(Interaction)) == len(house.rows(Case)) == len(house.rows(Contact)) == 1

    interaction_id = house.accept()
    ids = [house.reply(interaction_id, text) for text in ("Здравствуйте!\nУже смотрю.", "a &lt; b &amp; c")]
    for _again in range(2):
        assert contact.heard() == ["Здравствуйте!\nУже смотрю.", "a < b & c"]
    assert [db.session.get_one(Message, one).delivery for one in ids] == ["sent", "sent"]

    assignment.finish(interaction_id, house.agent_id)
    contact.say("И ещё вопрос")
    before, after = house.rows(Interaction)
    assert (before.state, after.state, before.case_id == after.case_id) == ("wrap_up", "queued", True)

    assignment.complete(before.id, house.agent_id, None)
    assignment.take(after.id, house.agent_id)
    assignment.complete(after.id, house.agent_id, None)
    with transaction():
        casework.close(house.rows(Case)[0], cause="test")
    contact.say("Новый вопрос")
    assert [one.follow_up_of_id for one in house.rows(Case)] == [None, None]


@pytest.mark.parametrize("contact", ["telegram", "messenger"], indirect=True)
def test_corrections_are_shown_and_who_leaves_is_not_waited_for(house, contact):
    key = contact.say("Номер 11")
    contact.edit(key, "Номер 12")
    contact.edit(key, "Номер 12")
    (message,) = house.rows(Message)
    assert (message.body_text, [one["text"] for one in message.data["edits"]]) == ("Номер 12", ["Номер 11"])

    contact.leave()
    assert (house.interaction.state, house.rows(Case)[0].status) == ("closed", "open")
    contact.say("Я вернулась")
    assert [row.state for row in house.rows(Interaction)] == ["closed", "queued"]
    house.accept()
    contact.leave()
    assert house.interaction.state == "active"


@pytest.mark.feature("T-04")
def test_the_bot_answers_first_and_a_person_is_always_one_word_away(house, contact):
    rules.set_rule("support", rules.Rule(active=True, greeting_ru="Здравствуйте, я бот."))
    contact.say("Привет")
    house.work()
    (said,) = contact.heard()
    assert said.startswith("Здравствуйте, я бот.\n\nОпишите вопрос")
    bot_message = house.rows(Message)[-1]
    assert (bot_message.author, bot_message.data["buttons"][-1]) == ("bot", "Позвать оператора")
    assert house.interaction.state == "bot"
    presence.sign_on(house.agent_id)
    assert assignment.route_due() == 0
    contact.say("Позвать оператора")
    house.work()
    assert house.interaction.state == "queued"
    interaction_id = house.accept()
    house.reply(interaction_id, "Слушаю вас")
    assert contact.heard()[-1] == "Слушаю вас"
    assert [message.author for message in house.rows(Message)] == ["contact", "bot", "contact", "agent"]


@pytest.mark.feature("T-04")
def test_an_agent_may_take_a_conversation_from_the_bot(house, contact):
    rules.set_rule("support", rules.Rule(active=True))
    contact.say("Привет")
    presence.sign_on(house.agent_id)
    bots.take(house.interaction.id, house.agent_id)
    house.work()
    assert (house.interaction.state, house.interaction.agent_id) == ("active", house.agent_id)
    assert [message.author for message in house.rows(Message) if message.direction == "out"] in ([], ["bot"])
