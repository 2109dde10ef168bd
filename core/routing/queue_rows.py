"""Reading the queue in its order, never the whole of it: by service, line, team and channel, and by how long something waits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import TextClause, bindparam, select, text

from core.contracts import InteractionInfo
from core.db import UTCDateTime, db
from core.model import Interaction, Service
from core.routing.buckets import Opening
from core.routing.choice import Waiting

# SQLite joins at most 500 parts in one statement.
PARTS = 200
ORDER = "priority DESC, queued_at, id"
COLUMNS = (
    "id, channel, direction, case_id, contact_id, service_id, line, team_id, preferred_agent_id, priority, queued_at, "
    "waiting_since, version"
)
MOMENT = UTCDateTime()
Piece = TypeVar("Piece")


@dataclass(frozen=True, slots=True)
class Group:
    """What waits in one service on one line for one channel, for its teams or for one team alone."""

    service_id: int
    line: int
    team_id: int | None
    channel: str


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A waiting interaction as a pass needs it."""

    id: int
    channel: str
    direction: str
    case_id: int
    contact_id: int | None
    service_id: int
    line: int
    team_id: int | None
    preferred_agent_id: int | None
    priority: int
    queued_at: datetime
    waiting_since: datetime
    version: int

    def waiting(self, declined: dict[int, float]) -> Waiting:
        """As the plan takes it; ``declined`` says until when whom it is not offered to."""
        return Waiting(
            id=self.id,
            service=self.service_id,
            channel=self.channel,
            queued_at=self.queued_at.timestamp(),
            priority=self.priority,
            line=self.line,
            team=self.team_id,
            preferred=self.preferred_agent_id,
            declined=declined,
            since=self.waiting_since.timestamp(),
        )

    def info(self) -> InteractionInfo:
        """As hooks see it."""
        return InteractionInfo(
            id=self.id,
            channel=self.channel,
            direction="in" if self.direction == "in" else "out",
            state="queued",
            case_id=self.case_id,
            contact_id=self.contact_id,
            service_id=self.service_id,
            agent_id=None,
            priority=self.priority,
            queued_at=self.queued_at,
            preferred_agent_id=self.preferred_agent_id,
            line=self.line,
        )


def groups() -> list[Group]:
    """The groups in which anything waits, of services that push; read from the index alone."""
    columns = (Interaction.service_id, Interaction.line, Interaction.team_id, Interaction.channel)
    pushing = select(Service.id).where(Service.push)
    # Written out: only so does a partial index serve.
    query = select(*columns).where(text("interaction.state = 'queued'"), Interaction.service_id.in_(pushing)).distinct()
    return [Group(*row) for row in db.session.execute(query)]


def rows(wanted: Iterable[tuple[Group, Opening, int]], moment: datetime) -> list[QueueRow]:
    """Of each group and stretch of waiting the first so many in the queue's order."""
    parts = [(*_part(group, opening, moment), number) for group, opening, number in wanted]
    found = []
    for some in _shared_out(parts):
        statements = []
        values: dict[str, Any] = {}
        for number, (where, given, alone, limit) in enumerate(some):
            statements.append((_first_of_each if alone else _first)(where, number).replace("§", str(number)))
            values |= {f"{name}{number}": value for name, value in given.items()} | {f"limit{number}": limit}
        union = _typed(" UNION ALL ".join(statements), values)
        found += [QueueRow(*row) for row in db.session.execute(union.columns(*_columns()))]
    return found


def one(interaction_id: int) -> QueueRow | None:
    """One interaction of any state as a pass would read it."""
    row = db.session.execute(select(*_columns()).where(Interaction.id == interaction_id)).first()
    return QueueRow(*row) if row else None


def _columns() -> list[Any]:
    return [Interaction.__table__.c[name] for name in COLUMNS.replace(" ", "").split(",")]


def crossing(stretches: Sequence[tuple[Group, Opening]], moment: datetime) -> datetime | None:
    """When the first of what waits comes to the end of its stretch."""
    first: datetime | None = None
    for some in _shared_out(stretches):
        statements = []
        values: dict[str, Any] = {}
        for number, (group, opening) in enumerate(some):
            where, given, _ = _part(group, opening, moment)
            statements.append(_oldest(where, number).replace("§", str(number)))
            values |= {f"{name}{number}": value for name, value in given.items()}
        union = _typed(" UNION ALL ".join(statements), values).columns(
            number=Interaction.__table__.c.id.type, since=MOMENT
        )
        for number, since in db.session.execute(union):
            if since is not None:
                end = since + timedelta(seconds=some[number][1].until or 0.0)
                first = end if first is None else min(first, end)
    return first


def _shared_out(parts: Sequence[Piece]) -> list[Sequence[Piece]]:
    return [parts[first : first + PARTS] for first in range(0, len(parts), PARTS)]


def _part(group: Group, opening: Opening, moment: datetime) -> tuple[str, dict[str, Any], bool]:
    """The condition of one stretch of one group, «§» standing for the number of the part, and its values."""
    where = "state = 'queued' AND service_id = :service§ AND line = :line§ AND channel = :channel§"
    values: dict[str, Any] = {"service": group.service_id, "line": group.line, "channel": group.channel}
    if group.team_id is None:
        where += " AND team_id IS NULL"
    else:
        where += " AND team_id = :team§"
        values["team"] = group.team_id
    if opening.after:
        where += " AND waiting_since <= :from§"
        values["from"] = moment - timedelta(seconds=opening.after)
    if opening.until is not None:
        where += " AND waiting_since > :until§"
        values["until"] = moment - timedelta(seconds=opening.until)
    return where, values, opening.last_agent


# Only names of ours are put into these statements; every value is bound.


def _oldest(where: str, number: int) -> str:
    return f"SELECT {number}, min(waiting_since) AS since FROM interaction WHERE {where}"  # noqa: S608


def _first(where: str, number: int) -> str:
    first = f"SELECT {COLUMNS} FROM interaction WHERE {where} ORDER BY {ORDER} LIMIT :limit§"  # noqa: S608
    return f"SELECT * FROM ({first}) AS part{number}"  # noqa: S608


def _first_of_each(where: str, number: int) -> str:
    """The first so many of those who wait for each agent of before who is here, and of the others."""
    here = "SELECT user_id FROM presence WHERE state <> 'offline'"
    whose = f"CASE WHEN preferred_agent_id IN ({here}) THEN preferred_agent_id ELSE 0 END"
    place = f"row_number() OVER (PARTITION BY {whose} ORDER BY {ORDER}) AS place"
    placed = f"SELECT {COLUMNS}, {place} FROM interaction WHERE {where}"  # noqa: S608
    return f"SELECT {COLUMNS} FROM ({placed}) AS part{number} WHERE place <= :limit§"  # noqa: S608


def _typed(statement: str, values: dict[str, Any]) -> TextClause:
    given = [
        bindparam(name, value, type_=MOMENT) if isinstance(value, datetime) else bindparam(name, value)
        for name, value in values.items()
    ]
    return text(statement).bindparams(*given)
