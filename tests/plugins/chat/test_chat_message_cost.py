"""What a message costs: how many statements each way, whatever the conversation holds already."""

from __future__ import annotations

import pytest

from core import directory, tokens
from core.db import db
from core.model import Message
from plugins.chat.visitor import messages

# A new message in a conversation under way: one reading of it, three checks, five writes, who watches, who subscribed.
FROM_VISITOR = 11
# An answer by the API with an idempotency key: who asks, the key twice, the conversation, the case held, the writes.
FROM_AGENT = 15


def cost(asked):
    """What was asked, without what only PostgreSQL has beside: limits on waiting, the lock of the event log."""
    return [one for one in asked.statements if not one.startswith(("SET LOCAL", "SELECT pg_advisory"))]


@pytest.fixture
def settings():
    return {"core.plugins": ["chat"], "chat.flood_messages": 1000}


@pytest.fixture
def talk(centre):
    visit = centre.visit()
    visit.say("Здравствуйте")
    return visit, centre.accept()


def test_a_visitors_message_takes_few_statements_and_no_more_in_a_long_talk(centre, talk, count_queries):
    visit, _interaction_id = talk
    visit.say("раз")
    for count in (1, 30):
        for number in range(count):
            visit.say(f"{count}-{number}")
        db.session.rollback()
        with count_queries() as asked:
            assert visit.say(f"последнее из {count}").status_code == 201
        assert len(cost(asked)) <= FROM_VISITOR, "\n".join(cost(asked))
    assert "последнее из 30" in [message["text"] for message in visit.look()["messages"]]


def test_what_is_sent_again_costs_less_and_gives_the_same(centre, talk, count_queries):
    visit, _interaction_id = talk
    first = visit.say("раз", id="abcdefgh")
    with count_queries() as asked:
        assert visit.say("раз", id="abcdefgh").json == first.json
    assert len(cost(asked)) <= 6, "\n".join(cost(asked))


def test_an_answer_by_the_api_takes_few_statements(centre, talk, count_queries):
    _visit, interaction_id = talk
    directory.ensure_roles()
    directory.set_roles(centre.agent_id, ["agent"])
    scopes = ["interactions:write", "interactions:read"]
    secret = tokens.create(centre.agent_id, "programme", scopes)[1]
    client, place = centre.app.test_client(), f"/api/v1/interactions/{interaction_id}/messages"

    def answer(number):
        head = {"Authorization": f"Bearer {secret}", "Idempotency-Key": f"key-{number}"}
        found = client.post(place, json={"text": f"ответ {number}"}, headers=head)
        assert found.status_code == 201 and found.json["text"] == f"ответ {number}", found.text
        return found.json

    for number in range(3):
        answer(number)
    db.session.rollback()
    with count_queries() as asked:
        told = answer(3)
    assert len(cost(asked)) <= FROM_AGENT, "\n".join(cost(asked))
    assert (told["delivery"], told["user"]["id"], told["attachments"]) == ("sent", centre.agent_id, [])
    assert db.session.get_one(Message, told["id"]).delivery == "sent"


def test_what_was_just_said_is_whole_without_reading_it_again(centre, talk, count_queries):
    from plugins.chat.visitor.visitors import read_token

    visit, interaction_id = talk
    visitor = read_token(visit.token)
    assert visitor is not None
    message = messages.say(visitor, messages.Said("whole-0001", "целиком", entry="demo"))
    with count_queries() as asked:
        known = (message.interaction_id, message.body_text, message.author, message.attachments, message.user)
        assert known == (interaction_id, "целиком", "contact", [], None)
    assert asked.count == 0
