"""The calls that go on in a supervisor's teams, with the ways to take part in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import render_template
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from core import supervision
from core.contracts import Text
from core.db import db
from core.model import Service, ServiceTeam, TeamMember, User
from core.permissions import require
from core.web.desk_frame import signed_in
from plugins.voice.models import VoiceCall, VoiceLeg

MOST = 200
MODES = (
    ("monitor", "volume", Text("Listen", "Слушать")),
    ("whisper", "microphone", Text("Whisper to the agent", "Подсказывать")),
    ("barge", "users-plus", Text("Join in", "Вступить")),
)
STATES = {
    "ringing": (Text("Ringing", "Вызов"), "accent"),
    "menu": (Text("In the voice menu", "В голосовом меню"), ""),
    "queued": (Text("In the queue", "В очереди"), "warn"),
    "talking": (Text("In conversation", "Разговор"), "good"),
}


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A row. ``mode`` is how the viewer takes part already, ``joinable`` whether there is anybody to listen to."""

    key: str
    case_id: int | None
    direction: str
    name: str
    number: str
    agent: User | None
    service: Service | None
    words: Text
    tone: str
    since: datetime
    mode: str
    joinable: bool


def going_on(user: User) -> list[LiveCall]:
    """The open calls of the agents and services of this supervisor's teams, the longest first; two statements besides the teams'."""
    teams = [team.id for team in supervision.teams_of(user)]
    agents = select(TeamMember.user_id).where(TeamMember.team_id.in_(teams))
    services = select(ServiceTeam.service_id).where(ServiceTeam.team_id.in_(teams))
    query = (
        select(VoiceCall)
        .where(VoiceCall.ended_at.is_(None), or_(VoiceCall.agent_id.in_(agents), VoiceCall.service_id.in_(services)))
        .options(joinedload(VoiceCall.agent), joinedload(VoiceCall.service))
        .order_by(VoiceCall.id)
        .limit(MOST)
    )
    calls = list(db.session.scalars(query))
    modes = _modes(user.id) if calls else {}
    return [_row(call, modes.get(call.id, ""), user) for call in calls]


def _modes(user_id: int) -> dict[int, str]:
    legs = select(VoiceLeg.call_id, VoiceLeg.mode).where(
        VoiceLeg.user_id == user_id, VoiceLeg.left_at.is_(None), VoiceLeg.kind == "supervisor"
    )
    return {row.call_id: row.mode for row in db.session.execute(legs)}


def _row(call: VoiceCall, mode: str, viewer: User) -> LiveCall:
    words, tone = STATES[call.state]
    return LiveCall(
        key=call.key,
        case_id=call.case_id,
        direction=call.direction,
        name=call.name,
        number=call.to_number if call.direction == "out" else call.from_number,
        agent=call.agent,
        service=call.service,
        words=words,
        tone=tone,
        since=call.answered_at or call.started_at,
        mode=mode,
        joinable=call.state == "talking" and call.agent_id is not None and call.agent_id != viewer.id,
    )


@require("supervisor.view")
def live() -> str:
    """The page «Calls now»."""
    return render_template("voice/desk/live.html", calls=going_on(signed_in()), modes=MODES)


@require("supervisor.view")
def live_rows() -> str:
    """Its rows, fetched anew when something has happened."""
    return render_template("voice/desk/live_rows.html", calls=going_on(signed_in()), modes=MODES)
