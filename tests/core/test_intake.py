"""Taking in loses nothing and doubles nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import casework, clock, intake, storage
from core.contracts import Address, Inbound, Rejected
from core.db import db
from core.model import Case, Contact, Intake, Interaction, Message, TimelineEntry


def one(model: type) -> object:
    return db.session.scalars(db.select(model)).one()


def test_a_message_becomes_a_case_with_a_number_a_contact_and_its_attachment(centre):
    centre.mail("petr@example.org", "Не приходит код", "Здравствуйте")
    case = one(Case)
    assert case.number.isdigit()
    assert (case.subject, case.status, case.service_id) == ("Не приходит код", "open", centre.service_id)
    assert case.contact.name == "Petr"
    assert case.contact.addresses[0].value == "petr@example.org"
    message = one(Message)
    assert message.body_text == "Здравствуйте"
    assert storage.get(message.attachments[0].sha256) == b"attached"
    assert one(Interaction).state == "queued"


def test_the_same_source_message_twice_is_one_case_and_a_counted_repeat(centre):
    first = intake.accept("toy", "same", b"a@example.org|s|t")
    assert intake.accept("toy", "same", b"a@example.org|s|t") == first
    intake.process_due()
    intake.process(first)
    assert one(Intake).repeats == 1
    assert one(Case)
    assert one(Message)


def test_receiving_the_same_source_key_twice_reports_a_duplicate(centre):
    inbound = Inbound(
        "toy", "key-1", Address("email", "a@example.org"), "support@okno.example", subject="s", body_text="t"
    )
    first, second = intake.receive(inbound), intake.receive(inbound)
    assert (first.duplicate, second.duplicate) == (False, True)
    assert second.message_id == first.message_id


def test_a_second_message_of_an_open_case_joins_its_waiting_interaction(centre):
    centre.mail()
    case = one(Case)
    joined = intake.receive(
        Inbound("toy", "key-2", Address("email", "anna@example.org"), "x", body_text="ещё", case_id=case.id)
    )
    assert (joined.case_id, joined.new_case, joined.new_interaction) == (case.id, False, False)
    assert one(Interaction).unread == 2


def test_what_only_says_that_the_contact_has_come_is_not_unread(centre):
    centre.mail()
    case = one(Case)
    come = Inbound("toy", "key-3", Address("email", "anna@example.org"), "x", case_id=case.id, unread=False)
    assert intake.receive(come).new_interaction is False
    assert one(Interaction).unread == 1


def test_a_reply_to_a_closed_case_opens_a_follow_up_linked_to_it(centre):
    centre.mail()
    case = one(Case)
    with intake.transaction():
        casework.close(case, cause="test")
    answer = intake.receive(
        Inbound("toy", "k", Address("email", "anna@example.org"), "x", body_text="снова", case_id=case.id)
    )
    follow_up = db.session.get(Case, answer.case_id)
    assert answer.follow_up
    assert (follow_up.follow_up_of_id, follow_up.status) == (case.id, "open")
    assert follow_up.number != case.number
    assert case.status == "closed"


def test_one_contact_however_often_it_writes(centre):
    for _ in range(3):
        centre.mail("same@example.org")
    assert one(Contact)
    assert len(db.session.scalars(db.select(Case)).all()) == 3


def test_what_cannot_be_understood_is_kept_tried_again_and_then_shown_as_failed(centre):
    item = centre.mail(text="explode")
    row = db.session.get(Intake, item)
    assert (row.state, row.attempts) == ("new", 1)
    assert "cannot be understood" in row.error
    for _ in range(4):
        with clock.at(clock.now() + timedelta(hours=1)):
            intake.process(item)
    row = db.session.get(Intake, item, populate_existing=True)
    assert (row.state, row.attempts) == ("failed", 5)
    assert storage.get(row.sha256).endswith(b"explode")
    intake.retry(item)
    assert db.session.get(Intake, item, populate_existing=True).state == "new"


def test_a_message_of_a_switched_off_channel_waits(centre):
    item = intake.accept("fax", "f1", b"...")
    intake.process(item)
    row = db.session.get(Intake, item)
    assert row.state == "new"
    assert "not enabled" in row.error


def test_without_any_service_the_message_is_kept_with_what_to_do(centre):
    with intake.transaction():
        for service in db.session.scalars(db.select(intake.Service)):
            service.active = False
    item = centre.mail()
    row = db.session.get(Intake, item)
    assert row.state == "failed"
    assert "okno services add" in row.error


def test_a_plugin_may_refuse_a_message_and_nothing_of_it_is_written(centre):
    from core import hookimpl

    class Blocker:
        @hookimpl
        def before_interaction_open(self, inbound):
            raise Rejected("blocked", "blocked")

    centre.register(Blocker(), "blocker")
    with pytest.raises(Rejected):
        intake.receive(Inbound("toy", "k", Address("email", "a@example.org"), "x"))
    assert db.session.scalars(db.select(Message)).all() == []
    assert db.session.scalars(db.select(Contact)).all() == []


def test_the_history_tells_how_the_case_began(centre):
    centre.mail()
    kinds = [entry.kind for entry in db.session.scalars(db.select(TimelineEntry).order_by(TimelineEntry.id))]
    assert kinds == ["case.opened", "interaction.opened", "message"]
