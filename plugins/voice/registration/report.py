"""«% registered»: how many answered incoming calls are registered at a case, by department, supervisor and agent.

Left out (settings ``voice.registration_…``): calls shorter than 20 s; shorter than 150 s that ended by transfer; from internal
numbers of at most 5 digits that nobody has linked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import joinedload

from core.contracts import Text
from core.db import db
from core.house import okno
from core.model import Interaction, Team, TeamMember, User
from plugins.voice.models.calls import VoiceCall
from plugins.voice.models.registration import CallLink
from plugins.voice.sheets import sheet

BY = ("team", "supervisor", "agent")
PAGE = 50
MOST_EXPORTED = 20_000
TITLES = {
    "team": Text("Department", "Отдел"),
    "supervisor": Text("Supervisor", "Супервизор"),
    "agent": Text("Agent", "Оператор"),
}
WAYS = {
    "team": Text("By department", "По отделам"),
    "supervisor": Text("By supervisor", "По супервизорам"),
    "agent": Text("By agent", "По операторам"),
}


@dataclass(frozen=True, slots=True)
class Exclusions:
    """What is not asked to be registered; seconds and digits."""

    short_seconds: int = 20
    transfer_seconds: int = 150
    internal_digits: int = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """A time, and whose calls: of a team, of an agent, of all."""

    since: datetime
    until: datetime
    team_id: int | None = None
    agent_id: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A row: how many calls count, how many of them are registered."""

    title: str
    calls: int
    registered: int
    id: int = 0

    @property
    def percent(self) -> float | None:
        """Of 100, one digit behind the point; None without calls."""
        return round(100 * self.registered / self.calls, 1) if self.calls else None

    @property
    def missing(self) -> int:
        """How many are not registered."""
        return self.calls - self.registered


def exclusions() -> Exclusions:
    """As the settings say."""
    get = okno().config.get
    names = ("short_seconds", "transfer_seconds", "internal_digits")
    return Exclusions(*(get(f"voice.registration_{name}") for name in names))


def _registered() -> ColumnElement[bool]:
    return or_(CallLink.call_id.is_not(None), Interaction.disposition_id.is_not(None))


def _counted(asked: Asked, left_out: Exclusions) -> list[ColumnElement[bool]]:
    """Which calls count; ``CallLink`` and ``Interaction`` are joined from outside."""
    short = VoiceCall.talk_seconds < left_out.short_seconds
    passed_on = and_(VoiceCall.ended_by_transfer, VoiceCall.talk_seconds < left_out.transfer_seconds)
    digits = and_(
        VoiceCall.from_number.between("0", "9999999"), func.length(VoiceCall.from_number) <= left_out.internal_digits
    )
    return [
        *answered(asked),
        VoiceCall.direction == "in",
        VoiceCall.ended_at.is_not(None),
        VoiceCall.agent_id.is_not(None),
        ~short,
        ~passed_on,
        ~and_(digits, CallLink.call_id.is_(None)),
    ]


def answered(asked: Asked) -> list[ColumnElement[bool]]:
    """The answered calls of the time and of whom it is asked."""
    conditions = [
        VoiceCall.started_at >= asked.since,
        VoiceCall.started_at < asked.until,
        VoiceCall.answered_at.is_not(None),
    ]
    if asked.agent_id is not None:
        conditions.append(VoiceCall.agent_id == asked.agent_id)
    if asked.team_id is not None:
        members = select(TeamMember.user_id).where(TeamMember.team_id == asked.team_id)
        conditions.append(VoiceCall.agent_id.in_(members))
    return conditions


def _joined(query: Select[Any]) -> Select[Any]:
    query = query.outerjoin(CallLink, CallLink.call_id == VoiceCall.id)
    return query.outerjoin(Interaction, Interaction.id == VoiceCall.interaction_id)


def per_agent(asked: Asked) -> dict[int, tuple[int, int]]:
    """(calls that count, registered ones) by agent; one statement."""
    registered = func.count(VoiceCall.id).filter(_registered())
    columns: list[Any] = [VoiceCall.agent_id, func.count(VoiceCall.id), registered]
    query: Select[Any] = select(*columns).select_from(VoiceCall)
    query = _joined(query).where(*_counted(asked, exclusions())).group_by(VoiceCall.agent_id)
    return {row[0]: (row[1], row[2]) for row in db.session.execute(query)}


def report(asked: Asked, by: str, language: str) -> tuple[list[Line], Line]:
    """The rows of one cut, worst first, and all of them as one; an agent of two departments counts in both, once in all."""
    figures = per_agent(asked)
    total = Line(Text("All", "Всего").to(language), *(sum(pair[at] for pair in figures.values()) for at in (0, 1)))
    groups = _groups(list(figures), by, language)
    lines = [
        Line(title, sum(figures[one][0] for one in agents), sum(figures[one][1] for one in agents), group_id)
        for group_id, (title, agents) in groups.items()
    ]
    lines.sort(key=lambda line: (line.percent if line.percent is not None else 101, line.title))
    return lines, total


def _groups(agents: Sequence[int], by: str, language: str) -> dict[int, tuple[str, set[int]]]:
    if by == "agent":
        users = db.session.scalars(select(User).where(User.id.in_(agents)))
        return {user.id: (user.name, {user.id}) for user in users}
    members = db.session.execute(
        select(TeamMember.team_id, TeamMember.user_id).where(TeamMember.user_id.in_(agents), ~TeamMember.supervisor)
    ).all()
    teams: dict[int, set[int]] = {}
    for team_id, user_id in members:
        teams.setdefault(team_id, set()).add(user_id)
    found = _by_team(teams, language) if by == "team" else _by_supervisor(teams)
    placed = set().union(*(agents_ for _, agents_ in found.values())) if found else set()
    if rest := set(agents) - placed:
        words = (
            Text("Without a department", "Без отдела")
            if by == "team"
            else Text("Without a supervisor", "Без супервизора")
        )
        found[0] = (words.to(language), rest)
    return found


def _by_team(teams: dict[int, set[int]], language: str) -> dict[int, tuple[str, set[int]]]:
    rows = db.session.scalars(select(Team).where(Team.id.in_(teams)))
    return {team.id: (team.title_ru if language == "ru" else team.title_en, teams[team.id]) for team in rows}


def _by_supervisor(teams: dict[int, set[int]]) -> dict[int, tuple[str, set[int]]]:
    query = select(TeamMember.team_id, User).join(User, User.id == TeamMember.user_id)
    found: dict[int, tuple[str, set[int]]] = {}
    for team_id, user in db.session.execute(query.where(TeamMember.team_id.in_(teams), TeamMember.supervisor)):
        found.setdefault(user.id, (user.name, set()))[1].update(teams[team_id])
    return found


def unregistered(asked: Asked, *, before: int | None = None, limit: int = PAGE) -> list[VoiceCall]:
    """The calls that count and are registered nowhere, the newest first; ``before`` pages on by id. One statement."""
    query = _joined(select(VoiceCall)).where(*_counted(asked, exclusions()), ~_registered())
    if before is not None:
        query = query.where(VoiceCall.id < before)
    query = query.options(joinedload(VoiceCall.agent), joinedload(VoiceCall.service))
    return list(db.session.scalars(query.order_by(VoiceCall.id.desc()).limit(limit)))


# --- for a spreadsheet -------------------------------------------------------------------------------


def report_csv(lines: Iterable[Line], total: Line, by: str, language: str) -> str:
    """The report."""
    head = [TITLES[by], Text("Calls", "Звонков"), Text("Registered", "Зарегистрировано"), Text("%", "%")]
    rows = [[line.title, line.calls, line.registered, _percent(line)] for line in (*lines, total)]
    return sheet([text.to(language) for text in head], rows)


def unregistered_csv(calls: Iterable[VoiceCall], language: str) -> str:
    """The list of calls."""
    head = [
        Text("Call", "Звонок"),
        Text("Began", "Начало"),
        Text("Number", "Номер"),
        Text("Agent", "Оператор"),
        Text("Talk, s", "Разговор, с"),
    ]
    rows = [
        [
            call.id,
            f"{call.started_at:%Y-%m-%d %H:%M:%S}Z",
            call.from_number,
            call.agent.name if call.agent else "",
            call.talk_seconds,
        ]
        for call in calls
    ]
    return sheet([text.to(language) for text in head], rows)


def _percent(line: Line) -> str:
    return "" if line.percent is None else f"{line.percent:g}"
