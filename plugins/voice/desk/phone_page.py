"""The page «Telephone»: dial pad, the service a call is made for, recent calls to repeat, the line directory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import render_template, request
from sqlalchemy import and_, or_, select

from core import directory_book, outgoing
from core.contracts import Text
from core.db import db
from core.model import User
from core.permissions import require
from core.web.desk_frame import signed_in
from plugins.voice.lines import directory as lines
from plugins.voice.models import VoiceCall, VoiceLeg
from plugins.voice.operations import CHANNEL
from plugins.voice.quality.views import beside_calls

MOST, MOST_RUNG = 20, 60
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
    """A call of this agent that is over. ``user_id`` is the colleague of an internal one. ``by_itself``: it was answered and has no
    case beside which its sound could be spoken of."""

    id: int
    case_id: int | None
    direction: str
    name: str
    number: str
    user_id: int | None
    at: datetime
    seconds: int
    words: Text
    missed: bool
    by_itself: bool


def recents(user: User) -> list[RecentCall]:
    """The last calls of the agent, newest first; two statements."""
    rung = select(VoiceLeg.call_id).where(VoiceLeg.user_id == user.id, VoiceLeg.kind == "agent")
    rung = rung.order_by(VoiceLeg.id.desc()).limit(MOST_RUNG)
    by_colleagues = and_(VoiceCall.direction == "internal", VoiceCall.id.in_(rung.scalar_subquery()))
    query = (
        select(VoiceCall)
        .where(
            or_(VoiceCall.agent_id == user.id, VoiceCall.started_by_id == user.id, by_colleagues),
            VoiceCall.consult_of_id.is_(None),
            VoiceCall.ended_at.is_not(None),
        )
        .order_by(VoiceCall.id.desc())
        .limit(MOST)
    )
    calls = list(db.session.scalars(query))
    colleagues = _colleagues(calls, user)
    return [_recent(call, user, colleagues.get(call.id)) for call in calls]


def _colleagues(calls: list[VoiceCall], user: User) -> dict[int, User]:
    """Who was at the other end of calls within the house, by call; of several the first who came."""
    inside = [call.id for call in calls if call.direction == "internal"]
    if not inside:
        return {}
    query = select(VoiceLeg.call_id, User).join(User, User.id == VoiceLeg.user_id)
    query = query.where(VoiceLeg.call_id.in_(inside), VoiceLeg.user_id != user.id, VoiceLeg.kind == "agent")
    found: dict[int, User] = {}
    for call_id, colleague in db.session.execute(query.order_by(VoiceLeg.id)):
        found.setdefault(call_id, colleague)
    return found


def _recent(call: VoiceCall, user: User, colleague: User | None) -> RecentCall:
    made = call.started_by_id == user.id
    answered = call.answered_at is not None
    return RecentCall(
        id=call.id,
        case_id=call.case_id,
        direction="out" if made else "in",
        name=colleague.name if colleague else call.name,
        number=call.to_number if made else call.from_number,
        user_id=colleague.id if colleague else None,
        at=call.started_at,
        seconds=call.talk_seconds,
        words=WORDS[call.direction] if answered else UNANSWERED,
        missed=not answered,
        by_itself=answered and call.case_id is None,
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
        **beside_calls([call.id for call in calls if call.by_itself]),
    )
