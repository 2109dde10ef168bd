"""Away (отошёл): a ready agent who touches neither keyboard nor mouse for so many minutes is not ready, and may come back."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select, update

from core import presence, reasons
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.house import okno
from core.model import Presence, Team, TeamMember

IDLE = "idle"
# The desk tells of a person at most this often, so that a shift of typing is a few hundred small requests: seconds.
TELL_SECONDS = 60


def active(user_id: int) -> None:
    """Somebody has just used keyboard or mouse at the desk of ``user_id``."""
    with transaction():
        statement = update(Presence).where(Presence.user_id == user_id).values(active_at=now())
        db.session.execute(statement.execution_options(synchronize_session=False))


def is_away(row: Presence, away_minutes: int, moment: datetime | None = None) -> bool:
    """Whether nobody has been at the desk for that long, whatever the state; never for 0 minutes or offline."""
    if not away_minutes or row.state == presence.OFFLINE:
        return False
    return row.active_at <= (moment or now()) - timedelta(minutes=away_minutes)


def go_away_due() -> int:
    """Ready agents who are gone become Not ready (away); returns how many. One query finds them all."""
    moment = now()
    house = okno().config.get("routing.away_minutes")
    first_team = (
        select(Team.away_minutes)
        .join(TeamMember, TeamMember.team_id == Team.id)
        .where(TeamMember.user_id == Presence.user_id)
        .order_by(Team.id)
        .limit(1)
        .scalar_subquery()
    )
    minutes = func.coalesce(first_team, house)
    idle = db.session.execute(
        select(Presence.user_id, Presence.active_at, minutes).where(
            Presence.state == presence.READY, Presence.active_at < moment - timedelta(minutes=1)
        )
    ).all()
    db.session.rollback()
    gone = [user_id for user_id, at, limit in idle if limit and at <= moment - timedelta(minutes=limit)]
    return sum(_go_away(user_id, moment - timedelta(minutes=1)) for user_id in gone)


def _go_away(user_id: int, before: datetime) -> bool:
    with transaction():
        row = presence.of(user_id)
        if row.state != presence.READY or row.active_at >= before:
            return False
        return presence.swap(user_id, presence.READY, presence.NOT_READY, reasons.AWAY, IDLE)


def went_idle(user_id: int) -> bool:
    """Whether the agent is Not ready only because nobody was at the desk."""
    row = db.session.get(Presence, user_id)
    if row is None or (row.state, row.reason) != (presence.NOT_READY, reasons.AWAY):
        return False
    change = presence.last_change(user_id)
    return change is not None and change.cause == IDLE


def back(user_id: int) -> None:
    """«I am here»: Ready again. Raises ``Rejected`` (``not-away``) for who chose to be away or was sent there."""
    with transaction():
        if not went_idle(user_id):
            raise Rejected(Text("Choose the state Ready in the menu", "Выберите состояние «Готов» в меню"), "not-away")
        presence.change_to(user_id, presence.READY, "", "back", user_id)
