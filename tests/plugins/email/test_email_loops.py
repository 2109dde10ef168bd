"""No machine gets an automatic answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from plugins.email.loops import RateGuard, automatic_reason, is_automatic, is_own_mail, too_many
from plugins.email.mime import parse
from plugins.email.threads import message_id

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)


def mail(header: str = "", sender: str = "ivan@example.ru", subject: str = "Вопрос") -> bytes:
    return f"From: {sender}\r\nSubject: {subject}\r\n{header}\r\n\r\nbody".encode()


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("Auto-Submitted: auto-replied", "auto-submitted"),
        ("Auto-Submitted: auto-generated; owner=x", "auto-submitted"),
        ("Auto-Submitted: AUTO-NOTIFIED", "auto-submitted"),
        ("Precedence: bulk", "precedence"),
        ("Precedence: auto_reply", "precedence"),
        ("Precedence: List", "precedence"),
        ("List-Id: <news.example.ru>", "list"),
        ("List-Unsubscribe: <mailto:x@y.ru>", "list"),
        ("X-Autoreply: yes", "x-autoreply"),
        ("X-Autorespond: out", "x-autorespond"),
        ("X-Loop: x@y.ru", "x-loop"),
        ("Return-Path: <>", "null-sender"),
        ("X-Auto-Response-Suppress: DR, OOF, AutoReply", "x-auto-response-suppress"),
        ("X-Auto-Response-Suppress: All", "x-auto-response-suppress"),
        ("X-Failed-Recipients: a@x.ru", "bounce"),
    ],
)
def test_headers_of_machines(header: str, reason: str) -> None:
    assert automatic_reason(parse(mail(header))) == reason


@pytest.mark.parametrize(
    "sender",
    [
        "MAILER-DAEMON@x.ru",
        "postmaster@x.ru",
        "no-reply@x.ru",
        "noreply@x.ru",
        "do_not_reply@x.ru",
        "bounces+12@x.ru",
        "list-owner@x.ru",
        "noreply-billing@x.ru",
    ],
)
def test_senders_that_are_machines(sender: str) -> None:
    assert is_automatic(parse(mail(sender=sender)))


@pytest.mark.parametrize(
    "subject",
    ["Automatic reply: Вопрос", "Автоответ: Вопрос", "Out of Office: back on Monday", "Automatische Antwort: Re"],
)
def test_subjects_that_machines_write(subject: str) -> None:
    assert automatic_reason(parse(mail(subject=subject))) == "subject"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Auto-Submitted: no",
        "Precedence: normal",
        "X-Autoreply: no",
        "X-Auto-Response-Suppress: DR, RN, NRN",
        "Return-Path: <ivan@example.ru>",
    ],
)
def test_people_are_not_machines(header: str) -> None:
    assert not is_automatic(parse(mail(header, sender="daemon.postmasterov@x.ru")), "ivan@example.ru")


def test_the_null_sender_of_the_envelope_counts() -> None:
    assert automatic_reason(parse(mail()), "") == automatic_reason(parse(mail()), "<>") == "null-sender"


def test_our_own_mail_is_recognised_by_header_and_by_message_id() -> None:
    assert is_own_mail(parse(mail("X-Okno-Loop: centre-1")), "centre-1", "okno.test")
    assert not is_own_mail(parse(mail("X-Okno-Loop: another-okno")), "centre-1", "okno.test")
    assert is_own_mail(parse(mail(f"Message-ID: {message_id('k', 'okno.test')}")), "centre-1", "okno.test")
    assert not is_own_mail(parse(mail("Message-ID: <agent@okno.test>")), "centre-1", "okno.test")


def test_two_machines_talking_to_each_other_are_stopped() -> None:
    guard = RateGuard(limit=3, window=timedelta(minutes=10))
    answered = [guard.allow("bot@x.ru", NOW + timedelta(seconds=second)) for second in range(6)]
    assert answered == [True, True, True, False, False, False]
    assert guard.allow("ivan@x.ru", NOW)
    assert guard.allow("BOT@x.ru", NOW + timedelta(minutes=11))


def test_a_steady_trickle_is_let_through_and_memory_is_bounded() -> None:
    guard = RateGuard(limit=3, window=timedelta(minutes=10), remember=5)
    assert all(guard.allow("ivan@x.ru", NOW + timedelta(minutes=4 * step)) for step in range(50))
    for number in range(100):
        guard.allow(f"{number}@x.ru", NOW)
    assert len(guard._seen) == 5


def test_counting_times_from_the_data_base() -> None:
    times = [NOW - timedelta(minutes=minute) for minute in (1, 2, 30)]
    assert too_many(times, NOW, 2, timedelta(minutes=10))
    assert not too_many(times, NOW, 3, timedelta(minutes=10))
