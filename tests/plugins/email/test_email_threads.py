"""Replies find their case, strangers don't, and a mail delivered twice is one mail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.casework import TOKEN_ALPHABET, new_token
from plugins.email.mime import parse
from plugins.email.threads import (
    find_tokens,
    is_our_message_id,
    message_id,
    normalise_subject,
    reference_ids,
    source_key,
    tag_subject,
)

TOKEN = "K7Q2M9XW4D"
PREFIXES = [
    "Re: ",
    "RE: ",
    "Отв: ",
    "Ответ: ",
    "WG: ",
    "AW: ",
    "Fwd: ",
    "FW: ",
    "Fw:",
    "Пересл: ",
    "Пересл.: ",
    "HA: ",
    "Re[2]: ",
    "RE(3): ",
    "Re^2: ",
    "SV: ",
    "VS: ",
    "TR: ",
    "Antw: ",
    "回复：",
    "Odp: ",
    "ΑΠ: ",
    "YNT: ",
    "[EXTERNAL] ",
    "***SPAM*** ",
]


def test_tokens_are_unambiguous_and_differ() -> None:
    tokens = {new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert not set("".join(tokens)) & set("01IOоО")
    assert all(len(token) == 10 for token in tokens)


@pytest.mark.parametrize(
    "subject",
    [
        "[Okno #K7Q2M9XW4D] Счёт",
        "Отв: Счёт [Okno #K7Q2M9XW4D]",
        "Счёт [okno #k7q2m9xw4d]",
        "[Okno#K7Q2M9XW4D]",
        "[Okno  #  K7Q2M9XW4D ]",
        "[Okno\u00a0#K7Q2M9XW4D]",
        "Okno #K7Q2M9XW4D",
        "[Okno K7Q2M9XW4D]",
        "(Okno #K7Q2M9XW4D)",
        "[Okno #K7Q2M9\r\n XW4D]",
        "[Okno #K7Q2M\u200b9XW4D]",
        "=5BOkno_=23K7Q2M9XW4D=5D",
        "%5BOkno%20%23K7Q2M9XW4D%5D",
        "&#91;Okno &#35;K7Q2M9XW4D&#93;",
        "=?utf-8?Q?=5BOkno_=23K7Q2M9XW4D=5D?=",
        "【Okno ＃K7Q2M9XW4D】",
        "[Okno №K7Q2M9XW4D]",
        "Re: x [Okno #K7Q2M9XW4D",
        "[ Okno #K7Q2M9XW4D] [Okno #K7Q2M9XW4D]",
    ],
)
def test_a_token_is_found_however_mangled(subject: str) -> None:
    assert find_tokens(subject) == (TOKEN,)


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "Okno K7Q2M9XW4D",
        "K7Q2M9XW4D",
        "#K7Q2M9XW4D",
        "[Okno #K7Q2M9XW4]",
        "[Okno #K7Q2M9XW4DZ]",
        "[Okno #1OIOIOIO10]",
        "Case 12345",
        "[Other #K7Q2M9XW4D]",
        "Kokno #K7Q2M9XW4D",
    ],
)
def test_what_is_no_token_is_not_found(subject: str) -> None:
    assert find_tokens(subject) == ()


def test_the_prefix_is_the_services_own() -> None:
    subject = tag_subject("Счёт", TOKEN, "Окно+")
    assert subject == "Счёт [Окно+ #K7Q2M9XW4D]"
    assert find_tokens(subject, "Окно+") == (TOKEN,) and find_tokens(subject) == ()
    assert find_tokens("[A #K7Q2M9XW4D] [A #22222AAAAA]", "A") == (TOKEN, "22222AAAAA")


def test_a_subject_is_tagged_once() -> None:
    once = tag_subject("Re: Счёт", TOKEN)
    assert once == "Re: Счёт [Okno #K7Q2M9XW4D]" == tag_subject(once, TOKEN)


@given(
    prefixes=st.lists(st.sampled_from(PREFIXES), max_size=8).map("".join),
    token=st.text(TOKEN_ALPHABET, min_size=10, max_size=10),
    words=st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="#№=&%[]"), max_size=30),
    space=st.sampled_from([" ", "  ", "\u00a0", "\r\n ", "\t", "_", ""]),
    lower=st.booleans(),
)
def test_a_token_is_found_after_any_prefix(prefixes: str, token: str, words: str, space: str, lower: bool) -> None:
    tag = f"[Okno{space}#{token}]"
    assert find_tokens(f"{prefixes}{words} {tag.lower() if lower else tag}") == (token,)


@given(st.text(max_size=300))
def test_any_subject_is_normalised_to_a_fixed_point(subject: str) -> None:
    find_tokens(subject)
    once = normalise_subject(subject)
    assert normalise_subject(once) == once


@pytest.mark.parametrize("prefix", PREFIXES)
def test_each_reply_prefix_is_taken_off(prefix: str) -> None:
    assert normalise_subject(f"{prefix}Re: {prefix}Счёт  за май [Okno #{TOKEN}]") == "Счёт за май"


def test_words_that_look_like_prefixes_stay() -> None:
    for subject in ("Report: May", "Respekt", "На складе: пусто", "Ha", "Refund: 5"):
        assert normalise_subject(subject) == subject


def mail(
    message_id: bytes = b"<1@x.ru>", body: bytes = b"Hello\r\n", extra: bytes = b"", sender: bytes = b"a@x.ru"
) -> bytes:
    identifier = b"Message-ID: " + message_id + b"\r\n" if message_id else b""
    return extra + b"From: " + sender + b"\r\nTo: s@okno.test\r\nSubject: S\r\n" + identifier + b"\r\n" + body


def key(raw: bytes) -> str:
    return source_key(raw, parse(raw))


@pytest.mark.parametrize(
    "again",
    [
        mail(extra=b"Received: from mx by okno; Fri, 20 Nov 2026 10:00:00 +0300\r\nDelivered-To: sales@okno.test\r\n"),
        mail().replace(b"\r\n", b"\n"),
        mail(body=b"Hello  \r\n\r\n"),
        mail(body=b"SGVsbG8K", extra=b"Content-Transfer-Encoding: base64\r\n"),
        mail(extra=b"X-Spam: no\r\nReturn-Path: <a@x.ru>\r\n").replace(b"Subject: S", b"Subject: [SPAM] S"),
    ],
)
def test_the_same_mail_by_another_way_has_the_same_key(again: bytes) -> None:
    assert key(again) == key(mail())


@pytest.mark.parametrize(
    "other", [mail(body=b"Other\r\n"), mail(message_id=b"<2@x.ru>"), mail(sender=b"b@x.ru"), mail(message_id=b"")]
)
def test_another_mail_has_another_key(other: bytes) -> None:
    assert key(other) != key(mail())


def test_without_a_message_id_the_content_is_the_key() -> None:
    assert key(mail(b"")) == key(mail(b"", extra=b"Received: x\r\n")) == key(mail(b"<>"))
    assert key(mail(b"")) != key(mail(b"", body=b"Hello again\r\n"))
    assert key(mail(b"")) != key(mail(b"").replace(b"Subject: S", b"Subject: T"))
    assert key(b"") != key(b"\x00") != key(b"\x00\x00")


def test_references_come_likeliest_first_and_all_of_them() -> None:
    raw = b"Message-ID: <me@x>\r\nIn-Reply-To: <foreign@outlook>\r\nReferences: <ours@okno.test> <b@x>\r\n <foreign@outlook> <me@x>\r\n\r\n"
    assert reference_ids(parse(raw)) == ("<foreign@outlook>", "<b@x>", "<ours@okno.test>")


def test_our_message_ids_are_steady_and_ours_only() -> None:
    identifier = message_id("outbox:7", "okno.test")
    assert identifier == message_id("outbox:7", "okno.test") != message_id("outbox:8", "okno.test")
    assert is_our_message_id(identifier, "OKNO.test") and not is_our_message_id(identifier, "other.test")
    assert not is_our_message_id("<customer@okno.test>", "okno.test")
    assert message_id("k", "почта.рф").endswith(".okno@xn--80a1acny.xn--p1ai>")
