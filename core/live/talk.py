"""What contacts do in a live text channel: they write, correct what they wrote, go away; and what they say of our messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from core import casework, intake, timeline
from core.clock import now
from core.contracts import Address, FileIn, Inbound, Rejected, Text
from core.db import db, in_transaction, transaction
from core.events import log as events
from core.house import okno
from core.live import bots, conversations
from core.model import Message
from core.routing import closing
from core.routing.abandoning import abandon

TRIES = 3
SUBJECT_LENGTH = 80
KEPT_EDITS = 20
RECEIPTS = {"waiting": 0, "sent": 1, "delivered": 2, "read": 3}


@dataclass(frozen=True, slots=True)
class Said:
    """A contact's message. ``key`` names it for ever in its channel: the same one again changes nothing.

    ``address`` is who writes, as the channel knows them; ``entry`` what was reached (a widget's key, a bot's name). ``flood``: how
    many messages within how many seconds are too many; a message that is known already is not counted.
    """

    channel: str
    address: str
    key: str
    entry: str
    text: str
    name: str = ""
    language: str = ""
    files: tuple[FileIn, ...] = ()
    at: datetime | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    flood: tuple[int, float] | None = None

    @property
    def source_key(self) -> str:
        """The key in the whole house."""
        return source_key(self.channel, self.key)


def source_key(channel: str, key: str) -> str:
    """What names a source message of ``channel`` in the whole house."""
    return f"{channel}:{key}"[:160]


def checked_text(text: str, limit: int, *, files: bool = False) -> str:
    """The text without surrounding space. Raises ``Rejected`` (``empty-message``, ``message-too-long``); with ``files`` it may be empty."""
    text = text.strip()
    if not text and not files:
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


def refuse_flood(channel: str, address: str, limit: int, seconds: float) -> None:
    """Raise ``Rejected`` (``flood``) when ``limit`` messages or more came from the address within ``seconds``."""
    if conversations.written_since(channel, address, now(), seconds) >= limit:
        raise Rejected(
            Text(
                "That was too fast. Wait a few seconds and send again.",
                "Слишком быстро. Подождите несколько секунд и повторите.",
            ),
            "flood",
        )


def take_in(said: Said) -> intake.Received:
    """Store a message in the conversation under way, or in a new one that goes on with the open case.

    In a transaction of its own it tries again when another process has just opened the conversation; in an open one it raises
    SQLAlchemy's ``IntegrityError`` then, and the caller repeats. Raises ``Rejected``.
    """
    for attempt in range(TRIES):
        try:
            with transaction():
                return _take_in(said)
        except IntegrityError:
            if in_transaction() or attempt == TRIES - 1:
                raise
    raise AssertionError("not reached")


def _take_in(said: Said) -> intake.Received:
    found = conversations.whole(said.channel, said.address)
    before = found[0] if found else None
    joins = before is not None and before.state in conversations.UNDER_WAY
    # What a conversation under way needs none of is not asked for: most messages are of one.
    if joins and before:
        key, goes_on = before.session_key, True
    else:
        key = f"{said.channel}:{said.address}:{conversations.count(said.channel, said.address) + 1}"
        goes_on = before is not None and before.case.status != "closed"
    return intake.receive(
        Inbound(
            channel=said.channel,
            source_key=said.source_key,
            sender=Address(okno().channels[said.channel].address_kind, said.address, said.name.strip()[:80]),
            entry=said.entry,
            subject=subject_of(said.text) or _subject_of_files(said),
            body_text=said.text,
            files=said.files,
            at=said.at,
            case_id=before.case_id if goes_on and before else None,
            interaction_key=key or "",
            language=said.language,
            extra=dict(said.extra),
        ),
        joined=found if joins else None,
        check=lambda: refuse_flood(said.channel, said.address, *said.flood) if said.flood else None,
    )


def subject_of(text: str) -> str:
    """A case's subject from its first message: one line, cut at a word."""
    line = " ".join(text.split())
    return line if len(line) <= SUBJECT_LENGTH else line[: SUBJECT_LENGTH - 1].rsplit(" ", 1)[0] + "…"


def _subject_of_files(said: Said) -> str:
    if said.files:
        return said.files[0].name[:SUBJECT_LENGTH]
    named = said.extra.get("file_names") or ()
    return str(named[0])[:SUBJECT_LENGTH] if named else ""


def amend(channel: str, key: str, text: str, at: datetime | None = None) -> bool:
    """A contact has corrected a message: show the new text, keep what stood there before in ``data["edits"]``.

    False when it says so already. Raises ``LookupError`` when the message is not known (yet).
    """
    with transaction():
        found = select(Message).where(Message.source_key == source_key(channel, key)).with_for_update()
        message: Message | None = db.session.scalar(found.execution_options(populate_existing=True))
        if message is None:
            raise LookupError("the message that was corrected is not known")
        if message.body_text == text:
            return False
        data = {name: value for name, value in message.data.items() if name != "translations"}
        if message.body_text:
            before = {"text": message.body_text, "at": (at or now()).isoformat()}
            data["edits"] = [*data.get("edits", []), before][-KEPT_EDITS:]
        message.data = data
        message.body_text = text
        _tell_changed(message)
        return True


def _tell_changed(message: Message) -> None:
    events.publish("desk", "case.changed", {"case_id": message.case_id, "changes": ["message"]})


def gone(channel: str, address: str, why: Text, kind: str = "contact.left") -> None:
    """The contact has left: what nobody has in hand yet is closed, who has it in hand sees why there will be no answer."""
    with transaction():
        interaction = conversations.under_way(channel, address)
        if interaction is None:
            return
        timeline.write(interaction.case_id, kind, interaction_id=interaction.id, title_en=why.en, title_ru=why.ru)
        if interaction.state == "bot":
            bots.forget(interaction.id)
            closing.close(interaction, None, "", None)
            closing.tell_closed(interaction.id, None)
        elif interaction.state in ("put_off", "queued", "offered"):
            abandon(interaction.id)
        casework.tell(interaction.case, "message")


def receipt(message_id: int, status: str) -> bool:
    """The other side says that our message is ``delivered`` or ``read``, or could not be delivered (``failed``).

    Receipts may come late and in any order: a message never goes back from read to delivered. False when nothing changed.
    """
    before = (
        ("waiting", "sent") if status == "failed" else tuple(s for s, r in RECEIPTS.items() if r < RECEIPTS[status])
    )
    with transaction():
        ours = (Message.id == message_id) & (Message.direction == "out") & Message.delivery.in_(before)
        done = db.session.execute(update(Message).where(ours).values(delivery=status).returning(Message.case_id))
        case_id = done.scalar()
        if case_id is None:
            return False
        told = {"case_id": case_id, "message_id": message_id, "delivery": status}
        events.publish("desk", "outbox.changed", told)
        return True
