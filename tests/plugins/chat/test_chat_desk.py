"""The agents' side of a chat: conferences, bans, silence, canned replies, greetings, a case of its own."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from core import assignment, bans, case_drafts, casework, clock, company, directory, intake, participants, presence
from core.contracts import Address, Inbound, Rejected
from core.db import db, transaction
from core.model import Ban, Case, ContactAddress, Interaction, Message, Participant, TimelineEntry
from plugins.chat.desk import banning, canned, inactivity, new_case, rules, signs, transcript, words
from plugins.chat.desk.canned import Whose
from plugins.chat.models import Reading


def rows(model: type) -> list:
    return list(db.session.scalars(db.select(model).order_by(model.id).execution_options(populate_existing=True)))


def colleague(centre, login: str = "boris", first_name: str = "Борис") -> int:
    directory.ensure_roles()
    directory.set_roles(centre.agent_id, ["agent"])
    user_id = directory.add_user(login, first_name, roles=["agent"], teams=["first"]).id
    presence.sign_on(user_id)
    return user_id


def talk(centre, text: str = "Помогите"):
    visit = centre.visit()
    visit.say(text)
    return visit, centre.accept()


def refused(act) -> str:
    with pytest.raises(Rejected) as refusal:
        act()
    return refusal.value.code


# --- conference --------------------------------------------------------------------------------------


def test_an_invited_colleague_joins_writes_and_leaves_and_the_visitor_reads_it(centre):
    visit, interaction_id = talk(centre)
    boris = colleague(centre)
    assert refused(lambda: casework.reply(interaction_id, boris, "<p>Я</p>", command_key="x")) == "not-your-interaction"
    participants.invite(interaction_id, centre.agent_id, boris)
    assert refused(lambda: casework.reply(interaction_id, boris, "<p>Я</p>", command_key="x")) == "not-your-interaction"
    participants.join(interaction_id, boris)
    participants.join(interaction_id, boris)
    casework.reply(interaction_id, boris, "<p>Подключился</p>", command_key="b1")
    participants.leave(interaction_id, boris)
    said = [(one["author"], one["text"]) for one in visit.look()["messages"]][1:]
    assert said == [
        ("system", "Борис присоединяется к разговору"),
        ("agent", "Подключился"),
        ("system", "Борис покидает разговор"),
    ]
    assert db.session.get_one(Interaction, interaction_id).agent_id == centre.agent_id
    assert refused(lambda: casework.reply(interaction_id, boris, "<p>Я</p>", command_key="y")) == "not-your-interaction"


def test_when_the_owner_leaves_the_conversation_passes_to_who_joined_first(centre):
    visit, interaction_id = talk(centre)
    boris, vera = colleague(centre), colleague(centre, "vera", "Вера")
    assert refused(lambda: participants.leave(interaction_id, centre.agent_id)) == "nobody-else"
    for user_id in (boris, vera):
        participants.invite(interaction_id, centre.agent_id, user_id)
    participants.join(interaction_id, vera)
    participants.join(interaction_id, boris)
    participants.leave(interaction_id, centre.agent_id)
    interaction = db.session.get_one(Interaction, interaction_id, populate_existing=True)
    assert (interaction.state, interaction.agent_id) == ("active", vera)
    assert [one.user_id for one in company.of(interaction_id)] == [boris]
    assert visit.look()["messages"][-1]["text"] == "Аня покидает разговор"


def test_an_owner_who_disconnects_leaves_the_conversation_to_the_participant(centre):
    _, interaction_id = talk(centre)
    boris = colleague(centre)
    participants.invite(interaction_id, centre.agent_id, boris)
    participants.join(interaction_id, boris)
    presence.sign_off(centre.agent_id, "lost")
    interaction = db.session.get_one(Interaction, interaction_id, populate_existing=True)
    assert (interaction.state, interaction.agent_id) == ("active", boris)


def test_the_end_of_a_conversation_is_the_end_of_its_company(centre):
    _, interaction_id = talk(centre)
    boris = colleague(centre)
    participants.invite(interaction_id, centre.agent_id, boris)
    participants.join(interaction_id, boris)
    assignment.finish(interaction_id, centre.agent_id)
    assert company.of(interaction_id) == []
    assert refused(lambda: participants.invite(interaction_id, centre.agent_id, boris)) == "not-your-interaction"


def test_invitations_are_declined_taken_back_and_never_doubled(centre):
    visit, interaction_id = talk(centre)
    boris = colleague(centre)
    participants.invite(interaction_id, centre.agent_id, boris)
    assert refused(lambda: participants.invite(interaction_id, centre.agent_id, boris)) == "takes-part-already"
    participants.decline(interaction_id, boris)
    assert refused(lambda: participants.join(interaction_id, boris)) == "not-invited"
    participants.invite(interaction_id, centre.agent_id, boris)
    participants.remove(interaction_id, centre.agent_id, boris)
    assert refused(lambda: participants.join(interaction_id, boris)) == "not-invited"
    presence.sign_off(boris)
    assert refused(lambda: participants.invite(interaction_id, centre.agent_id, boris)) == "agent-offline"
    assert len(visit.look()["messages"]) == 1
    assert len(rows(Participant)) == 2


# --- ban ---------------------------------------------------------------------------------------------


def test_a_ban_ends_the_chat_and_refuses_every_address_of_the_contact(centre):
    visit, interaction_id = talk(centre)
    colleague(centre)
    contact_id = db.session.get_one(Interaction, interaction_id).contact_id
    with transaction():
        db.session.add(ContactAddress(contact_id=contact_id, kind="email", value="rude@customer.example"))
    banning.ban(interaction_id, centre.agent_id, "Оскорбления")
    assert db.session.get_one(Interaction, interaction_id, populate_existing=True).state == "wrap_up"
    answer = visit.say("ещё")
    assert (answer.status_code, answer.json["error"]["code"]) == (422, "banned")
    letter = Inbound("chat", "mail:1", Address("email", "rude@customer.example"), "demo", body_text="письмо")
    assert refused(lambda: intake.receive(letter)) == "banned"
    assert (len(rows(Case)), len(rows(Message))) == (1, 1)
    row = rows(Ban)[0]
    assert bans.ban(contact_id, centre.agent_id).id == row.id
    bans.lift(row.id, centre.agent_id)
    assert refused(lambda: bans.lift(row.id, centre.agent_id)) == "ban-unknown"
    assert visit.say("снова").status_code == 201


# --- silence -----------------------------------------------------------------------------------------


def test_a_silent_visitor_is_warned_then_the_chat_ends_and_both_read_it(centre):
    visit, interaction_id = talk(centre)
    rules.set_rule("support", warn_seconds=60, warning_ru="Вы здесь?", close_seconds=30)
    start = clock.now()
    casework.reply(interaction_id, centre.agent_id, "<p>Уточните номер</p>", command_key="a")
    assert inactivity.run_due() == 0
    with clock.at(start + timedelta(seconds=70)):
        assert inactivity.run_due() == 1
        assert inactivity.run_due() == 0
    assert visit.look()["messages"][-1]["text"] == "Вы здесь?"
    with clock.at(start + timedelta(seconds=90)):
        assert inactivity.run_due() == 0
    with clock.at(start + timedelta(seconds=101)):
        assert inactivity.run_due() == 1
        assert inactivity.run_due() == 0
    assert visit.look()["messages"][-1]["text"].startswith("Чат закрыт")
    assert visit.look()["state"] == "ended"
    assert db.session.get_one(Interaction, interaction_id, populate_existing=True).state == "wrap_up"
    assert [json.loads(payload)["state"] for type, payload in centre.heard() if type == "chat.inactive"] == [
        "warned",
        "closed",
    ]


def test_a_visitor_who_writes_after_the_warning_is_not_silent(centre):
    visit, interaction_id = talk(centre)
    rules.set_rule("support", warn_seconds=60, close_seconds=30)
    start = clock.now()
    assert inactivity.run_due() == 0
    casework.reply(interaction_id, centre.agent_id, "<p>Уточните номер</p>", command_key="a")
    with clock.at(start + timedelta(seconds=70)):
        assert inactivity.run_due() == 1
        visit.say("я тут")
    with clock.at(start + timedelta(seconds=500)):
        assert inactivity.run_due() == 0
        casework.reply(interaction_id, centre.agent_id, "<p>Спасибо</p>", command_key="b")
    with clock.at(start + timedelta(seconds=561)):
        assert inactivity.run_due() == 1
    assert db.session.get_one(Interaction, interaction_id, populate_existing=True).state == "active"


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"warn_seconds": 2}, "chat-rule-seconds"),
        ({"close_seconds": 30}, "chat-rule-close"),
        ({"greeting": "loud"}, "chat-rule-greeting"),
        ({"greeting": "automatic"}, "greeting-empty"),
    ],
)
def test_rules_that_make_no_sense_are_refused(centre, values, code):
    assert refused(lambda: rules.set_rule("support", **values)) == code
    assert rules.rule_of(centre.service_id) == rules.Rule()


# --- canned replies and greetings --------------------------------------------------------------------


def test_names_are_filled_in_and_a_missing_one_leaves_no_gap(centre):
    _, interaction_id = talk(centre)
    interaction = db.session.get_one(Interaction, interaction_id)
    filled = words.fill("<p>%F %L, я %AF %AL. Запрос $(case.number), %Foo</p>", interaction, centre.agent_id)
    assert filled == f"<p>Пётр, я Аня Соколова. Запрос {interaction.case.number}, %Foo</p>"


def test_values_that_visitors_choose_are_escaped(centre):
    visit = centre.visit()
    visit.say("раз", name="<b>Пётр</b>")
    interaction = db.session.get_one(Interaction, centre.accept())
    assert words.fill("%F", interaction, centre.agent_id) == "&lt;b&gt;Пётр&lt;/b&gt;"


def test_replies_are_found_by_beginnings_of_words_and_seen_by_whom_they_are_for(centre):
    boris = colleague(centre)
    other = directory.add_team("second", "Second", "Вторая").id
    section = canned.ensure_path("Доставка/Сроки", Whose())
    assert canned.ensure_path("Доставка / Сроки", Whose()) == section
    canned.add("Обычный срок", "<p>Доставим за три дня.</p>", Whose(), section_id=section)
    canned.add("Моё", "<p>Личный ответ</p><script>x()</script>", Whose(owner_id=boris), by_id=boris)
    canned.add("Чужая группа", "<p>Срок группы</p>", Whose(team_id=other))
    assert [(one.title, one.path) for one in canned.search(boris, "/сро"[1:])] == [
        ("Обычный срок", ("Доставка", "Сроки"))
    ]
    assert [one.title for one in canned.search(boris, "дост три")] == ["Обычный срок"]
    assert [one.title for one in canned.visible(boris)] == ["Моё", "Обычный срок"]
    assert "script" not in canned.visible(boris)[0].html
    assert [one.title for one in canned.visible(centre.agent_id)] == ["Обычный срок"]
    assert [one.title for one in canned.of_everybody()] == ["Обычный срок"]


def test_nobody_changes_what_belongs_to_others(centre):
    boris, anna = colleague(centre), centre.agent_id
    mine = canned.add("Моё", "<p>Личный</p>", Whose(owner_id=boris), by_id=boris)
    shared = canned.add("Общее", "<p>Общий</p>", Whose())
    assert refused(lambda: canned.change(mine.id, "x", "<p>x</p>", by_id=anna)) == "canned-unknown"
    assert refused(lambda: canned.remove(shared.id, anna)) == "canned-not-yours"
    assert refused(lambda: canned.add("x", "<p>x</p>", Whose(), by_id=anna)) == "canned-not-yours"
    assert refused(lambda: canned.filled(mine.id, anna, 1)) == "canned-unknown"
    directory.set_roles(anna, ["supervisor"])
    canned.change(shared.id, "Общее!", "<p>Общий</p>", by_id=anna)
    assert [one.title for one in canned.visible(boris)] == ["Моё", "Общее!"]


def test_an_automatic_greeting_goes_out_once_and_does_not_count_as_an_answer(centre):
    rules.set_rule("support", greeting="automatic", greeting_ru="Здравствуйте, %F! Я %AF.")
    visit, interaction_id = talk(centre)
    said = visit.look()["messages"]
    assert [(one["author"], one["text"]) for one in said] == [
        ("contact", "Помогите"),
        ("agent", "Здравствуйте, Пётр! Я Аня."),
    ]
    assignment.release(interaction_id, centre.agent_id)
    assignment.take(interaction_id, centre.agent_id)
    assert len(visit.look()["messages"]) == 2
    rules.set_rule("support", warn_seconds=60)
    with clock.at(clock.now() + timedelta(seconds=600)):
        assert inactivity.run_due() == 0


def test_a_suggested_greeting_lies_in_the_answer_and_never_over_a_draft(centre):
    rules.set_rule("support", greeting="suggested", greeting_ru="Здравствуйте, %F!")
    _, interaction_id = talk(centre)
    case_id = db.session.get_one(Interaction, interaction_id).case_id
    draft = case_drafts.find(centre.agent_id, case_id, "reply")
    assert draft is not None and draft.body_html == "Здравствуйте, Пётр!"
    assert len(rows(Message)) == 1


def test_a_contact_reads_that_another_agent_serves_from_now_on(centre):
    visit, interaction_id = talk(centre)
    boris = colleague(centre)
    casework.reply(interaction_id, centre.agent_id, "<p>Передаю</p>", command_key="a")
    assignment.release(interaction_id, centre.agent_id)
    assignment.take(interaction_id, boris)
    assert visit.look()["messages"][-1]["text"] == "Борис присоединяется к разговору"


# --- signs, transcript, case -------------------------------------------------------------------------


def test_typing_and_reading_are_told_to_the_visitor_by_who_is_in_the_conversation(centre):
    _, interaction_id = talk(centre)
    boris = colleague(centre)
    newest = rows(Message)[-1].id
    assert refused(lambda: signs.typing(interaction_id, boris)) == "not-your-interaction"
    signs.typing(interaction_id, centre.agent_id)
    signs.read(interaction_id, centre.agent_id, newest)
    signs.read(interaction_id, centre.agent_id, newest)
    told = [(type, json.loads(payload)) for type, payload in centre.heard() if type in ("chat.typing", "chat.read")]
    assert [type for type, _ in told] == ["chat.typing", "chat.read"]
    assert told[0][1]["name"] == "Аня" and told[1][1]["up_to"] == newest
    assert db.session.get_one(Reading, interaction_id, populate_existing=True).agent_read_id == newest
    # What was under way when the conversation ended comes late, and is no mistake.
    assignment.finish(interaction_id, centre.agent_id)
    signs.typing(interaction_id, centre.agent_id)
    signs.read(interaction_id, centre.agent_id, newest + 1)
    assert db.session.get_one(Reading, interaction_id, populate_existing=True).agent_read_id == newest


def test_a_transcript_names_both_sides_and_needs_the_email_channel(centre):
    _, interaction_id = talk(centre, "Где <b>заказ</b>?")
    casework.reply(interaction_id, centre.agent_id, "<p>Уже едет</p>", command_key="a")
    interaction = db.session.get_one(Interaction, interaction_id)
    text = transcript.as_text(interaction, "ru")
    assert "Вы\nГде <b>заказ</b>?" in text and "Аня\nУже едет" in text
    assert "<b>заказ</b>" not in transcript.as_html(interaction, "ru")
    assert refused(lambda: transcript.send(interaction_id, "a@b", command_key="x")) == "transcript-address"
    assert refused(lambda: transcript.send(interaction_id, "a@b.example", command_key="x")) == "no-letters"


def test_another_matter_becomes_a_linked_case_with_the_conversation(centre):
    _, interaction_id = talk(centre, "И ещё вопрос")
    case = new_case.open_case(interaction_id, centre.agent_id, "  Возврат   товара ")
    assert new_case.open_case(interaction_id, centre.agent_id, "Возврат товара").id == case.id
    chat = db.session.get_one(Interaction, interaction_id)
    assert (case.subject, case.contact_id, case.assignee_id) == ("Возврат товара", chat.contact_id, centre.agent_id)
    note = db.session.scalars(db.select(TimelineEntry).filter_by(case_id=case.id, kind="note")).one()
    assert "И ещё вопрос" in note.data["text"]
    assert refused(lambda: new_case.open_case(interaction_id, centre.agent_id, " ")) == "subject-missing"
