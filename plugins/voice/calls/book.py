"""Finding calls and their legs, locking them, and telling everybody once when a transaction has changed some.

Rows are locked in one order everywhere: the interaction, its case and agents (by the core), then the call; before a consultation
the call that it is about.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from core.clock import now
from core.contracts import Rejected, Text
from core.db import before_commit, current_work, db, on_commit
from core.model import Interaction, User
from plugins.voice import switchboard
from plugins.voice.models.calls import VoiceCall, VoiceLeg

OVER = Text("This call is over", "Этот звонок завершён")
NOT_IN_IT = Text("You are not in this call (any more)", "Вы (уже) не участвуете в этом звонке")
NOT_NOW = Text("This cannot be done with the call right now", "Сейчас со звонком этого сделать нельзя")
PEOPLE = ("customer", "agent", "external")


def new_key() -> str:
    """A key for a call or a leg that nobody can guess."""
    return secrets.token_hex(12)


def not_now() -> Rejected:
    """The refusal of what makes no sense in the state of a call."""
    return Rejected(NOT_NOW, "call-not-now")


# --- finding -----------------------------------------------------------------------------------------


def by_key(key: str) -> VoiceCall:
    """The open call of that key, locked. Raises ``Rejected`` (``call-ended``)."""
    call_id = db.session.scalar(select(VoiceCall.id).where(VoiceCall.key == key))
    call = lock(call_id) if call_id is not None else None
    if call is None:
        raise Rejected(OVER, "call-ended")
    return call


def _locked(call_id: int) -> VoiceCall | None:
    known = select(VoiceCall.interaction_id, VoiceCall.consult_of_id).where(VoiceCall.id == call_id)
    interaction_id, first_id = db.session.execute(known).one_or_none() or (None, None)
    if first_id is not None:
        _locked(first_id)
    if interaction_id is not None:
        db.session.execute(select(Interaction.id).where(Interaction.id == interaction_id).with_for_update())
    query = select(VoiceCall).where(VoiceCall.id == call_id).with_for_update(of=VoiceCall)
    found: VoiceCall | None = db.session.scalar(query.execution_options(populate_existing=True))
    return found


def lock(call_id: int) -> VoiceCall | None:
    """The call if it is still open, locked."""
    call = _locked(call_id)
    return call if call is not None and call.ended_at is None else None


def is_free(call_id: int) -> bool:
    """Whether nobody else changes the call now; then it and its interaction are locked, without having waited.

    For who holds other rows already: waiting for a call that is being ended would be waiting for each other.
    """
    known = select(VoiceCall.interaction_id).where(VoiceCall.id == call_id)
    interaction_id = db.session.scalar(known)
    rows = [select(VoiceCall.id).where(VoiceCall.id == call_id)]
    if interaction_id is not None:
        rows.insert(0, select(Interaction.id).where(Interaction.id == interaction_id))
    return all(db.session.scalar(row.with_for_update(skip_locked=True)) is not None for row in rows)


def of_interactions(ids: Sequence[int]) -> list[int]:
    """The open calls of these interactions, by id."""
    open_ones = select(VoiceCall.id).where(VoiceCall.interaction_id.in_(ids), VoiceCall.ended_at.is_(None))
    return list(db.session.scalars(open_ones.order_by(VoiceCall.id)))


def legs_of(call: VoiceCall) -> list[VoiceLeg]:
    """Who is in it or rings, in the order of their coming."""
    query = select(VoiceLeg).where(VoiceLeg.call_id == call.id, VoiceLeg.left_at.is_(None)).order_by(VoiceLeg.id)
    return list(db.session.scalars(query.execution_options(populate_existing=True)))


def leg_of(call: VoiceCall, user_id: int) -> VoiceLeg | None:
    """The user's place in it."""
    query = select(VoiceLeg).where(VoiceLeg.call_id == call.id, VoiceLeg.user_id == user_id, VoiceLeg.left_at.is_(None))
    found: VoiceLeg | None = db.session.scalar(query.execution_options(populate_existing=True))
    return found


def mine(key: str, user_id: int, *, ringing: bool = False) -> tuple[VoiceCall, VoiceLeg]:
    """The call and the user's place in it. Raises ``Rejected``: ``call-ended``, ``not-in-call``."""
    call = by_key(key)
    leg = leg_of(call, user_id)
    if leg is None or leg.kind == "supervisor" or (leg.state != "up" and not ringing):
        raise Rejected(NOT_IN_IT, "not-in-call")
    return call, leg


def others(call: VoiceCall, leg: VoiceLeg) -> list[VoiceLeg]:
    """Who talks in it besides ``leg``; those who ring or listen do not."""
    return [one for one in legs_of(call) if one.id != leg.id and one.state == "up" and one.kind in PEOPLE]


def open_calls_of(user_id: int, *, up: bool = True) -> list[int]:
    """The open calls in which the user is (or rings, without ``up``), by id."""
    query = select(VoiceLeg.call_id).where(VoiceLeg.user_id == user_id, VoiceLeg.left_at.is_(None))
    if up:
        query = query.where(VoiceLeg.state == "up")
    return sorted(set(db.session.scalars(query)))


def talks_elsewhere(user_id: int, call: VoiceCall) -> bool:
    """Whether the user is in a call besides ``call`` that is not on hold."""
    query = select(VoiceLeg.id).where(
        VoiceLeg.user_id == user_id,
        VoiceLeg.left_at.is_(None),
        VoiceLeg.state == "up",
        VoiceLeg.held.is_(False),
        VoiceLeg.call_id != call.id,
    )
    return db.session.scalar(query.limit(1)) is not None


def consults_of(call: VoiceCall) -> list[VoiceCall]:
    """The open calls that were begun to consult about this one."""
    query = select(VoiceCall).where(VoiceCall.consult_of_id == call.id, VoiceCall.ended_at.is_(None))
    return list(db.session.scalars(query.order_by(VoiceCall.id)))


# --- changing ----------------------------------------------------------------------------------------


def add(call: VoiceCall, kind: str, **values: Any) -> VoiceLeg:
    """Somebody new in a call; ``user`` makes the name and the address theirs."""
    user: User | None = values.pop("user", None)
    if user is not None:
        values = {"user_id": user.id, "name": user.name, "address": user.phone, **values}
    leg = VoiceLeg(key=new_key(), call_id=call.id, kind=kind, **values)
    if leg.state == "up":
        leg.joined_at = now()
    db.session.add(leg)
    db.session.flush()
    changed(call)
    return leg


def leave(call: VoiceCall, leg: VoiceLeg, cause: str = "normal") -> None:
    """Somebody is out of a call, for good."""
    leg.state, leg.left_at, leg.cause, leg.held = "left", now(), cause, False
    db.session.flush()
    changed(call)


def changed(call: VoiceCall) -> None:
    """Tell the voice process, the members and the contact, once, with the commit."""
    notes = current_work().notes
    if "voice_calls" not in notes:
        notes["voice_calls"] = {}
        before_commit(_tell)
    notes["voice_calls"][call.id] = call


def hang_up_too(call: VoiceCall, media: str) -> None:
    """End a leg of the backend that is not of this call alone (an agent's telephone) with the commit."""
    current_work().notes.setdefault("voice_gone", {}).setdefault(call.id, []).append(media)
    changed(call)


def _tell() -> None:
    from plugins.voice.calls import picture, stage

    notes = current_work().notes
    calls: dict[int, VoiceCall] = notes.pop("voice_calls")
    gone: dict[int, list[str]] = notes.pop("voice_gone", {})
    for call in calls.values():
        call.version += 1
    db.session.flush()
    scenes = [stage.scene_of(call, gone.get(call.id, ())) for call in calls.values()]
    picture.tell(calls.values())
    on_commit(lambda: _send(scenes))


def _send(scenes: list[Any]) -> None:
    switchboard.send(scenes)
