"""What the home page shows: the day's numbers of the agent against the team, outcomes, the newest messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import func, select

from core import desk_figures
from core.clock import now
from core.db import db
from core.desk_figures import Handled
from core.house import okno
from core.model import (
    Case,
    Contact,
    Disposition,
    Interaction,
    Message,
    PresenceChange,
    StateReason,
    Team,
    TeamMember,
    User,
)
from core.web.desk_queries import OPEN, count, waiting

MESSAGES = 6
RECENT_DAYS = 30


@dataclass(frozen=True, slots=True)
class Home:
    """``place`` of ``people`` by what was handled; ``break_used`` and ``break_left`` in seconds, left is None without a limit."""

    queued: int
    oldest: datetime | None
    mine: int
    handled: Handled
    team: Handled
    place: int
    people: int
    dispositions: list[tuple[Disposition | None, int]]
    last: list[tuple[Message, Case, Contact | None]]
    break_used: int
    break_left: int | None

    @property
    def team_share(self) -> float:
        """What one of the team handled today on average."""
        return self.team.count / self.people


def home(user: User) -> Home:
    """The page of ``user``; the same number of statements whatever there is."""
    today = desk_figures.figures()
    place, people = today.rank(user.id)
    used, allowed_seconds = break_used(user.id, today.midnight), break_allowed(user.id)
    return Home(
        queued=count(waiting(user, select(Interaction.id)).limit(1000)),
        oldest=db.session.scalar(waiting(user, select(func.min(Interaction.queued_at)))),
        mine=count(select(Case.id).where(Case.assignee_id == user.id, Case.status.in_(OPEN)).limit(1000)),
        handled=today.handled({user.id}),
        team=today.handled(today.colleagues(user.id)),
        place=place,
        people=people,
        dispositions=dispositions(today.dispositions(user.id)),
        last=last_messages(user),
        break_used=used,
        break_left=max(0, allowed_seconds - used) if allowed_seconds else None,
    )


def break_used(user_id: int, since: datetime) -> int:
    """Seconds of break since ``since``, the one that goes on included."""
    on_break = (PresenceChange.after == "not_ready") & PresenceChange.reason.in_(
        select(StateReason.key).where(StateReason.is_break)
    )
    mine = select(PresenceChange.at, on_break).where(PresenceChange.user_id == user_id)
    latest = (PresenceChange.at.desc(), PresenceChange.id.desc())
    before = db.session.execute(mine.where(PresenceChange.at < since).order_by(*latest).limit(1)).first()
    after = db.session.execute(mine.where(PresenceChange.at >= since).order_by(PresenceChange.at, PresenceChange.id))
    moments = [(since, bool(before and before[1])), *((at, bool(rest)) for at, rest in after), (now(), False)]
    spans = pairwise(moments)
    return sum(int((until - begun).total_seconds()) for (begun, resting), (until, _) in spans if resting)


def break_allowed(user_id: int) -> int:
    """Seconds of break a day in the user's first team, the house's where there is none; 0 for no limit."""
    first = select(Team.break_minutes).join(TeamMember, TeamMember.team_id == Team.id)
    minutes = db.session.scalar(first.where(TeamMember.user_id == user_id).order_by(Team.id).limit(1))
    return 60 * (okno().config.get("routing.break_minutes") if minutes is None else minutes)


def dispositions(counts: dict[int, int]) -> list[tuple[Disposition | None, int]]:
    """The outcomes with how often they were chosen, the most frequent first; None stands for none chosen."""
    rows = {row.id: row for row in db.session.scalars(select(Disposition).where(Disposition.id.in_(counts)))}
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return [(rows.get(key), number) for key, number in ordered]


def last_messages(user: User) -> list[tuple[Message, Case, Contact | None]]:
    """The newest messages from contacts in the user's own open cases."""
    recent = (
        select(Case.id)
        .where(
            Case.assignee_id == user.id, Case.status.in_(OPEN), Case.updated_at > now() - timedelta(days=RECENT_DAYS)
        )
        .order_by(Case.updated_at.desc())
        .limit(40)
    )
    rows = db.session.execute(
        select(Message, Case, Contact)
        .join(Case, Case.id == Message.case_id)
        .outerjoin(Contact, Contact.id == Case.contact_id)
        .where(Message.case_id.in_(recent), Message.direction == "in")
        .order_by(Message.id.desc())
        .limit(MESSAGES)
    )
    return [(message, case, contact) for message, case, contact in rows]
