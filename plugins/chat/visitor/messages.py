"""What visitors write: one message is one row, however often it is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.exc import IntegrityError

from core.contracts import FileIn, Rejected, Text
from core.db import db, transaction
from core.house import okno
from core.live import talk
from core.model import Message
from plugins.chat import conversations, telling
from plugins.chat.visitor import incoming_files, visits
from plugins.chat.visitor.visitors import Visitor

CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
FLOOD_SECONDS = 10
TRIES = 3


@dataclass(frozen=True, slots=True)
class Said:
    """A visitor's message on its way in. ``client_id`` is made by the browser: the same one again changes nothing."""

    client_id: str
    text: str
    name: str = ""
    entry: str = ""
    language: str = ""
    page: str = ""
    files: tuple[FileIn, ...] = ()
    told: Mapping[str, str] = field(default_factory=dict)


def say(visitor: Visitor, said: Said) -> Message:
    """Store what the visitor wrote: in the conversation under way, or in a new one. Raises ``Rejected``.

    Files may stand without words. ``told`` answers the questions before the chat and is kept with the visit.
    """
    text = checked_text(said.text, files=bool(said.files))
    files = incoming_files.checked(said.files)
    if not CLIENT_ID.fullmatch(said.client_id):
        raise Rejected(Text("The message has no valid id", "У сообщения нет правильного номера"), "client-id")
    for attempt in range(TRIES):
        try:
            return _say(visitor, said, text, files)
        except IntegrityError:
            # Two first messages at once, on a data base with several writers: the other one has opened the conversation.
            if attempt == TRIES - 1:
                raise
    raise AssertionError("not reached")


def checked_text(text: str, *, files: bool = False) -> str:
    """The text without surrounding space. Raises ``Rejected`` when it is too long, or nothing is left and no file goes with it."""
    return talk.checked_text(text, okno().config.get("chat.max_characters"), files=files)


def _say(visitor: Visitor, said: Said, text: str, files: tuple[FileIn, ...]) -> Message:
    with transaction():
        received = talk.take_in(
            talk.Said(
                channel=conversations.CHANNEL,
                address=visitor.id,
                key=f"{visitor.id}:{said.client_id}",
                entry=(visitor.entry or said.entry.strip()[:80]).lower(),
                text=text,
                name=said.name,
                language=said.language,
                files=files,
                extra={"client_id": said.client_id, "page": said.page[:300]},
                flood=(okno().config.get("chat.flood_messages"), FLOOD_SECONDS),
            )
        )
        message = db.session.get_one(Message, received.message_id)
        if not received.duplicate:
            telling.tell(visitor.id, "chat.message", message_id=message.id)
        if received.new_interaction:
            visits.note(visitor, visits.Seen(url=said.page, language=said.language, told=said.told))
        if not received.duplicate and not files:
            # It is whole as it was written: the answer to the visitor need not read it again after the commit.
            db.session.flush()
            db.session.expunge(message)
        return message


def refuse_flood(visitor_id: str) -> None:
    """Raise ``Rejected`` when this visitor writes faster than people do."""
    limit = okno().config.get("chat.flood_messages")
    talk.refuse_flood(conversations.CHANNEL, visitor_id, limit, FLOOD_SECONDS)


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
