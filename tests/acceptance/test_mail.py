"""Mail through a running centre: in by SMTP and IMAP, out to a real server."""

from __future__ import annotations

import imaplib
import smtplib
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.support.dovecot_server import Dovecot
from tests.support.letters import answer_to, letter
from tests.support.mail_house import MailHouse, deliver, listens
from tests.support.mail_sink import MailSink
from tests.support.okno_process import Served
from tests.support.waiting import wait_until

CASES = 'SELECT count(*) FROM "case"'


@pytest.fixture
def house(home: Path) -> MailHouse:
    furnished = MailHouse(home)
    furnished.furnish()
    return furnished


@pytest.fixture
def sending(mail_sink: MailSink) -> dict[str, str]:
    """Variables that make the centre send through the sink."""
    return {
        "OKNO_EMAIL_SMTP_SERVER": mail_sink.host,
        "OKNO_EMAIL_SMTP_SERVER_PORT": str(mail_sink.port),
        "OKNO_EMAIL_SMTP_SECURITY": "none",
    }


@pytest.fixture
def centre(house: MailHouse, serve: Callable[..., Served], sending: dict[str, str]) -> Served:
    """A running centre whose listener answers."""
    served = serve(env=sending)
    wait_until(lambda: listens(served.smtp_port), 30, "the SMTP listener")
    return served


@pytest.mark.feature("E-01", "E-05")
def test_a_letter_is_a_case_within_a_second_and_its_sender_is_told(centre, house, mail_sink):
    raw = letter(message_id="<first@example.org>", files=[("снимок.png", b"\x89PNG")])
    deliver(centre.smtp_port, raw)
    ack = mail_sink.wait_for(lambda mail: "anna@example.org" in mail.recipients)
    [(number, subject, created, received)] = house.rows(
        'SELECT c.number, c.subject, c.created_at, i.received_at FROM "case" c, intake i'
    )
    assert subject == "Не открывается отчёт"
    assert datetime.fromisoformat(created) - datetime.fromisoformat(received) < timedelta(seconds=1)
    assert ack.sender in ("", "<>")
    assert (ack.message["In-Reply-To"], ack.message["References"]) == ("<first@example.org>", "<first@example.org>")
    assert number in ack.text
    assert house.rows("SELECT name FROM attachment") == [("снимок.png",)]


@pytest.mark.feature("E-03")
def test_the_answer_to_the_acknowledgement_joins_the_case(centre, house, mail_sink):
    deliver(centre.smtp_port, letter())
    ack = mail_sink.wait_for_count(1)[0]
    deliver(centre.smtp_port, answer_to(ack.message))
    wait_until(
        lambda: house.count("SELECT count(*) FROM message WHERE direction = 'in'") == 2, what="the second message"
    )
    assert house.count(CASES) == 1
    assert house.count("SELECT count(*) FROM outbox") == 1


@pytest.mark.feature("E-01")
def test_the_command_line_that_newcomers_are_given_works(centre, house):
    server = ["--server", f"127.0.0.1:{centre.smtp_port}"]
    people = ["--from", "anna@example.org", "--to", "support@okno.example"]
    words = ["--header", "Subject: Help", "--body", "My signature does not work"]
    subprocess.run(["swaks", *server, *people, *words], check=True, capture_output=True, timeout=30)
    wait_until(lambda: house.count(CASES) == 1, what="the case")
    assert house.rows('SELECT subject FROM "case"') == [("Help",)]


@pytest.mark.feature("E-01")
def test_what_is_too_large_or_for_nobody_is_refused_at_the_door_and_30_megabytes_are_not(centre, house):
    body = b"x" * 76 + b"\r\n"
    head = letter("", files=[]).split(b"\r\n\r\n")[0] + b"\r\n\r\n"
    with pytest.raises(smtplib.SMTPRecipientsRefused) as stranger:
        deliver(centre.smtp_port, letter(), to=["nobody@okno.example"])
    assert stranger.value.recipients["nobody@okno.example"][0] == 550
    with pytest.raises((smtplib.SMTPSenderRefused, smtplib.SMTPDataError)) as large:
        deliver(centre.smtp_port, head + body * ((36 << 20) // len(body)))
    assert large.value.smtp_code == 552
    assert house.count("SELECT count(*) FROM intake") == 0
    content = bytes(range(256)) * (22 << 12)
    deliver(centre.smtp_port, letter("Смотрите вложение", files=[("журнал.bin", content)]))
    wait_until(lambda: house.count(CASES) == 1, 30, "the case of 30 MB")
    assert house.rows("SELECT a.name, f.size FROM attachment a JOIN stored_file f USING (sha256)") == [
        ("журнал.bin", len(content))
    ]


@pytest.mark.feature("E-01")
def test_letters_of_an_imap_mailbox_become_cases_once_also_over_a_restart(
    house: MailHouse, serve: Callable[..., Served], sending: dict[str, str], dovecot: Dovecot, mail_sink: MailSink
):
    account = {
        "OKNO_EMAIL_IMAP_SERVER": "127.0.0.1",
        "OKNO_EMAIL_IMAP_PORT": str(dovecot.port),
        "OKNO_EMAIL_IMAP_SECURITY": "none",
        "OKNO_EMAIL_IMAP_USER": "centre",
        "OKNO_EMAIL_IMAP_PASSWORD": "secret",
        "OKNO_EMAIL_IMAP_SECONDS": "1",
    }

    def put(flags: str, *letters: bytes) -> None:
        with imaplib.IMAP4("127.0.0.1", dovecot.port) as box:
            box.login("centre", "secret")
            for raw in letters:
                box.append("INBOX", flags, None, raw)

    # One that somebody has read already counts as well.
    put("(\\Seen)", *(letter(subject=f"Письмо {number}") for number in range(3)))
    first = serve(env={**sending, **account})
    wait_until(lambda: house.count(CASES) == 3, 30, "three cases")
    assert first.stop() == 0
    put("", letter(subject="Письмо 3"))
    serve(env={**sending, **account})
    wait_until(lambda: house.count(CASES) == 4, 30, "the fourth case")
    assert len({mail.message["In-Reply-To"] for mail in mail_sink.wait_for_count(4)}) == 4
    assert house.count("SELECT count(*) FROM intake WHERE repeats > 0") == 0
