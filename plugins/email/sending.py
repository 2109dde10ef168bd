"""A letter on its way out: built from the stored message each time, the same bytes at every attempt."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from sqlalchemy import select

from core import storage
from core.contracts import OutboxResult, Text
from core.db import db, put, transaction
from core.house import okno
from core.model import Case, Interaction, Message, ServiceEntry
from plugins.email import threads
from plugins.email.channel import CHANNEL, message_domain, tell, token_prefix
from plugins.email.compose import OutgoingMail, build
from plugins.email.headers import Address
from plugins.email.mime import Attachment
from plugins.email.models import CaughtMail
from plugins.email.smtp_send import Outcome, SendResult, SmtpSettings
from plugins.email.smtp_send import send as send_by_smtp


def send(key: str, payload: Mapping[str, Any]) -> OutboxResult:
    """Carry out one outbox row. Without an SMTP server the letter is kept for the mailbox page."""
    message = db.session.get(Message, payload["message_id"])
    if message is None:
        return OutboxResult("dead", "the message is gone")
    try:
        mail = outgoing(key, message, str(payload["to"]))
        raw = build(mail)
    except ValueError as error:
        return OutboxResult("dead", f"this letter cannot be written: {error}"[:500])
    settings = smtp_settings()
    settled = {*message.data.get("delivered", ()), *message.data.get("refused", ())}
    # The network may take minutes: no transaction stays open meanwhile.
    db.session.rollback()
    if settings is None:
        return keep(mail, raw)
    left = [address for address in mail.recipients if address not in settled]
    if not left:
        return OutboxResult("sent")
    # RFC 3834, 3.3: what a machine writes has no return address, so that no report and no other machine answers it.
    sender = "" if mail.automatic else mail.sender.address
    return outcome(payload["message_id"], send_by_smtp(raw, sender, left, settings))


def outcome(message_id: int, result: SendResult) -> OutboxResult:
    """Remember who has it and who refused it, so that a retry reaches only the others; refusals are told to the case."""
    delivered, refused = result.of(Outcome.DELIVERED), result.of(Outcome.PERMANENT)
    said = "; ".join(f"{one.address}: {one.code} {one.text}".strip() for one in result.recipients)
    if result.done and not refused:
        return OutboxResult("sent", said)
    with transaction():
        message = db.session.get_one(Message, message_id)
        got = [*message.data.get("delivered", ()), *delivered]
        if not result.done:
            message.data = {**message.data, "delivered": got, "refused": [*message.data.get("refused", ()), *refused]}
        for one in result.recipients:
            if one.address in refused:
                title = Text("The mail server refused the letter", "Почтовый сервер не принял письмо")
                tell(message, "email.refused", title, f"{one.address}: {one.code} {one.text}".strip())
    if not result.done:
        return OutboxResult("retry", said)
    return OutboxResult("sent" if got else "dead", said)


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
        bcc=tuple(Address("", address) for address in message.data.get("send_bcc", [])),
        subject=threads.tag_subject(subject, case.thread_token, token_prefix()),
        date=message.at,
        message_domain=message_domain(),
        text=message.body_text,
        html=_set_in(message.data.get("send_font", {}), message.body_html),
        attachments=tuple(
            Attachment(item.name, item.content_type, storage.get(item.sha256), item.content_id, item.inline)
            for item in message.attachments
        ),
        in_reply_to=parent.external_id if parent else "",
        references=tuple(one for one in parent.data.get("references", ()) if one.isascii()) if parent else (),
        automatic=message.automatic,
        loop_id=message_domain(),
    )


def _set_in(font: dict[str, str], html: str) -> str:
    """The letter in the font that its author has chosen; both values come from lists (``core.own_settings``)."""
    styles = [f"font-family:'{font['family']}'"] if font.get("family") else []
    styles += [f"font-size:{font['size']}pt"] if font.get("size") else []
    return f'<div style="{escape(";".join(styles))}">{html}</div>' if styles and html else html


def _parent(message: Message) -> Message | None:
    said = select(Message).where(
        Message.case_id == message.case_id,
        Message.direction == "in",
        Message.id < message.id,
        Message.external_id != "",
    )
    # What a broken sender put beyond ASCII into its Message-ID cannot stand in a header of ours.
    latest = db.session.scalars(said.order_by(Message.id.desc()).limit(10))
    return next((letter for letter in latest if letter.external_id.isascii()), None)


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
            row = CaughtMail(
                key=mail.key,
                sender=mail.sender.address,
                recipients=list(mail.recipients),
                subject=mail.subject,
                raw=raw,
            )
            put(row)
    return OutboxResult("sent", "kept in the mailbox page: no email.smtp_server is set")
