"""What a pass of the router reads: who is there, what the services ask for, what waits. A constant number of statements.

Agents' versions are read before their load: a load that grows later shows in the version, see :func:`core.routing.hands.claim`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from core import calendars, presence
from core.clock import now
from core.contracts import AgentInfo, ServiceInfo, Text
from core.db import db
from core.house import okno
from core.model import (
    Interaction,
    Offer,
    Presence,
    Service,
    ServiceSkill,
    ServiceTeam,
    Skill,
    Team,
    TeamMember,
    User,
    UserSkill,
)
from core.routing.capacity import capacity_of, mix_of
from core.routing.hands import IN_HAND, usual_of
from core.routing.plan import Agent, Plan
from core.routing.queue_rows import Group, QueueRow, crossing, groups, rows
from core.routing.rules import OVERFLOW, ServiceRules, SkillRule, TeamRule

# Who said no: not offered to again for a while.
DECLINED = ("rejected", "no_answer", "released")
SPARE = 5


@dataclass(frozen=True, slots=True)
class Person:
    """A signed-on agent as the data base has it."""

    id: int
    login: str
    language: str
    version: int
    idle_since: datetime
    open: bool
    capacity: dict[str, Any]


@dataclass(slots=True)
class Board:
    """Everything one pass knows. ``moment`` is when it was read; ``again_at`` when time alone changes something."""

    moment: datetime
    plan: Plan
    people: dict[int, Person]
    services: dict[int, ServiceInfo]
    seconds: dict[int, int]
    skill_keys: dict[int, str]
    rows: dict[int, QueueRow] = field(default_factory=dict)
    again_at: datetime | None = None

    def agent_info(self, agent: Agent) -> AgentInfo:
        """The agent as hooks see it."""
        person = self.people[agent.id]
        skills = {self.skill_keys[skill]: level for skill, level in agent.skills.items()}
        languages = (person.language,)
        teams, in_hand = tuple(sorted(agent.teams)), dict(agent.in_hand)
        return AgentInfo(
            agent.id, person.login, teams, languages, person.idle_since, agent.handled_today, skills, in_hand
        )


def read(limit: int) -> Board | None:
    """The board for a pass that makes at most ``limit`` offers; None when nobody could be offered anything or nothing waits."""
    moment = now()
    people = _signed_on()
    if not any(person.open for person in people.values()):
        return None
    waiting = groups()
    if not waiting:
        return None
    board = _board(moment, people, {group.channel for group in waiting})
    _put_rows(board, [group for group in waiting if group.service_id in board.services], limit)
    return board


def read_one(row: QueueRow) -> Board:
    """The board with one thing that waits, whoever is free."""
    moment = now()
    board = _board(moment, _signed_on(), {row.channel})
    _put(board, row, _declined(moment - _pause()))
    return board


# --- agents ------------------------------------------------------------------------------------------


def _signed_on() -> dict[int, Person]:
    """Everybody at the desk; ``open`` are those who may be offered something beside what they have."""
    query = (
        select(
            User.id,
            User.login,
            User.language,
            User.capacity,
            Presence.state,
            Presence.version,
            Presence.idle_since,
            Presence.next_state,
        )
        .join(Presence, Presence.user_id == User.id)
        .where(Presence.state != presence.OFFLINE, User.disabled_at.is_(None))
    )
    return {
        row.id: Person(
            row.id,
            row.login,
            row.language,
            row.version,
            row.idle_since,
            row.state in (presence.READY, presence.BUSY) and not row.next_state,
            row.capacity,
        )
        for row in db.session.execute(query)
    }


def _here() -> Any:
    return select(Presence.user_id).where(Presence.state != presence.OFFLINE)


def _agents(people: dict[int, Person], channels: Iterable[str], moment: datetime) -> list[Agent]:
    in_hand, ringing = _loads()
    teams = _memberships()
    rules = {
        row.id: (row.capacity, mix_of(row.mix)) for row in db.session.execute(select(Team.id, Team.capacity, Team.mix))
    }
    skills = _skills()
    usual = {channel: usual_of(channel) for channel in channels}
    push_of_team = {team: _push({}, capacity, usual) for team, (capacity, _) in rules.items()}
    plain = _push({}, {}, usual)
    found = []
    for person in people.values():
        mine = teams.get(person.id, ())
        first = min(mine) if mine else None
        push = plain if first is None else push_of_team[first]
        if person.capacity:
            push = _push(person.capacity, {} if first is None else rules[first][0], usual)
        found.append(
            Agent(
                id=person.id,
                teams=frozenset(mine),
                skills=skills.get(person.id, {}),
                in_hand=in_hand.get(person.id, {}),
                capacity=push,
                mix=() if first is None else rules[first][1],
                idle_since=person.idle_since.timestamp(),
                languages=(person.language,),
                available=person.open and person.id not in ringing,
            )
        )
    handled = _handled_today([agent.id for agent in found if any(map(agent.has_room, usual))], moment)
    for agent in found:
        agent.handled_today = handled.get(agent.id, 0)
    return found


def _push(user: dict[str, Any], team: dict[str, Any], usual: dict[str, dict[str, int]]) -> dict[str, int]:
    return {name: capacity_of(name, user, team, numbers)["push"] for name, numbers in usual.items()}


def _loads() -> tuple[dict[int, dict[str, int]], set[int]]:
    """What each has in hand by channel, and at whom something rings."""
    counted = (
        select(Interaction.agent_id, Interaction.channel, Interaction.state, func.count())
        .where(Interaction.agent_id.in_(_here()), Interaction.state.in_(IN_HAND))
        .group_by(Interaction.agent_id, Interaction.channel, Interaction.state)
    )
    in_hand: dict[int, dict[str, int]] = {}
    ringing: set[int] = set()
    for agent_id, channel, state, number in db.session.execute(counted):
        if agent_id is None:
            continue
        mine = in_hand.setdefault(agent_id, {})
        mine[channel] = mine.get(channel, 0) + number
        if state == "offered":
            ringing.add(agent_id)
    return in_hand, ringing


def _memberships() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    query = select(TeamMember.user_id, TeamMember.team_id).where(TeamMember.user_id.in_(_here()))
    for user_id, team_id in db.session.execute(query):
        found.setdefault(user_id, []).append(team_id)
    return found


def _skills() -> dict[int, dict[int, int]]:
    found: dict[int, dict[int, int]] = {}
    query = select(UserSkill.user_id, UserSkill.skill_id, UserSkill.level).where(UserSkill.user_id.in_(_here()))
    for user_id, skill_id, level in db.session.execute(query):
        found.setdefault(user_id, {})[skill_id] = level
    return found


def _handled_today(ids: list[int], moment: datetime) -> dict[int, int]:
    if not ids:
        return {}
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    counted = (
        select(Interaction.agent_id, func.count())
        .where(Interaction.agent_id.in_(ids), Interaction.closed_at >= midnight)
        .group_by(Interaction.agent_id)
    )
    return {agent_id: number for agent_id, number in db.session.execute(counted) if agent_id is not None}


# --- services ----------------------------------------------------------------------------------------


def _board(moment: datetime, people: dict[int, Person], channels: set[str]) -> Board:
    """The board without what waits."""
    teams: dict[int, list[TeamRule]] = {}
    for row in db.session.scalars(select(ServiceTeam)):
        teams.setdefault(row.service_id, []).append(TeamRule(row.team_id, row.line, float(row.after_seconds)))
    skills: dict[int, list[SkillRule]] = {}
    for asked in db.session.scalars(select(ServiceSkill)):
        rule = SkillRule(asked.skill_id, asked.level, float(asked.relax_seconds), asked.floor)
        skills.setdefault(asked.service_id, []).append(rule)
    keys = {row.id: row.key for row in db.session.execute(select(Skill.id, Skill.key))}
    services = list(db.session.scalars(select(Service)))
    rules = [_rules(row, teams.get(row.id, ()), skills.get(row.id, ()), moment) for row in services]
    infos = {
        row.id: _info(row, teams.get(row.id, ()), {keys[rule.skill]: rule.level for rule in skills.get(row.id, ())})
        for row in services
    }
    seconds = {row.id: row.offer_seconds for row in services}
    board = Board(moment, Plan(rules, moment.timestamp()), people, infos, seconds, keys)
    for agent in _agents(people, channels, moment):
        board.plan.put_agent(agent)
    return board


def _rules(row: Service, teams: Iterable[TeamRule], skills: Iterable[SkillRule], moment: datetime) -> ServiceRules:
    is_open = calendars.is_open(row.calendar_key, moment)
    opening = None if is_open else calendars.next_opening(row.calendar_key, moment)
    return ServiceRules(
        id=row.id,
        teams=tuple(teams),
        skills=tuple(skills),
        push=row.push,
        agent_choice=row.agent_choice,
        prefers_last_agent=row.prefers_last_agent,
        last_agent_seconds=float(row.last_agent_seconds),
        overflow=row.overflow_service_id,
        overflow_seconds=float(row.overflow_seconds),
        is_open=is_open,
        opens_at=opening.timestamp() if opening else None,
        closed_action=row.closed_action,
        changes_at=_changes_at(row, moment),
    )


def _changes_at(row: Service, moment: datetime) -> float | None:
    """When the hours begin or, where something overflows then, end."""
    if not row.calendar_key or (row.closed_action != OVERFLOW and calendars.is_open(row.calendar_key, moment)):
        return None
    change = calendars.next_change(row.calendar_key, moment)
    return change.timestamp() if change else None


def _info(row: Service, teams: Iterable[TeamRule], skills: dict[str, int]) -> ServiceInfo:
    return ServiceInfo(
        id=row.id,
        key=row.key,
        title=Text(row.title_en, row.title_ru),
        language=row.language,
        team_ids=tuple(sorted(rule.team for rule in teams)),
        priority=row.priority,
        disposition_required=row.disposition_required,
        agent_choice=row.agent_choice,
        prefers_last_agent=row.prefers_last_agent,
        skills=skills,
    )


# --- what waits --------------------------------------------------------------------------------------


def _put_rows(board: Board, waiting: list[Group], limit: int) -> None:
    """Read of each group as many as the agents free for it can take, and put them into the plan."""
    declined = _declined(board.moment - _pause())
    refusals: dict[int, int] = {}
    for service_id, _ in declined.values():
        refusals[service_id] = refusals.get(service_id, 0) + 1
    wanted = []
    crossings = []
    for group in waiting:
        openings = board.plan.openings(group.service_id, group.line, group.team_id, group.channel)
        room = min(limit, max(len(opening.agents) for opening in openings))
        for opening in openings if room else ():
            if opening.agents:
                number = min(room, len(opening.agents)) + refusals.get(group.service_id, 0) + SPARE
                wanted.append((group, opening, number))
            if opening.until is not None:
                crossings.append((group, opening))
    for row in rows(wanted, board.moment):
        _put(board, row, declined)
    board.again_at = _again_at(board, crossing(crossings, board.moment), waiting)


def _put(board: Board, row: QueueRow, declined: dict[int, tuple[int, dict[int, datetime]]]) -> None:
    ends = declined[row.id][1] if row.id in declined else {}
    board.rows[row.id] = row
    board.plan.put(row.waiting({agent: (end + _pause()).timestamp() for agent, end in ends.items()}))


def _pause() -> timedelta:
    return timedelta(seconds=okno().config.get("routing.offer_again_seconds"))


def _declined(since: datetime) -> dict[int, tuple[int, dict[int, datetime]]]:
    """By waiting interaction: its service, and who refused, missed or put it back when."""
    query = (
        select(Offer.interaction_id, Interaction.service_id, Offer.agent_id, Offer.ended_at)
        .join(Interaction, Interaction.id == Offer.interaction_id)
        .where(Offer.ended_at > since, Offer.outcome.in_(DECLINED), Interaction.state == "queued")
    )
    found: dict[int, tuple[int, dict[int, datetime]]] = {}
    for interaction_id, service_id, agent_id, ended_at in db.session.execute(query):
        ends = found.setdefault(interaction_id, (service_id, {}))[1]
        if ended_at is not None:
            ends[agent_id] = max(ended_at, ends.get(agent_id, ended_at))
    return found


def _again_at(board: Board, crossed: datetime | None, waiting: list[Group]) -> datetime | None:
    """The next moment at which time alone lets something be offered."""
    concerned = {group.service_id for group in waiting}
    rules = [board.plan.services[service_id] for service_id in concerned]
    rules += [board.plan.services[one.overflow] for one in rules if one.overflow in board.plan.services]
    moments = [one.changes_at for one in rules if one.changes_at is not None]
    moments += [crossed.timestamp()] if crossed else []
    planned = board.plan.next_moment()
    moments += [planned] if planned is not None else []
    return datetime.fromtimestamp(min(moments), board.moment.tzinfo) if moments else None
