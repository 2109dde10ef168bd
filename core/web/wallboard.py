"""The wallboard (табло): services and agents at a glance, for a screen on the wall. Redrawn by events, not by a clock."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from flask import render_template
from sqlalchemy import select

from core import desk_figures, presence
from core.db import db
from core.desk_figures import ServiceFigures
from core.events import log as events
from core.model import Presence, Service, TeamMember, User
from core.permissions import require
from core.web import desk_frame, desk_queries

SHOWN_STATES = (presence.READY, presence.RINGING, presence.BUSY, presence.WRAP_UP, presence.NOT_READY)


@dataclass(frozen=True, slots=True)
class Board:
    """One picture: services with their figures, all of them as one, and how many agents are in which state."""

    at: datetime
    services: list[tuple[Service, ServiceFigures]]
    total: ServiceFigures
    states: list[tuple[str, int]]
    handled: int


def board(user: User) -> Board:
    """What the user's services and the agents of their teams do now."""
    today = desk_figures.figures()
    services = desk_queries.services_to_choose(user)
    ids = [service.id for service in services]
    teams = {team for key in ids for team in today.served_by.get(key, ())}
    total = today.total(ids)
    rows = [(service, today.services.get(service.id, ServiceFigures())) for service in services]
    counts = _states(teams)
    return Board(today.at, rows, total, [(state, counts[state]) for state in SHOWN_STATES], total.handled)


def _states(team_ids: set[int]) -> Counter[str]:
    """How many agents of these teams are in which state."""
    members = select(TeamMember.user_id).where(TeamMember.team_id.in_(team_ids))
    states = select(Presence.state).where(Presence.user_id.in_(members), Presence.state.in_(SHOWN_STATES))
    return Counter(db.session.scalars(states))


@require("case.view")
def wallboard() -> str:
    """The page; the event head is read first, so that nothing falls between page and stream."""
    after = events.head()
    return render_template("desk/wallboard.html", board=board(desk_frame.signed_in()), events_after=after)


@require("case.view")
def wallboard_board() -> str:
    """The board alone, when something has changed."""
    return render_template("desk/wallboard_board.html", board=board(desk_frame.signed_in()))
