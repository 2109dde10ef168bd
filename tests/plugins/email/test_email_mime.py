"""Real life's nasty mails: each is built here as some program once sent it, and read without a complaint but with defects."""

from __future__ import annotations

import base64
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.email.mime import ParsedMail, parse, safe_file_name
from plugins.email.parts import MAX_DEPTH, MAX_PARTS, Part, Splitter

RUSSIAN = "Здравствуйте! Второй день не работает телефон в офисе, помогите пожалуйста."
HEAD = b"From: Ivan <ivan@example.ru>\r\nTo: support@okno.test\r\nMessage-ID: <1@example.ru>\r\nDate: Fri, 20 Nov 2026 10:00:00 +0300\r\n"


def mail(body: bytes | str = "hello", **headers: str | bytes) -> bytes:
    """A mail with usual headers, some replaced or added (``content_type=…``); None-like empty bytes leave one out."""
    fields: dict[bytes, bytes] = {
        b"From": b"Ivan <ivan@example.ru>",
        b"To": b"support@okno.test",
        b"Subject": b"Hello",
        b"Message-ID": b"<1@example.ru>",
        b"Date": b"Fri, 20 Nov 2026 10:00:00 +0300",
    }
    for name, value in headers.items():
        proper = {"message_id": "Message-ID", "in_reply_to": "In-Reply-To"}.get(name, name.replace("_", "-").title())
        fields[proper.encode()] = value.encode() if isinstance(value, str) else value
    top = b"".join(name + b": " + value + b"\r\n" for name, value in fields.items() if value)
    return top + b"\r\n" + (body.encode() if isinstance(body, str) else body)


def b64(text: str, charset: str = "utf-8") -> bytes:
    return base64.b64encode(text.encode(charset))


def parts(*contents: bytes, boundary: bytes = b"XX", subtype: str = "mixed", close: bool = True) -> bytes:
    body = b"".join(b"--" + boundary + b"\r\n" + content + b"\r\n" for content in contents)
    return mail(
        body + (b"--" + boundary + b"--\r\n" if close else b""),
        content_type=f'multipart/{subtype}; boundary="{boundary.decode()}"',
    )


@dataclass(frozen=True)
class Case:
    """A mail and what must be read from it; ``defect`` is a word that must be among the defects."""

    name: str
    raw: bytes
    expect: dict[str, object] = field(default_factory=dict)
    defect: str = ""


PDF = b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n"
HTML_ALTERNATIVE = parts(
    b"Content-Type: text/plain; charset=utf-8\r\n\r\nplain",
    b"Content-Type: text/html; charset=utf-8\r\n\r\n<b>rich</b>",
    subtype="alternative",
)

CASES = [
    Case(
        "a plain mail",
        mail(),
        {
            "text": "hello",
            "subject": "Hello",
            "from_name": "Ivan",
            "from_address": "ivan@example.ru",
            "date": datetime(2026, 11, 20, 7, tzinfo=UTC),
        },
    ),
    *(
        Case(
            f"{charset} undeclared",
            mail(RUSSIAN.encode(charset)),
            {"text": RUSSIAN, "language": "ru"},
            f"charset-guessed:{charset}",
        )
        for charset in ("windows-1251", "koi8-r", "ibm866")
    ),
    Case("utf-8 undeclared", mail(RUSSIAN), {"text": RUSSIAN}),
    Case(
        "windows-1251 said to be iso-8859-1",
        mail(RUSSIAN.encode("cp1251"), content_type="text/plain; charset=iso-8859-1"),
        {"text": RUSSIAN},
        "charset-guessed",
    ),
    Case(
        "windows-1251 said to be koi8-r",
        mail(RUSSIAN.encode("cp1251"), content_type="text/plain; charset=koi8-r"),
        {"text": RUSSIAN},
        "charset-wrong:koi8-r",
    ),
    Case(
        "koi8-r said to be utf-8",
        mail(RUSSIAN.encode("koi8-r"), content_type="text/plain; charset=utf-8"),
        {"text": RUSSIAN},
        "charset-wrong:utf-8",
    ),
    Case(
        "utf-8 said to be windows-1251",
        mail(RUSSIAN, content_type="text/plain; charset=windows-1251"),
        {"text": RUSSIAN},
        "charset-wrong",
    ),
    Case("utf-8 said to be us-ascii", mail(RUSSIAN, content_type="text/plain; charset=us-ascii"), {"text": RUSSIAN}),
    Case(
        "a charset that doesn't exist",
        mail(RUSSIAN.encode("cp1251"), content_type='text/plain; charset="x-unknown"'),
        {"text": RUSSIAN},
        "charset-guessed",
    ),
    Case("a charset that is no charset", mail("hello", content_type="text/plain; charset=base64"), {"text": "hello"}),
    Case(
        "a charset with a quadratic decoder",
        mail("hello-é".encode(), content_type="text/plain; charset=punycode"),
        {"text": "hello-é"},
    ),
    Case(
        "french in latin-1, not Russian",
        mail("déjà reçu, ça marche à la fenêtre".encode("latin-1"), content_type="text/plain; charset=iso-8859-1"),
        {"text": "déjà reçu, ça marche à la fenêtre"},
    ),
    Case(
        "german in latin-1 undeclared",
        mail("Grüße aus München, für alle Fälle. Schöne Bücher, große Straße".encode("latin-1")),
        {"text": "Grüße aus München, für alle Fälle. Schöne Bücher, große Straße"},
        "charset-guessed",
    ),
    Case(
        "japanese iso-2022-jp",
        mail("こんにちは".encode("iso-2022-jp"), content_type="text/plain; charset=iso-2022-jp"),
        {"text": "こんにちは", "language": "ja"},
    ),
    Case(
        "gb2312 with characters of gbk",
        mail("朱镕基您好".encode("gbk"), content_type="text/plain; charset=gb2312"),
        {"text": "朱镕基您好"},
    ),
    Case(
        "a byte order mark",
        mail(b"\xef\xbb\xbf" + RUSSIAN.encode(), content_type="text/plain; charset=utf-8"),
        {"text": RUSSIAN},
    ),
    Case("NUL bytes", mail(b"a\x00b"), {"text": "a\ufffdb"}),
    Case(
        "encoded words in all charsets",
        mail(
            subject=b"=?koi8-r?B?"
            + b64("Счёт", "koi8-r")
            + b"?= =?windows-1251?Q?"
            + "№".encode("cp1251").hex("=").upper().join(["=", ""]).encode()
            + b"?= 5"
        ),
        {"subject": "Счёт№ 5"},
    ),
    Case(
        "a character cut between two words",
        mail(
            subject=b"=?utf-8?B?"
            + base64.b64encode("Привет".encode()[:3])
            + b"?=\r\n =?utf-8?B?"
            + base64.b64encode("Привет".encode()[3:])
            + b"?="
        ),
        {"subject": "Привет"},
    ),
    Case(
        "encoded words without a space between",
        mail(subject=b"=?utf-8?B?" + b64("При") + b"?==?utf-8?B?" + b64("вет") + b"?="),
        {"subject": "Привет"},
    ),
    Case(
        "an encoded word with spaces inside",
        mail(subject="=?utf-8?Q?Hello wide world?="),
        {"subject": "Hello wide world"},
    ),
    Case("an encoded word never closed", mail(subject=b"=?utf-8?B?" + b64("Привет")), {"subject": "Привет"}),
    Case(
        "an encoded word without padding",
        mail(subject=b"=?utf-8?B?" + b64("Ура!").rstrip(b"=") + b"?="),
        {"subject": "Ура!"},
    ),
    Case(
        "an encoded word in a foreign charset that lies",
        mail(subject=b"=?us-ascii?B?" + b64(RUSSIAN[:30], "cp1251") + b"?="),
        {"subject": RUSSIAN[:30].strip()},
    ),
    Case(
        "an encoded word with a language", mail(subject=b"=?utf-8*ru?B?" + b64("Привет") + b"?="), {"subject": "Привет"}
    ),
    Case(
        "a word encoded twice",
        mail(subject=b"=?utf-8?B?" + base64.b64encode(b"=?utf-8?B?" + b64("Привет") + b"?=") + b"?="),
        {"subject": "Привет"},
    ),
    Case(
        "raw windows-1251 in the subject",
        mail(subject="Не работает телефон".encode("cp1251")),
        {"subject": "Не работает телефон"},
    ),
    Case(
        "raw koi8-r in the name",
        mail(**{"from": "Иван Петров <ivan@example.ru>".encode("koi8-r")}),
        {"from_name": "Иван Петров", "from_address": "ivan@example.ru"},
    ),
    Case(
        "a quoted encoded name with a comma",
        mail(**{"from": b'"=?utf-8?B?' + b64("Петров, Иван") + b'?=" <i@example.ru>'}),
        {"from_name": "Петров, Иван", "from_address": "i@example.ru"},
    ),
    Case(
        "an encoded name and address in one word",
        mail(**{"from": b"=?utf-8?B?" + b64("Иван <i@example.ru>") + b"?="}),
        {"from_name": "Иван", "from_address": "i@example.ru"},
    ),
    Case(
        "an address without brackets",
        mail(**{"from": "Ivan Petrov ivan@example.ru"}),
        {"from_name": "Ivan Petrov", "from_address": "ivan@example.ru"},
    ),
    Case(
        "an address with a comment",
        mail(**{"from": "ivan@example.ru (Ivan Petrov)"}),
        {"from_name": "Ivan Petrov", "from_address": "ivan@example.ru"},
    ),
    Case("a bracket never closed", mail(**{"from": "Ivan <IVAN@Example.RU"}), {"from_address": "ivan@example.ru"}),
    Case("an IDN domain", mail(**{"from": "<ivan@xn--80a1acny.xn--p1ai>"}), {"from_address": "ivan@почта.рф"}),
    Case("a quote never closed", mail(**{"from": '"Ivan <ivan@example.ru>'}), {"from_address": "ivan@example.ru"}),
    Case("no From", mail(**{"from": b""}), {"from_address": "", "text": "hello"}, "no-from"),
    Case(
        "no From but a Sender",
        mail(**{"from": b"", "sender": "robot@example.ru"}),
        {"from_address": "robot@example.ru"},
        "no-from",
    ),
    Case(
        "a group and undisclosed recipients",
        mail(to="Friends: a@x.ru, B <b@x.ru>;, undisclosed-recipients:;"),
        {"to_addresses": ("a@x.ru", "b@x.ru")},
    ),
    Case("an empty Message-ID", mail(message_id=b"<>"), {"message_id": ""}, "no-message-id"),
    Case("a Message-ID without brackets", mail(message_id="abc@example.ru"), {"message_id": "<abc@example.ru>"}),
    Case("a folded Message-ID", mail(message_id="\r\n <abc@example.ru>"), {"message_id": "<abc@example.ru>"}),
    Case("a date of nonsense", mail(date="Фри, 35 Нон 2026"), {"date": None}, "no-date"),
    Case("a date in the year 99999", mail(date="Fri, 20 Nov 99999 10:00:00 +0300"), {"date": None}, "no-date"),
    Case("a date with an impossible zone", mail(date="Fri, 20 Nov 2026 10:00:00 +9999"), {"text": "hello"}),
    Case("alternative parts", HTML_ALTERNATIVE, {"text": "plain", "html": "<b>rich</b>", "attachments": ()}),
    Case("HTML only", mail("<p>Hi</p><p>there</p>", content_type="text/html"), {"text": "Hi\n\nthere"}),
    Case(
        "HTML that names its charset itself",
        mail('<meta charset="koi8-r"><p>Привет всем</p>'.encode("koi8-r"), content_type="text/html"),
        {"text": "Привет всем"},
    ),
    Case(
        "an unclosed multipart",
        parts(b"Content-Type: text/plain\r\n\r\nfirst", close=False),
        {"text": "first"},
        "unclosed-multipart",
    ),
    Case(
        "a multipart without a boundary",
        mail("--abc\r\nContent-Type: text/plain\r\n\r\ninside\r\n--abc--\r\n", content_type="multipart/mixed"),
        {"text": "inside"},
        "no-boundary",
    ),
    Case(
        "a multipart without its delimiters",
        mail("just text", content_type="multipart/mixed; boundary=nowhere"),
        {"text": "just text"},
        "multipart-without-parts",
    ),
    Case(
        "a boundary inside a longer one",
        parts(
            b'Content-Type: multipart/alternative; boundary="XX1"\r\n\r\n--XX1\r\nContent-Type: text/plain\r\n\r\ninner\r\n--XX1--'
        ),
        {"text": "inner"},
    ),
    Case(
        "two texts around a picture",
        parts(
            b"Content-Type: text/plain\r\n\r\none",
            b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD",
            b"Content-Type: text/plain\r\n\r\ntwo",
        ),
        {"text": "one\n\ntwo", "names": ("attachment-1.png",)},
    ),
    Case(
        "a name by RFC 2231",
        parts(
            PDF
            + b"Content-Disposition: attachment; filename*=koi8-r'ru'"
            + "Отчёт".encode("koi8-r").hex("%").upper().join(["%", ""]).encode()
            + b".pdf\r\n\r\nQUJD"
        ),
        {"names": ("Отчёт.pdf",), "contents": (b"ABC",)},
    ),
    Case(
        "a name by RFC 2231 in pieces out of order",
        parts(
            PDF
            + b"Content-Disposition: attachment;\r\n filename*1*=%D1%87%D1%91%D1%82;\r\n filename*0*=utf-8''%D0%9E%D1%82;\r\n filename*2=.pdf\r\n\r\nQUJD"
        ),
        {"names": ("Отчёт.pdf",)},
    ),
    Case(
        "a name as an encoded word",
        parts(
            PDF
            + b'Content-Disposition: attachment; filename="=?utf-8?B?'
            + b64("Отчёт за май.pdf")
            + b'?="\r\n\r\nQUJD'
        ),
        {"names": ("Отчёт за май.pdf",)},
    ),
    Case(
        "a raw name without quotes",
        parts(PDF + "Content-Disposition: attachment; filename=Отчёт за май.pdf\r\n\r\nQUJD".encode("cp1251")),
        {"names": ("Отчёт за май.pdf",)},
    ),
    Case(
        "a name that climbs folders",
        parts(PDF + b'Content-Disposition: attachment; filename="../../etc/passwd"\r\n\r\nQUJD'),
        {"names": ("passwd",)},
    ),
    Case(
        "a name that hides its type",
        parts(PDF + 'Content-Disposition: attachment; filename="cod\u202efdp.exe"\r\n\r\nQUJD'.encode()),
        {"names": ("cod fdp.exe",)},
    ),
    Case("no name at all", parts(PDF + b"\r\nQUJD"), {"names": ("attachment-1.pdf",)}),
    Case("base64 with noise and no padding", parts(PDF + b"\r\nQU*JD\r\n!!REVG\r\nR0"), {"contents": (b"ABCDEFG",)}),
    Case(
        "base64 with a list's footer glued on", parts(PDF + b"\r\nQUI=\r\n-- \r\nlist footer"), {"contents": (b"AB",)}
    ),
    Case(
        "quoted-printable cut in the middle",
        mail(b"caf=C3=A9 =D0=", content_transfer_encoding="quoted-printable", content_type="text/plain; charset=utf-8"),
    ),
    Case(
        "an unknown transfer encoding",
        mail("text", content_transfer_encoding="x-martian"),
        {"text": "text"},
        "unknown-transfer-encoding",
    ),
    Case(
        "uuencode",
        parts(
            b"Content-Type: application/octet-stream; name=a.txt\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 a.txt\r\n#0V%T\r\n`\r\nend"
        ),
        {"contents": (b"Cat",)},
    ),
    Case(
        "winmail.dat is kept",
        parts(b"Content-Type: application/ms-tnef\r\nContent-Transfer-Encoding: base64\r\n\r\neJ8+Ig=="),
        {"names": ("winmail.dat",), "contents": (b"x\x9f>\x22",)},
    ),
    Case(
        "a calendar invitation",
        parts(
            b"Content-Type: text/plain\r\n\r\nmeet",
            b"Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR",
            subtype="alternative",
        ),
        {"text": "meet", "names": ("invite.ics",)},
    ),
    Case(
        "a forwarded mail inside",
        parts(
            b"Content-Type: text/plain\r\n\r\nsee", b"Content-Type: message/rfc822\r\n\r\n" + mail(subject="Inner/one")
        ),
        {"text": "see", "names": ("Inner-one.eml",)},
    ),
    Case(
        "an inline picture shown and one not",
        parts(
            b"Content-Type: text/html\r\n\r\n<img src='cid:a@x'>",
            b"Content-Type: image/png\r\nContent-ID: <a@x>\r\n\r\npng",
            b"Content-Type: image/png\r\nContent-ID: <b@x>\r\nContent-Disposition: inline\r\n\r\npng",
            subtype="related",
        ),
        {"inline": (True, False)},
    ),
    Case(
        "format=flowed",
        mail("one \r\ntwo\r\n> quoted \r\nnext", content_type="text/plain; format=flowed"),
        {"text": "one two\n> quoted \nnext"},
    ),
    Case("bare line feeds", mail().replace(b"\r\n", b"\n"), {"text": "hello", "subject": "Hello"}),
    Case("bare carriage returns", mail().replace(b"\r\n", b"\r"), {"text": "hello", "subject": "Hello"}),
    Case(
        "an mbox line in front",
        b"From ivan Fri Nov 20 10:00:00 2026\r\n" + mail(),
        {"subject": "Hello", "from_address": "ivan@example.ru"},
    ),
    Case("blank lines in front", b"\r\n\r\n" + mail(), {"subject": "Hello"}),
    Case(
        "no blank line after the headers",
        HEAD + b"Subject: x\r\nthe body at once\r\nand more",
        {"subject": "x", "text": "the body at once\nand more"},
        "no-blank-line",
    ),
    Case(
        "a subject broken without indentation",
        HEAD + b"Subject: a very\r\nlong subject\r\nX-Other: 1\r\n\r\nbody",
        {"subject": "a very long subject", "text": "body"},
        "broken-folding",
    ),
    Case("no headers at all", b"just words\r\nin two lines", {"text": "just words\nin two lines"}, "no-from"),
    Case("nothing", b"", {"text": "", "subject": ""}, "no-from"),
    Case("headers only", HEAD, {"text": "", "from_address": "ivan@example.ru"}),
    Case("a content type of nonsense", mail("text", content_type=";;;=?"), {"text": "text"}, "bad-content-type"),
    Case("a content type of one word", mail("<p>x</p>", content_type="html"), {"html": "<p>x</p>"}, "bad-content-type"),
    Case("a subject with line breaks smuggled in", mail(subject=b"=?utf-8?Q?a=0D=0ABcc:_x?="), {"subject": "a Bcc: x"}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_mail_of_real_life_is_read(case: Case) -> None:
    parsed = parse(case.raw)
    for name, value in case.expect.items():
        assert _read(parsed, name) == value, (name, parsed.defects)
    assert not case.defect or any(defect.startswith(case.defect) for defect in parsed.defects), parsed.defects
    assert not any(defect.startswith("unreadable") for defect in parsed.defects)


def _read(parsed: ParsedMail, name: str) -> object:
    attachments = parsed.attachments
    return {
        "names": lambda: tuple(file.name for file in attachments),
        "contents": lambda: tuple(file.content for file in attachments),
        "inline": lambda: tuple(file.inline for file in attachments),
        "to_addresses": lambda: tuple(address.address for address in parsed.to),
    }.get(name, lambda: getattr(parsed, name))()


DSN = parts(
    b"Content-Type: text/plain\r\n\r\nYour mail could not be delivered.",
    b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.x.ru\r\n\r\n"
    b"Final-Recipient: rfc822; Gone@X.ru\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 no such\r\n user\r\n\r\n"
    b"Final-Recipient: rfc822; ok@x.ru\r\nAction: relayed\r\nStatus: 2.0.0\r\n",
    b"Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <ours@okno.test>\r\nSubject: x\r\n",
    subtype="report",
)


def test_a_delivery_report_names_recipient_status_and_the_returned_mail() -> None:
    parsed = parse(DSN)
    assert parsed.is_bounce and parsed.bounced_message_id == "<ours@okno.test>"
    (bounce,) = parsed.bounces
    assert (bounce.final_recipient, bounce.action, bounce.status) == ("gone@x.ru", "failed", "5.1.1")
    assert bounce.diagnostic == "550 no such user" and bounce.permanent


@pytest.mark.parametrize(
    ("raw", "recipient", "status"),
    [
        (
            mail(
                "The following address failed:\n gone@x.ru\n 550 5.1.1 unknown",
                subject="Undelivered Mail",
                **{"from": "MAILER-DAEMON@mx.x.ru"},
            ),
            "gone@x.ru",
            "5.1.1",
        ),
        (
            mail("mailbox full 452 try", subject="Mail delivery failed", x_failed_recipients="full@x.ru"),
            "full@x.ru",
            "4.0.0",
        ),
        (
            mail("Письмо для gone@x.ru не доставлено", subject="Письмо не доставлено", **{"from": "postmaster@x.ru"}),
            "gone@x.ru",
            "",
        ),
    ],
)
def test_a_report_in_prose_is_recognised(raw: bytes, recipient: str, status: str) -> None:
    parsed = parse(raw)
    assert parsed.is_bounce and parsed.bounces[0].final_recipient == recipient
    assert parsed.bounces[0].status == status


def test_a_customer_writing_of_bounces_is_not_one() -> None:
    assert not parse(mail("My mail to a@b.ru came back: 550 5.1.1", subject="Undelivered mail?")).is_bounce


@dataclass
class Work:
    """What reading a mail took: nodes visited and how deep they lay, bytes of leaves decoded, calls of any function."""

    parts: int = 0
    depth: int = 0
    decoded: int = 0
    calls: int = 0


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    """Counts the work of ``read`` below."""
    done = Work()
    visit, decode = Splitter._part, Splitter.content

    def visited(self: Splitter, start: int, end: int, depth: int, default_type: str) -> Part:
        done.parts, done.depth = done.parts + 1, max(done.depth, depth)
        return visit(self, start, end, depth, default_type)

    def decoded(self: Splitter, part: Part) -> bytes:
        done.decoded += part.end - part.start
        return decode(self, part)

    monkeypatch.setattr(Splitter, "_part", visited)
    monkeypatch.setattr(Splitter, "content", decoded)
    return done


def read(raw: bytes, work: Work) -> ParsedMail:
    """Parse and count every call, also those of functions written in C."""

    def called(_frame: object, event: str, _argument: object) -> None:
        work.calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        return parse(raw)
    finally:
        sys.setprofile(before)


def test_thirty_megabytes_are_read_in_few_steps(work: Work) -> None:
    content = base64.encodebytes(b"x" * (22 << 20))
    raw = parts(b"Content-Type: text/plain\r\n\r\nsee", PDF + b"\r\n" + content)
    parsed = read(raw, work)
    assert len(parsed.attachments[0].content) == 22 << 20
    assert work.parts == 3 and work.decoded < len(raw)
    # As many as a mail of three lines takes: none of them depends on the length.
    assert work.calls < 3000


BOMBS = {
    "nested multiparts": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(5000)
    )
    + b"x" * 100_000,
    "nested with one boundary": mail(
        b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" * 20_000, content_type="multipart/mixed; boundary=b"
    ),
    "a hundred thousand parts": mail(b"--b\r\n\r\nx\r\n" * 100_000, content_type="multipart/mixed; boundary=b"),
    "a hundred thousand headers": b"".join(b"X-%d: a\r\n" % n for n in range(100_000)) + mail(),
    "a header of five megabytes": b"Subject: " + b"a" * 5_000_000 + b"\r\n\r\nbody",
    "a header folded a hundred thousand times": b"Subject: a\r\n" + b" b\r\n" * 100_000 + b"\r\nbody",
    "encoded words without end": b"Subject: " + b"=?utf-8?Q?" * 20_000 + b"\r\n\r\nbody",
    "question marks": b"Subject: =?utf-8?Q?" + b"?" * 60_000 + b"\r\n\r\nbody",
    "addresses": b"To: " + b"a <a@b.c>, (" * 20_000 + b"\r\n\r\nbody",
    "quotes": b"To: " + b'"' * 60_000 + b"\r\nContent-Type: text/plain; " + b'a="' * 10_000 + b"\r\n\r\nbody",
    "parameters": b"Content-Type: text/plain" + b"; a*0*=x" * 7_000 + b"\r\n\r\nbody",
    "tags": mail(b"<div>" * 200_000, content_type="text/html"),
    "open tags": mail(b"<a " * 300_000, content_type="text/html"),
    "comments": mail(b"<!-- " * 200_000, content_type="text/html"),
    "at signs": b"From: " + b"a@" * 30_000 + b"\r\n\r\nbody",
    "spaces": mail(b" " * 1_000_000 + b"x", subject=" " * 60_000 + "x"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_costs_little(name: str, work: Work) -> None:
    raw = BOMBS[name]
    parsed = read(raw, work)
    assert not any(defect.startswith("unreadable") for defect in parsed.defects), parsed.defects
    assert work.parts <= MAX_PARTS + MAX_DEPTH and work.depth <= MAX_DEPTH
    assert work.decoded <= 2 * len(raw)
    assert work.calls <= 2 * len(raw) + 3000


@pytest.mark.parametrize(
    ("declared", "safe"),
    [
        ("C:\\temp\\a.doc", "a.doc"),
        ("a\x00b.txt", "a b.txt"),
        ("...", ""),
        ("x" * 300 + ".pdf", "x" * 146 + ".pdf"),
        ("con:aux?.txt", "con aux .txt"),
        ("", ""),
    ],
)
def test_file_names_are_made_safe(declared: str, safe: str) -> None:
    assert safe_file_name(declared) == safe


FRAGMENTS = st.sampled_from(
    [
        b"\r\n",
        b"\n",
        b"\r",
        b"From: ",
        b"Subject: ",
        b"Content-Type: ",
        b"multipart/mixed; boundary=b",
        b"--b",
        b"--b--",
        b"\r\n\r\n",
        b"=?utf-8?B?",
        b"=?koi8-r?Q?",
        b"?=",
        b"=",
        b"\x00",
        b"\xff",
        b"text/html; charset=",
        b"utf-16",
        b"utf-7",
        b"base64",
        b"filename*0*=",
        b"Content-Transfer-Encoding: ",
        b"quoted-printable",
        b"message/rfc822",
        b"message/delivery-status",
        b"<",
        b">",
        b"@",
        b'"',
        b";",
        b"Date: ",
        b"Message-ID: <",
        b"Content-Disposition: attachment; filename=",
        b"x-uuencode",
        b"<![",
        b"<!--",
        b"&#",
        b"xn--",
        b"text/plain; format=flowed",
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=400), st.lists(st.one_of(FRAGMENTS, st.binary(max_size=12)), max_size=40).map(b"".join)
    )
)
def test_any_bytes_are_read_into_something_storable(raw: bytes) -> None:
    parsed = parse(raw)
    assert not any(defect.startswith("unreadable") for defect in parsed.defects), parsed.defects
    for text in (
        parsed.text,
        parsed.html,
        parsed.subject,
        parsed.from_name,
        parsed.message_id,
        *(file.name for file in parsed.attachments),
    ):
        text.encode("utf-8")
        assert "\x00" not in text
