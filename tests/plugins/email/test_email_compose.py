"""What we send is what a reader reads, the same at every retry, and nobody smuggles headers in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.email.compose import InjectionRefused, OutgoingMail, build, trimmed_references
from plugins.email.headers import Address
from plugins.email.loops import is_automatic, is_own_mail
from plugins.email.mime import Attachment, parse
from plugins.email.threads import find_tokens, message_id

PLAIN = OutgoingMail(
    key="outbox:1",
    sender=Address("Поддержка, «Окно»", "support@okno.test"),
    to=(Address("Иван Петров", "ivan@example.ru"),),
    subject="Re: Не работает телефон [Okno #K7Q2M9XW4D]",
    date=datetime(2026, 11, 20, 10, tzinfo=UTC),
    message_domain="okno.test",
    text="Здравствуйте!\n\nПроверим.\n",
)


def test_a_reply_is_read_back_as_it_was_meant() -> None:
    parsed = parse(
        build(
            replace(
                PLAIN,
                in_reply_to="<q@x.ru>",
                references=("<a@x.ru>",),
                cc=(Address("", "boss@почта.рф"),),
                bcc=(Address("", "secret@x.ru"),),
            )
        )
    )
    assert parsed.defects == ()
    assert (parsed.from_name, parsed.from_address) == ("Поддержка, «Окно»", "support@okno.test")
    assert parsed.to == PLAIN.to and parsed.cc[0].address == "boss@почта.рф"
    assert parsed.subject == PLAIN.subject and find_tokens(parsed.subject)
    assert parsed.text.strip() == PLAIN.text.strip() and parsed.date == PLAIN.date
    assert parsed.in_reply_to == ("<q@x.ru>",) and parsed.references == ("<a@x.ru>", "<q@x.ru>")
    assert parsed.message_id == message_id("outbox:1", "okno.test")
    assert not is_automatic(parsed)


def test_the_token_stays_readable_and_bcc_stays_secret() -> None:
    raw = build(replace(PLAIN, bcc=(Address("", "secret@x.ru"),)))
    assert b"[Okno #K7Q2M9XW4D]" in raw and b"secret" not in raw
    assert replace(PLAIN, bcc=(Address("", "secret@x.ru"),)).recipients == ("ivan@example.ru", "secret@x.ru")


def test_a_retry_sends_the_same_bytes() -> None:
    mail = replace(PLAIN, html="<b>x</b>", attachments=(Attachment("a.txt", "text/plain", b"a"),))
    assert build(mail) == build(mail)
    assert build(mail) != build(replace(mail, key="outbox:2"))


def test_html_files_and_inline_pictures() -> None:
    mail = replace(
        PLAIN,
        text="",
        html='<p>Смотрите: <img src="cid:pic@okno"></p>',
        attachments=(
            Attachment("Отчёт за май.pdf", "application/pdf", b"%PDF", ""),
            Attachment("p.png", "image/png", b"png", "pic@okno", True),
            Attachment("x.eml", "message/rfc822", b"S: 1\r\n\r\n"),
        ),
    )
    parsed = parse(build(mail))
    assert parsed.html == mail.html and parsed.text == "Смотрите:"
    assert [(file.name, file.content, file.inline) for file in parsed.attachments] == [
        ("p.png", b"png", True),
        ("Отчёт за май.pdf", b"%PDF", False),
        ("x.eml", b"S: 1\r\n\r\n", False),
    ]
    standard = message_from_bytes(build(mail), policy=policy.default)
    assert [part.get_filename() for part in standard.iter_attachments()] == ["Отчёт за май.pdf", "x.eml"]
    assert standard.get_body(("html",)).get_content().strip() == mail.html


def test_an_acknowledgement_says_that_a_machine_wrote_it() -> None:
    parsed = parse(build(replace(PLAIN, automatic=True, loop_id="centre-1")))
    assert parsed.auto_submitted == "auto-replied" and is_automatic(parsed)
    assert is_own_mail(parsed, "centre-1", "elsewhere.test") and is_own_mail(parsed, "", "okno.test")


def test_references_keep_the_first_and_the_latest() -> None:
    ids = tuple(f"<{number}@x>" for number in range(50))
    kept = trimmed_references(ids, "<parent@x>")
    assert len(kept) == 20 and kept[0] == "<0@x>" and kept[-2:] == ("<49@x>", "<parent@x>")
    assert trimmed_references(("<a@x>", "<p@x>"), "<p@x>") == ("<a@x>", "<p@x>")
    assert trimmed_references((), "") == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "x\r\nBcc: evil@x.ru"},
        {"subject": "x\ny"},
        {"subject": "x\x00"},
        {"subject": "x\u2028y"},
        {"to": (Address("x\r\nBcc: evil@x.ru", "a@x.ru"),)},
        {"to": (Address("", "a@x.ru\r\nBcc: evil@x.ru"),)},
        {"to": (Address("", "a@x.ru, evil@x.ru"),)},
        {"to": (Address("", "a@x.ru> <evil@x.ru"),)},
        {"to": (Address("", "nobody"),)},
        {"in_reply_to": "<a@x>\r\nX: 1"},
        {"references": ("a b",)},
        {"loop_id": "x\r\ny"},
        {"extra_headers": (("X-A", "1\r\n2"),)},
        {"extra_headers": (("Bcc", "evil@x.ru"),)},
        {"extra_headers": (("X-A: 1\r\nBcc", "x"),)},
        {"attachments": (Attachment("a\r\nX: 1.txt", "text/plain", b""),)},
        {"attachments": (Attachment("a", "text/plain", b"", "c>\r\nX: 1"),)},
    ],
    ids=repr,
)
def test_header_injection_is_refused(changes: dict) -> None:
    with pytest.raises(InjectionRefused):
        build(replace(PLAIN, **changes))


def test_a_mail_to_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="recipient"):
        build(replace(PLAIN, to=()))


def test_lines_stay_below_the_limit_of_smtp() -> None:
    raw = build(
        replace(
            PLAIN,
            subject="очень длинная тема " * 50,
            text="x" * 5000,
            references=tuple(f"<{'r' * 200}{n}@x>" for n in range(30)),
            to=tuple(Address(f"Имя {n}", f"n{n}@example.ru") for n in range(80)),
        )
    )
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"") and raw.isascii()
    assert len(parse(raw).to) == 80


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=120)


@settings(deadline=None)
@given(
    subject=TEXT,
    name=TEXT,
    body=st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n"), max_size=400),
    file=st.binary(max_size=200),
)
def test_compose_and_parse_agree(subject: str, name: str, body: str, file: bytes) -> None:
    mail = replace(
        PLAIN,
        subject=subject,
        to=(Address(name, "a@x.ru"),),
        text=body or "x",
        attachments=(Attachment("f.bin", "application/octet-stream", file),),
    )
    parsed = parse(build(mail))
    assert parsed.text == (body or "x").strip("\n") or not body.strip()
    assert parsed.attachments[0].content == file
    assert parsed.to[0].address == "a@x.ru"
    if "=?" not in subject:
        assert parsed.subject == " ".join(subject.split())
    if not set(name) & set("\"'<>=?\\"):
        assert parsed.to[0].name == " ".join(name.split())
