"""What an agent does in a call: answer, decline, hold, mute, press keys, show the case."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlalchemy import select

from core import assignment, timeline
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.events import log as events
from core.model import Case, Offer, User
from plugins.voice import switchboard
from plugins.voice.calls import book, ending, menus, phones, picture, serving
from plugins.voice.models.calls import VoiceCall, VoiceLeg
from plugins.voice.quality.looks import Looks

DIGITS = re.compile(r"[0-9A-D*#,]{1,40}")
MOST_LOSS, MOST_JITTER = 2.0, 20.0
FIGURES = ("loss_percent", "jitter_ms", "rtt_ms", "worst_loss", "worst_jitter")
MEANS = ("mean_loss", "mean_jitter", "samples")


def answer(key: str, user_id: int, *, by_itself: bool = False) -> None:
    """Take a call that rings at the agent; ``by_itself``: nobody pressed anything, and no other call may be in hand.

    Raises ``Rejected``: ``call-ended``, ``not-in-call``, ``call-not-now``, ``offer-gone``, ``offline``.
    """
    with transaction():
        call, leg = book.mine(key, user_id, ringing=True)
        if leg.state == "up":
            return
        if by_itself and not picture.answers_by_itself(user_id):
            raise book.not_now()
        offer_id = _offer(call, user_id)
        if offer_id is not None:
            assignment.accept(offer_id, user_id)
            return
        _answer_inside(call, leg)


def _offer(call: VoiceCall, user_id: int) -> int | None:
    if call.interaction_id is None:
        return None
    query = select(Offer.id).where(
        Offer.interaction_id == call.interaction_id, Offer.agent_id == user_id, Offer.outcome.is_(None)
    )
    return db.session.scalar(query)


def _answer_inside(call: VoiceCall, leg: VoiceLeg) -> None:
    """A colleague answers: an internal call, a consultation, an invitation."""
    assert leg.user_id is not None
    serving.join(call, leg)
    phones.busy(leg.user_id)
    if call.state == "ringing":
        begin_talking(call)
    _note_joined(call, leg)


def begin_talking(call: VoiceCall) -> None:
    """The other side has answered. Needs an open transaction."""
    call.state, call.answered_at = "talking", call.answered_at or now()
    db.session.flush()
    book.changed(call)


def _note_joined(call: VoiceCall, leg: VoiceLeg) -> None:
    if call.case_id is not None and call.consult_of_id is None and call.direction != "internal":
        words = Text(f"{leg.name} joined the call", f"К звонку присоединился участник: {leg.name}")
        timeline.write(
            call.case_id,
            "voice.joined",
            actor_id=leg.user_id,
            interaction_id=call.interaction_id,
            title_en=words.en,
            title_ru=words.ru,
        )


def reject(key: str, user_id: int) -> None:
    """Decline: an offer goes back to the queue, a colleague's call ends. Raises ``Rejected``: ``call-ended``, ``not-in-call``."""
    with transaction():
        call, leg = book.mine(key, user_id, ringing=True)
        if leg.state == "up":
            raise book.not_now()
        offer_id = _offer(call, user_id)
        if offer_id is not None:
            assignment.reject(offer_id, user_id)
        else:
            ending.drop(call, leg, "rejected")


def hold(key: str, user_id: int) -> None:
    """The others hear music, or talk on when they are several. Raises ``Rejected``: ``call-ended``, ``not-in-call``."""
    _set_held(key, user_id, True)


def retrieve(key: str, user_id: int) -> None:
    """Back into the talk; what else the agent has is put on hold. Raises ``Rejected``: ``call-ended``, ``not-in-call``."""
    _set_held(key, user_id, False)


def _set_held(key: str, user_id: int, on: bool) -> None:
    with transaction():
        call, leg = book.mine(key, user_id)
        if leg.held == on:
            return
        leg.held = on
        db.session.flush()
        if not on:
            serving.hold_others(user_id, call)
        book.changed(call)


def hold_member(key: str, user_id: int, leg_key: str, on: bool) -> None:
    """One member of a conference waits with music. Raises ``Rejected``: ``call-ended``, ``not-in-call``, ``leg-unknown``."""
    with transaction():
        call, own = book.mine(key, user_id)
        leg = next((one for one in book.others(call, own) if one.key == leg_key and one.user_id is None), None)
        if leg is None:
            raise Rejected(Text("There is no such member", "Такого участника нет"), "leg-unknown")
        leg.held = on
        db.session.flush()
        book.changed(call)


def mute(key: str, user_id: int, on: bool) -> None:
    """Whether the others hear the agent. Raises ``Rejected``: ``call-ended``, ``not-in-call``."""
    with transaction():
        call, leg = book.mine(key, user_id)
        leg.muted = on
        db.session.flush()
        book.changed(call)


def dtmf(key: str, user_id: int, digits: str) -> None:
    """Press keys for the far ends. Raises ``Rejected``: ``call-ended``, ``not-in-call``, ``digits-invalid``, ``voice-…``."""
    digits = digits.upper()
    if not DIGITS.fullmatch(digits):
        raise Rejected(Text("These are no telephone keys", "Таких клавиш у телефона нет"), "digits-invalid")
    with transaction():
        call, leg = book.mine(key, user_id)
        far = [one.media for one in book.others(call, leg) if one.user_id is None and one.media]
    for media in far:
        switchboard.command("dtmf", leg=media, digits=digits)


def screen(key: str, user_id: int, to_user_id: int) -> int:
    """Show the case of the call at a colleague's desk; gives the case. Raises ``Rejected``: ``call-ended``, ``not-in-call``, ``no-case``."""
    with transaction():
        call, _ = book.mine(key, user_id)
        case_id = call.case_id
        if case_id is None and call.consult_of_id is not None:
            case_id = db.session.get_one(VoiceCall, call.consult_of_id).case_id
        if case_id is None:
            raise Rejected(Text("This call has no case", "У этого звонка нет запроса"), "no-case")
        by = db.session.get_one(User, user_id)
        case = db.session.get_one(Case, case_id)
        payload = {"case_id": case_id, "number": case.number, "by": by.name, "user_id": user_id}
        events.publish(f"user:{to_user_id}", "voice.screen", payload)
        return case_id


def partner(key: str, user_id: int) -> int | None:
    """The colleague one talks with, for «send screen» without a target; None when there is none."""
    call = db.session.scalar(select(VoiceCall).where(VoiceCall.key == key))
    legs = book.legs_of(call) if call is not None else []
    return next((leg.user_id for leg in legs if leg.user_id not in (None, user_id) and leg.state == "up"), None)


def note_quality(key: str, user_id: int, figures: Mapping[str, float], looks: Looks | None = None) -> None:
    """What the agent's browser measured; kept with its worst values and the mean, told to the agent when it is poor.

    Whoever only listens reports as well, and so does a page that has not heard of the end yet: nothing is kept of that.
    """
    with transaction():
        try:
            call, leg = book.mine(key, user_id)
        except Rejected:
            return
        keep_quality(call, leg, figures, looks)


def keep_quality(call: VoiceCall, leg: VoiceLeg, figures: Mapping[str, float], looks: Looks | None = None) -> None:
    """In the open transaction. ``looks`` are those that the mean does not hold yet, without them the one of ``figures``."""
    loss, jitter, rtt = (float(figures.get(name, 0.0)) for name in FIGURES[:3])
    leg.loss_percent, leg.jitter_ms, leg.rtt_ms = round(loss, 2), round(jitter, 1), round(rtt, 1)
    leg.worst_loss = max(leg.loss_percent, leg.worst_loss or 0.0)
    leg.worst_jitter = max(leg.jitter_ms, leg.worst_jitter or 0.0)
    add_looks(leg, looks or Looks(1, loss, jitter))
    if leg.user_id is not None:
        payload = {"key": call.key, "poor": is_poor(loss, jitter), **{name: getattr(leg, name) for name in FIGURES}}
        events.publish(f"user:{leg.user_id}", "voice.quality", payload)


def add_looks(leg: VoiceLeg, looks: Looks) -> None:
    """Each look at the connection counts the same in its mean. Needs an open transaction."""
    whole = looks.added(Looks(leg.samples or 0, leg.mean_loss or 0.0, leg.mean_jitter or 0.0))
    leg.samples, leg.mean_loss, leg.mean_jitter = whole.count, round(whole.loss, 3), round(whole.jitter, 2)


def is_poor(loss: float | None, jitter: float | None) -> bool:
    """Whether people notice: over 2 % of packets lost, or over 20 ms of jitter. None: not measured."""
    return (loss or 0.0) > MOST_LOSS or (jitter or 0.0) > MOST_JITTER


def visitor_digits(call: VoiceCall, digits: str) -> None:
    """A contact presses keys on their page. Needs an open transaction."""
    for one in digits:
        if call.ended_at is None:
            menus.digit(call, one)


def colleague(user_id: int) -> User:
    """Somebody who can be called now. Raises ``Rejected``: ``user-disabled``, ``agent-offline``, ``colleague-on-call``."""
    user = db.session.get(User, user_id)
    if user is None or user.disabled_at is not None:
        raise Rejected(Text("There is no such agent (any more)", "Такого оператора (уже) нет"), "user-disabled")
    if not serving.is_there(user_id):
        words = Text(f"{user.name} is not at the desk", f"{user.name} не на рабочем месте")
        raise Rejected(words, "agent-offline")
    if book.open_calls_of(user_id, up=False):
        words = Text(f"{user.name} is in another call", f"{user.name}: идёт другой разговор")
        raise Rejected(words, "colleague-on-call")
    return user
