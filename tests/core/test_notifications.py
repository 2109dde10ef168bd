"""The notification centre keeps what people are told, in words of both languages, for thirty days."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from flask_babel import force_locale
from sqlalchemy import select, update

from core import casework, hookimpl, notifications, outbox
from core.clock import now
from core.contracts import NoticeKind, OutboxResult, Text
from core.db import db, transaction
from core.house import okno
from core.model import Event, Notification
from core.notifications import notify
from core.web.notice_words import CORE, notice_of
from tests.core.conftest import Centre
from tests.support.queries import Counted

pytestmark = pytest.mark.feature("D-13")


def titles(centre: Centre, user_id: int, language: str) -> list[str]:
    with centre.app.test_request_context(), force_locale(language):
        return [notice_of(row).title for row in notifications.latest(user_id)]


def test_everybody_but_the_actor_is_told_in_one_statement(
    centre: Centre, count_queries: Callable[[], AbstractContextManager[Counted]]
) -> None:
    anna, boris, vera = centre.agents
    with transaction(), count_queries() as counted:
        notify([boris, vera, anna, boris], "case.mention", "/cases/1", {"number": "10001", "text": "Взгляни"}, anna)
        db.session.flush()
    assert sum(statement.startswith("INSERT INTO notification") for statement in counted.statements) == 1
    assert [notifications.unread(user) for user in centre.agents] == [0, 1, 1]
    assert titles(centre, boris, "ru") == ["Anna упоминает вас в запросе № 10001"]
    assert titles(centre, boris, "en") == ["Anna mentions you in case 10001"]
    topics = db.session.scalars(select(Event.topic).where(Event.type == "notification.new")).all()
    assert sorted(topics) == sorted([f"user:{boris}", f"user:{vera}"])


def test_one_or_all_are_marked_and_paged(centre: Centre) -> None:
    anna = centre.agents[0]
    with transaction():
        for number in range(35):
            notify([anna], "case.note", "/cases/1", {"number": number})
    newest = notifications.latest(anna)
    assert len(newest) == notifications.PAGE
    assert len(notifications.latest(anna, before=newest[-1].id)) == 5
    notifications.mark_read(anna, [newest[0].id])
    notifications.mark_read(centre.agents[1])
    assert notifications.unread(anna) == 34
    assert newest[0].id not in [row.id for row in notifications.latest(anna, unread_only=True)]
    notifications.mark_read(anna)
    assert notifications.unread(anna) == 0


def test_nobody_reads_for_somebody_else(centre: Centre) -> None:
    anna, boris, _vera = centre.agents
    with transaction():
        notify([anna], "case.note", "/cases/1", {"number": 1})
    notifications.mark_read(boris, [notifications.latest(anna)[0].id])
    assert notifications.unread(anna) == 1


def test_what_is_older_than_thirty_days_goes_in_one_statement(
    centre: Centre, count_queries: Callable[[], AbstractContextManager[Counted]]
) -> None:
    with transaction():
        notify(centre.agents, "case.note", "/cases/1", {"number": 1})
        old = Notification.user_id == centre.agents[0]
        db.session.execute(update(Notification).where(old).values(at=now() - timedelta(days=31)))
    with count_queries() as counted:
        assert notifications.prune() == 1
    assert counted.count == 1


def test_every_kind_has_words_with_and_without_its_facts(centre: Centre) -> None:
    with centre.app.test_request_context():
        for kind in CORE.values():
            for data in ({}, {"number": "10001", "state": "not_ready", "reason": "lunch", "text": "{"}):
                for who in ("", "Анна {Соколова}"):
                    words = kind.words(data, who)
                    assert words.en and words.ru and "{who}" not in words.en


def test_a_letter_that_died_is_told_to_who_holds_the_case(centre: Centre) -> None:
    anna = centre.agents[0]
    interaction = centre.taken(anna)
    centre.toy.answers = [OutboxResult("dead", "550 no such user")]
    casework.reply(interaction, anna, "<p>Ответ</p>", command_key="one")
    assert outbox.send_due() == 1
    assert titles(centre, anna, "ru")[0].startswith("Сообщение не доставлено: запрос № ")
    assert notifications.latest(anna)[0].data["detail"] == "550 no such user"


def test_a_plugin_words_its_own_kinds_and_a_kind_nobody_words_shows_its_name(centre: Centre) -> None:
    class Orders:
        @hookimpl
        def register_notices(self) -> list[NoticeKind]:
            return [
                NoticeKind("orders.paid", "check", lambda data, who: Text("Paid", f"Оплачен {data['number']}"), "good")
            ]

    centre.register(Orders(), "orders")
    assert okno().notices["orders.paid"].tone == "good"
    with transaction():
        notify([centre.agents[0]], "orders.paid", "/orders/7", {"number": 7})
        notify([centre.agents[0]], "gone.kind", "")
    assert titles(centre, centre.agents[0], "ru") == ["gone.kind", "Оплачен 7"]
