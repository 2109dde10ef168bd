"""A visitor's message reaches the queue, the answer comes back, nothing is doubled, and an end is an end."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest

from core import assignment, casework, clock, intake
from core.contracts import DeskContext, Rejected
from core.db import db
from core.house import okno
from core.model import Case, Contact, Interaction, Message, ServiceEntry
from core.web.auth import stream_identity
from plugins.chat.desk import ending
from plugins.chat.models import Widget


def rows(model: type) -> list:
    return list(db.session.scalars(db.select(model).order_by(model.id).execution_options(populate_existing=True)))


def test_a_first_message_opens_a_case_and_waits_in_the_service_of_the_widget(centre):
    answer = centre.visit().say("Не могу войти в личный кабинет", page="https://shop.example/pay")
    assert answer.status_code == 201
    assert answer.json["message"]["text"] == "Не могу войти в личный кабинет"
    interaction, case, message = rows(Interaction)[0], rows(Case)[0], rows(Message)[0]
    assert (interaction.channel, interaction.state, interaction.service_id) == ("chat", "queued", centre.service_id)
    assert (case.subject, case.contact.name, case.language) == ("Не могу войти в личный кабинет", "Пётр", "ru")
    assert message.data["page"] == "https://shop.example/pay"


def test_messages_of_one_conversation_join_it(centre):
    visit = centre.visit()
    for text in ("раз", "два", "три"):
        visit.say(text)
    assert len(rows(Interaction)) == len(rows(Case)) == len(rows(Contact)) == 1
    assert [message["text"] for message in visit.look()["messages"]] == ["раз", "два", "три"]
    assert visit.look(after=rows(Message)[1].id)["messages"][0]["text"] == "три"


@pytest.mark.feature("T-13")
def test_the_same_message_sent_again_is_the_same_message(centre):
    visit = centre.visit()
    first, again = visit.say("раз", id="abcdefgh"), visit.say("раз", id="abcdefgh")
    assert first.json == again.json
    assert len(rows(Message)) == 1
    assert sum(type == "chat.message" for type, _ in centre.heard()) == 1


def test_the_agents_answer_is_told_to_the_visitor_and_shown_under_the_nickname(centre):
    visit = centre.visit()
    visit.say("Помогите")
    interaction_id = centre.accept()
    message_id = casework.reply(
        interaction_id, centre.agent_id, "<p>Здравствуйте!</p><p>Уже смотрю.</p>", command_key="a"
    )
    answer = visit.look()["messages"][-1]
    assert (answer["author"], answer["name"], answer["text"]) == ("agent", "Аня", "Здравствуйте!\nУже смотрю.")
    assert ("chat.message", json.dumps({"message_id": message_id}, separators=(",", ":"))) in centre.heard()
    assert db.session.get_one(Message, message_id).delivery == "sent"


def test_the_visitor_hears_how_the_conversation_goes(centre):
    visit = centre.visit()
    assert visit.look()["state"] == "new"
    visit.say("Помогите")
    assert visit.look()["state"] == "waiting"
    interaction_id = centre.accept()
    assert (visit.look()["state"], visit.look()["agent"]) == ("active", "Аня")
    ending.end(interaction_id, centre.agent_id)
    assert visit.look()["state"] == "ended"
    assignment.complete(interaction_id, centre.agent_id, None)
    states = [json.loads(payload)["state"] for type, payload in centre.heard() if type == "chat.state"]
    assert states == ["waiting", "active", "ended", "ended"]


def test_after_the_end_the_next_message_opens_a_new_conversation_in_the_open_case(centre):
    visit = centre.visit()
    visit.say("Помогите")
    first = centre.accept()
    ending.end(first, centre.agent_id)
    visit.say("И ещё вопрос")
    before, after = rows(Interaction)
    assert (before.state, after.state) == ("wrap_up", "queued")
    assert before.case_id == after.case_id
    assert [message["text"] for message in visit.look()["messages"]] == ["Помогите", "И ещё вопрос"]


def test_after_the_case_is_closed_the_next_message_is_a_new_case(centre):
    visit = centre.visit()
    visit.say("Помогите")
    assignment.complete(centre.accept(), centre.agent_id, None)
    with intake.transaction():
        casework.close(rows(Case)[0], cause="test")
    visit.say("Новый вопрос")
    assert [case.follow_up_of_id for case in rows(Case)] == [None, None]
    assert len({interaction.session_key for interaction in rows(Interaction)}) == 2


def test_too_long_a_message_is_refused_with_the_limit_and_nothing_is_stored(centre):
    answer = centre.visit().say("я" * 50_000)
    assert answer.status_code == 422
    assert answer.json["error"]["code"] == "message-too-long"
    assert "50000 знаков при пределе 4000" in answer.json["error"]["text"]
    assert rows(Message) == []


def test_markup_stays_text(centre):
    visit = centre.visit()
    script = "<script>alert(1)</script><b>жирно</b>"
    visit.say(script)
    message = rows(Message)[0]
    assert (message.body_text, message.body_html) == (script, "")
    assert visit.look()["messages"][0]["text"] == script


def test_a_visitor_who_writes_too_fast_is_told_to_wait_and_may_go_on_later(centre):
    visit = centre.visit()
    with clock.at(clock.now()):
        codes = [visit.say(f"{number}").status_code for number in range(12)]
        assert codes == [201] * 10 + [422] * 2
        assert visit.say("ещё").json["error"]["code"] == "flood"
        assert centre.visit().say("я другой").status_code == 201
    with clock.at(clock.now() + timedelta(seconds=11)):
        assert visit.say("теперь можно").status_code == 201


@pytest.mark.parametrize("token", ["", "nonsense", "eyJhIjoxfQ.aaaa.bbbb"])
def test_without_a_valid_token_nothing_is_said_or_shown(centre, token):
    visit = centre.visit()
    visit.token = token
    assert visit.say("кто здесь").status_code == 401
    assert visit.look()["error"]["code"] == "visitor-unknown"


def test_a_visitor_sees_only_the_own_conversation_and_hears_only_the_own_topic(app, centre):
    one, other = centre.visit(), centre.visit()
    one.say("секрет")
    assert other.look()["messages"] == []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/events", "QUERY_STRING": f"token={other.look()['stream']}"}
    identity = stream_identity(environ)
    assert identity is not None
    assert identity.user_id is None
    assert len(identity.topics) == 1
    assert re.fullmatch(r"session:chat-[\w-]{22}", identity.topics[0])
    assert identity.topics[0] != f"session:chat-{rows(Interaction)[0].address}"


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"text": "x"},
        {"id": "abcdefgh"},
        {"id": "short", "text": "x"},
        {"id": "abcdefgh", "text": " "},
        {"id": 7, "text": {}},
    ],
)
def test_what_is_not_a_message_is_refused(centre, body):
    visit = centre.visit()
    assert visit.client.post("/chat/messages", json=body, headers=visit.headers).status_code == 422
    assert rows(Message) == []


def test_only_the_agent_who_has_the_chat_may_end_it_and_sees_the_control(centre):
    centre.visit().say("Помогите")
    interaction = rows(Interaction)[0]
    context = DeskContext(centre.agent_id, "ru", interaction.case_id, interaction.id, "chat")
    assert okno().hooks.controls(context) == []
    with pytest.raises(Rejected):
        ending.end(interaction.id, centre.agent_id)
    centre.accept()
    (control,) = (one for one in okno().hooks.controls(context) if one.url.endswith("/end"))
    assert (control.label.ru, control.url) == ("Завершить чат", f"/chat/interactions/{interaction.id}/end")
    assert centre.app.test_client().post(control.url).status_code in (302, 400, 401)
    assert rows(Interaction)[0].state == "active"


def test_the_demo_page_speaks_both_languages_and_keeps_the_policy(app):
    client = app.test_client()
    russian, english = client.get("/chat/demo?lang=ru"), client.get("/chat/demo?lang=en")
    assert "Отчётность без очередей" in russian.text
    assert "Reporting without queues" in english.text
    for page in (russian, english):
        assert not re.search(r"<script(?![^>]*src=)|\sstyle=|\son\w+=", page.text)
        assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert 'data-entry="&lt;b&gt;"' in client.get("/chat/demo?entry=<b>").text


def test_the_demo_centre_gets_an_entry_for_the_demo_page_once(centre):
    with intake.transaction():
        db.session.execute(db.delete(ServiceEntry))
    for _ in range(2):
        okno().hooks.load_demo("")
    entry = db.session.scalars(db.select(ServiceEntry)).one()
    assert [one.key for one in rows(Widget)] == ["demo"]
    assert (entry.channel, entry.address, entry.service_id) == ("chat", "demo", centre.service_id)
