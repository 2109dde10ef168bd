"""Letters of the house to its own people (:mod:`core.mail_notices`), sent or kept like any other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core import storage
from core.contracts import OutboxResult
from core.db import db
from plugins.email.channel import message_domain
from plugins.email.compose import OutgoingMail, build
from plugins.email.headers import Address
from plugins.email.mime import Attachment
from plugins.email.sending import keep, smtp_settings
from plugins.email.smtp_send import Outcome
from plugins.email.smtp_send import send as send_by_smtp


def send(key: str, payload: Mapping[str, Any]) -> OutboxResult:
    """Carry out one outbox row; without an SMTP server the letter is kept for the mailbox page."""
    try:
        mail = _letter(key, payload)
        raw = build(mail)
    except FileNotFoundError as gone:
        return OutboxResult("dead", f"a file is gone: {gone.filename}")
    except ValueError as error:
        return OutboxResult("dead", f"this letter cannot be written: {error}"[:500])
    settings = smtp_settings()
    db.session.rollback()
    if settings is None:
        return keep(mail, raw)
    result = send_by_smtp(raw, "", list(mail.recipients), settings)
    said = "; ".join(f"{one.address}: {one.code} {one.text}".strip() for one in result.recipients)
    if not result.done:
        return OutboxResult("retry", said)
    return OutboxResult("dead" if result.of(Outcome.PERMANENT) else "sent", said)


def _letter(key: str, payload: Mapping[str, Any]) -> OutgoingMail:
    files = payload.get("files", ())
    return OutgoingMail(
        key=key,
        sender=Address("Okno", f"okno@{message_domain()}"),
        to=(Address("", str(payload["to"])),),
        subject=str(payload["subject"]),
        date=datetime.fromisoformat(str(payload["at"])),
        message_domain=message_domain(),
        text=str(payload["text"]),
        attachments=tuple(Attachment(one["name"], one["content_type"], storage.get(one["sha256"])) for one in files),
        automatic=True,
        loop_id=message_domain(),
    )
