"""The transcript of a chat: what was said, as text and HTML, and on its way by email."""

from __future__ import annotations

import re
from html import escape

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from core import casework, participants
from core.clock import now
from core.contracts import Channel, Rejected, Text
from core.db import db, transaction
from core.house import okno
from core.model import ContactAddress, Interaction, Message

ADDRESS = re.compile(r"(?=.{3,254}\Z)[^\s<>\",;:()@]{1,64}@[^\s<>\",;:()@]+\.[^\s<>\",;:()@]+")
SUBJECT = Text("Your chat with us, {day}", "Ваша переписка с нами, {day}")
YOU, AUTOMATIC = Text("You", "Вы"), Text("Automatic message", "Автоматическое сообщение")
BOT, FILE = Text("Assistant", "Помощник"), Text("file", "файл")


def letters() -> Channel | None:
    """The channel that letters go by; None when none is on."""
    return next((one for one in okno().channels.values() if one.address_kind == "email"), None)


def known_address(interaction: Interaction) -> str:
    """The contact's email address, "" when none is known."""
    query = select(ContactAddress.value).where(
        ContactAddress.contact_id == interaction.contact_id, ContactAddress.kind == "email"
    )
    return db.session.scalar(query.order_by(ContactAddress.id).limit(1)) or ""


def lines(interaction: Interaction, language: str) -> list[tuple[str, str, str]]:
    """(time, name, text) of each message in order, without what was called back; times are UTC."""
    query = (
        select(Message)
        .where(Message.interaction_id == interaction.id, Message.delivery != "recalled")
        .options(joinedload(Message.user), selectinload(Message.attachments))
        .order_by(Message.id)
    )
    found = []
    for message in db.session.scalars(query):
        files = [f"[{FILE.to(language)}: {one.name}]" for one in message.attachments]
        text = "\n".join(part for part in (message.body_text, *files) if part)
        found.append((message.at.strftime("%H:%M"), _who(message, language), text))
    return found


def _who(message: Message, language: str) -> str:
    if message.author == "contact":
        return YOU.to(language)
    if message.user is not None:
        return participants.shown_name(message.user)
    return (BOT if message.author == "bot" else AUTOMATIC).to(language)


def as_text(interaction: Interaction, language: str) -> str:
    """The whole conversation as plain text."""
    return "\n\n".join(f"[{at}] {who}\n{text}" for at, who, text in lines(interaction, language))


def as_html(interaction: Interaction, language: str) -> str:
    """The whole conversation as HTML without styles."""
    parts = (
        f"<p><b>{escape(who)}</b> {at}<br>{escape(text).replace(chr(10), '<br>')}</p>"
        for at, who, text in lines(interaction, language)
    )
    return "".join(parts)


def send(interaction_id: int, address: str, *, command_key: str, user_id: int | None = None) -> int:
    """Send the transcript by email as a letter of the case; returns the message id, the same for the same ``command_key``.

    An answer to it joins the case. Raises ``Rejected``: ``no-letters``, ``transcript-address``, ``transcript-empty``.
    """
    address = address.strip().lower()
    if not ADDRESS.fullmatch(address):
        raise Rejected(Text("This is not an email address", "Это не адрес электронной почты"), "transcript-address")
    channel = letters()
    if channel is None:
        raise Rejected(Text("Email is switched off", "Электронная почта отключена"), "no-letters")
    with transaction():
        key = f"chat-transcript:{interaction_id}:{command_key}"[:120]
        same = db.session.scalar(select(Message.id).where(Message.source_key == key))
        if same is not None:
            return same
        interaction = db.session.get_one(Interaction, interaction_id)
        language = interaction.case.language or interaction.service.language
        text = as_text(interaction, language)
        if not text:
            raise Rejected(Text("Nothing has been said yet", "Сообщений ещё нет"), "transcript-empty")
        letter = _letter(interaction, channel, address, key)
        day = interaction.created_at.strftime("%d.%m.%Y" if language == "ru" else "%Y-%m-%d")
        subject = SUBJECT.to(language).format(day=day)
        message = casework.post(
            letter,
            key,
            author="system",
            user_id=user_id,
            html=as_html(interaction, language),
            text=text,
            subject=subject,
            to=address,
            automatic=True,
        )
        return message.id


def _letter(interaction: Interaction, channel: Channel, address: str, key: str) -> Interaction:
    """An interaction that carries the letter and asks nothing of anybody."""
    moment = now()
    letter = Interaction(
        channel=channel.name,
        direction="out",
        session_key=key,
        case_id=interaction.case_id,
        service_id=interaction.service_id,
        contact_id=interaction.contact_id,
        address=address,
        state="closed",
        queued_at=moment,
        ended_at=moment,
        closed_at=moment,
    )
    db.session.add(letter)
    db.session.flush()
    return letter
