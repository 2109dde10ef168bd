"""What the built-in bot says to a turn: articles in the contact's language, a question back, or over to a person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from core.contracts import (
    Address,
    BotTurn,
    Inbound,
    InteractionInfo,
    Rejected,
    SearchHit,
    SearchQuery,
    SearchResult,
    SearchSource,
    ServiceInfo,
    Text,
)
from core.db import db, transaction
from core.house import okno
from core.model import Audit, Service
from plugins.bot import answering, hooks, rules
from plugins.bot.rules import Rule


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"core.plugins": ["bot"], "web.base_url": "https://okno.example"}


class Shelf:
    """A help centre of three articles that finds by one word; notes what it was asked."""

    titles = {"1": "Пароль &amp; <mark>вход</mark>", "2": "Пароль по почте", "3": "Пароль по звонку"}

    def __init__(self) -> None:
        self.asked: list[SearchQuery] = []

    def search(self, query: SearchQuery) -> SearchResult:
        self.asked.append(query)
        hits = [
            SearchHit(f"article:{key}", "article", 1.0, title, "")
            for key, title in self.titles.items()
            if "парол" in query.text and f"article:{key}" not in query.without
        ]
        return SearchResult(tuple(hits[:2]), len(hits))


@pytest.fixture
def shelf(app: Flask) -> Iterator[Shelf]:
    found = Shelf()
    with app.app_context():
        with transaction():
            db.session.add(Service(key="support", title_en="Support", title_ru="Поддержка", is_default=True))
        url = {"1": "/help/1", "2": "https://elsewhere.example/2", "3": ""}.get
        source = SearchSource(
            "help", Text("Help", "Справка"), "book", found.search, lambda key: url(key, ""), audience="customers"
        )
        okno().customer_sources = {"help": source}
        yield found
        db.session.remove()


@pytest.fixture
def service(shelf: Shelf) -> ServiceInfo:
    row = db.session.scalars(db.select(Service)).one()
    return ServiceInfo(row.id, row.key, Text(row.title_en, row.title_ru), "ru", (), 0, False)


@pytest.fixture
def turn(service: ServiceInfo) -> BotTurn:
    interaction = InteractionInfo(1, "chat", "in", "bot", 1, 1, service.id, None, 0, None)
    return BotTurn(answering.BOT, interaction, service, 7, "Забыл пароль от кабинета", "ru", first=True)


def test_it_offers_articles_with_whole_addresses_and_remembers_which(turn: BotTurn, shelf: Shelf) -> None:
    reply = answering.reply(turn)
    assert "Пароль & вход\nhttps://okno.example/help/1" in reply.text
    assert "Пароль по почте\nhttps://elsewhere.example/2" in reply.text
    assert reply.buttons == ("Да, помогло", "Нет, не помогло") and not reply.hand_over
    assert reply.memory == {"attempts": 1, "offered": ["article:1", "article:2"]}
    assert shelf.asked[0].filters == {"language": ("ru",)}
    answering.reply(replace(turn, first=False, memory=reply.memory))
    assert shelf.asked[1].without == ("article:1", "article:2")


@pytest.mark.parametrize(
    ("said", "language", "ends", "hands_over"),
    [
        ("Да, помогло", "ru", True, False),
        ("  да, помогло! ", "ru", True, False),
        ("Yes, it helped", "en", True, False),
        ("Нет, не помогло.", "ru", False, True),
        ("No, it did not", "en", False, True),
    ],
)
def test_its_buttons_end_the_talk_or_call_a_person(
    turn: BotTurn, said: str, language: str, ends: bool, hands_over: bool
) -> None:
    memory = {"attempts": 1, "offered": ["article:1"]}
    reply = answering.reply(replace(turn, text=said, language=language, first=False, memory=memory))
    assert (reply.ends, reply.hand_over) == (ends, hands_over)
    assert reply.why is not None and reply.text


def test_the_words_of_a_button_mean_nothing_before_anything_was_offered(turn: BotTurn) -> None:
    reply = answering.reply(replace(turn, text="Да, помогло"))
    assert not reply.ends


def test_a_greeting_alone_is_asked_what_it_is_about_and_only_once(turn: BotTurn) -> None:
    first = answering.reply(replace(turn, text="Добрый день"))
    assert "Опишите вопрос" in first.text and not first.hand_over
    again = answering.reply(replace(turn, text="Алло", first=False, memory=first.memory))
    assert again.hand_over and "Ничего не нашлось" in again.text


def test_after_so_many_attempts_a_person_answers(turn: BotTurn) -> None:
    rules.set_rule("support", Rule(active=True, attempts=1))
    reply = answering.reply(replace(turn, first=False, memory={"attempts": 1}))
    assert reply.hand_over and reply.why == Text("The bot has tried often enough", "Бот исчерпал попытки")


def test_files_without_words_go_to_a_person(turn: BotTurn, shelf: Shelf) -> None:
    assert answering.reply(replace(turn, text="", has_files=True)).hand_over
    assert not answering.reply(replace(turn, has_files=True)).hand_over
    assert len(shelf.asked) == 1


@pytest.mark.parametrize(("language", "greeting"), [("ru", "Привет!"), ("en", "Hello!"), ("", "Hello!")])
def test_the_greeting_of_the_service_stands_before_the_first_answer_only(
    turn: BotTurn, language: str, greeting: str
) -> None:
    rules.set_rule("support", Rule(active=True, greeting_ru="Привет!", greeting_en="Hello!"))
    assert answering.reply(replace(turn, language=language)).text.startswith(greeting)
    assert greeting not in answering.reply(replace(turn, language=language, first=False)).text


def test_a_greeting_in_one_language_serves_both() -> None:
    assert Rule(greeting_en="Hello!").greeting("ru") == "Hello!"
    assert Rule(greeting_ru="Привет!").greeting("en") == "Привет!"


def test_it_begins_only_where_it_is_switched_on_and_answers_only_for_itself(
    turn: BotTurn, service: ServiceInfo
) -> None:
    inbound = Inbound("chat", "chat:1", Address("chat", "visitor"), "demo", body_text="Пароль")
    assert hooks.choose_bot(inbound, service) is None
    rules.set_rule("support", Rule(active=True))
    assert hooks.choose_bot(inbound, service) == answering.BOT
    assert hooks.choose_bot_reply(replace(turn, bot="another")) is None
    assert hooks.choose_bot_reply(turn) is not None


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (Rule(attempts=0), "bot-attempts"),
        (Rule(attempts=6), "bot-attempts"),
        (Rule(greeting_ru="я" * 501), "bot-greeting-long"),
    ],
)
def test_rules_that_make_no_sense_are_refused_and_nothing_is_kept(shelf: Shelf, rule: Rule, code: str) -> None:
    with pytest.raises(Rejected) as refused:
        rules.set_rule("support", rule)
    assert refused.value.code == code
    assert rules.rule_of(db.session.scalars(db.select(Service.id)).one()) == Rule()


def test_a_change_of_a_rule_stands_in_the_audit(shelf: Shelf) -> None:
    rules.set_rule("support", Rule(active=True, attempts=3))
    entry = db.session.scalars(db.select(Audit).where(Audit.action == "bot.change")).one()
    assert entry.after["attempts"] == 3
