"""A mail to send, as bytes (RFC 5322, RFC 2045). The same input gives the same bytes, so that a retry sends the same mail."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import policy
from email.header import Header
from email.message import Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime

from plugins.email.headers import Address, ascii_address
from plugins.email.loops import LOOP_HEADER
from plugins.email.markup import html_to_text
from plugins.email.mime import Attachment
from plugins.email.threads import message_id

MAX_REFERENCES = 20

_WIRE = policy.compat32.clone(linesep="\r\n", max_line_length=None, mangle_from_=False)
_BREAKS = re.compile("[\r\n\x00\x0b\x0c\x85\u2028\u2029]")
_HEADER_NAME = re.compile(r"X-[A-Za-z0-9-]{1,70}\Z")
_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*\Z")
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,900}>\Z")
_TOKEN = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+\Z")


class InjectionRefused(ValueError):
    """A value for a header contains a line break: someone tries to add headers or recipients."""


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """What to send. ``key`` is the outbox key: it names the mail for ever, ``date`` is when it was written (aware).

    ``automatic`` marks acknowledgements: other machines then don't answer. ``bcc`` goes to the envelope only.
    ``references`` are the parent's References, ``in_reply_to`` the parent's Message-ID.
    """

    key: str
    sender: Address
    to: tuple[Address, ...]
    subject: str
    date: datetime
    message_domain: str
    text: str = ""
    html: str = ""
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    automatic: bool = False
    loop_id: str = ""
    extra_headers: tuple[tuple[str, str], ...] = field(default=())

    @property
    def recipients(self) -> tuple[str, ...]:
        """Everyone in the envelope, once."""
        return tuple(dict.fromkeys(address.address for address in (*self.to, *self.cc, *self.bcc)))


def build(mail: OutgoingMail) -> bytes:
    """The mail in wire form, CRLF line ends. Raises ``InjectionRefused`` or ``ValueError`` for values no header may hold."""
    if not mail.recipients:
        raise ValueError("a mail needs a recipient")
    message = _with_files(mail, _body(mail))
    for name, value in _headers(mail):
        message[name] = value
    if "MIME-Version" not in message:
        message["MIME-Version"] = "1.0"
    return message.as_bytes(policy=_WIRE)


def trimmed_references(references: tuple[str, ...], parent: str) -> tuple[str, ...]:
    """The References of an answer: the parent's and the parent (RFC 5322, 3.6.4), the first and the latest kept (RFC 5537, 3.4.4)."""
    chain = list(dict.fromkeys(identifier for identifier in references if identifier != parent))
    chain += [parent] if parent else []
    if len(chain) > MAX_REFERENCES:
        chain = chain[:1] + chain[1 - MAX_REFERENCES :]
    return tuple(chain)


def _headers(mail: OutgoingMail) -> list[tuple[str, str]]:
    headers = [
        ("From", _mailboxes((mail.sender,))),
        ("To", _mailboxes(mail.to) if mail.to else "undisclosed-recipients:;"),
        ("Cc", _mailboxes(mail.cc)),
        ("Reply-To", _mailboxes(mail.reply_to)),
        ("Subject", _subject(mail.subject)),
        ("Date", format_datetime(mail.date.astimezone(UTC))),
        ("Message-ID", message_id(mail.key, mail.message_domain)),
        ("In-Reply-To", _identifier(mail.in_reply_to) if mail.in_reply_to else ""),
        ("References", "\r\n ".join(_identifier(one) for one in trimmed_references(mail.references, mail.in_reply_to))),
        (LOOP_HEADER, _encoded(mail.loop_id, 20)),
    ]
    if mail.automatic:
        # RFC 3834, 5; the other two are what Exchange and old responders look at.
        headers += [
            ("Auto-Submitted", "auto-replied"),
            ("X-Auto-Response-Suppress", "All"),
            ("Precedence", "auto_reply"),
        ]
    for name, value in mail.extra_headers:
        if not _HEADER_NAME.match(name):
            raise InjectionRefused(f"not a header that may be set: {name!r}")
        headers.append((name, _encoded(value, len(name) + 2)))
    return [(name, value) for name, value in headers if value]


def _body(mail: OutgoingMail) -> Message:
    text = mail.text or html_to_text(mail.html)
    if not mail.html:
        return _text_part(text, "plain")
    inline = [file for file in mail.attachments if file.inline and file.content_id]
    page: Message = _text_part(mail.html, "html")
    if inline:
        related = MIMEMultipart("related", boundary=_boundary(mail, "related"), policy=_WIRE)
        related.attach(page)
        for file in inline:
            related.attach(_file_part(file))
        page = related
    alternative = MIMEMultipart("alternative", boundary=_boundary(mail, "alternative"), policy=_WIRE)
    alternative.attach(_text_part(text, "plain"))
    alternative.attach(page)
    return alternative


def _with_files(mail: OutgoingMail, body: Message) -> Message:
    files = [file for file in mail.attachments if not (mail.html and file.inline and file.content_id)]
    if not files:
        return body
    mixed = MIMEMultipart("mixed", boundary=_boundary(mail, "mixed"), policy=_WIRE)
    mixed.attach(body)
    for file in files:
        mixed.attach(_file_part(file))
    return mixed


def _text_part(text: str, subtype: str) -> MIMEText:
    part = MIMEText("", subtype, "utf-8", policy=_WIRE)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "\ufffd")
    part.set_payload(_wrapped_base64(lines.replace("\n", "\r\n").encode("utf-8", "replace")))
    return part


def _file_part(file: Attachment) -> Message:
    content_type = file.content_type.lower()
    if not _TOKEN.match(content_type) or content_type.startswith(("multipart/", "message/")):
        content_type = "application/octet-stream"
    part = MIMEBase(*content_type.split("/", 1), policy=_WIRE)
    del part["MIME-Version"]
    part["Content-Transfer-Encoding"] = "base64"
    name = _clean(file.name) or "file"
    disposition = "inline" if file.inline else "attachment"
    part.add_header("Content-Disposition", disposition, filename=name if name.isascii() else ("utf-8", "", name))
    if file.content_id:
        part["Content-ID"] = _identifier(f"<{file.content_id}>")
    part.set_payload(_wrapped_base64(file.content))
    return part


def _wrapped_base64(content: bytes) -> str:
    from base64 import b64encode

    encoded = b64encode(content).decode("ascii")
    return "\r\n".join(encoded[start : start + 76] for start in range(0, len(encoded), 76)) + "\r\n"


def _boundary(mail: OutgoingMail, kind: str) -> str:
    # "=_" can't occur in base64 and all bodies are base64, so no body can contain a boundary (RFC 2045, 6.7).
    return f"=_{kind}_{hashlib.blake2b(mail.key.encode('utf-8'), digest_size=12).hexdigest()}"


def _mailboxes(addresses: tuple[Address, ...]) -> str:
    return ",\r\n ".join(_mailbox(address) for address in addresses)


def _mailbox(address: Address) -> str:
    name = _clean(address.name).strip()
    mailbox = ascii_address(_clean(address.address))
    if not re.fullmatch(r"[^\s<>\",;:()]+@[^\s<>\",;:()@]+", mailbox):
        raise InjectionRefused(f"not a mail address: {address.address!r}")
    if not name:
        return mailbox
    if not name.isascii():
        return f"{_encoded(name, 10)} <{mailbox}>"
    if not _ATOM.match(name):
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{mailbox}>'
    return f"{name} <{mailbox}>"


def _subject(value: str) -> str:
    """The thread token stays readable ASCII behind the encoded words: clients that mangle those leave it alone."""
    head, space, tail = value.rpartition(" [")
    if space and tail.isascii() and not head.isascii() and len(tail) <= 40:
        return f"{_encoded(head, 9)}\r\n [{_clean(tail)}"
    return _encoded(value, 9)


def _encoded(value: str, first_line_used: int) -> str:
    text = _clean(value)
    if text.isascii() and "=?" not in text and len(text) <= 900:
        return text
    return Header(text, "utf-8", header_name="x" * first_line_used).encode(linesep="\r\n", maxlinelen=75)


def _identifier(value: str) -> str:
    if not _MESSAGE_ID.match(_clean(value)):
        raise InjectionRefused(f"not a message id: {value!r}")
    return value


def _clean(value: str) -> str:
    if _BREAKS.search(value):
        raise InjectionRefused(f"a header value with a line break: {value[:80]!r}")
    return value.encode("utf-8", "replace").decode("utf-8")
