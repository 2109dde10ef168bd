"""Recorded messages: who sees, adds, names and removes them, and which are chosen. The only code that changes them.

An agent's own are seen by the agent; central ones by everybody, kept by who holds :data:`PERMISSION`.
"""

from __future__ import annotations

from sqlalchemy import func, or_, select, update

from core import audit, storage
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.house import okno
from core.model import User
from core.permissions import allowed
from plugins.voice.menus.document import NAME
from plugins.voice.menus.operations import menus_that_play
from plugins.voice.models.messages import VoiceChoice, VoiceMessage
from plugins.voice.sounds import blobs, speech
from plugins.voice.sounds.sound_files import read_sound

PERMISSION = "voice.messages"
MOST_OWN = 30
LONGEST_SECONDS = 300
UNKNOWN = Text("There is no such recorded message", "Такого записанного сообщения нет")


def visible(user_id: int) -> list[VoiceMessage]:
    """The agent's own messages, then the central ones, by title."""
    query = select(VoiceMessage).where(or_(VoiceMessage.owner_id == user_id, VoiceMessage.owner_id.is_(None)))
    return list(db.session.scalars(query.order_by(VoiceMessage.owner_id.is_(None), VoiceMessage.title)))


def central() -> list[VoiceMessage]:
    """Those for everybody, by title."""
    query = select(VoiceMessage).where(VoiceMessage.owner_id.is_(None)).order_by(VoiceMessage.title)
    return list(db.session.scalars(query))


def seen(message_id: int, user_id: int) -> VoiceMessage:
    """A message that the user may hear and play. Raises ``Rejected`` (``voice-message-unknown``)."""
    row = db.session.get(VoiceMessage, message_id)
    if row is None or row.owner_id not in (None, user_id):
        raise Rejected(UNKNOWN, "voice-message-unknown")
    return row


# --- what calls play ---------------------------------------------------------------------------------


def sound_of(message_id: int | None) -> str:
    """The sound of a message as :class:`core.telephony.Driver` takes it; "" when there is no such message."""
    row = db.session.get(VoiceMessage, message_id) if message_id else None
    return f"file:{storage.path(row.sha256)}" if row is not None else ""


def sound_of_key(key: str) -> str:
    """The sound of the central message that a menu names; "" when it is gone."""
    sha256 = db.session.scalar(select(VoiceMessage.sha256).where(VoiceMessage.key == key))
    return f"file:{storage.path(sha256)}" if sha256 else ""


def sound_of_text(text: str, language: str) -> str:
    """The sound of a text that is spoken; "" when this machine has no program that speaks."""
    path = speech.spoken(text, language)
    return f"file:{path}" if path else ""


def kept_sound_of_text(text: str, language: str) -> str:
    """The same if it was spoken before: within the transaction of a call nobody waits for a program."""
    path = speech.kept(text, language)
    return f"file:{path}" if path else ""


def greeting_sound(user_id: int) -> str:
    """What is played when the agent answers; "" for nothing."""
    choice = db.session.get(VoiceChoice, user_id)
    return sound_of(choice.greeting_id) if choice else ""


def machine_message_id(user_id: int) -> int | None:
    """The message that the agent leaves on answering machines."""
    choice = db.session.get(VoiceChoice, user_id)
    return choice.machine_id if choice else None


def choice_of(user_id: int) -> VoiceChoice:
    """What the agent has chosen; without a row, nothing."""
    return db.session.get(VoiceChoice, user_id) or VoiceChoice(user_id=user_id)


# --- changes -----------------------------------------------------------------------------------------


def add(title: str, content: bytes, *, owner_id: int | None, key: str = "", by_id: int | None = None) -> VoiceMessage:
    """Keep a recording or an upload as a message; ``key`` names a central one in menus. ``by_id`` None is the command line.

    Raises ``Rejected``: ``voice-message-not-yours``, ``voice-message-title``, ``voice-message-key``, ``voice-message-many``,
    ``sound-unreadable``, ``sound-too-long``.
    """
    title = _title(title)
    sound = read_sound(content, LONGEST_SECONDS)
    with transaction():
        _check_right(owner_id, by_id)
        row = VoiceMessage(owner_id=owner_id, title=title, key=_key(key) if owner_id is None else None)
        _refuse_many(owner_id)
        row.sha256, row.seconds, row.peaks = storage.put(sound.wav), sound.seconds, sound.peaks
        db.session.add(row)
        db.session.flush()
        _record("add", row, {}, {"title": title, "key": row.key})
        return row


def rename(message_id: int, title: str, by_id: int | None = None) -> VoiceMessage:
    """Another title. Raises ``Rejected`` as :func:`add`, and ``voice-message-unknown``."""
    with transaction():
        row = _held(message_id, by_id)
        before = row.title
        row.title = _title(title)
        _record("change", row, {"title": before}, {"title": row.title})
        return row


def remove(message_id: int, by_id: int | None = None) -> None:
    """Take a message away; whoever has chosen it plays none. Raises ``Rejected``: ``voice-message-unknown``,
    ``voice-message-not-yours``, ``in-use`` when a menu plays it."""
    with transaction():
        row = _held(message_id, by_id)
        menus = menus_that_play(row.key) if row.key else []
        if menus:
            names = ", ".join(menus)
            raise Rejected(Text(f"These menus play it: {names}", f"Его проигрывают меню: {names}"), "in-use")
        _record("remove", row, {"title": row.title}, {})
        db.session.delete(row)
        blobs.forget(row.sha256)


def choose(user_id: int, *, greeting_id: int | None, machine_id: int | None) -> None:
    """What is played on answering, and left on answering machines; None for nothing. Raises ``voice-message-unknown``."""
    with transaction():
        for message_id in filter(None, (greeting_id, machine_id)):
            seen(message_id, user_id)
        db.session.merge(VoiceChoice(user_id=user_id, greeting_id=greeting_id, machine_id=machine_id))


def _held(message_id: int, by_id: int | None) -> VoiceMessage:
    row = db.session.get(VoiceMessage, message_id, with_for_update=True)
    if row is None or (by_id is not None and row.owner_id not in (None, by_id)):
        raise Rejected(UNKNOWN, "voice-message-unknown")
    _check_right(row.owner_id, by_id)
    return row


def _check_right(owner_id: int | None, by_id: int | None) -> None:
    if by_id is None or owner_id == by_id:
        return
    user = db.session.get(User, by_id)
    if owner_id is not None or user is None or not allowed(user, PERMISSION):
        words = Text("Central messages are kept by supervisors", "Общими сообщениями управляют супервизоры")
        raise Rejected(words, "voice-message-not-yours")


def _refuse_many(owner_id: int | None) -> None:
    if owner_id is None:
        return
    # Counted behind the owner's row, so that two uploads at once cannot both be the last that fits.
    db.session.execute(update(User).where(User.id == owner_id).values(login=User.login))
    count = db.session.scalar(select(func.count(VoiceMessage.id)).where(VoiceMessage.owner_id == owner_id)) or 0
    if count >= MOST_OWN:
        words = Text(f"At most {MOST_OWN} messages of your own", f"Собственных сообщений — не больше {MOST_OWN}")
        raise Rejected(words, "voice-message-many")


def _title(title: str) -> str:
    title = " ".join(title.split())[:120]
    if not title:
        raise Rejected(Text("Give it a name", "Введите название"), "voice-message-title")
    return title


def _key(key: str) -> str | None:
    key = key.strip().lower()
    if not key:
        return None
    if not NAME.fullmatch(key):
        words = Text(
            "A key is made of lower-case Latin letters, digits, - and _",
            "Ключ — строчные латинские буквы, цифры, - и _",
        )
        raise Rejected(words, "voice-message-key")
    if db.session.scalar(select(VoiceMessage.id).where(VoiceMessage.key == key)) is not None:
        words = Text(f"There is a message '{key}' already", f"Сообщение «{key}» уже есть")
        raise Rejected(words, "voice-message-key")
    return key


def _record(what: str, row: VoiceMessage, before: dict[str, object], after: dict[str, object]) -> None:
    if row.owner_id is None:
        audit.record(f"voice.message.{what}", "voice_message", row.id, before, after)


def speaks() -> bool:
    """Whether texts are spoken on this machine; the setting is ``voice.speech_command``."""
    return bool(okno().config.declared.get("voice.speech_command")) and bool(speech.command())
