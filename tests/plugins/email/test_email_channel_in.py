"""A letter becomes a case, on both data bases: whole, once, in the right service, whatever its sender got wrong."""

from __future__ import annotations

import pytest

from core import intake, storage
from core.db import db
from core.model import Case, ContactAddress, Intake, Interaction, Message
from tests.support.letters import letter

pytestmark = pytest.mark.feature("E-01")


@pytest.fixture
def settings() -> dict[str, object]:
    return {"core.plugins": ["email"]}


def rows(model: type) -> list:
    return list(db.session.scalars(db.select(model).order_by(model.id).execution_options(populate_existing=True)))


def said() -> list[Message]:
    """What contacts wrote."""
    return [message for message in rows(Message) if message.direction == "in"]


def test_a_russian_letter_becomes_a_case_with_its_sender_text_and_file(mail_centre):
    html = (
        '<p>Не <b>открывается</b></p><script>alert(1)</script><img src="https://evil.example/pixel.gif" onerror="x()">'
    )
    mail_centre.take(letter("Не открывается", html=html, files=[("Отчёт за март.xlsx", b"PK\x03\x04")]))
    [case], [message] = rows(Case), said()
    assert (case.subject, case.status, case.language, case.service_id) == (
        "Не открывается отчёт",
        "open",
        "ru",
        mail_centre.support_id,
    )
    assert case.contact.name == "Анна Петрова"
    assert [address.value for address in case.contact.addresses] == ["anna@example.org"]
    assert message.body_text == "Не открывается"
    assert "<b>открывается</b>" in message.body_html
    assert not any(word in message.body_html for word in ("script", "onerror", "alert"))
    [file] = message.attachments
    assert (file.name, storage.get(file.sha256)) == ("Отчёт за март.xlsx", b"PK\x03\x04")
    assert rows(Interaction)[0].state == "queued"


@pytest.mark.parametrize(
    ("recipients", "to"),
    [
        (["sales@okno.example"], "support@okno.example"),
        (["Sales@OKNO.example"], "support@okno.example"),
        ([], "Отдел <sales@okno.example>"),
    ],
)
def test_the_envelope_chooses_the_service_and_the_header_does_where_there_is_none(mail_centre, recipients, to):
    mail_centre.take(letter(to=to), *recipients, sender="anna@example.org" if recipients else None)
    assert rows(Case)[0].service_id == mail_centre.sales_id


def test_a_copy_to_a_service_that_was_not_the_first_named_still_reaches_it(mail_centre):
    mail_centre.take(letter(to="boss@customer.example", headers={"Cc": "sales@okno.example"}), sender=None)
    assert rows(Case)[0].service_id == mail_centre.sales_id


def test_the_same_letter_twice_by_two_doors_is_one_case(mail_centre):
    raw = letter()
    first = mail_centre.take(raw)
    again = mail_centre.take(b"Received: from relay.example\r\n" + raw.replace(b"\r\n", b"\n"), sender=None)
    assert first == again
    assert len(rows(Case)) == len(said()) == 1
    assert rows(Intake)[0].repeats == 1


def test_one_letter_to_two_addresses_of_ours_is_one_case(mail_centre):
    raw = letter(to="support@okno.example, sales@okno.example")
    mail_centre.take(raw, "support@okno.example")
    mail_centre.take(raw, "sales@okno.example")
    mail_centre.take(raw, "support@okno.example", "sales@okno.example")
    assert len(rows(Case)) == 1


def test_another_text_under_the_same_message_id_is_another_letter(mail_centre):
    mail_centre.take(letter("Первое", message_id="<same@broken.example>"))
    mail_centre.take(letter("Второе", message_id="<same@broken.example>"))
    assert [message.body_text for message in said()] == ["Первое", "Второе"]


def test_a_letter_without_from_is_kept_under_its_envelope_sender(mail_centre):
    mail_centre.take(letter(sender=""), sender="printer@customer.example")
    assert rows(ContactAddress)[0].value == "printer@customer.example"


def test_a_letter_from_nobody_at_all_is_a_case_that_nobody_is_told_of(mail_centre):
    mail_centre.take(letter(sender=""), sender=None)
    assert len(rows(Case)) == 1
    assert mail_centre.send() == []


MALFORMED = {
    "empty": b"",
    "only a line": b"hello",
    "NUL and half a surrogate": b"From: \x00a\xed\xa0\x80@b.example\r\nSubject: \x00\xed\xa0\x80\r\nMessage-ID: <\x00\xed\xa0\x80@x>\r\n\r\n\x00\xed\xa0\x80",
    "NUL in encoded words": b"From: =?utf-8?b?AAA=?= <a@b.example>\r\nSubject: =?utf-8?q?a=00b?=\r\nReferences: <=?utf-8?q?=00?=@x>\r\n\r\n",
    "NUL in base64": b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nAABBAA==\r\n",
    "an unclosed multipart": b"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nhi",
    "no boundary": b"From: a@b.example\r\nContent-Type: multipart/mixed\r\n\r\n--x\r\n\r\nhi",
    "an unknown charset": b"From: a@b.example\r\nContent-Type: text/plain; charset=klingon\r\n\r\n\xff\xfe\xfd",
    "a sender of 1,000 letters": b"From: " + b"a" * 990 + b"@b.example\r\n\r\nhi",
    "a Message-ID of 800 letters": b"From: a@b.example\r\nMessage-ID: <" + b"m" * 800 + b"@b>\r\n\r\nhi",
    "a subject of 60,000 letters": b"From: a@b.example\r\nSubject: " + b"word " * 12000 + b"\r\n\r\nhi",
    "a file name of 5,000 letters": b'From: a@b.example\r\nContent-Disposition: attachment; filename="'
    + b"n" * 5000
    + b'"\r\n\r\nhi',
    "a type of 500 letters": b"From: a@b.example\r\nContent-Type: application/" + b"t" * 500 + b"\r\n\r\nhi",
    "10,000 recipients": b"From: a@b.example\r\nTo: "
    + b", ".join(b"r%d@x.example" % n for n in range(10000))
    + b"\r\n\r\nhi",
    "bytes that are no letter": bytes(range(256)) * 64,
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_letter_is_a_case_all_the_same_and_can_be_answered(mail_centre, raw):
    mail_centre.take(raw, sender="someone@customer.example")
    [item], cases = rows(Intake), rows(Case)
    assert (item.state, item.error) == ("done", "")
    assert len(cases) == 1
    assert storage.get(item.sha256) == raw
    mail_centre.answer()
    mail_centre.send()
    assert {message.delivery for message in rows(Message) if message.direction == "out"} == {"sent"}


def test_a_letter_that_cannot_become_a_case_now_stays_and_is_shown(mail_centre, monkeypatch):
    from plugins.email import channel

    monkeypatch.setattr(channel, "sanitise", lambda *_arguments, **_options: 1 / 0)
    item = mail_centre.take(letter(html="<p>x</p>"))
    row = db.session.get_one(Intake, item, populate_existing=True)
    assert (row.state, row.attempts, rows(Case)) == ("new", 1, [])
    assert "ZeroDivisionError" in row.error
    monkeypatch.undo()
    intake.process(item)
    assert len(rows(Case)) == 1
