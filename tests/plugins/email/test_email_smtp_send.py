"""Sending: each recipient's fate is told apart, and nothing of the network raises."""

from __future__ import annotations

import socket
import threading

from plugins.email.smtp_send import Outcome, SmtpSettings, check, send

RAW = b"Subject: x\r\n\r\nhello\r\n"


def settings(port: int, **changes: object) -> SmtpSettings:
    return SmtpSettings("127.0.0.1", port, local_hostname="okno.test", timeout=5, **changes)  # type: ignore[arg-type]


def test_everyone_gets_the_mail(smtp_sink) -> None:
    result = send(RAW, "us@okno.test", ["a@x.ru", "b@x.ru"], settings(smtp_sink.port))
    assert result.of(Outcome.DELIVERED) == ("a@x.ru", "b@x.ru") and result.done
    assert smtp_sink.received == [("us@okno.test", ("a@x.ru", "b@x.ru"), RAW)]


def test_one_failing_recipient_never_drops_the_others(smtp_sink) -> None:
    smtp_sink.answers = {
        "gone@x.ru": "550 5.1.1 No such user",
        "full@x.ru": "450 4.2.2 Mailbox busy",
        "many@x.ru": "552 Too many",
    }
    result = send(RAW, "us@okno.test", ["gone@x.ru", "ok@x.ru", "full@x.ru", "many@x.ru"], settings(smtp_sink.port))
    assert [(one.address, one.outcome, one.code) for one in result.recipients] == [
        ("gone@x.ru", Outcome.PERMANENT, 550),
        ("ok@x.ru", Outcome.DELIVERED, 250),
        ("full@x.ru", Outcome.TEMPORARY, 450),
        ("many@x.ru", Outcome.TEMPORARY, 552),
    ]
    assert smtp_sink.received[0][1] == ("ok@x.ru",)
    assert not result.done


def test_a_recipient_whose_address_no_server_can_take_leaves_the_others_alone(smtp_sink) -> None:
    result = send(RAW, "us@okno.test", ["a@" + "ж" * 80 + ".ru", "ok@x.ru"], settings(smtp_sink.port))
    assert [one.outcome for one in result.recipients] == [Outcome.PERMANENT, Outcome.DELIVERED]


def test_refusals_of_the_sender_and_of_the_content(smtp_sink) -> None:
    smtp_sink.data_answer = "554 5.7.1 Spam"
    assert send(RAW, "u@okno.test", ["a@x.ru"], settings(smtp_sink.port)).of(Outcome.PERMANENT) == ("a@x.ru",)
    smtp_sink.data_answer = "451 4.7.1 Greylisted"
    assert send(RAW, "u@okno.test", ["a@x.ru"], settings(smtp_sink.port)).of(Outcome.TEMPORARY) == ("a@x.ru",)
    smtp_sink.mail_answer = "530 5.7.0 Authentication required"
    assert send(RAW, "u@okno.test", ["a@x.ru"], settings(smtp_sink.port)).of(Outcome.TEMPORARY) == ("a@x.ru",)
    smtp_sink.mail_answer = "550 5.7.1 Sender refused"
    assert send(RAW, "u@okno.test", ["a@x.ru"], settings(smtp_sink.port)).of(Outcome.PERMANENT) == ("a@x.ru",)
    assert smtp_sink.received == []


def test_the_null_sender_and_cyrillic_domains(smtp_sink) -> None:
    result = send(RAW, "", ["ivan@почта.рф"], settings(smtp_sink.port))
    assert result.of(Outcome.DELIVERED) == ("ivan@почта.рф",)
    assert smtp_sink.received[0][1] == ("ivan@xn--80a1acny.xn--p1ai",)


def test_a_lost_server_is_temporary_for_all() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    result = send(RAW, "u@okno.test", ["a@x.ru", "b@x.ru"], settings(port))
    assert result.of(Outcome.TEMPORARY) == ("a@x.ru", "b@x.ru")
    assert "refused" in result.recipients[0].text.lower()
    assert "refused" in check(settings(port)).lower()
    unknown = SmtpSettings("no-such-host.invalid", 25, timeout=2)
    assert send(RAW, "u@okno.test", ["a@x.ru"], unknown).of(Outcome.TEMPORARY) == ("a@x.ru",)


def talk(lines: list[bytes]) -> int:
    """A server that says these lines, one per command, and then hangs up."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = server.accept()
        with connection, server:
            stream = connection.makefile("rwb")
            for line in lines:
                stream.write(line + b"\r\n")
                stream.flush()
                if not stream.readline():
                    return

    threading.Thread(target=serve, daemon=True).start()
    return int(server.getsockname()[1])


def test_a_server_that_hangs_up_in_the_middle_is_temporary_for_those_still_open() -> None:
    port = talk([b"220 hi", b"250 hello", b"250 ok", b"550 no", b"250 ok"])
    result = send(RAW, "u@okno.test", ["gone@x.ru", "b@x.ru"], settings(port))
    assert [one.outcome for one in result.recipients] == [Outcome.PERMANENT, Outcome.TEMPORARY]


def test_a_server_that_closes_during_recipients_is_temporary() -> None:
    port = talk([b"220 hi", b"250 hello", b"250 ok", b"421 4.3.2 going down"])
    result = send(RAW, "u@okno.test", ["a@x.ru", "b@x.ru"], settings(port))
    assert result.of(Outcome.TEMPORARY) == ("a@x.ru", "b@x.ru")


def test_a_refused_greeting_and_nonsense_are_temporary() -> None:
    for greeting in (b"554 no service", b"421 busy", b"HTTP/1.1 400 Bad Request"):
        result = send(RAW, "u@okno.test", ["a@x.ru"], settings(talk([greeting])))
        assert result.of(Outcome.TEMPORARY) == ("a@x.ru",), greeting


def test_a_wrong_password_delays_mail_instead_of_dropping_it() -> None:
    port = talk([b"220 hi", b"250-hello\r\n250 AUTH PLAIN", b"535 5.7.8 wrong password", b"221 bye"])
    result = send(RAW, "u@okno.test", ["a@x.ru"], settings(port, username="u", password="wrong"))
    assert result.of(Outcome.TEMPORARY) == ("a@x.ru",)
    assert "sign-in refused" in result.recipients[0].text


def test_an_oauth2_token_signs_in_and_a_missing_one_is_temporary() -> None:
    port = talk([b"220 hi", b"250-hello\r\n250 AUTH XOAUTH2", b"235 ok", b"250 ok", b"250 ok", b"354 go", b"250 taken"])
    result = send(RAW, "u@okno.test", ["a@x.ru"], settings(port, username="u", access_token=lambda: "t"))
    assert result.recipients[0].code in (250, 0)

    def refused() -> str:
        raise ConnectionError("no identity provider")

    port = talk([b"220 hi", b"250-hello\r\n250 AUTH XOAUTH2", b"221 bye"])
    result = send(RAW, "u@okno.test", ["a@x.ru"], settings(port, username="u", access_token=refused))
    assert result.of(Outcome.TEMPORARY) == ("a@x.ru",) and "identity provider" in result.recipients[0].text
