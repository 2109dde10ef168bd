"""Today's numbers of the house: service level, waiting, handled; read in six statements, kept for five seconds.

"Today" begins at midnight of the house's time zone (``core.timezone``). Desks ask again when an event says that something
has changed, so an idle house reads nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import ColumnElement, Float, case, cast, extract, func, literal, select

from core.clock import now
from core.db import UTCDateTime, db
from core.house import okno
from core.model import Interaction, Service, ServiceTeam, TeamMember, User

KEPT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Handled:
    """Closed interactions: how many, and the seconds from acceptance to close in all."""

    count: int = 0
    seconds: float = 0.0
    timed: int = 0

    @property
    def average(self) -> float | None:
        """Seconds of one (average handling time, AHT), None without any; what nobody accepted has no time."""
        return self.seconds / self.timed if self.timed else None


@dataclass(frozen=True, slots=True)
class ServiceFigures:
    """One service today, or several added up. ``late`` wait longer than the target already; ``oldest`` is the longest wait's start."""

    target_percent: int = 80
    target_seconds: int = 60
    answered: int = 0
    within: int = 0
    waiting: int = 0
    late: int = 0
    oldest: datetime | None = None
    handled: int = 0

    @property
    def level(self) -> int | None:
        """Percent answered within the target of all that were answered or wait too long; None when there were none."""
        asked = self.answered + self.late
        return round(100 * self.within / asked) if asked else None

    @property
    def tone(self) -> str:
        """``good`` at the target, ``warn`` within ten points of it, else ``bad``; "" without a level."""
        if self.level is None:
            return ""
        return (
            "good" if self.level >= self.target_percent else "warn" if self.level >= self.target_percent - 10 else "bad"
        )


@dataclass(frozen=True, slots=True)
class Figures:
    """A picture of the house at one moment."""

    at: datetime
    midnight: datetime
    services: dict[int, ServiceFigures]
    closed: dict[tuple[int, int, int], Handled]
    members: dict[int, frozenset[int]]
    served_by: dict[int, frozenset[int]] = field(default_factory=dict)

    def total(self, service_ids: Iterable[int]) -> ServiceFigures:
        """Several services as one; the target is the mean of theirs."""
        found = [self.services[key] for key in service_ids if key in self.services]
        if not found:
            return ServiceFigures()
        return ServiceFigures(
            target_percent=round(sum(one.target_percent for one in found) / len(found)),
            target_seconds=round(sum(one.target_seconds for one in found) / len(found)),
            answered=sum(one.answered for one in found),
            within=sum(one.within for one in found),
            waiting=sum(one.waiting for one in found),
            late=sum(one.late for one in found),
            oldest=min((one.oldest for one in found if one.oldest), default=None),
            handled=sum(one.handled for one in found),
        )

    def handled(self, user_ids: Collection[int], service_ids: Collection[int] | None = None) -> Handled:
        """What these users closed today, in these services (None: in all)."""
        found = [
            done
            for (service_id, user_id, _), done in self.closed.items()
            if user_id in user_ids and (service_ids is None or service_id in service_ids)
        ]
        return Handled(
            sum(done.count for done in found), sum(done.seconds for done in found), sum(done.timed for done in found)
        )

    def dispositions(self, user_id: int) -> dict[int, int]:
        """How often the user chose which disposition today; 0 stands for none."""
        counts: dict[int, int] = defaultdict(int)
        for (_, agent_id, disposition_id), done in self.closed.items():
            if agent_id == user_id:
                counts[disposition_id] += done.count
        return dict(counts)

    def colleagues(self, user_id: int, service_ids: Collection[int] | None = None) -> frozenset[int]:
        """The user and all who share a team; with services, a team that serves one of them."""
        serving = None if service_ids is None else {team for key in service_ids for team in self.served_by.get(key, ())}
        shared = [
            people
            for team_id, people in self.members.items()
            if user_id in people and (serving is None or team_id in serving)
        ]
        return frozenset({user_id}).union(*shared)

    def rank(self, user_id: int, service_ids: Collection[int] | None = None) -> tuple[int, int]:
        """The user's place among the colleagues by what was handled today, and how many they are: (1, 7) is first of seven."""
        counts: dict[int, int] = defaultdict(int)
        for (service_id, agent_id, _), done in self.closed.items():
            if service_ids is None or service_id in service_ids:
                counts[agent_id] += done.count
        people = self.colleagues(user_id, service_ids)
        mine = counts[user_id]
        return 1 + sum(counts[other] > mine for other in people), len(people)


def house_midnight() -> datetime:
    """When today began for the house (aware)."""
    zone = ZoneInfo(okno().config.get("core.timezone"))
    return now().astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)


def figures() -> Figures:
    """The picture of at most five seconds ago."""
    kept: Figures | None = current_app.extensions.get("okno.figures")
    if kept is None or not 0 <= (now() - kept.at).total_seconds() < KEPT_SECONDS:
        kept = current_app.extensions["okno.figures"] = _read()
    return kept


def _read() -> Figures:
    midnight = house_midnight()
    closed = _closed(midnight)
    return Figures(now(), midnight, _services(midnight, closed), closed, _members(), _served_by())


def _seconds(later: Any, earlier: Any) -> ColumnElement[float]:
    """Seconds from one column's moment to another's, in the words of the data base."""
    if db.engine.dialect.name == "sqlite":
        return (func.julianday(later) - func.julianday(earlier)) * 86400.0
    return cast(extract("epoch", later - earlier), Float)


def _services(midnight: datetime, closed: dict[tuple[int, int, int], Handled]) -> dict[int, ServiceFigures]:
    targets = db.session.execute(
        select(Service.id, Service.target_percent, Service.target_seconds).where(Service.active)
    ).all()
    handled: dict[int, int] = defaultdict(int)
    for (service_id, _, _), done in closed.items():
        handled[service_id] += done.count
    answered, waiting = _answered(midnight, [row.id for row in targets]), _waiting()
    found: dict[int, ServiceFigures] = {}
    for row in targets:
        count, good = answered.get(row.id, (0, 0))
        queued, late, oldest = waiting.get(row.id, (0, 0, None))
        found[row.id] = ServiceFigures(
            row.target_percent, row.target_seconds, count, good, queued, late, oldest, handled[row.id]
        )
    return found


def _answered(midnight: datetime, service_ids: list[int]) -> dict[int, tuple[int, int]]:
    """Answered since ``midnight``, and of them within the service's target (a hundredth of a second is forgiven)."""
    waited = _seconds(Interaction.accepted_at, Interaction.queued_at)
    within = func.sum(case((waited <= Service.target_seconds + 0.01, 1), else_=0))
    rows = db.session.execute(
        select(Interaction.service_id, func.count(), within)
        .join(Service, Service.id == Interaction.service_id)
        .where(Interaction.service_id.in_(service_ids), Interaction.accepted_at >= midnight)
        .group_by(Interaction.service_id)
    )
    return {service_id: (count, int(good or 0)) for service_id, count, good in rows}


def _waiting() -> dict[int, tuple[int, int, datetime | None]]:
    """Waiting now, of them longer than the target, and since when the one that has waited longest."""
    waited = _seconds(literal(now(), UTCDateTime()), Interaction.queued_at)
    late = waited > Service.target_seconds
    rows = db.session.execute(
        select(
            Interaction.service_id,
            func.count(),
            func.sum(case((late, 1), else_=0)),
            func.min(Interaction.queued_at),
        )
        .join(Service, Service.id == Interaction.service_id)
        .where(Interaction.state == "queued")
        .group_by(Interaction.service_id)
    )
    return {service_id: (count, int(over or 0), oldest) for service_id, count, over, oldest in rows}


def _closed(midnight: datetime) -> dict[tuple[int, int, int], Handled]:
    """What was closed since ``midnight``, by service, agent and disposition (0 for none)."""
    worked = func.sum(_seconds(Interaction.closed_at, Interaction.accepted_at))
    timed = func.count(Interaction.accepted_at)
    chosen = func.coalesce(Interaction.disposition_id, 0)
    rows = db.session.execute(
        select(Interaction.service_id, Interaction.agent_id, chosen, func.count(), worked, timed)
        .where(
            Interaction.service_id.in_(select(Service.id)),
            Interaction.closed_at >= midnight,
            Interaction.agent_id.is_not(None),
        )
        .group_by(Interaction.service_id, Interaction.agent_id, chosen)
    )
    return {
        (service_id, agent_id or 0, disposition_id): Handled(count, float(seconds or 0), accepted)
        for service_id, agent_id, disposition_id, count, seconds, accepted in rows
    }


def _members() -> dict[int, frozenset[int]]:
    pairs = db.session.execute(
        select(TeamMember.team_id, TeamMember.user_id)
        .join(User, User.id == TeamMember.user_id)
        .where(User.disabled_at.is_(None))
    )
    return _grouped(pairs)


def _served_by() -> dict[int, frozenset[int]]:
    return _grouped(db.session.execute(select(ServiceTeam.service_id, ServiceTeam.team_id)))


def _grouped(pairs: Iterable[Any]) -> dict[int, frozenset[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    for key, value in pairs:
        found[key].add(value)
    return {key: frozenset(values) for key, values in found.items()}
