"""Which case a letter joins, who is told, and how loops between machines end; on both data bases."""

from __future__ import annotations

import pytest

from core import casework
from core.db import db, transaction
from core.model import Case, Interaction, Message, OutboxRow, TimelineEntry
from plugins.email.channel import take_in
from plugins.email.threads import message_id
from tests.support.letters import ANNA, answer_to, letter

pytestmark = pytest.mark.feature("E-03")
BORIS = "Борис <boris@example.org>"


@pytest.fixture
def settings() -> dict[str, object]:
    return {"core.plugins": ["email"]}


def rows(model: type) -> list:
    return list(db.session.scalars(db.select(model).order_by(model.id).execution_options(populate_existing=True)))


def close(case: Case) -> None:
    """Close the case and finish what was open in it, as a disposition does."""
    with transaction():
        casework.close(case, cause="test")
        for interaction in rows(Interaction):
            interaction.state = "closed"


def bounce_of(mail, action: str = "failed", status: str = "5.1.1") -> bytes:
    """The delivery report that a mail server sends for a letter of ours."""
    return (
        "From: MAILER-DAEMON@mx.example.org\r\nTo: support@okno.example\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        "Message-ID: <report@mx.example.org>\r\nAuto-Submitted: auto-replied\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nI could not deliver your message.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\n"
        f"Final-Recipient: rfc822; anna@example.org\r\nAction: {action}\r\nStatus: {status}\r\n"
        "Diagnostic-Code: smtp; 550 no such user\r\n\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: {mail['Message-ID']}\r\nSubject: x\r\n\r\ny\r\n--b--\r\n"
    ).encode()


def test_a_reply_with_the_token_joins_its_case_even_without_references(mail_centre):
    mail_centre.take(letter())
    [ack] = mail_centre.send()
    mail_centre.take(letter("Ещё вопрос", subject=f"Отв: {ack['Subject']}", sender=BORIS))
    assert len(rows(Case)) == len(rows(Interaction)) == 1
    assert [message.body_text for message in rows(Message) if message.direction == "in"][-1] == "Ещё вопрос"


def test_a_reply_to_our_letter_joins_although_its_subject_was_rewritten(mail_centre):
    mail_centre.take(letter())
    mail_centre.answer()
    answer = mail_centre.send()[-1]
    mail_centre.take(answer_to(answer, subject="Совсем другая тема", sender=BORIS))
    assert len(rows(Case)) == 1


def test_a_stranger_who_quotes_somebody_elses_letter_stays_apart(mail_centre):
    mail_centre.take(letter(message_id="<newsletter@lists.example>"))
    mail_centre.take(letter(sender=BORIS, headers={"In-Reply-To": "<newsletter@lists.example>"}))
    assert len(rows(Case)) == 2
    mail_centre.take(letter("Дополняю", headers={"In-Reply-To": "<newsletter@lists.example>"}))
    assert len(rows(Case)) == 2


def test_nobody_can_guess_the_message_id_of_a_letter_he_never_got(mail_centre):
    mail_centre.take(letter())
    [ack] = rows(OutboxRow)
    guesses = [message_id(f"email:{number}", "okno.example") for number in range(20)]
    mail_centre.take(letter(sender=BORIS, headers={"References": " ".join(guesses)}))
    assert len(rows(Case)) == 2
    assert rows(Case)[0].thread_token in ack.key


def test_a_wrong_token_and_a_quoted_case_number_open_no_door(mail_centre):
    mail_centre.take(letter())
    number = rows(Case)[0].number
    mail_centre.take(letter(subject=f"Re: запрос {number} [Okno #23456789AB]", sender=BORIS))
    assert len(rows(Case)) == 2


def test_an_answer_to_a_closed_case_opens_one_follow_up_however_many_come(mail_centre):
    mail_centre.take(letter())
    mail_centre.answer()
    answer = mail_centre.send()[-1]
    first = rows(Case)[0]
    close(first)
    mail_centre.take(answer_to(answer, "Опять не работает"))
    mail_centre.take(answer_to(answer, "И ещё вот что"))
    closed, follow_up = rows(Case)
    assert (closed.status, follow_up.status, follow_up.follow_up_of_id) == ("closed", "open", first.id)
    assert follow_up.thread_token != closed.thread_token
    assert (
        len([message for message in rows(Message) if message.case_id == follow_up.id and message.direction == "in"])
        == 2
    )


def test_an_out_of_office_reply_joins_the_history_and_wakes_nobody(mail_centre):
    mail_centre.take(letter())
    mail_centre.answer()
    answer = mail_centre.send()[-1]
    sent = len(mail_centre.letters())
    close(rows(Case)[0])
    headers = {"In-Reply-To": str(answer["Message-ID"]), "Auto-Submitted": "auto-replied"}
    mail_centre.take(
        letter("Я в отпуске до понедельника", subject="Автоответ: Не открывается", headers=headers), sender=""
    )
    [case], [interaction] = rows(Case), rows(Interaction)
    assert (case.status, interaction.state) == ("closed", "closed")
    assert [message.automatic for message in rows(Message) if message.direction == "in"] == [False, True]
    assert len(mail_centre.send()) == sent


@pytest.mark.feature("E-01")
def test_a_bounce_marks_the_letter_as_failed_and_is_told_in_the_history(mail_centre):
    mail_centre.take(letter())
    message = mail_centre.answer()
    answer = mail_centre.send()[-1]
    mail_centre.take(bounce_of(answer), sender="")
    assert db.session.get(Message, message, populate_existing=True).delivery == "failed"
    [told] = [entry for entry in rows(TimelineEntry) if entry.kind == "email.bounced"]
    assert "no such user" in told.data["title_ru"]
    assert told.data["title_ru"].startswith("Письмо не дошло")
    assert len(rows(Case)) == len([message for message in rows(Message) if message.direction == "in"]) == 1


def test_a_report_of_delay_is_told_but_fails_nothing(mail_centre):
    mail_centre.take(letter())
    message = mail_centre.answer()
    mail_centre.take(bounce_of(mail_centre.send()[-1], action="delayed", status="4.4.1"), sender="")
    assert db.session.get(Message, message, populate_existing=True).delivery == "sent"
    [told] = [entry for entry in rows(TimelineEntry) if entry.kind == "email.bounced"]
    assert told.data["title_en"].startswith("The letter is delayed")


def test_a_report_about_a_letter_that_is_not_ours_is_kept_as_a_case(mail_centre):
    mail_centre.take(bounce_of({"Message-ID": "<foreign@elsewhere.example>"}), sender="")
    assert len(rows(Case)) == 1
    assert mail_centre.send() == []


def test_our_own_letter_that_comes_back_is_put_aside(mail_centre):
    mail_centre.take(letter())
    mail_centre.send()
    before = len(rows(Message))
    mail_centre.take(mail_centre.sink.received[0][2], "sales@okno.example")
    assert (len(rows(Case)), len(rows(Message))) == (1, before)


@pytest.mark.parametrize("keeps_the_thread", [True, False])
@pytest.mark.parametrize("marks_itself", [True, False])
def test_two_machines_that_answer_each_other_stop(mail_centre, keeps_the_thread, marks_itself):
    """The other one answers every letter it gets from us, twenty rounds long, in the ways that real ones do."""
    auto = {"Auto-Submitted": "auto-replied"} if marks_itself else {}
    mail_centre.take(
        letter("Ваше письмо получено", sender="robot@example.net", headers=auto), sender="robot@example.net"
    )
    answered = 0
    for round_ in range(20):
        ours = mail_centre.send()[answered:]
        answered += len(ours)
        for mail in ours:
            options = {"sender": "robot@example.net", "headers": {**auto, "In-Reply-To": str(mail["Message-ID"])}}
            if not keeps_the_thread:
                options = {"sender": "robot@example.net", "subject": f"Ticket {round_} received", "headers": auto}
            mail_centre.take(letter("Ваше письмо получено", **options), sender="robot@example.net")
    assert ours == []
    assert answered <= (0 if marks_itself else 1 if keeps_the_thread else 5)
    assert len(rows(Case)) <= 6


def test_two_centres_of_ours_never_talk_to_each_other_for_long(mail_centre):
    """A letter whose sender is another of our own addresses: its acknowledgement comes back to us."""
    mail_centre.take(letter(sender="sales@okno.example"), sender="sales@okno.example")
    for _ in range(5):
        for sender, recipients, raw in list(mail_centre.sink.received):
            take_in(raw, envelope_from=sender, recipients=list(recipients))
            mail_centre.take(raw, *recipients, sender=sender)
        mail_centre.send()
    assert len(rows(Case)) == 1
    assert len(mail_centre.sink.received) == 1


def test_anna_and_boris_with_equal_subjects_have_cases_of_their_own(mail_centre):
    mail_centre.take(letter(sender=ANNA))
    mail_centre.take(letter(sender=BORIS))
    assert len(rows(Case)) == 2
