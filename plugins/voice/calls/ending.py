"""The end of calls: for all, for one who leaves, for the interaction behind them."""

from __future__ import annotations

from sqlalchemy import select

from core import assignment, presence, timeline
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.events import log as events
from core.model import Interaction, User
from core.routing import hands
from plugins.voice.calls import book, phones
from plugins.voice.models.calls import VoiceCall, VoiceLeg
from plugins.voice.registration import callbacks

CHANNEL = "voice"
ENDED = {
    "normal": Text("Call ended", "Звонок завершён"),
    "busy": Text("Call ended: the number was busy", "Звонок не состоялся: занято"),
    "rejected": Text("Call ended: it was declined", "Звонок не состоялся: вызов отклонён"),
    "no_answer": Text("Call ended: no answer", "Звонок не состоялся: нет ответа"),
    "unreachable": Text("Call ended: the number cannot be reached", "Звонок не состоялся: абонент недоступен"),
    "forbidden": Text("Call ended: the direction is forbidden", "Звонок не состоялся: направление запрещено"),
    "lost": Text("Call ended: the connection was lost", "Звонок прервался: связь потеряна"),
    "failed": Text("Call ended: it failed", "Звонок не состоялся: сбой связи"),
    "cancelled": Text("Call ended before an answer", "Звонок отменён до ответа"),
    "transferred": Text("Call transferred", "Звонок переведён"),
    "merged": Text("Call joined to the conference", "Звонок объединён с конференцией"),
}
# Why somebody who was called did not come into a call, where its members do not know.
NOT_JOINED = ("busy", "rejected", "no_answer", "unreachable", "forbidden", "failed")


def end(call: VoiceCall, cause: str = "normal", by_user_id: int | None = None) -> None:
    """End it for everybody; its interaction goes to wrap-up, or is closed when nobody had answered. Needs an open transaction.

    A call back that did not reach the contact is tried again: its interaction returns to the queue after a pause.
    """
    if call.ended_at is not None:
        return
    moment = now()
    legs = book.legs_of(call)
    for leg in legs:
        book.leave(call, leg, cause)
    call.state, call.ended_at, call.cause, call.recording = "ended", moment, cause[:16], ""
    if call.answered_at is not None:
        call.talk_seconds = int((moment - call.answered_at).total_seconds())
    call.course = {
        name: value for name, value in call.course.items() if name in ("visitor", "path", "voicemail", "promised")
    }
    db.session.flush()
    book.changed(call)
    for consult in book.consults_of(call):
        # Who consults about it talks on, and cannot bring the other one into it any more.
        book.changed(consult)
    _note(call, cause, by_user_id)
    _end_interaction(call)
    if call.consult_of_id is not None and cause not in ("merged", "transferred"):
        _back_to_first(call, [leg.user_id for leg in legs if leg.user_id is not None])
    for user_id in sorted({leg.user_id for leg in legs if leg.user_id is not None}):
        phones.release(user_id, call)


def _note(call: VoiceCall, cause: str, by_user_id: int | None) -> None:
    if call.case_id is None or call.consult_of_id is not None:
        return
    words = ENDED.get(cause, ENDED["normal"])
    if by_user_id is not None and cause == "normal":
        words = Text("The agent hung up", "Оператор завершил звонок")
    timeline.write(
        call.case_id,
        "voice.ended",
        actor_id=by_user_id,
        interaction_id=call.interaction_id,
        title_en=words.en,
        title_ru=words.ru,
        call=call.key,
        seconds=call.talk_seconds,
    )


def _end_interaction(call: VoiceCall) -> None:
    interaction_id, agent_id = call.interaction_id, call.agent_id
    if interaction_id is None:
        return
    query = select(Interaction).where(Interaction.id == interaction_id)
    interaction = db.session.scalar(query.execution_options(populate_existing=True))
    if interaction is None:
        return
    if interaction.state in ("put_off", "queued", "offered"):
        assignment.abandon(interaction_id)
    elif interaction.state == "active" and interaction.agent_id == agent_id and agent_id is not None:
        reached = call.answered_at is not None
        if callbacks.end(interaction_id, reached) == "waiting":
            call.interaction_id = None
            db.session.flush()
            callbacks.wait_again(interaction_id, agent_id)
        else:
            assignment.finish(interaction_id, agent_id)
    else:
        callbacks.over(interaction_id)


def _back_to_first(consult: VoiceCall, user_ids: list[int]) -> None:
    """A consultation is over: whoever began it talks in the first call again."""
    assert consult.consult_of_id is not None
    first = book.lock(consult.consult_of_id)
    if first is None:
        return
    for user_id in user_ids:
        own = book.leg_of(first, user_id)
        free = own is not None and own.held and not book.talks_elsewhere(user_id, first)
        if own is not None and free and consult.started_by_id == user_id:
            own.held = False
            db.session.flush()
    book.changed(first)


def drop(call: VoiceCall, leg: VoiceLeg, cause: str) -> None:
    """One leg is out: the call goes on while two talk, or while somebody still waits to be answered. Needs an open transaction."""
    was_up, owner = leg.state == "up", leg.user_id is not None and leg.user_id == call.agent_id
    book.leave(call, leg, cause)
    left = [one for one in book.legs_of(call) if one.kind in book.PEOPLE]
    up = [one for one in left if one.state == "up"]
    ringing = [one for one in left if one.state == "ringing"]
    if leg.kind == "customer" and (call.state in ("menu", "queued") or len(up) < 2):
        end(call, cause)
    elif call.course.get("recall") == leg.key:
        _recall(call, cause)
    elif len(up) + len(ringing) < 2 and not (call.direction == "in" and call.state == "queued"):
        end(call, cause)
    elif owner and was_up:
        hand_over(call, leg.user_id)
    if not was_up and call.ended_at is None:
        _tell_not_joined(call, leg, cause)
    if leg.user_id is not None:
        phones.release(leg.user_id, call)


def _tell_not_joined(call: VoiceCall, leg: VoiceLeg, cause: str) -> None:
    """Whoever talks hears why somebody did not come whom they have called into the call."""
    if cause not in NOT_JOINED:
        return
    payload = {"key": call.key, "name": leg.name or leg.address, "cause": cause}
    for one in book.legs_of(call):
        if one.user_id is not None and one.state == "up":
            events.publish(f"user:{one.user_id}", "voice.member", payload)


def go_away(call: VoiceCall, leg: VoiceLeg) -> None:
    """The agent is free at once while the contact's side goes on by itself (a message, a number outside). Needs an open transaction."""
    user_id = leg.user_id
    assert user_id is not None
    book.leave(call, leg)
    if call.agent_id == user_id:
        hand_over(call, user_id)
    phones.release(user_id, call)


def hand_over(call: VoiceCall, user_id: int | None) -> None:
    """Who had the call has left while others talk: a colleague in it has it now, else its interaction goes to wrap-up."""
    interaction_id = call.interaction_id
    heir = next(
        (leg for leg in book.legs_of(call) if leg.kind == "agent" and leg.state == "up" and _has_room(call, leg)), None
    )
    if interaction_id is None or user_id is None:
        call.agent_id = heir.user_id if heir else None
        db.session.flush()
    elif heir is not None and heir.user_id is not None:
        call.agent_id = heir.user_id
        db.session.flush()
        assignment.assign(interaction_id, heir.user_id, user_id)
    else:
        call.agent_id = None
        db.session.flush()
        assignment.finish(interaction_id, user_id)
    book.changed(call)


def _has_room(call: VoiceCall, leg: VoiceLeg) -> bool:
    """Whether a colleague may have the call's interaction beside what they have in hand."""
    if call.interaction_id is None or leg.user_id is None:
        return leg.user_id is not None
    user = db.session.get_one(User, leg.user_id)
    room = hands.in_hand(user.id).get(CHANNEL, 0) < hands.bounds(user, CHANNEL).limit
    return room and hands.state_of(user.id) != presence.OFFLINE


def _recall(call: VoiceCall, cause: str) -> None:
    """A blind transfer to a number has failed: the call is the agent's again, who is told."""
    course = dict(call.course)
    course.pop("recall", None)
    user_id = int(course.pop("recall_to", 0))
    call.course = course
    db.session.flush()
    own = book.leg_of(call, user_id)
    if own is not None:
        own.held = book.talks_elsewhere(user_id, call)
        call.state = "talking"
        db.session.flush()
        book.changed(call)
    else:
        end(call, cause)


def _leave_ringing(call: VoiceCall, leg: VoiceLeg) -> None:
    """Who has passed the call on to a number does not wait for the answer; the call does not come back."""
    call.course = {name: value for name, value in call.course.items() if name not in ("recall", "recall_to")}
    db.session.flush()
    go_away(call, leg)


def hang_up(key: str, user_id: int) -> None:
    """The agent hangs up: of two it is the end; of more, and when the call is being passed on to a number, the agent leaves.

    Raises ``Rejected``: ``call-ended``, ``not-in-call``.
    """
    with transaction():
        call = book.by_key(key)
        leg = book.leg_of(call, user_id)
        if leg is None:
            raise Rejected(book.NOT_IN_IT, "not-in-call")
        if leg.kind == "supervisor":
            book.leave(call, leg)
            phones.release(user_id, call)
        elif len(book.others(call, leg)) >= 2:
            drop(call, leg, "normal")
        elif call.course.get("recall_to") == user_id:
            _leave_ringing(call, leg)
        else:
            end(call, "normal" if call.answered_at else "cancelled", user_id)


def end_for_all(key: str, user_id: int) -> None:
    """Whoever has the call ends it for everybody. Raises ``Rejected``: ``call-ended``, ``not-in-call``, ``not-your-call``."""
    with transaction():
        call, _ = book.mine(key, user_id)
        if call.agent_id not in (user_id, None):
            words = Text(
                "Only who has the call can end it for all", "Завершить для всех может только тот, кто ведёт звонок"
            )
            raise Rejected(words, "not-your-call")
        end(call, "normal", user_id)


def leave(key: str, user_id: int) -> None:
    """The agent goes, the others talk on. Raises ``Rejected``: ``call-ended``, ``not-in-call``, ``nobody-left``."""
    with transaction():
        call, leg = book.mine(key, user_id)
        if len(book.others(call, leg)) < 2:
            words = Text("Nobody would be left to talk: hang up instead", "Говорить будет некому: завершите звонок")
            raise Rejected(words, "nobody-left")
        drop(call, leg, "normal")


def kick(key: str, user_id: int, leg_key: str) -> None:
    """Whoever has the call sends a member off. Raises ``Rejected``: ``call-ended``, ``not-in-call``, ``not-your-call``, ``leg-unknown``."""
    with transaction():
        call, own = book.mine(key, user_id)
        if call.agent_id not in (user_id, None):
            words = Text(
                "Only who has the call can remove members", "Убирать участников может только тот, кто ведёт звонок"
            )
            raise Rejected(words, "not-your-call")
        leg = next((one for one in book.legs_of(call) if one.key == leg_key and one.id != own.id), None)
        if leg is None:
            raise Rejected(Text("There is no such member", "Такого участника нет"), "leg-unknown")
        drop(call, leg, "normal")
