"""The page «Telephone»: dial pad, the service a call is made for, recent calls to repeat, the line directory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import render_template, request
from sqlalchemy import or_, select

from core import directory_book, outgoing
from core.contracts import Text
from core.db import db
from core.model import User
from core.permissions import require
from core.web.desk_frame import signed_in
from plugins.voice.lines import directory as lines
from plugins.voice.models import VoiceCall
from plugins.voice.operations import CHANNEL

MOST = 20
LETTERS = {"2": "ABC", "3": "DEF", "4": "GHI", "5": "JKL", "6": "MNO", "7": "PQRS", "8": "TUV", "9": "WXYZ"}
KEYS = tuple((key, LETTERS.get(key, "")) for key in ("1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"))
SIGNS = (("+", ""), (",", ""))
WORDS = {
    "in": Text("Incoming", "Входящий"),
    "out": Text("Outgoing", "Исходящий"),
    "internal": Text("Internal", "Внутренний"),
}
UNANSWERED = Text("Not answered", "Без ответа")


@dataclass(frozen=True, slots=True)
class RecentCall:
    """A call of this agent that is over. ``user_id`` is the colleague of an internal one."""

    case_id: int | None
    direction: str
    name: str
    number: str
    user_id: int | None
    at: datetime
    seconds: int
    words: Text
    missed: bool


def recents(user: User) -> list[RecentCall]:
    """The last calls of the agent, newest first."""
    query = (
        select(VoiceCall)
        .where(
            or_(VoiceCall.agent_id == user.id, VoiceCall.started_by_id == user.id),
            VoiceCall.consult_of_id.is_(None),
            VoiceCall.ended_at.is_not(None),
        )
        .order_by(VoiceCall.id.desc())
        .limit(MOST)
    )
    return [_recent(call, user) for call in db.session.scalars(query)]


def _recent(call: VoiceCall, user: User) -> RecentCall:
    made = call.started_by_id == user.id
    answered = call.answered_at is not None
    colleague = None
    if call.direction == "internal":
        colleague = call.agent_id if made else call.started_by_id
    return RecentCall(
        case_id=call.case_id,
        direction="out" if made else "in",
        name=call.name,
        number=call.to_number if made else call.from_number,
        user_id=colleague if colleague != user.id else None,
        at=call.started_at,
        seconds=call.talk_seconds,
        words=WORDS[call.direction] if answered else UNANSWERED,
        missed=not answered,
    )


@require("voice.call")
def phone() -> str:
    """The page; ``user`` is a colleague who is to be called."""
    user = signed_in()
    calls = recents(user)
    dialled = next((call.number for call in calls if call.direction == "out" and call.number), "")
    asked = request.args.get("user", 0, type=int)
    return render_template(
        "voice/desk/phone.html",
        person=directory_book.by_ids("user", [asked]).get(asked) if asked != user.id else None,
        keys=(*KEYS, *SIGNS),
        recents=calls,
        last=dialled,
        lines=lines.find("", user.id),
        services=outgoing.services_for(user.id, CHANNEL),
    )
