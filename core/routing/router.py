"""The live router: read, decide, offer; and when to look again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import func, select

from core.clock import now
from core.db import db, transaction
from core.house import okno
from core.model import Event
from core.routing import offers, reading
from core.routing.choice import Agent, Match
from core.routing.offers import Proposal
from core.routing.reading import Board

# Configuration may change without an event; so often everything is looked at whatever happens.
LOOK_ANYWAY = timedelta(seconds=20)


def route_due(limit: int = 50) -> int:
    """Offer what waits to who is free, in the order of the queue; returns how many offers were made, at most ``limit``."""
    pace().note_look()
    board = reading.read(limit)
    db.session.rollback()
    if board is None:
        return 0
    pace().again_at = board.again_at
    if not board.rows:
        return 0
    with transaction():
        proposals = decide(board, limit)
        return offers.make(proposals) if proposals else 0


def decide(board: Board, limit: int) -> list[Proposal]:
    """Ask the hooks for each in turn who gets it; each agent hears one ring at a time."""
    proposals: list[Proposal] = []
    moment = board.moment.timestamp()
    while len(proposals) < limit and (match := board.plan.next(moment)) is not None:
        agent = _choose(board, match)
        if agent is None:
            board.plan.remove(match.waiting.id)
            continue
        board.plan.assign(match.waiting.id, agent.id)
        board.plan.set_available(agent.id, False)
        proposals.append(_proposal(board, match.waiting.id, agent.id))
    return proposals


def _choose(board: Board, match: Match) -> Agent | None:
    """Whom the hooks choose of those able; None when they choose nobody of them."""
    row = board.rows[match.waiting.id]
    info, service = row.info(), board.services[row.service_id]
    able = [board.agent_info(agent) for agent in match.agents]
    hooks = okno().hooks
    chosen = hooks.choose_agent(info, able, hooks.agent_scores(info, able, service), service)
    return next((agent for agent in match.agents if agent.id == chosen), None)


def _proposal(board: Board, interaction_id: int, agent_id: int) -> Proposal:
    row = board.rows[interaction_id]
    return Proposal(
        interaction_id=interaction_id,
        interaction_version=row.version,
        case_id=row.case_id,
        service_id=row.service_id,
        agent_id=agent_id,
        agent_version=board.people[agent_id].version,
        seconds=board.seconds[row.service_id],
    )


# --- when to look ------------------------------------------------------------------------------------


@dataclass(slots=True)
class Pace:
    """What one process remembers of its last look, so that looking in vain costs one small statement."""

    event_id: int = -1
    looked_at: datetime | None = None
    again_at: datetime | None = None

    def note_look(self) -> None:
        """A pass begins: what happens from here on is news."""
        self.event_id, self.looked_at, self.again_at = newest_event(), now(), None

    def may_rest(self) -> bool:
        """Whether nothing has happened and no moment has come since the last look."""
        moment = now()
        if self.looked_at is None or moment >= self.looked_at + LOOK_ANYWAY:
            return False
        return (self.again_at is None or moment < self.again_at) and newest_event() == self.event_id

    def seconds(self, longest: float) -> float:
        """How long to wait for a wake before looking at the clock."""
        if self.again_at is None:
            return longest
        return min(longest, max(0.0, (self.again_at - now()).total_seconds()))


def pace() -> Pace:
    """The pace of this application."""
    kept: Pace = current_app.extensions.setdefault("okno_routing_pace", Pace())
    return kept


def newest_event() -> int:
    """The id of the newest event, 0 when there is none."""
    found: int | None = db.session.scalar(select(func.max(Event.id)))
    return found or 0
