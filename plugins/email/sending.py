"""A letter on its way out: built from the stored message each time, the same bytes at every attempt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from core import storage
from core.app import okno
from core.contracts import OutboxResult
from core.db import db, transaction
from core.model import Case, Interaction, Message, ServiceEntry
from plugins.email import threads
from plugins.email.channel import CHANNEL, message_domain, token_prefix
from plugins.email.compose import OutgoingMail, build
from plugins.email.headers import Address
from plugins.email.mime import Attachment
from plugins.email.models import CaughtMail
from plugins.email.smtp_send import Outcome, SmtpSettings
from plugins.email.smtp_send import send as send_by_smtp


def send(key: str, payload: Mapping[str, Any]) -> OutboxResult:
    """Carry out one outbox row. Without an SMTP server the letter is kept for the mailbox page."""
    message = db.session.get(Message, payload["message_id"])
    if message is None:
        return OutboxResult("dead", "the message is gone")
    mail = outgoing(key, message, str(payload["to"]))
    raw = build(mail)
    settings = smtp_settings()
    db.session.rollback()
    if settings is None:
        return keep(mail, raw)
    done = set(message_delivered(payload["message_id"]))
    left = [address for address in mail.recipients if address not in done]
    result = send_by_smtp(raw, mail.sender.address, left, settings)
    return outcome(payload["message_id"], result.of(Outcome.DELIVERED), result)


def outcome(message_id: int, delivered: tuple[str, ...], result: Any) -> OutboxResult:
    """Remember who has it, so that a retry reaches only the others."""
    if delivered:
        with transaction():
            message = db.session.get_one(Message, message_id)
            message.data = {**message.data, "delivered": [*message.data.get("delivered", []), *delivered]}
    said = "; ".join(f"{one.address}: {one.code} {one.text}".strip() for one in result.recipients)
    if not result.done:
        return OutboxResult("retry", said)
    return OutboxResult("dead" if result.of(Outcome.PERMANENT) and not message_delivered(message_id) else "sent", said)


def message_delivered(message_id: int) -> list[str]:
    """Recipients a message has reached already."""
    data = db.session.scalar(select(Message.data).where(Message.id == message_id)) or {}
    return [str(address) for address in data.get("delivered", [])]


def outgoing(key: str, message: Message, to: str) -> OutgoingMail:
    """The letter: from the service's address, tied to the last letter of the contact, with the token in its subject."""
    interaction = db.session.get_one(Interaction, message.interaction_id)
    case = db.session.get_one(Case, message.case_id)
    parent = _parent(message)
    subject = threads.normalise_subject(message.subject or case.subject, token_prefix())
    if parent is not None:
        subject = f"Re: {subject}"
    return OutgoingMail(
        key=key,
        sender=_sender(interaction, message),
        to=tuple(Address("", address.strip()) for address in to.split(",") if address.strip()),
        cc=tuple(Address("", address) for address in message.data.get("send_cc", [])),
        subject=threads.tag_subject(subject, case.thread_token, token_prefix()),
        date=message.at,
        message_domain=message_domain(),
        text=message.body_text,
        html=message.body_html,
        attachments=tuple(
            Attachment(item.name, item.content_type, storage.get(item.sha256), item.content_id, item.inline)
            for item in message.attachments
        ),
        in_reply_to=parent.external_id if parent else "",
        references=tuple(parent.data.get("references", ())) if parent else (),
        automatic=message.automatic,
        loop_id=message_domain(),
    )


def _parent(message: Message) -> Message | None:
    said = select(Message).where(
        Message.case_id == message.case_id, Message.direction == "in", Message.id < message.id, Message.external_id != ""
    )
    return db.session.scalar(said.order_by(Message.id.desc()).limit(1))


def _sender(interaction: Interaction, message: Message) -> Address:
    service = interaction.service
    address = service_address(service.id)
    title = service.title_ru if service.language == "ru" else service.title_en
    agent = (message.user.nickname or message.user.first_name) if message.user else ""
    return Address(f"{agent} ({title})" if agent else title, address)


def service_address(service_id: int) -> str:
    """The address a service writes from: its primary email entry, else a general one."""
    entries = select(ServiceEntry.address).where(ServiceEntry.service_id == service_id, ServiceEntry.channel == CHANNEL)
    found = db.session.scalar(entries.order_by(ServiceEntry.primary.desc(), ServiceEntry.id).limit(1))
    return found or f"support@{message_domain()}"


def smtp_settings() -> SmtpSettings | None:
    """Where to send; None when no server is set."""
    get = okno().config.get
    if not get("email.smtp_server"):
        return None
    return SmtpSettings(
        host=get("email.smtp_server"),
        port=get("email.smtp_server_port"),
        security=get("email.smtp_security"),
        username=get("email.smtp_user"),
        password=get("email.smtp_password"),
        timeout=get("email.smtp_timeout"),
    )


def keep(mail: OutgoingMail, raw: bytes) -> OutboxResult:
    """Keep a letter for the mailbox page, once."""
    with transaction():
        if db.session.scalar(select(CaughtMail.id).where(CaughtMail.key == mail.key)) is None:
            row = CaughtMail(key=mail.key, sender=mail.sender.address, recipients=list(mail.recipients), subject=mail.subject, raw=raw)
            db.session.add(row)
    return OutboxResult("sent", "kept in the mailbox page: no email.smtp_server is set")
