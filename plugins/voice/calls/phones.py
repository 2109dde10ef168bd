"""Telephones of agents: one connection each, made when a call needs it, kept while any call is in hand, the same in all calls."""

from __future__ import annotations

import re
import secrets

import structlog
from sqlalchemy import select

from core import presence
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.events import log as events
from plugins.voice import switchboard
from plugins.voice.calls import book, directions
from plugins.voice.models.calls import VoiceCall, VoicePhone

log = structlog.get_logger("okno.voice")
WAYS = ("browser", "sip", "external", "none")
LONGEST_SDP = 64 << 10


def of(user_id: int) -> VoicePhone:
    """The agent's telephone, locked; the row is made at first use. Needs an open transaction."""
    query = select(VoicePhone).where(VoicePhone.user_id == user_id).with_for_update()
    phone: VoicePhone | None = db.session.scalar(query.execution_options(populate_existing=True))
    if phone is None:
        phone = VoicePhone(user_id=user_id, way="browser", address="", up=False)
        db.session.add(phone)
        db.session.flush()
    return phone


def choose(user_id: int, way: str, address: str = "", *, nailed: bool = False, auto_answer: bool = False) -> None:
    """How the agent hears and speaks.

    Raises ``Rejected``: ``phone-invalid``, ``direction-forbidden``, ``call-not-now`` with a call in hand.
    """
    address = address.strip() if way == "sip" else directions.SEPARATORS.sub("", address)
    shape = {"sip": directions.SIP, "external": re.compile(r"\+[1-9][0-9]{6,14}")}.get(way)
    if way not in WAYS or (shape is not None and not shape.fullmatch(address)):
        words = Text(
            "Give a SIP address (sip:name@host) or a number in international form",
            "Укажите адрес SIP (sip:имя@узел) или номер в международном формате",
        )
        raise Rejected(words, "phone-invalid")
    if shape is not None:
        directions.check_telephone(address)
    if way == "external":
        address = f"tel:{address}"
    with transaction():
        phone = of(user_id)
        if book.open_calls_of(user_id):
            words = Text("Finish your calls first", "Сначала завершите звонки")
            raise Rejected(words, "call-not-now")
        _drop(phone)
        phone.way, phone.nailed, phone.auto_answer = way, nailed and way != "none", auto_answer
        phone.address = address if way in ("sip", "external") else ""


def connect(user_id: int, sdp: str) -> dict[str, str]:
    """The browser's offer to carry this agent's sound: gives {leg, sdp}. What was connected before ends; calls in hand go on with the new one.

    Raises ``Rejected``: ``voice-unavailable``, ``voice-bad-sdp``, ``voice-full``.
    """
    media = f"u{user_id}-{secrets.token_hex(8)}"
    if not sdp or len(sdp) > LONGEST_SDP:
        raise Rejected(switchboard.WORDS["bad-sdp"], "voice-bad-sdp")
    process = str(switchboard.require()["process"])
    answer = str(switchboard.command("offer", leg=media, sdp=sdp))
    with transaction():
        _lock_calls(user_id)
        phone = of(user_id)
        before = phone.media
        if phone.way != "browser":
            phone.way, phone.address, phone.nailed = "browser", "", False
        phone.media, phone.up, phone.process, phone.since = media, False, process, now()
        db.session.flush()
        _refresh_calls(user_id)
        # After a break the sound may be back before the stream of events: whoever speaks is at the desk.
        presence.touch([user_id])
    if before:
        _end(before)
    return {"leg": media, "sdp": answer}


def disconnect(user_id: int) -> None:
    """The agent's page goes away or needs no sound any more; calls in hand wait for another connection."""
    with transaction():
        _lock_calls(user_id)
        media = _drop(of(user_id))
        _refresh_calls(user_id)
    if media:
        _end(media)


def ensure(user_id: int, call: VoiceCall) -> None:
    """A call needs the agent's telephone: one outside of the browser is rung. Needs an open transaction."""
    phone = of(user_id)
    if phone.way in ("sip", "external") and not phone.media:
        phone.media, phone.up, phone.since = f"u{user_id}-{secrets.token_hex(8)}", False, now()
        phone.process = call.process
        db.session.flush()
        events.publish(f"user:{user_id}", "voice.line", {"state": "ringing", "address": phone.address})


def release(user_id: int, call: VoiceCall) -> None:
    """The agent is out of ``call``: without any other, the telephone is hung up and the state follows. Needs an open transaction."""
    if book.open_calls_of(user_id):
        return
    phone = of(user_id)
    if phone.media and not phone.nailed:
        media = _drop(phone)
        book.hang_up_too(call, media)
    free(user_id)


def answered(media: str) -> bool:
    """Sound flows on a leg; whether it is an agent's telephone. Needs an open transaction."""
    phone = _locked(media)
    if phone is None:
        return False
    phone.up = True
    db.session.flush()
    _refresh_calls(phone.user_id)
    if phone.way != "browser":
        events.publish(f"user:{phone.user_id}", "voice.line", {"state": "up"})
    return True


def is_up(media: str) -> bool:
    """Whether a leg is an agent's telephone and answered."""
    return bool(db.session.scalar(select(VoicePhone.up).where(VoicePhone.media == media)))


def lost(media: str) -> VoicePhone | None:
    """A telephone is not connected any more: the agent's row, None when it was nobody's. Needs an open transaction."""
    phone = _locked(media)
    if phone is None:
        return None
    _drop(phone)
    _refresh_calls(phone.user_id)
    events.publish(f"user:{phone.user_id}", "voice.line", {"state": "lost", "leg": media})
    return phone


def forget_all(process: str) -> None:
    """Connections that another run of the voice process carried are gone. Needs an open transaction."""
    query = select(VoicePhone).where(VoicePhone.media.is_not(None), VoicePhone.process != process)
    for phone in db.session.scalars(query.with_for_update()).all():
        media = _drop(phone)
        events.publish(f"user:{phone.user_id}", "voice.line", {"state": "lost", "leg": media})


def busy(user_id: int) -> None:
    """A call that routing knows nothing of: no offers meanwhile. Needs an open transaction."""
    presence.engage(user_id, "call")


def free(user_id: int) -> None:
    """No call any more: back to what the work in hand says. Needs an open transaction."""
    presence.disengage(user_id, "completed")


def _drop(phone: VoicePhone) -> str:
    media = phone.media or ""
    phone.media, phone.up, phone.since = None, False, now()
    db.session.flush()
    return media


def _locked(media: str) -> VoicePhone | None:
    """The telephone that a leg is, locked behind the calls of its agent: whoever ends a call lets go of the telephone last."""
    user_id = user_of(media)
    if user_id is None:
        return None
    _lock_calls(user_id)
    query = select(VoicePhone).where(VoicePhone.media == media).with_for_update()
    found: VoicePhone | None = db.session.scalar(query.execution_options(populate_existing=True))
    return found


def _lock_calls(user_id: int) -> list[VoiceCall]:
    """The open calls that the agent is in or that ring there, locked."""
    ids = book.open_calls_of(user_id, up=False)
    return [call for call_id in ids if (call := book.lock(call_id)) is not None]


def _refresh_calls(user_id: int) -> None:
    """The scenes of all calls that the agent is in name the telephone that is there now."""
    for call in _lock_calls(user_id):
        book.changed(call)


def _end(media: str) -> None:
    try:
        switchboard.ask("hangup", {"leg": media})
    except (switchboard.Away, switchboard.Refused) as error:
        log.info("a leg could not be ended", leg=media, why=str(error))


def user_of(media: str) -> int | None:
    """Whose telephone a leg is, None for nobody's."""
    return db.session.scalar(select(VoicePhone.user_id).where(VoicePhone.media == media))
