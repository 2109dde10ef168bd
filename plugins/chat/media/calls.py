"""A call between a visitor and the agent of a chat: offered by either side, answered, signalled, ended.

The media go from browser to browser; here is who may call whom, and what the two pages tell each other to connect. Signals
travel as events, in the order in which they were sent, also over a reconnect.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import select, update
from sqlalchemy.orm import joinedload

from core import casework, timeline
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.events import log as events
from core.house import okno
from core.model import Interaction
from plugins.chat import conversations
from plugins.chat.media import ice
from plugins.chat.media.call_rules import rule_of
from plugins.chat.models import Call
from plugins.chat.telling import topic_of

Side = Literal["visitor", "agent"]
MEDIA = ("audio", "video")
OTHER: dict[Side, Side] = {"visitor": "agent", "agent": "visitor"}
RING_SECONDS = 60
MOST_SIGNALS = 4000
LONGEST_SIGNAL = 64 << 10
UNKNOWN = Text("This call is over", "Этот звонок завершён")


@dataclass(frozen=True, slots=True)
class Party:
    """Who acts in a call: the visitor by id, or the agent by user id."""

    side: Side
    visitor_id: str = ""
    user_id: int = 0

    def owns(self, row: Any) -> bool:
        """Whether a call or a shared page is this party's."""
        return row.visitor_id == self.visitor_id if self.side == "visitor" else row.agent_id == self.user_id


def offer(interaction_id: int, party: Party, media: str, *, consented: bool = False) -> Call:
    """Call the other side. ``consented``: the visitor agrees to be recorded, where the service does.

    Raises ``Rejected``: ``call-impossible`` without an agent in the chat, ``call-not-allowed`` by the service's rule,
    ``call-under-way``, ``agent-on-call`` while the agent talks to somebody else, ``call-consent``.
    """
    with transaction():
        interaction = open_chat(interaction_id, party)
        agent_id = interaction.agent_id
        assert agent_id is not None
        rule = rule_of(interaction.service_id)
        if media not in MEDIA or not rule.allows(media):
            words = Text("This service takes no such calls", "Этот сервис не принимает таких звонков")
            raise Rejected(words, "call-not-allowed")
        if open_call(interaction_id) is not None:
            raise Rejected(Text("A call is under way already", "Звонок уже идёт"), "call-under-way")
        _check_free(agent_id)
        if rule.recorded and party.side == "visitor" and not consented:
            raise Rejected(_CONSENT, "call-consent")
        call = Call(
            interaction_id=interaction_id,
            visitor_id=interaction.address,
            agent_id=agent_id,
            offered_by=party.side,
            media=media,
            recorded=rule.recorded,
            consented_at=now() if rule.recorded and party.side == "visitor" else None,
        )
        db.session.add(call)
        db.session.flush()
        tell(call, "offered")
        return call


_CONSENT = Text(
    "Calls of this service are recorded: agree to it, or go on in writing.",
    "Звонки этого сервиса записываются: согласитесь на это или продолжите перепиской.",
)


def open_chat(interaction_id: int, party: Party) -> Interaction:
    """The chat of this party while an agent is in it, locked. Raises ``Rejected`` (``call-impossible``)."""
    query = select(Interaction).where(Interaction.id == interaction_id, Interaction.channel == conversations.CHANNEL)
    row: Interaction | None = db.session.scalar(query.with_for_update().execution_options(populate_existing=True))
    mine = row is not None and (row.address == party.visitor_id or row.agent_id == party.user_id)
    if row is None or not mine or row.state != "active" or row.agent_id is None:
        words = Text("That is possible while an agent is in the chat", "Это возможно, пока в чате есть оператор")
        raise Rejected(words, "call-impossible")
    return row


def _check_free(agent_id: int, but: int = 0) -> None:
    busy = select(Call.id).where(Call.agent_id == agent_id, Call.ended_at.is_(None), Call.state == "active")
    if db.session.scalar(busy.where(Call.id != but).limit(1)) is not None:
        raise Rejected(Text("The agent is in another call", "Оператор занят другим звонком"), "agent-on-call")


def answer(call_id: int, party: Party, *, consented: bool = False) -> Call:
    """Take the call that the other side offers. Raises ``Rejected``: ``call-over``, ``agent-on-call``, ``call-consent``."""
    with transaction():
        call = _mine(call_id, party)
        if call.state != "offered" or call.offered_by == party.side:
            raise Rejected(UNKNOWN, "call-over")
        _check_free(call.agent_id, but=call.id)
        if call.recorded and party.side == "visitor":
            if not consented:
                raise Rejected(_CONSENT, "call-consent")
            call.consented_at = now()
        call.state, call.answered_at = "active", now()
        db.session.flush()
        tell(call, "answered")
        return call


def join(call_id: int, party: Party, peer: str) -> Call:
    """This page takes part in the call from now on, instead of any other page of its side; the other side is told.

    Raises ``Rejected``: ``call-over``, ``invalid`` for a name that is none.
    """
    if not (8 <= len(peer) <= 40 and peer.isascii() and peer.isalnum()):
        raise Rejected(Text("The message cannot be read", "Сообщение не разобрать"), "invalid")
    with transaction():
        call = _mine(call_id, party)
        if call.state == "offered" and call.offered_by != party.side:
            raise Rejected(UNKNOWN, "call-over")
        setattr(call, f"{party.side}_peer", peer)
        db.session.flush()
        tell(call, "joined", side=party.side)
        return call


def signal(call_id: int, party: Party, peer: str, to: str, body: dict[str, Any]) -> None:
    """Hand a description, a candidate or what is switched on to the other page; what is for a page that has gone is dropped.

    Raises ``Rejected``: ``call-over``, ``call-elsewhere`` when another page of this side has taken over, ``invalid``.
    """
    if len(json.dumps(body)) > LONGEST_SIGNAL:
        raise Rejected(Text("The message cannot be read", "Сообщение не разобрать"), "invalid")
    with transaction():
        counted = update(Call).where(Call.id == call_id, Call.state == "active", Call.signals < MOST_SIGNALS)
        db.session.execute(counted.values(signals=Call.signals + 1))
        call = _mine(call_id, party)
        if call.state != "active" or call.signals >= MOST_SIGNALS:
            raise Rejected(UNKNOWN, "call-over")
        if getattr(call, f"{party.side}_peer") != peer:
            words = Text("The call goes on in another window", "Звонок продолжается в другом окне")
            raise Rejected(words, "call-elsewhere")
        other = OTHER[party.side]
        if getattr(call, f"{other}_peer") == to:
            payload = {"kind": "signal", "call": {"id": call.id}, "from": peer, "to": to, "body": body}
            events.publish(_topic(call, other), "chat.call", payload)


def end(call_id: int, party: Party, *, lost: bool = False) -> None:
    """Hang up, decline or withdraw; a call that is over stays as it is. ``lost``: the other page is not there any more."""
    with transaction():
        call = _found(call_id)
        if call is None or not party.owns(call):
            raise Rejected(UNKNOWN, "call-over")
        if call.state == "active":
            reason = "lost" if lost else "hung-up"
        else:
            reason = "withdrawn" if call.offered_by == party.side else "declined"
        _end(call, reason, party.side)


def _end(call: Call, reason: str, by: str = "") -> None:
    """In the open transaction."""
    if call.state == "ended":
        return
    call.state, call.ended_at, call.ended_by, call.reason = "ended", now(), by, reason
    db.session.flush()
    en, ru = words_of(call)
    interaction = call.interaction
    timeline.write(interaction.case_id, "chat.call", interaction_id=interaction.id, title_en=en, title_ru=ru)
    casework.tell(interaction.case, "call")
    tell(call, "ended")


_NAMES = {"audio": ("Audio call", "Аудиозвонок"), "video": ("Video call", "Видеозвонок")}
_ENDS = {
    "declined": ("declined", "отклонён"),
    "withdrawn": ("not answered", "без ответа"),
    "missed": ("not answered", "без ответа"),
    "left": ("not answered", "без ответа"),
}


def words_of(call: Call) -> tuple[str, str]:
    """«Video call, 3:12» in English and Russian."""
    en, ru = _NAMES[call.media]
    if call.answered_at is None:
        end_en, end_ru = _ENDS.get(call.reason, _ENDS["missed"])
        return f"{en}: {end_en}", f"{ru}: {end_ru}"
    seconds = int(((call.ended_at or now()) - call.answered_at).total_seconds())
    lasted = f"{seconds // 60}:{seconds % 60:02}"
    return f"{en}, {lasted}", f"{ru}, {lasted}"


def end_with_chat(interaction_id: int) -> None:
    """The chat is over or somebody else's: its call ends, whoever is in it."""
    with transaction():
        call = open_call(interaction_id)
        if call is None:
            return
        interaction = call.interaction
        if interaction.state != "active" or interaction.agent_id != call.agent_id:
            _end(call, "left")


def end_unanswered() -> None:
    """Calls that have rung for a minute are over; a job of the worker."""
    old = now() - timedelta(seconds=RING_SECONDS)
    due = select(Call.id).where(Call.ended_at.is_(None), Call.state == "offered", Call.created_at < old)
    for call_id in db.session.scalars(due).all():
        with transaction():
            call = _found(call_id)
            if call is not None and call.state == "offered":
                _end(call, "missed")


def open_call(interaction_id: int) -> Call | None:
    """The call of a chat that is not over, as it is now."""
    query = select(Call).where(Call.interaction_id == interaction_id, Call.ended_at.is_(None))
    found: Call | None = db.session.scalar(query.execution_options(populate_existing=True))
    return found


def calls_of(user_id: int) -> list[Call]:
    """The open calls of an agent."""
    query = select(Call).where(Call.agent_id == user_id, Call.ended_at.is_(None))
    return list(db.session.scalars(query.options(joinedload(Call.interaction)).order_by(Call.id)))


def find(call_id: int, party: Party) -> Call:
    """The party's call, over or not. Raises ``Rejected`` (``call-over``)."""
    call = db.session.get(Call, call_id, populate_existing=True)
    if call is None or not party.owns(call):
        raise Rejected(UNKNOWN, "call-over")
    return call


def _found(call_id: int) -> Call | None:
    query = select(Call).where(Call.id == call_id).with_for_update().execution_options(populate_existing=True)
    call: Call | None = db.session.scalar(query)
    return call


def _mine(call_id: int, party: Party) -> Call:
    call = _found(call_id)
    if call is None or call.state == "ended" or not party.owns(call):
        raise Rejected(UNKNOWN, "call-over")
    return call


def view(call: Call, side: Side) -> dict[str, Any]:
    """A call as a page of ``side`` sees it: ``peer`` is its own page that takes part, ``other`` that of the other side."""
    return {
        "id": call.id,
        "interaction_id": call.interaction_id,
        "case_id": call.interaction.case_id,
        "state": call.state,
        "media": call.media,
        "offered_by": call.offered_by,
        "recorded": call.recorded,
        "peer": getattr(call, f"{side}_peer"),
        "other": getattr(call, f"{OTHER[side]}_peer"),
        "reason": call.reason,
        "ended_by": call.ended_by,
        "answered_at": call.answered_at.isoformat() if call.answered_at else None,
    }


def configuration(call: Call, side: Side) -> dict[str, Any]:
    """How this side's browser connects."""
    return ice.configuration(f"okno-{call.id}-{side}")


def tell(call: Call, kind: str, **more: Any) -> None:
    """Publish what has become of a call to both sides, in the open transaction."""
    for side in OTHER:
        payload = {"kind": kind, "call": view(call, side), **more}
        events.publish(_topic(call, side), "chat.call", payload)


def _topic(call: Call, side: Side) -> str:
    return topic_of(call.visitor_id) if side == "visitor" else f"user:{call.agent_id}"


def limit_of_recordings() -> int:
    """The largest recording, bytes."""
    return int(okno().config.get("chat.recording_mb")) << 20
