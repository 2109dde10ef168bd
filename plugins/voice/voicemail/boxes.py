"""Voicemail boxes of agents and services: their greetings and how a message is told. The only code that changes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, update
from sqlalchemy.orm import joinedload, selectinload

from core import audit, storage
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.model import Service, TeamMember, User
from core.model.services import ServiceTeam
from core.schemas import EMAIL, Invalid
from plugins.voice.messages.operations import kept_sound_of_text
from plugins.voice.models.voicemail import GREETINGS, VoicemailBox, VoicemailGreeting
from plugins.voice.sounds import blobs
from plugins.voice.sounds.sound_files import read_sound

EMAIL_AS = ("none", "link", "attachment")
LONGEST_GREETING = 120
UNKNOWN = Text("There is no such voicemail box", "Такого ящика голосовой почты нет")
# What is said where nobody has recorded a greeting; without a program that speaks, a tone alone asks for the message.
SPOKEN = Text(
    "Nobody can answer now. Please leave a message after the tone.",
    "Сейчас никто не может ответить. Оставьте сообщение после сигнала.",
)
TONE = "tone:1000/400"


@dataclass(frozen=True, slots=True)
class Whose:
    """A box by its owner: exactly one of the two is given."""

    user_id: int | None = None
    service_id: int | None = None


def box_of(whose: Whose) -> VoicemailBox | None:
    """The box with its greetings, None when there is none yet."""
    query = select(VoicemailBox).options(selectinload(VoicemailBox.greetings), joinedload(VoicemailBox.user))
    query = query.where(_is(whose)).execution_options(populate_existing=True)
    row: VoicemailBox | None = db.session.scalar(query)
    return row


def _is(whose: Whose) -> ColumnElement[bool]:
    if whose.user_id is not None:
        return VoicemailBox.user_id == whose.user_id
    return VoicemailBox.service_id == whose.service_id


def active_box(whose: Whose) -> VoicemailBox | None:
    """The box when callers may leave messages in it. An agent has one once it is set up, a service when its rule asks for it."""
    box = box_of(whose)
    return box if box is not None and box.active else None


def ensure_box(whose: Whose) -> VoicemailBox:
    """The box, made when it is missing."""
    box = box_of(whose)
    if box is not None:
        return box
    with transaction():
        # Whoever makes boxes waits behind the owner's row; the unique columns are the last word.
        owner = update(User).where(User.id == whose.user_id).values(login=User.login)
        if whose.service_id is not None:
            owner = update(Service).where(Service.id == whose.service_id).values(key=Service.key)
        db.session.execute(owner)
        if box_of(whose) is None:
            db.session.add(VoicemailBox(user_id=whose.user_id, service_id=whose.service_id))
            db.session.flush()
    found = box_of(whose)
    assert found is not None
    return found


def boxes_of_user(user_id: int) -> list[VoicemailBox]:
    """The user's own box and those of the services of the user's teams."""
    query = select(VoicemailBox).where(_heard_by(user_id))
    query = query.options(joinedload(VoicemailBox.service), joinedload(VoicemailBox.user))
    return list(db.session.scalars(query.order_by(VoicemailBox.user_id.is_(None), VoicemailBox.id)))


def box_ids_of_user(user_id: int) -> Select[Any]:
    """The ids of :func:`boxes_of_user`, for another query."""
    return select(VoicemailBox.id).where(_heard_by(user_id))


def _heard_by(user_id: int) -> ColumnElement[bool]:
    teams = select(TeamMember.team_id).where(TeamMember.user_id == user_id)
    served = select(ServiceTeam.service_id).where(ServiceTeam.team_id.in_(teams))
    return (VoicemailBox.user_id == user_id) | VoicemailBox.service_id.in_(served)


def greeting_sound(box: VoicemailBox, language: str) -> str:
    """What the caller hears before the tone: the greeting in use, else the words of the house; "" for the tone alone."""
    greeting = next((one for one in box.greetings if one.active), None)
    if greeting is not None:
        return f"file:{storage.path(greeting.sha256)}"
    return kept_sound_of_text(SPOKEN.to(language), language)


def spoken_texts() -> set[tuple[str, str]]:
    """What a call may have to say for want of a greeting: (text, language)."""
    return {(SPOKEN.to(language), language) for language in ("en", "ru")}


# --- changes -----------------------------------------------------------------------------------------


def set_box(box_id: int, *, active: bool, email: str, email_as: str) -> None:
    """How a box works. Raises ``Invalid`` (``voicemail-box``) by field and ``Rejected`` (``voicemail-box-unknown``)."""
    email = email.strip()
    if email and not EMAIL.fullmatch(email):
        words = Text("This does not look like an email address", "Это не похоже на адрес почты")
        raise Invalid({"email": words}, "voicemail-box")
    if email_as not in EMAIL_AS:
        raise Invalid({"email_as": Text("Choose one of the three", "Выберите один из вариантов")}, "voicemail-box")
    with transaction():
        box = _held(box_id)
        before = {"active": box.active, "email": box.email, "email_as": box.email_as}
        box.active, box.email, box.email_as = active, email, email_as
        after = {"active": active, "email": email, "email_as": email_as}
        audit.record("voice.voicemail.box", "voicemail_box", box_id, before, after)


def add_greeting(box_id: int, title: str, content: bytes) -> VoicemailGreeting:
    """One more greeting, at most three; it is in use from now on.

    Raises ``Rejected``: ``voicemail-box-unknown``, ``voicemail-greetings``, ``sound-unreadable``, ``sound-too-long``.
    """
    sound = read_sound(content, LONGEST_GREETING)
    with transaction():
        _held(box_id)
        mine = select(func.count(VoicemailGreeting.id)).where(VoicemailGreeting.box_id == box_id)
        count = db.session.scalar(mine) or 0
        if count >= GREETINGS:
            words = Text(
                f"A box has at most {GREETINGS} greetings: remove one first",
                f"У ящика не больше {GREETINGS} приветствий: сначала удалите одно",
            )
            raise Rejected(words, "voicemail-greetings")
        title = " ".join(title.split())[:120] or str(count + 1)
        row = VoicemailGreeting(
            box_id=box_id, title=title, sha256=storage.put(sound.wav), seconds=sound.seconds, peaks=sound.peaks
        )
        db.session.add(row)
        db.session.flush()
        _use(box_id, row.id)
        return row


def use_greeting(box_id: int, greeting_id: int | None) -> None:
    """Use this greeting from now on, None: none of them. Raises ``voicemail-box-unknown``, ``voicemail-greeting-unknown``."""
    with transaction():
        _held(box_id)
        if greeting_id is not None:
            _greeting(box_id, greeting_id)
        _use(box_id, greeting_id)


def _use(box_id: int, greeting_id: int | None) -> None:
    mine = update(VoicemailGreeting).where(VoicemailGreeting.box_id == box_id)
    db.session.execute(mine.where(VoicemailGreeting.active).values(active=False))
    if greeting_id is not None:
        db.session.execute(mine.where(VoicemailGreeting.id == greeting_id).values(active=True))


def remove_greeting(box_id: int, greeting_id: int) -> None:
    """Take a greeting away. Raises ``voicemail-box-unknown``, ``voicemail-greeting-unknown``."""
    with transaction():
        _held(box_id)
        row = _greeting(box_id, greeting_id)
        db.session.delete(row)
        blobs.forget(row.sha256)


def greeting(box_id: int, greeting_id: int) -> VoicemailGreeting:
    """One greeting of a box. Raises ``voicemail-greeting-unknown``."""
    return _greeting(box_id, greeting_id)


def _greeting(box_id: int, greeting_id: int) -> VoicemailGreeting:
    row = db.session.get(VoicemailGreeting, greeting_id, populate_existing=True)
    if row is None or row.box_id != box_id:
        raise Rejected(Text("There is no such greeting", "Такого приветствия нет"), "voicemail-greeting-unknown")
    return row


def _held(box_id: int) -> VoicemailBox:
    row = db.session.get(VoicemailBox, box_id, with_for_update=True)
    if row is None:
        raise Rejected(UNKNOWN, "voicemail-box-unknown")
    return row
