"""What the voice process tells becomes rows: each event once, in order, in a transaction with the place where it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from flask import current_app
from sqlalchemy import select, update

from core import assignment, presence, reasons
from core.clock import now
from core.contracts import Rejected
from core.db import db, on_commit, transaction
from plugins.voice import switchboard
from plugins.voice.calls import (
    arrival,
    book,
    company,
    dialling,
    ending,
    menus,
    phones,
    picture,
    recording,
    saying,
    talk,
)
from plugins.voice.models.calls import VoiceCall, VoiceCursor, VoiceLeg
from plugins.voice.quality import looks
from plugins.voice.quality.looks import Looks

log = structlog.get_logger("okno.voice")
Event = Mapping[str, Any]
CURSOR = 1
MUCH_LOSS, MUCH_JITTER = 0.5, 5.0
MOST_MOVES = 5


def cursor() -> tuple[str, int]:
    """Up to which event of which run everything is done."""
    row = db.session.get(VoiceCursor, CURSOR, populate_existing=True)
    place = (row.process, row.seq) if row is not None else ("", 0)
    db.session.rollback()
    return place


def set_cursor(process: str, seq: int) -> None:
    """Go on after this event. Needs an open transaction."""
    db.session.merge(VoiceCursor(id=CURSOR, process=process, seq=seq, at=now()))
    db.session.flush()


def apply(process: str, seq: int, event: Event) -> bool:
    """Carry out what an event means; False when it was done before or means nothing. Raises what the data base raises."""
    handle = HANDLERS.get(event["kind"])
    if handle is None or not _matters(process, seq, event):
        return False
    try:
        with transaction():
            if not _advance(process, seq):
                return False
            handle(process, event)
    except Rejected as refused:
        log.info("an event was refused", kind=event["kind"], code=refused.code, leg=event.get("leg"))
        with transaction():
            _advance(process, seq)
    return True


def skip(process: str, seq: int) -> None:
    """Leave out an event that cannot be carried out."""
    with transaction():
        _advance(process, seq)


def _advance(process: str, seq: int) -> bool:
    statement = update(VoiceCursor).where(
        VoiceCursor.id == CURSOR, VoiceCursor.process == process, VoiceCursor.seq < seq
    )
    done = db.session.execute(statement.values(seq=seq, at=now()).execution_options(synchronize_session=False))
    return bool(done.rowcount)  # type: ignore[attr-defined]


def _matters(process: str, seq: int, event: Event) -> bool:
    """What is told often and changes nothing costs no transaction."""
    kind = event["kind"]
    if kind == "playback.done":
        return "." in event["playback"] and not event["playback"].startswith("wait.")
    if kind != "leg.quality":
        return True
    leg, data = _measured(event["leg"]), event.get("data", {})
    news = leg is not None and _is_news(leg, data)
    counts = leg is not None and _waiting_looks().is_news(process, seq)
    enough = leg is not None and counts and _waiting_looks().note(leg.id, leg.call_id, event["leg"], _look(data))
    db.session.rollback()
    return news or enough


def _look(data: Mapping[str, Any]) -> Looks:
    return Looks(1, float(data.get("loss_percent", 0)), float(data.get("jitter_ms", 0)))


def _is_news(leg: VoiceLeg, data: Mapping[str, Any]) -> bool:
    """The first figures, clearly worse ones, and of who has no page that looks by itself: that it turned poor or good again."""
    if leg.worst_loss is None or leg.worst_jitter is None:
        return True
    loss, jitter = float(data.get("loss_percent", 0)), float(data.get("jitter_ms", 0))
    if loss > leg.worst_loss + MUCH_LOSS or jitter > leg.worst_jitter + MUCH_JITTER:
        return True
    return leg.user_id is None and talk.is_poor(loss, jitter) != talk.is_poor(leg.loss_percent, leg.jitter_ms)


# --- legs --------------------------------------------------------------------------------------------


def _leg_query(media: str) -> Any:
    return select(VoiceLeg).where(VoiceLeg.media == media, VoiceLeg.left_at.is_(None))


def call_of(media: str) -> tuple[VoiceCall, VoiceLeg] | None:
    """The call that a customer's or an outside leg is in, locked; also when it is being moved to another one meanwhile (a merge)."""
    fresh = {"populate_existing": True}
    leg = db.session.scalar(_leg_query(media), execution_options=fresh)
    for _ in range(MOST_MOVES):
        if leg is None:
            return None
        call_id = leg.call_id
        call = book.lock(call_id)
        leg = db.session.scalar(_leg_query(media), execution_options=fresh)
        if leg is not None and leg.call_id == call_id:
            return (call, leg) if call is not None else None
    return None


def _incoming(process: str, event: Event) -> None:
    data = event.get("data", {})
    name = _shown(data.get("name") or data.get("display"))
    number, entry = _number(_shown(data.get("address"))), _number(_shown(data.get("to")))
    arrival.from_line(event["leg"], number, entry, name, process)


def _shown(said: object) -> str:
    """What a network says, without signs that could not be shown or kept."""
    return "".join(filter(str.isprintable, str(said or ""))).strip()


def _number(address: str) -> str:
    """«tel:+7…», «sip:+7…@host» as the number; an address without one as it is."""
    plain = address.removeprefix("tel:").removeprefix("sips:").removeprefix("sip:")
    user = plain.partition("@")[0]
    return user if user.lstrip("+").isdigit() else plain


def _answered(_process: str, event: Event) -> None:
    media = event["leg"]
    if phones.answered(media):
        return
    found = call_of(media)
    if found is None or found[1].state == "up":
        return
    call, leg = found
    leg.state, leg.joined_at = "up", now()
    db.session.flush()
    book.changed(call)
    if call.state == "ringing":
        talk.begin_talking(call)
        if call.direction == "out":
            recording.begin_by_rule(call)
    else:
        recording.tell_newcomer(call, leg)
    if keys := call.course.get("keys"):
        call.course = {name: value for name, value in call.course.items() if name != "keys"}
        on_commit(lambda: _press(media, str(keys)))
    company.reached(call, leg)


def _press(media: str, keys: str) -> None:
    try:
        switchboard.ask("dtmf", {"leg": media, "digits": keys})
    except (switchboard.Away, switchboard.Refused) as error:
        log.warning("keys were not pressed", leg=media, why=str(error))


def _dtmf(_process: str, event: Event) -> None:
    if (found := call_of(event["leg"])) is not None:
        menus.digit(found[0], str(event["data"]["digit"]))


def _hangup(_process: str, event: Event) -> None:
    cause = str(event.get("data", {}).get("cause", "normal"))
    _keep_looks(event["leg"])
    picked_up = phones.is_up(event["leg"])
    phone = phones.lost(event["leg"])
    if phone is not None:
        if phone.way in ("sip", "external"):
            _put_down(phone.user_id, cause, picked_up)
        return
    if (found := call_of(event["leg"])) is not None:
        ending.drop(*found, cause)


def _put_down(user_id: int, cause: str, picked_up: bool) -> None:
    """The agent has put down a telephone outside of the browser, or never picked it up: what they talked in is over for them."""
    for call_id in book.open_calls_of(user_id):
        call = book.lock(call_id)
        leg = book.leg_of(call, user_id) if call is not None else None
        if call is not None and leg is not None and not leg.held and (picked_up or not _wait_again(call, user_id)):
            ending.drop(call, leg, cause)


def _wait_again(call: VoiceCall, user_id: int) -> bool:
    """A caller whose agent did not pick up goes back to the queue, the agent is Not ready; False for a call of another kind."""
    interaction = picture.interaction_of(call)
    if (
        call.direction != "in"
        or interaction is None
        or (interaction.state, interaction.agent_id) != ("active", user_id)
    ):
        return False
    assignment.release(interaction.id, user_id)
    if presence.of(user_id).state != presence.OFFLINE:
        presence.change_to(user_id, presence.NOT_READY, reasons.NO_ANSWER, "no_answer", user_id)
    return True


def _held(_process: str, event: Event) -> None:
    """A SIP telephone has pressed hold."""
    user_id = phones.user_of(event["leg"])
    for call_id in book.open_calls_of(user_id) if user_id is not None else ():
        call = book.lock(call_id)
        leg = book.leg_of(call, user_id) if call is not None and user_id is not None else None
        if call is not None and leg is not None and leg.held != bool(event["data"]["on"]):
            leg.held = bool(event["data"]["on"])
            db.session.flush()
            book.changed(call)


def _transfer(_process: str, event: Event) -> None:
    """A SIP telephone asks for a transfer; it is done like one at the desk."""
    user_id = phones.user_of(event["leg"])
    keys = [
        call.key
        for call_id in (book.open_calls_of(user_id) if user_id is not None else ())
        if (call := book.lock(call_id)) is not None
    ]
    if user_id is not None and keys:
        target = dialling.target_of({"number": _number(str(event["data"]["to"]))}, user_id)
        company.transfer(keys[-1], user_id, target)


def _measured(media: str) -> VoiceLeg | None:
    """Whose connection a leg of the backend is: a customer's, or an agent's in the call they talk in."""
    fresh = {"populate_existing": True}
    leg: VoiceLeg | None = db.session.scalar(_leg_query(media), execution_options=fresh)
    if leg is None and (user_id := phones.user_of(media)) is not None:
        query = select(VoiceLeg).where(VoiceLeg.user_id == user_id, VoiceLeg.left_at.is_(None), VoiceLeg.state == "up")
        query = query.where(VoiceLeg.kind == "agent", ~VoiceLeg.held).order_by(VoiceLeg.id.desc()).limit(1)
        leg = db.session.scalar(query, execution_options=fresh)
    return leg


def _quality(_process: str, event: Event) -> None:
    known = _measured(event["leg"])
    call = book.lock(known.call_id) if known is not None else None
    leg = _measured(event["leg"])
    if call is not None and leg is not None and leg.call_id == call.id:
        talk.keep_quality(call, leg, event.get("data", {}), _waiting_looks().of(leg.id))
        _forget_looks([leg.id])


def _waiting_looks() -> looks.Waiting:
    return looks.waiting(current_app)


def _forget_looks(leg_ids: Sequence[int]) -> None:
    waiting = _waiting_looks()
    on_commit(lambda: waiting.forget(leg_ids))


def _keep_looks(media: str) -> None:
    """Somebody has hung up: what was measured of everybody in that call goes into the means."""
    for call_id, found in _waiting_looks().of_calls(media).items():
        book.lock(call_id)
        for leg_id, theirs in found.items():
            leg = db.session.get(VoiceLeg, leg_id, populate_existing=True)
            if leg is not None:
                talk.add_looks(leg, theirs)
        db.session.flush()
        _forget_looks(list(found))


# --- sounds and recordings ---------------------------------------------------------------------------


def _played(_process: str, event: Event) -> None:
    key = event["playback"].partition(".")[0]
    call_id = db.session.scalar(select(VoiceCall.id).where(VoiceCall.key == key))
    call = book.lock(call_id) if call_id is not None else None
    said = saying.heard(call, event["playback"]) if call is not None else None
    if call is None or said is None:
        return
    if said.get("last"):
        ending.end(call, "normal")
    else:
        menus.played(call)


def _recorded(_process: str, event: Event) -> None:
    data = event["data"]
    if not menus.message_left(event["recording"], str(data["path"])):
        recording.done(event["recording"], str(data["path"]), float(data["seconds"]))


def _not_recorded(_process: str, event: Event) -> None:
    recording.failed(event["recording"], str(event.get("data", {}).get("why", "")))


HANDLERS: dict[str, Callable[[str, Event], None]] = {
    "leg.incoming": _incoming,
    "leg.answered": _answered,
    "leg.dtmf": _dtmf,
    "leg.hangup": _hangup,
    "leg.held": _held,
    "leg.transfer_requested": _transfer,
    "leg.quality": _quality,
    "playback.done": _played,
    "recording.done": _recorded,
    "recording.failed": _not_recorded,
}
