"""Calls as the softphone and the contact's page see them, and the events that carry those pictures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select

from core import own_settings
from core.contracts import Text
from core.db import db
from core.events import log as events
from core.house import okno
from core.model import Interaction, Service, User
from plugins.voice.calls import book
from plugins.voice.messages import rules
from plugins.voice.models.calls import VoiceCall, VoiceLeg, VoicePhone

TALKERS = ("customer", "agent", "external")
NOT_RECORDED = Text("This service does not record calls", "Этот сервис не записывает звонки")


def of_user(user_id: int) -> list[dict[str, Any]]:
    """The calls that an agent is in or that ring at the agent, oldest first; a consultation stands inside its call."""
    query = (
        select(VoiceCall)
        .join(VoiceLeg, VoiceLeg.call_id == VoiceCall.id)
        .where(VoiceLeg.user_id == user_id, VoiceLeg.left_at.is_(None), VoiceCall.ended_at.is_(None))
    )
    calls = list(db.session.scalars(query.order_by(VoiceCall.id).execution_options(populate_existing=True)))
    legs = _legs_by_call([call.id for call in calls])
    shown = {call.id: of_call(call, legs.get(call.id, []), user_id) for call in calls}
    for call in calls:
        if call.consult_of_id in shown and call.id in shown:
            shown[call.consult_of_id]["consult"] = shown.pop(call.id)
    return list(shown.values())


def _legs_by_call(ids: list[int]) -> dict[int, list[VoiceLeg]]:
    found: dict[int, list[VoiceLeg]] = {}
    if ids:
        query = select(VoiceLeg).where(VoiceLeg.call_id.in_(ids), VoiceLeg.left_at.is_(None)).order_by(VoiceLeg.id)
        for leg in db.session.scalars(query):
            found.setdefault(leg.call_id, []).append(leg)
    return found


def of_call(call: VoiceCall, legs: list[VoiceLeg], user_id: int, language: str | None = None) -> dict[str, Any]:
    """One call for one agent, without its consultation."""
    own = next((leg for leg in legs if leg.user_id == user_id), None)
    members = [leg for leg in legs if leg.kind in TALKERS and leg is not own]
    state = _state_for(call, own)
    return {
        "key": call.key,
        "interaction_id": call.interaction_id,
        "case_id": call.case_id,
        "direction": call.direction,
        "state": state,
        "leg": own.key if own else None,
        "kind": own.kind if own else "",
        "mode": own.mode if own else "",
        "name": _name(call, members),
        "number": _number(call, members),
        "line": call.line,
        "service": _title(call.service, language),
        "since": (call.answered_at or call.started_at).isoformat(),
        "muted": bool(own and own.muted),
        "held": bool(own and own.held),
        "recording": call.recording or "off",
        "recordable": is_recordable(call),
        "record_lock": _record_lock(call, language),
        "playing": bool(call.course.get("says")),
        "auto_answer": own is not None and own.state == "ringing" and answers_by_itself(user_id),
        "consult_of": call.consult_of_id,
        "members": [_member(leg) for leg in members],
        "consult": None,
        "cause": call.cause,
        "can": _can(call, own, members, state),
    }


def _state_for(call: VoiceCall, own: VoiceLeg | None) -> str:
    if own is None or call.ended_at is not None:
        return "ended"
    if own.state == "ringing":
        return "offered" if call.interaction_id is not None and call.agent_id is None else "ringing"
    if own.held:
        return "held"
    return call.state


def _name(call: VoiceCall, members: list[VoiceLeg]) -> str:
    if call.direction != "internal" and call.name:
        return call.name
    names = [leg.name for leg in members if leg.name]
    return ", ".join(names[:2]) if names else call.name


def _number(call: VoiceCall, members: list[VoiceLeg]) -> str:
    if call.direction == "in":
        return call.from_number
    if call.direction == "out":
        return call.to_number
    return next((leg.address for leg in members if leg.address), call.to_number)


def _title(service: Service | None, language: str | None) -> Any:
    if service is None:
        return ""
    language = language or str(okno().config.get("core.language"))
    return service.title_ru if language == "ru" else service.title_en


def _member(leg: VoiceLeg) -> dict[str, Any]:
    return {
        "leg": leg.key,
        "name": leg.name or leg.address,
        "kind": leg.kind,
        "user_id": leg.user_id,
        "state": leg.state,
        "held": leg.held,
        "muted": leg.muted,
    }


def is_recordable(call: VoiceCall) -> bool:
    """Whether the rule of its service lets the agent record it, or it is recorded already."""
    return bool(call.recording) or rules.rule_of(call.service_id).record != "never"


def _record_lock(call: VoiceCall, language: str | None) -> str:
    """Why this call is not recorded, for agents who record others; "" where nothing is to be said."""
    if is_recordable(call) or call.service_id is None or call.consult_of_id is not None or not rules.any_recorded():
        return ""
    return NOT_RECORDED.to(language or str(okno().config.get("core.language")))


def answers_by_itself(user_id: int) -> bool:
    """Whether a call that rings at the agent is answered without a press: as the agent wishes, and with no other call in hand."""
    wished = db.session.scalar(select(VoicePhone.auto_answer).where(VoicePhone.user_id == user_id))
    return bool(wished) and not book.open_calls_of(user_id)


def _can(call: VoiceCall, own: VoiceLeg | None, members: list[VoiceLeg], state: str) -> dict[str, bool]:
    """What the softphone offers. Each operation checks for itself again."""
    up = own is not None and own.state == "up" and own.kind != "supervisor" and call.ended_at is None
    there = [leg for leg in members if leg.state == "up"]
    talks = up and bool(there)
    owns = up and own is not None and call.agent_id == own.user_id
    consult = call.consult_of_id is not None
    pair = consult and _is_open(call.consult_of_id)
    return {
        "answer": own is not None and own.state == "ringing",
        "reject": own is not None and own.state == "ringing",
        "hold": talks and not (own and own.held),
        "retrieve": up and bool(own and own.held),
        "mute": up and not (own and own.muted),
        "unmute": up and bool(own and own.muted),
        "hangup": own is not None and own.state == "up",
        "dtmf": talks,
        "transfer": owns and talks and not consult,
        "consult": up and bool(there) and not consult,
        "swap": up and pair,
        "merge": talks and pair,
        "complete": talks and pair,
        "conference": talks and not consult,
        "kick": owns and len(members) > 1,
        "leave": up and len(there) > 1,
        "end": owns and len(there) > 1,
        "record": talks and not consult and is_recordable(call),
        "message": talks,
        "screen": up and call.case_id is not None,
    }


def _is_open(call_id: int | None) -> bool:
    """Whether the call that is consulted about still goes on."""
    call = db.session.get(VoiceCall, call_id) if call_id is not None else None
    return call is not None and call.ended_at is None


# --- events ------------------------------------------------------------------------------------------


def tell(calls: Iterable[VoiceCall]) -> None:
    """Publish to every member how a call is now, to those who are out of it that it is gone. Needs an open transaction."""
    for call in calls:
        legs = book.legs_of(call) if call.ended_at is None else []
        there = {leg.user_id for leg in legs if leg.user_id is not None}
        for user_id in sorted(there):
            shown = of_call(call, legs, user_id, _language_of(user_id))
            shown["consult_of"] = _key_of(call.consult_of_id)
            events.publish(f"user:{user_id}", "voice.call", {"call": shown})
        for user_id in sorted(_were_there(call) - there):
            payload = {"key": call.key, "cause": call.cause, "case_id": call.case_id}
            events.publish(f"user:{user_id}", "voice.gone", payload)
        if call.course.get("visitor"):
            events.publish(f"session:voice-{call.key}", "voice.visitor", of_visitor(call))


def _language_of(user_id: int) -> str:
    user = db.session.get(User, user_id)
    return (user.language if user else "") or str(okno().config.get("core.language"))


def _key_of(call_id: int | None) -> str | None:
    return db.session.scalar(select(VoiceCall.key).where(VoiceCall.id == call_id)) if call_id else None


def _were_there(call: VoiceCall) -> set[int]:
    query = select(VoiceLeg.user_id).where(VoiceLeg.call_id == call.id, VoiceLeg.user_id.is_not(None))
    return {user_id for user_id in db.session.scalars(query) if user_id is not None}


def of_visitor(call: VoiceCall) -> dict[str, Any]:
    """A call as the contact's own page shows it. ``state``: connecting, menu, queued, talking, held, ended."""
    from plugins.voice.calls import waiting

    state, agent = call.state, ""
    if call.ended_at is not None:
        state = "ended"
    elif call.state == "queued" and any(leg.state == "ringing" for leg in book.legs_of(call)):
        state = "offered"
    elif call.state == "talking":
        talkers = [leg for leg in book.legs_of(call) if leg.kind == "agent" and leg.state == "up"]
        names = [shown_name(leg.user) for leg in talkers if leg.user is not None]
        agent = ", ".join(names)
        state = "held" if talkers and all(leg.held for leg in talkers) else "talking"
    place, wait = waiting.standing(call) if call.state == "queued" else (0, None)
    return {
        "key": call.key,
        "state": state,
        "position": place,
        "wait_seconds": wait,
        "agent": agent,
        "recording": call.recording == "on",
        "callback": state == "queued" and bool(call.course.get("callback")),
        "promised": _promised(call),
        "cause": call.cause,
    }


def _promised(call: VoiceCall) -> dict[str, Any] | None:
    """Where and when the contact is called back, with the number as people write it; None when nobody calls back."""
    promised = call.course.get("promised")
    return {**promised, "number": own_settings.formatted(promised["number"])} if promised else None


def shown_name(user: User) -> str:
    """What contacts may know of an agent: the nickname, else the first name."""
    return user.nickname or user.first_name or user.login


def phone_of(user_id: int) -> VoicePhone | None:
    """The agent's telephone as it is now."""
    found: VoicePhone | None = db.session.get(VoicePhone, user_id, populate_existing=True)
    return found


def interaction_of(call: VoiceCall) -> Interaction | None:
    """The interaction as it is now."""
    if call.interaction_id is None:
        return None
    found: Interaction | None = db.session.get(Interaction, call.interaction_id, populate_existing=True)
    return found
