"""The scene of a call, from its rows: how the voice process shall have it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import select

from core.db import db
from plugins.voice.calls.saying import ALL
from plugins.voice.models.calls import VoiceCall, VoiceLeg, VoicePhone
from plugins.voice.process.scene import MUSIC, QUIET, RINGBACK, Dial, Place, Scene, Sound, Tape, Watch
from plugins.voice.recordings.library import path_for

RING_SECONDS = 45.0


def scene_of(call: VoiceCall, gone: Sequence[str] = ()) -> Scene:
    """How the call shall be now; ``gone`` are further legs to end."""
    legs = _all_legs(call)
    there = [leg for leg in legs if leg.left_at is None]
    phones = _phones({leg.user_id for leg in there if leg.user_id is not None})
    ends = {leg.media: leg.cause for leg in legs if leg.left_at is not None and leg.media and leg.user_id is None}
    ends |= dict.fromkeys(gone, "normal")
    if call.ended_at is not None:
        return Scene(call.key, call.version, call.bridge, gone=ends, over=True)
    return Scene(
        call.key,
        call.version,
        call.bridge,
        places=tuple(place for leg in there if (place := _place(call, leg, there, phones)) is not None),
        answers=(call.customer_leg,) if call.course.get("answer") else (),
        dials=(*_dials(call, there), *_phone_dials(there, phones)),
        sounds=_sounds(call),
        tapes=_tapes(call),
        watches=_watches(there, phones),
        gone=ends,
    )


def _all_legs(call: VoiceCall) -> list[VoiceLeg]:
    query = select(VoiceLeg).where(VoiceLeg.call_id == call.id).order_by(VoiceLeg.id)
    return list(db.session.scalars(query))


def _phones(user_ids: Collection[int | None]) -> dict[int, VoicePhone]:
    if not user_ids:
        return {}
    rows = db.session.scalars(select(VoicePhone).where(VoicePhone.user_id.in_(user_ids)))
    return {phone.user_id: phone for phone in rows}


def media_of(leg: VoiceLeg, phones: dict[int, VoicePhone]) -> str:
    """The backend's leg of somebody in a call, "" for none."""
    if leg.user_id is None:
        return leg.media
    phone = phones.get(leg.user_id)
    return (phone.media or "") if phone else ""


def _place(call: VoiceCall, leg: VoiceLeg, there: Sequence[VoiceLeg], phones: dict[int, VoicePhone]) -> Place | None:
    media = media_of(leg, phones)
    if not media or leg.kind == "supervisor":
        return None
    if leg.user_id is not None:
        if leg.state != "up":
            return None
        rings = any(one.state == "ringing" for one in there if one.id != leg.id)
        return Place(media, alone=RINGBACK if rings else QUIET, muted=leg.muted, apart=leg.held)
    music = str(call.course.get("music") or MUSIC)
    alone = QUIET if call.state == "menu" else music
    return Place(media, alone=alone, held=music if leg.held else "", muted=leg.muted)


def _dials(call: VoiceCall, there: Sequence[VoiceLeg]) -> tuple[Dial, ...]:
    caller = str(call.course.get("caller", ""))
    return tuple(
        Dial(leg.media, leg.address, caller, RING_SECONDS)
        for leg in there
        if leg.user_id is None and leg.state == "ringing" and leg.media and leg.address.startswith(("tel:", "sip:"))
    )


def _phone_dials(there: Sequence[VoiceLeg], phones: dict[int, VoicePhone]) -> tuple[Dial, ...]:
    """Telephones of agents outside of the browser that are to ring."""
    wanted = {leg.user_id for leg in there if leg.state == "up" or leg.kind == "supervisor"}
    return tuple(
        Dial(phone.media, phone.address, "", RING_SECONDS)
        for phone in phones.values()
        if phone.user_id in wanted and phone.media and not phone.up and phone.way in ("sip", "external")
    )


def _sounds(call: VoiceCall) -> tuple[Sound, ...]:
    says = call.course.get("says")
    if not says:
        return ()
    said = says[0]
    return (Sound(said["id"], call.bridge if said["to"] == ALL else said["to"], said["sound"]),)


def _tapes(call: VoiceCall) -> tuple[Tape, ...]:
    tapes = []
    if call.recording:
        path = str(path_for(call.recording_key))
        tapes.append(Tape(call.recording_key, call.bridge, path, call.recording == "paused"))
    if left := call.course.get("tape"):
        tapes.append(Tape(left["key"], call.customer_leg, left["path"]))
    return tuple(tapes)


def _watches(there: Sequence[VoiceLeg], phones: dict[int, VoicePhone]) -> tuple[Watch, ...]:
    watched = next((leg for leg in there if leg.kind == "agent" and leg.state == "up"), None)
    target = media_of(watched, phones) if watched else ""
    return tuple(
        Watch(media, target, leg.mode)
        for leg in there
        if leg.kind == "supervisor" and target and (media := media_of(leg, phones))
    )
