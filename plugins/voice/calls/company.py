"""More than two in a call: consultation, attended and blind transfer, conference."""

from __future__ import annotations

from sqlalchemy import select

from core import assignment, timeline
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.model import Interaction, User
from plugins.voice import switchboard
from plugins.voice.calls import book, dialling, ending, phones, recording, serving, talk
from plugins.voice.calls.dialling import Number, Target
from plugins.voice.models.calls import VoiceCall, VoiceLeg

NO_QUEUE = Text(
    "A service can take the call over, but not be consulted: choose a colleague, a number or a line",
    "Сервису можно передать звонок, но не посоветоваться с ним: выберите коллегу, номер или линию",
)
NO_CONSULT = Text("There is no consultation", "Консультации нет")


# --- consultation ------------------------------------------------------------------------------------


def consult(key: str, user_id: int, target: Target) -> str:
    """Put the call on hold and ask somebody; gives the key of the call to them.

    Raises ``Rejected``: ``call-ended``, ``not-in-call``, ``call-not-now``, ``consult-target``, what :mod:`dialling` says.
    """
    if target.service_id is not None:
        raise Rejected(NO_QUEUE, "consult-target")
    process = dialling.require_lines() if target.number is not None else ""
    with transaction():
        call, leg = book.mine(key, user_id)
        if call.consult_of_id is not None or _consult(call, user_id) is not None:
            raise book.not_now()
        leg.held = True
        db.session.flush()
        book.changed(call)
        if target.number is not None:
            return _consult_number(call, user_id, target.number, process)
        assert target.user_id is not None
        return dialling.call_colleague(user_id, target.user_id, call)


def _consult_number(call: VoiceCall, user_id: int, number: Number, process: str) -> str:
    made = VoiceCall(
        key=book.new_key(),
        direction="internal",
        state="ringing",
        started_by_id=user_id,
        agent_id=user_id,
        service_id=call.service_id,
        from_number=dialling.caller_id(call.service_id),
        to_number=number.number,
        name=number.number,
        process=process,
        consult_of_id=call.id,
    )
    db.session.add(made)
    db.session.flush()
    own = book.add(made, "agent", user=db.session.get_one(User, user_id), state="up")
    serving.join(made, own)
    dialling.add_number(made, number)
    return made.key


def _consult(call: VoiceCall, user_id: int) -> VoiceCall | None:
    return next((one for one in book.consults_of(call) if one.started_by_id == user_id), None)


def _pair(key: str, user_id: int) -> tuple[VoiceCall, VoiceCall]:
    """The first call and its consultation, both locked; ``key`` may name either."""
    named = db.session.execute(
        select(VoiceCall.id, VoiceCall.consult_of_id).where(VoiceCall.key == key, VoiceCall.ended_at.is_(None))
    ).first()
    if named is None:
        raise Rejected(book.OVER, "call-ended")
    first = book.lock(named.consult_of_id or named.id)
    asked = _consult(first, user_id) if first is not None else None
    second = book.lock(asked.id) if asked is not None else None
    if first is None or second is None:
        raise Rejected(NO_CONSULT, "no-consult")
    if book.leg_of(first, user_id) is None or book.leg_of(second, user_id) is None:
        raise Rejected(book.NOT_IN_IT, "not-in-call")
    return first, second


def swap(key: str, user_id: int) -> None:
    """Talk to the other one of the two. Raises ``Rejected``: ``call-ended``, ``no-consult``, ``not-in-call``."""
    with transaction():
        first, second = _pair(key, user_id)
        own, other = book.leg_of(first, user_id), book.leg_of(second, user_id)
        assert own is not None and other is not None
        own.held, other.held = not own.held, own.held
        db.session.flush()
        for call_id in set(book.open_calls_of(user_id)) - {first.id, second.id}:
            if (third := book.lock(call_id)) is not None:
                serving.hold_in(third, user_id)
        book.changed(first)
        book.changed(second)


def merge(key: str, user_id: int) -> None:
    """All into one conference. Raises ``Rejected``: ``call-ended``, ``no-consult``, ``not-in-call``, ``call-not-now`` while it rings."""
    with transaction():
        first, second = _pair(key, user_id)
        own = book.leg_of(first, user_id)
        assert own is not None
        _move_over(first, second, user_id)
        own.held = False
        db.session.flush()
        book.changed(first)
        ending.end(second, "merged", user_id)
        serving.hold_others(user_id, first)


def _move_over(first: VoiceCall, second: VoiceCall, user_id: int) -> list[VoiceLeg]:
    """Whoever was consulted comes into the first call."""
    asked = [leg for leg in book.legs_of(second) if leg.user_id != user_id and leg.state == "up"]
    if not asked:
        raise book.not_now()
    moved = [move(leg, second, first) for leg in asked]
    for leg in moved:
        recording.tell_newcomer(first, leg)
    return moved


def move(leg: VoiceLeg, before: VoiceCall, after: VoiceCall) -> VoiceLeg:
    """Somebody goes over from call to call without hanging up. Needs an open transaction."""
    media, leg.media = leg.media, ""
    values = {"media": media, "address": leg.address, "name": leg.name, "user_id": leg.user_id, "muted": leg.muted}
    book.leave(before, leg, "transferred")
    there = book.leg_of(after, leg.user_id) if leg.user_id is not None else None
    if there is not None:
        there.state, there.held = "up", False
        db.session.flush()
        return there
    return book.add(after, leg.kind if leg.kind != "customer" else "external", state="up", **values)


# --- transfer ----------------------------------------------------------------------------------------


def complete(key: str, user_id: int) -> None:
    """Attended transfer: who was consulted has the call now, the agent is free.

    Raises ``Rejected``: ``call-ended``, ``no-consult``, ``not-in-call``, ``call-not-now``, ``capacity-limit``.
    """
    with transaction():
        first, second = _pair(key, user_id)
        moved = _move_over(first, second, user_id)
        own = book.leg_of(first, user_id)
        assert own is not None
        first.ended_by_transfer = True
        db.session.flush()
        heir = next((leg.user_id for leg in moved if leg.user_id is not None), None)
        _note(first, user_id, moved[0].name)
        if heir is not None and first.interaction_id is not None and _in_hand(first):
            # The call follows its interaction, as with any transfer.
            assignment.assign(first.interaction_id, heir, user_id)
            ending.end(second, "transferred", user_id)
            serving.take(first, heir)
        else:
            ending.end(second, "transferred", user_id)
            ending.go_away(first, own)


def _in_hand(call: VoiceCall) -> bool:
    """Whether its interaction is still somebody's; who left a conference may be wrapping up while the others talk."""
    state = select(Interaction.state).where(Interaction.id == call.interaction_id)
    return db.session.scalar(state) == "active"


def _note(call: VoiceCall, user_id: int, name: str) -> None:
    if call.case_id is None:
        return
    timeline.write(
        call.case_id,
        "voice.transferred",
        actor_id=user_id,
        interaction_id=call.interaction_id,
        title_en=f"Call transferred to {name}",
        title_ru=f"Звонок переведён: {name}",
    )


def transfer(key: str, user_id: int, target: Target) -> None:
    """Blind transfer: to a colleague it rings, in a service it waits; a number that does not answer gives the call back.

    Raises ``Rejected``: ``call-ended``, ``not-in-call``, ``not-your-call``, what :func:`core.assignment.transfer` and :mod:`dialling` say.
    """
    if target.number is not None:
        dialling.require_lines()
    with transaction():
        call, leg = book.mine(key, user_id)
        if call.agent_id not in (user_id, None) or call.consult_of_id is not None:
            words = Text("Only who has the call can pass it on", "Перевести звонок может только тот, кто его ведёт")
            raise Rejected(words, "not-your-call")
        if not book.others(call, leg):
            raise book.not_now()
        call.ended_by_transfer = True
        db.session.flush()
        if target.number is not None:
            _to_number(call, leg, target.number)
        elif call.interaction_id is None:
            _to_colleague(call, leg, target)
        else:
            to = {"to_user_id": target.user_id, "to_service_id": target.service_id}
            assignment.transfer(call.interaction_id, user_id, **to)


def _to_number(call: VoiceCall, leg: VoiceLeg, number: Number) -> None:
    leg_key = dialling.add_number(call, number)
    leg.held = True
    call.course = {**call.course, "recall": leg_key, "recall_to": leg.user_id}
    db.session.flush()
    book.changed(call)
    if leg.user_id is not None:
        _note(call, leg.user_id, number.number)


def _to_colleague(call: VoiceCall, leg: VoiceLeg, target: Target) -> None:
    """An internal call, which routing does not know."""
    if target.user_id is None:
        raise Rejected(NO_QUEUE, "consult-target")
    book.add(call, "agent", user=talk.colleague(target.user_id))
    book.leave(call, leg, "transferred")
    if call.agent_id == leg.user_id:
        call.agent_id = None
        db.session.flush()
    if leg.user_id is not None:
        phones.release(leg.user_id, call)


def reached(call: VoiceCall, leg: VoiceLeg) -> None:
    """The number of a blind transfer has answered: the agent is free. Needs an open transaction."""
    course = dict(call.course)
    if course.pop("recall", None) != leg.key:
        return
    user_id = int(course.pop("recall_to", 0))
    call.course = course
    db.session.flush()
    own = book.leg_of(call, user_id)
    if own is not None:
        ending.go_away(call, own)


# --- conference --------------------------------------------------------------------------------------


def invite(key: str, user_id: int, target: Target) -> None:
    """Add somebody in one step; who is there talks on meanwhile.

    Raises ``Rejected``: ``call-ended``, ``not-in-call``, ``consult-target``, ``call-not-now``, what :mod:`dialling` says.
    """
    if target.service_id is not None:
        raise Rejected(NO_QUEUE, "consult-target")
    if target.number is not None:
        dialling.require_lines()
    with transaction():
        call, leg = book.mine(key, user_id)
        if call.consult_of_id is not None or not book.others(call, leg):
            raise book.not_now()
        if target.number is not None:
            dialling.add_number(call, target.number)
        else:
            assert target.user_id is not None
            book.add(call, "agent", user=talk.colleague(target.user_id))


def connect_number(call: VoiceCall, number: str) -> None:
    """A menu connects the caller with a number outside, or with a colleague by an internal number. Needs an open transaction."""
    target = dialling.target_of({"number": number}, 0)
    call.state = "talking"
    call.course = {name: value for name, value in call.course.items() if name in ("visitor", "answer", "path", "music")}
    db.session.flush()
    if target.user_id is not None:
        book.add(call, "agent", user=talk.colleague(target.user_id))
    elif target.number is not None:
        dialling.add_number(call, target.number)


# --- supervision -------------------------------------------------------------------------------------


def supervise(key: str, user_id: int, mode: str) -> None:
    """Listen to a call, whisper to its agent, join in; "" ends it. Changing the mode does not interrupt.

    Raises ``Rejected``: ``call-ended``, ``call-not-now``, ``supervise-unsupported``, ``voice-unavailable``.
    """
    if mode and not switchboard.require()["abilities"]["supervision"]:
        words = Text("The telephony in use cannot do this", "Подключённая телефония этого не умеет")
        raise Rejected(words, "voice-unsupported")
    with transaction():
        call = book.by_key(key)
        leg = book.leg_of(call, user_id)
        if not mode:
            if leg is not None and leg.kind == "supervisor":
                book.leave(call, leg)
                phones.release(user_id, call)
            return
        if leg is not None and leg.kind != "supervisor":
            raise book.not_now()
        if not any(one.kind == "agent" and one.state == "up" for one in book.legs_of(call)):
            raise book.not_now()
        if leg is None:
            leg = book.add(call, "supervisor", user=db.session.get_one(User, user_id), state="up", mode=mode)
            serving.hold_others(user_id, call)
            phones.ensure(user_id, call)
        leg.mode = mode
        db.session.flush()
        book.changed(call)
