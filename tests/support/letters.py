"""Letters as people and machines send them."""

from __future__ import annotations

from collections.abc import Iterable
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from core.clock import now

ANNA = "Анна Петрова <anna@example.org>"
SUPPORT = "support@okno.example"


def letter(
    text: str = "Здравствуйте! Помогите, пожалуйста.",
    *,
    sender: str = ANNA,
    to: str = SUPPORT,
    subject: str = "Не открывается отчёт",
    message_id: str | None = None,
    html: str = "",
    files: Iterable[tuple[str, bytes]] = (),
    headers: dict[str, str] | None = None,
) -> bytes:
    """The bytes of a letter with CRLF line ends; ``sender`` '' leaves From out; each has a Message-ID of its own."""
    message = EmailMessage(policy=policy.SMTP)
    given = {
        "From": sender,
        "To": to,
        "Subject": subject,
        "Date": format_datetime(now()),
        "Message-ID": make_msgid(domain="example.org") if message_id is None else message_id,
        **(headers or {}),
    }
    for name, value in given.items():
        if value:
            message[name] = value
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    for name, content in files:
        message.add_attachment(content, "application", "octet-stream", filename=name)
    return message.as_bytes()


def answer_to(mail: EmailMessage, text: str = "Спасибо, но не помогло.", **options: object) -> bytes:
    """What a person's mail program sends on «Reply»."""
    identifier = str(mail["Message-ID"])
    references = f"{mail['References'] or ''} {identifier}".strip()
    subject = f"Re: {mail['Subject']}"
    headers = {"In-Reply-To": identifier, "References": references}
    return letter(text, **{"subject": subject, "headers": headers, **options})  # type: ignore[arg-type]
