"""Notes: mentions, watchers, files, corrections; drafts with files; who has a case open; answers overtaken and called back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import (
    assignment,
    case_drafts,
    case_mentions,
    case_notes,
    case_viewers,
    case_watchers,
    casework,
    clock,
    outbox,
    recall,
)
from core.contracts import FileIn, Rejected
from core.db import db, transaction
from core.model import Case, CaseViewer, Draft, Event, Interaction, Message, NoteFile, Notification, TimelineEntry, User


@pytest.fixture
def case_id(centre):
    centre.mine = centre.taken(centre.agents[0])
    return db.session.get(Interaction, centre.mine).case_id


def told(user_id):
    query = db.select(Notification.kind).where(Notification.user_id == user_id).order_by(Notification.id)
    return list(db.session.scalars(query))


def refused(call, *arguments, **values):
    with pytest.raises(Rejected) as refusal:
        call(*arguments, **values)
    return refusal.value.code


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("@boris посмотри", ["boris"]),
        ("спроси @boris, @anna и @boris.", ["boris", "anna"]),
        ("пиши на boris@example.org", []),
        ("@", []),
        ("@@boris", []),
        ("(@Борис)", ["Борис"]),
        ("почта@", []),
    ],
)
def test_mentions_are_told_from_addresses(text, named):
    assert case_mentions.handles(text) == named


@given(st.text(alphabet="@абвab._- \n1", max_size=200))
def test_any_text_can_be_searched_for_mentions(text):
    for handle in case_mentions.handles(text):
        assert f"@{handle}" in text and "@" not in handle


def test_a_mention_tells_a_colleague_who_then_watches(centre, case_id):
    anna, boris, _third = centre.agents
    login = db.session.get(User, boris).login
    entry_id = case_notes.add(case_id, anna, f"@{login} глянь, пожалуйста. @nobody и @{login}")
    assert told(boris) == ["case.mention"] and told(anna) == []
    assert [person.id for person in case_watchers.watchers(case_id)] == [boris]
    row = db.session.scalars(db.select(Notification)).one()
    assert row.url == f"/cases/{case_id}#entry-{entry_id}"
    case_notes.add(case_id, anna, "Уже не надо")
    assert told(boris) == ["case.mention", "case.note"]
    case_watchers.unwatch(case_id, boris)
    case_notes.add(case_id, anna, "Тихо")
    assert len(told(boris)) == 2


def test_a_name_that_two_have_names_nobody_unless_the_surname_follows(centre, case_id):
    with transaction():
        for number, last in enumerate(("Ким", "Ли")):
            db.session.add(User(login=f"yu{number}", first_name="Юля", last_name=last))
    assert case_mentions.find("@Юля привет") == []
    found = case_mentions.find("@Юля Ли привет")
    assert [one.user.last_name for one in found] == ["Ли"]


def test_a_disabled_colleague_is_not_told_and_the_author_hears_so(centre, case_id):
    anna, boris, _third = centre.agents
    with transaction():
        person = db.session.get(User, boris)
        person.disabled_at = clock.now()
        login, name = person.login, person.name
    case_notes.add(case_id, anna, f"@{login} ?")
    assert told(boris) == [] and case_watchers.watchers(case_id) == []
    assert case_notes.unreached(f"@{login} ?") == [name]
    assert refused(case_watchers.watch, case_id, boris) == "user-disabled"


def test_notes_are_limited_repeated_once_and_corrected_by_another(centre, case_id):
    anna = centre.agents[0]
    assert refused(case_notes.add, case_id, anna, " \n ") == "empty-note"
    assert refused(case_notes.add, case_id, anna, "я" * 100_000) == "note-too-long"
    assert refused(case_notes.add, 10**6, anna, "x") == "case-unknown"
    first = case_notes.add(case_id, anna, "Срок 5 дней", command_key="k")
    assert case_notes.add(case_id, anna, "Срок 5 дней", command_key="k") == first
    second = case_notes.add(case_id, anna, "Срок 6 дней", corrects=first)
    assert db.session.get(TimelineEntry, second).data["corrects"] == first
    message_entry = db.session.scalars(db.select(TimelineEntry).where(TimelineEntry.kind == "message")).first()
    assert refused(case_notes.add, case_id, anna, "x", corrects=message_entry.id) == "note-unknown"


def test_files_of_drafts_go_with_the_note_and_have_limits(centre, case_id):
    anna = centre.agents[0]
    case_drafts.add_file(anna, case_id, "note", FileIn("план.txt", "text/plain", b"1"))
    case_drafts.save(anna, case_id, "note", "")
    assert db.session.scalars(db.select(Draft)).one().data["files"][0]["name"] == "план.txt"
    large = FileIn("фильм.mp4", "video/mp4", b"0" * (26 << 20))
    assert refused(case_drafts.add_file, anna, case_id, "note", large) == "file-too-large"
    nine = FileIn("девять.bin", "application/octet-stream", b"9" * (9 << 20))
    for number in range(2):
        case_drafts.add_file(anna, case_id, "note", FileIn(f"{number}.bin", nine.content_type, nine.content))
    assert refused(case_drafts.add_file, anna, case_id, "note", nine) == "files-too-large"
    kept = case_drafts.remove_file(
        anna, case_id, "note", case_drafts.find(anna, case_id, "note").data["files"][1]["sha256"]
    )
    assert [one["name"] for one in kept] == ["план.txt"]
    entry_id = case_notes.add(case_id, anna, "", files=case_drafts.files(anna, case_id, "note"))
    assert [row.name for row in db.session.scalars(db.select(NoteFile).where(NoteFile.entry_id == entry_id))] == [
        "план.txt"
    ]
    assert case_drafts.find(anna, case_id, "note") is None


def test_a_draft_keeps_its_addresses_though_its_text_is_empty(centre, case_id):
    anna = centre.agents[0]
    case_drafts.save(anna, case_id, "reply", "", {"cc": "шеф@example.org"})
    assert case_drafts.find(anna, case_id, "reply").data == {"cc": "шеф@example.org"}
    case_drafts.save(anna, case_id, "reply", "", {})
    assert case_drafts.find(anna, case_id, "reply") is None
    assert refused(case_drafts.save, anna, case_id, "Reply 1", "x") == "draft-unknown"


def test_who_has_a_case_open_is_told_to_others_once_and_forgotten(centre, case_id, monkeypatch):
    anna, boris, _third = centre.agents

    def news():
        return db.session.scalar(db.select(db.func.count()).select_from(Event).where(Event.type == "case.viewers"))

    case_viewers.seen(case_id, anna)
    case_viewers.seen(case_id, anna)
    assert news() == 1
    case_viewers.seen(case_id, anna, writing=True)
    assert news() == 2
    assert [(person.id, writing) for person, writing in case_viewers.viewers(case_id, without=boris)] == [(anna, True)]
    assert case_viewers.viewers(case_id, without=anna) == []
    later = clock.now() + timedelta(seconds=61)
    monkeypatch.setattr(case_viewers, "now", lambda: later)
    assert case_viewers.viewers(case_id) == []
    monkeypatch.undo()
    case_viewers.left(case_id, anna)
    assert news() == 3 and db.session.scalars(db.select(CaseViewer)).all() == []


def second_interaction(centre, case_id, agent):
    first = db.session.get(Interaction, centre.mine)
    with transaction():
        other = Interaction(
            channel="toy",
            case_id=case_id,
            service_id=first.service_id,
            contact_id=first.contact_id,
            state="active",
            agent_id=agent,
        )
        db.session.add(other)
        db.session.flush()
        return other.id


def test_an_answer_that_a_colleague_overtook_is_refused_until_it_is_meant(centre, case_id):
    anna, boris, _third = centre.agents
    seen = db.session.scalar(db.select(db.func.max(Message.id)))
    other = second_interaction(centre, case_id, boris)
    casework.reply(other, boris, "<p>Я уже</p>", command_key="b", seen_message_id=seen)
    assert (
        refused(casework.reply, centre.mine, anna, "<p>И я</p>", command_key="a", seen_message_id=seen)
        == "reply-overtaken"
    )
    assert casework.reply(centre.mine, anna, "<p>И я</p>", command_key="a")
    newest = db.session.scalar(db.select(db.func.max(Message.id)))
    casework.reply(other, boris, "<p>Ещё</p>", command_key="b2", seen_message_id=newest)


def test_an_answer_is_called_back_while_it_waits_and_becomes_the_draft_again(centre, case_id):
    anna, boris, _third = centre.agents
    files = [FileIn("a.txt", "text/plain", b"1")]
    message_id = casework.reply(centre.mine, anna, "<p>Рано</p>", command_key="a", files=files, undo_seconds=30)
    assert recall.may_recall(message_id)
    assert outbox.send_due() == 0
    assert refused(recall.recall, message_id, boris) == "too-late"
    recall.recall(message_id, anna)
    assert outbox.send_due() == 0 and centre.toy.sent == []
    draft = case_drafts.find(anna, case_id, "reply")
    assert "Рано" in draft.body_html and draft.data["files"][0]["name"] == "a.txt"
    assert refused(recall.recall, message_id, anna) == "too-late"
    sent = casework.reply(centre.mine, anna, "<p>Вовремя</p>", command_key="b")
    assert outbox.send_due() == 1
    assert refused(recall.recall, sent, anna) == "too-late"


def test_watchers_hear_of_answers_closing_and_assignment(centre, case_id):
    anna, boris, vera = centre.agents
    case_watchers.watch(case_id, boris)
    casework.reply(centre.mine, anna, "<p>Готово</p>", command_key="a")
    casework.change(case_id, anna, assignee_id=vera)
    assignment.complete(centre.mine, anna, centre.solved_id)
    assert told(boris) == ["case.reply", "case.watched", "case.closed"]
    assert told(vera) == ["case.assigned"]
    assert db.session.get(Case, case_id, populate_existing=True).status == "closed"
