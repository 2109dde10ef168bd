"""What visitors write: one message is one row, however often it is sent."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError

from core import intake
from core.clock import now
from core.contracts import Address, Inbound, Rejected, Text
from core.db import db, transaction
from core.house import okno
from core.model import Message
from plugins.chat import conversations, telling
from plugins.chat.visitor.visitors import Visitor

CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
FLOOD_SECONDS = 10
TRIES = 3
SUBJECT_LENGTH = 80


@dataclass(frozen=True, slots=True)
class Said:
    """A visitor's message on its way in. ``client_id`` is made by the browser: the same one again changes nothing."""

    client_id: str
    text: str
    name: str = ""
    entry: str = ""
    language: str = ""
    page: str = ""


def say(visitor: Visitor, said: Said) -> Message:
    """Store what the visitor wrote: in the conversation under way, or in a new one. Raises ``Rejected``."""
    text = checked_text(said.text)
    if not CLIENT_ID.fullmatch(said.client_id):
        raise Rejected(Text("The message has no valid id", "У сообщения нет правильного номера"), "client-id")
    for attempt in range(TRIES):
        try:
            return _say(visitor, said, text)
        except IntegrityError:
            # Two first messages at once, on a data base with several writers: the other one has opened the conversation.
            if attempt == TRIES - 1:
                raise
    raise AssertionError("not reached")


def checked_text(text: str) -> str:
    """The text without surrounding space. Raises ``Rejected`` when nothing is left or it is too long."""
    limit = okno().config.get("chat.max_characters")
    text = text.strip()
    if not text:
        raise Rejected(Text("Write something first", "Сначала напишите сообщение"), "empty-message")
    if len(text) > limit:
        raise Rejected(
            Text(
                f"The message is too long: {len(text)} characters, at most {limit}. Send it in parts.",
                f"Сообщение слишком длинное: {len(text)} знаков при пределе {limit}. Отправьте его по частям.",
            ),
            "message-too-long",
        )
    return text


def _say(visitor: Visitor, said: Said, text: str) -> Message:
    with transaction():
        before = conversations.latest(visitor.id)
        joins = before is not None and before.state in conversations.UNDER_WAY
        key = before.session_key if joins and before else f"chat:{visitor.id}:{conversations.count(visitor.id) + 1}"
        goes_on = before is not None and before.case.status != "closed"
        received = intake.receive(
            Inbound(
                channel=conversations.CHANNEL,
                source_key=f"chat:{visitor.id}:{said.client_id}",
                sender=Address(conversations.CHANNEL, visitor.id, said.name.strip()[:80]),
                entry=said.entry.strip()[:80].lower(),
                subject=_subject(text),
                body_text=text,
                case_id=before.case_id if goes_on and before else None,
                interaction_key=key or "",
                language=said.language,
                extra={"client_id": said.client_id, "page": said.page[:300]},
            )
        )
        message = db.session.get_one(Message, received.message_id)
        if not received.duplicate:
            telling.tell(visitor.id, "chat.message", message_id=message.id)
        return message


def _subject(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SUBJECT_LENGTH else line[: SUBJECT_LENGTH - 1].rsplit(" ", 1)[0] + "…"


def refuse_flood(inbound: Inbound) -> None:
    """Raise ``Rejected`` when this visitor writes faster than people do."""
    limit = okno().config.get("chat.flood_messages")
    if conversations.written_since(inbound.sender.value, now(), FLOOD_SECONDS) >= limit:
        raise Rejected(
            Text(
                "That was too fast. Wait a few seconds and send again.",
                "Слишком быстро. Подождите несколько секунд и повторите.",
            ),
            "flood",
        )


def ensure_entry(address: str) -> None:
    """Let the widget key ``address`` lead to the default service unless it leads somewhere; for the demo centre."""
    from core.model import Service, ServiceEntry

    with transaction():
        entry = db.select(ServiceEntry.id).where(
            ServiceEntry.channel == conversations.CHANNEL, ServiceEntry.address == address
        )
        default = db.session.scalar(
            db.select(Service).where(Service.active).order_by(Service.is_default.desc(), Service.id).limit(1)
        )
        if default is not None and db.session.scalar(entry) is None:
            default.entries.append(ServiceEntry(channel=conversations.CHANNEL, address=address, primary=False))
