"""Calls that agents make: numbers as people type them, what may be dialled, colleagues, lines, numbers outside."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from core import directory_book, outgoing
from core.contracts import Initiation, Rejected, Text
from core.db import db, transaction
from core.house import okno
from core.model import Contact, Interaction, ServiceEntry, User
from core.schemas import INTERNAL
from plugins.voice import switchboard
from plugins.voice.calls import book, directions, menus, phones, picture, serving, talk
from plugins.voice.lines import directory
from plugins.voice.models.calls import VoiceCall, VoiceLeg
from plugins.voice.registration import callbacks
from plugins.voice.voicemail import forwarding
from plugins.voice.voicemail.forwarding import Course

CHANNEL = "voice"
NO_LINES = Text(
    "No telephone lines are connected: only colleagues can be called",
    "Телефонные линии не подключены: звонить можно только коллегам",
)
NO_TARGET = Text("Choose whom to call", "Выберите, кому звонить")


@dataclass(frozen=True, slots=True)
class Number:
    """What was typed: the number in international form (or a SIP address), and the keys to press once it answers."""

    number: str
    keys: str = ""

    @property
    def address(self) -> str:
        """As the backend dials it."""
        return self.number if self.number.startswith("sip") else f"tel:{self.number}"


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to reach: exactly one of these."""

    user_id: int | None = None
    number: Number | None = None
    service_id: int | None = None


# --- numbers -----------------------------------------------------------------------------------------


def parse(typed: str) -> Number:
    """A number as it was typed: «8 (495) 123-45-67», «+7…», «00…», with keys after commas («…,,123#», each two seconds).

    Raises ``Rejected`` (``number-invalid``, ``direction-forbidden``).
    """
    if directions.SIP.fullmatch(typed.strip()):
        directions.check_allowed(typed.strip())
        return Number(typed.strip())
    number, comma, keys = directions.SEPARATORS.sub("", typed).partition(",")
    number = directions.international(number)
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", number) or not re.fullmatch(r"[0-9*#A-D,]{0,40}", keys.upper()):
        raise Rejected(_not_a_number(typed), "number-invalid")
    directions.check_allowed(number)
    return Number(number, comma + keys.upper() if keys else "")


def promised_number(typed: str) -> str:
    """A number that somebody outside asks to be called at: a plain one, in a direction that may be dialled.

    Raises ``Rejected`` (``number-invalid``, ``direction-forbidden``).
    """
    found = parse(typed)
    if found.keys or not found.number.startswith("+"):
        raise Rejected(_not_a_number(typed), "number-invalid")
    return found.number


def _not_a_number(typed: str) -> Text:
    return Text(
        f"'{typed}' is not a number that can be dialled, for instance +7 495 123-45-67",
        f"«{typed}» — не номер, по которому можно позвонить; например +7 495 123-45-67",
    )


def target_of(asked: Mapping[str, Any], user_id: int) -> Target:
    """What the softphone names: {user_id}, {number}, {service_id} or {line_id}. An internal number is a colleague.

    Raises ``Rejected``: ``call-target-missing``, ``number-invalid``, ``direction-forbidden``, ``voice-line-unknown``, ``line-not-yours``.
    """
    if asked.get("user_id"):
        return Target(user_id=int(asked["user_id"]))
    if asked.get("service_id"):
        return Target(service_id=int(asked["service_id"]))
    if asked.get("line_id"):
        line = directory.target(int(asked["line_id"]), user_id)
        if line.service_id is not None:
            return Target(service_id=line.service_id)
        return _of_number(line.number)
    if str(asked.get("number") or "").strip():
        return _of_number(str(asked["number"]).strip())
    raise Rejected(NO_TARGET, "call-target-missing")


def _of_number(typed: str) -> Target:
    if INTERNAL.fullmatch(typed):
        user_id = directory_book.user_of_number(typed)
        if user_id is None:
            words = Text(f"Nobody has the internal number {typed}", f"Внутреннего номера {typed} ни у кого нет")
            raise Rejected(words, "number-unknown")
        return Target(user_id=user_id)
    return Target(number=parse(typed))


def require_lines() -> str:
    """The run of the voice process that can call out. Raises ``Rejected``: ``voice-unavailable``, ``voice-no-lines``."""
    status = switchboard.require()
    if not status["abilities"]["sip"]:
        raise Rejected(NO_LINES, "voice-no-lines")
    return str(status["process"])


# --- calling -----------------------------------------------------------------------------------------


def call(user_id: int, asked: Mapping[str, Any]) -> str:
    """The agent calls somebody; gives the call's key. ``asked``: a target, with service_id or case_id for a number.

    Raises ``Rejected``: what :func:`target_of`, :func:`core.outgoing.start` and :func:`talk.colleague` say, ``voice-…``.
    """
    chosen = {name: asked.get(name) for name in ("user_id", "number", "line_id")}
    target = target_of(chosen, user_id)
    if target.user_id is not None:
        return call_colleague(user_id, target.user_id)
    number, service_id = target.number, asked.get("service_id")
    if number is None:
        service_id = target.service_id
        number = _number_of_service(service_id)
    require_lines()
    key = uuid.uuid4().hex
    started = outgoing.start(
        CHANNEL,
        user_id,
        number.number + number.keys,
        command_key=key,
        service_id=service_id,
        name=str(asked.get("name") or ""),
        case_id=asked.get("case_id"),
    )
    query = select(VoiceCall.key).where(VoiceCall.interaction_id == started.interaction_id)
    return str(db.session.scalars(query).one())


def _number_of_service(service_id: int | None) -> Number:
    query = select(ServiceEntry.address).where(ServiceEntry.service_id == service_id, ServiceEntry.channel == CHANNEL)
    address = db.session.scalar(query.order_by(ServiceEntry.primary.desc(), ServiceEntry.id).limit(1))
    if address is None:
        raise Rejected(NO_TARGET, "call-target-missing")
    return parse(address)


def begin(initiation: Initiation) -> None:
    """A contact is called: what the core asks of the channel when an agent begins. Needs an open transaction."""
    number = parse(initiation.address)
    process = require_lines()
    interaction = db.session.get_one(Interaction, initiation.interaction_id)
    interaction.address = number.number
    made = _outgoing(interaction, number, initiation.user_id, process)
    ring_out(made, number, initiation.user_id)


def call_back(interaction_id: int, user_id: int) -> None:
    """Call the contact who asked for it; when calls cannot be carried now it is tried again as when nobody was reached."""
    with transaction():
        typed = callbacks.begin(interaction_id, user_id)
    if not typed:
        return
    try:
        process, number = require_lines(), parse(typed)
    except Rejected:
        with transaction():
            callbacks.give_up(interaction_id)
        return
    with transaction():
        interaction = db.session.get_one(
            Interaction, interaction_id, populate_existing=True, with_for_update={"of": Interaction}
        )
        if interaction.state == "active" and interaction.agent_id == user_id:
            ring_out(_outgoing(interaction, number, user_id, process), number, user_id)
        else:
            callbacks.give_up(interaction_id)


def _outgoing(interaction: Interaction, number: Number, user_id: int, process: str) -> VoiceCall:
    contact = db.session.get(Contact, interaction.contact_id) if interaction.contact_id else None
    return VoiceCall(
        key=book.new_key(),
        direction="out",
        state="ringing",
        interaction_id=interaction.id,
        case_id=interaction.case_id,
        service_id=interaction.service_id,
        agent_id=user_id,
        started_by_id=user_id,
        from_number=caller_id(interaction.service_id),
        to_number=number.number,
        name=contact.name if contact else "",
        process=process,
    )


def ring_out(made: VoiceCall, number: Number, user_id: int) -> None:
    """Dial for an agent, who hears the ringing. Needs an open transaction."""
    media = f"x-{made.key}"
    made.customer_leg = media
    made.course = {"caller": made.from_number, "keys": number.keys} if number.keys else {"caller": made.from_number}
    db.session.add(made)
    db.session.flush()
    book.add(made, "customer", media=media, address=number.address, name=made.name or number.number)
    own = book.add(made, "agent", user=db.session.get_one(User, user_id), state="up")
    serving.join(made, own)


def caller_id(service_id: int | None) -> str:
    """The number that the other side sees: the first of the service, else that of the settings."""
    query = select(ServiceEntry.address).where(ServiceEntry.service_id == service_id, ServiceEntry.channel == CHANNEL)
    address = db.session.scalar(query.order_by(ServiceEntry.primary.desc(), ServiceEntry.id).limit(1))
    return str(address or okno().config.get("voice.caller"))


def call_colleague(user_id: int, to_user_id: int, consult_of: VoiceCall | None = None) -> str:
    """Ring at a colleague, or go where the colleague's calls are forwarded; gives the call's key.

    Raises ``Rejected``: ``call-yourself``, ``user-disabled``, ``agent-offline``, ``colleague-on-call``, ``voice-unavailable``.
    """
    if user_id == to_user_id:
        raise Rejected(Text("This is you", "Это вы сами"), "call-yourself")
    process = str(switchboard.require()["process"])
    with transaction():
        caller, course = db.session.get_one(User, user_id), _course(to_user_id)
        elsewhere = course.do in ("forward", "voicemail")
        target = db.session.get_one(User, to_user_id) if elsewhere else talk.colleague(to_user_id)
        made = VoiceCall(
            key=book.new_key(),
            direction="internal",
            state="ringing",
            started_by_id=user_id,
            agent_id=user_id,
            from_number=caller.phone,
            to_number=target.phone,
            name=target.name,
            process=process,
            consult_of_id=consult_of.id if consult_of else None,
        )
        db.session.add(made)
        db.session.flush()
        own = book.add(made, "agent", user=caller, state="up")
        serving.join(made, own)
        phones.busy(user_id)
        if not elsewhere or not divert(made, to_user_id, course):
            book.add(made, "agent", user=talk.colleague(to_user_id))
        return made.key


def _course(user_id: int) -> Course:
    """What a call to a colleague does right now."""
    if book.open_calls_of(user_id, up=False):
        return forwarding.course_of(user_id, "busy")
    return forwarding.course_of(user_id, "new" if serving.is_there(user_id) else "no_answer")


def divert(call: VoiceCall, user_id: int, course: Course) -> bool:
    """Send a call elsewhere that a colleague does not take; False when there is nowhere. Needs an open transaction."""
    if course.do == "forward":
        return _forward(call, user_id, course.number)
    caller = picture.phone_of(call.started_by_id) if call.started_by_id is not None else None
    if course.do != "voicemail" or call.direction != "internal" or call.consult_of_id or not (caller and caller.media):
        return False
    # The caller's own leg is whom the greeting is played to and whose words are kept.
    call.customer_leg = caller.media
    menus.take_message(call, user_id=user_id)
    return True


def _forward(call: VoiceCall, user_id: int, typed: str) -> bool:
    try:
        target = target_of({"number": typed}, user_id)
    except Rejected:
        return False
    if target.number is not None:
        add_number(call, target.number)
        return True
    other = target.user_id or 0
    rung = select(VoiceLeg.id).where(VoiceLeg.call_id == call.id, VoiceLeg.user_id == other)
    if not serving.is_there(other) or book.open_calls_of(other, up=False) or db.session.scalar(rung.limit(1)):
        return False
    book.add(call, "agent", user=db.session.get_one(User, other))
    return True


def add_number(made: VoiceCall, number: Number) -> str:
    """Dial a number into a call; gives the key of the leg. Needs an open transaction."""
    key = book.new_key()
    course = dict(made.course)
    course.setdefault("caller", caller_id(made.service_id))
    if number.keys:
        course["keys"] = number.keys
    made.course = course
    db.session.flush()
    leg = book.add(made, "external", media=f"x-{key}", address=number.address, name=number.number)
    return leg.key
