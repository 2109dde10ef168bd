"""Trying a route (проверка маршрута): who would get an interaction of a service now, and why the others would not.

It asks the same rules as the router (:mod:`core.routing.rules`, :mod:`core.routing.capacity`) and says their answers in words. It
changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from core import calendars, reasons
from core.clock import now
from core.contracts import Rejected, Text
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
from core.route_verdicts import Judge, Person, Step, Titles, Verdict, answer
from core.routing.rules import ServiceRules, SkillRule, TeamRule, requirement
from core.services import get_service

IN_HAND = ("offered", "active", "wrap_up")
DECLINED = ("rejected", "no_answer")


@dataclass(frozen=True, slots=True)
class RouteCheck:
    """The way of one interaction: what is looked at, then the agents, those who may get it first and in order."""

    service: Service
    channel: str
    line: int
    waited: int
    at: datetime
    steps: Sequence[Step]
    agents: Sequence[Verdict]
    answer: Text


def check_interaction(interaction_id: int) -> RouteCheck:
    """The route of an interaction that is there, with its line, its waiting and who declined it. Raises ``not-found``."""
    row = db.session.get(Interaction, interaction_id)
    if row is None:
        raise Rejected(
            Text(f"There is no interaction {interaction_id}.", f"Обращения {interaction_id} нет."), "not-found"
        )
    waited = int((now() - row.queued_at).total_seconds())
    since = now() - timedelta(seconds=okno().config.get("routing.offer_again_seconds"))
    asked = select(Offer.agent_id).where(
        Offer.interaction_id == row.id, Offer.outcome.in_(DECLINED), Offer.ended_at > since
    )
    declined = frozenset(db.session.scalars(asked))
    return check(row.service.key, row.channel, line=row.line, waited=max(0, waited), declined=declined)


def check(
    service_key: str,
    channel: str = "",
    *,
    at: datetime | None = None,
    line: int = 1,
    waited: int = 0,
    declined: frozenset[int] | None = None,
) -> RouteCheck:
    """Who would get an interaction of that channel ("" for the service's first) that has waited so many seconds at ``at``.

    Hours are looked at for ``at``, agents as they are now. Raises ``Rejected`` (``not-found``, ``channel-unknown``).
    """
    service, at = get_service(service_key), at or now()
    channel = channel or next((entry.channel for entry in service.entries), next(iter(okno().channels), ""))
    if channel not in okno().channels:
        names = ", ".join(okno().channels)
        text = Text(f"There is no channel «{channel}»; there are: {names}.", f"Канала «{channel}» нет; есть: {names}.")
        raise Rejected(text, "channel-unknown")
    rules = _rules(service, at)
    asked = requirement(rules, service.id, line, None, waited)
    people = _people({rule.team for each in rules.values() for rule in each.teams})
    judge = Judge(rules, service.id, asked, channel, line, waited, declined or frozenset(), _titles(rules, people))
    agents, steps = judge.verdicts(people), judge.steps(at, service)
    return RouteCheck(service, channel, line, waited, at, steps, agents, answer(steps, agents))


# --- what is looked at -------------------------------------------------------------------------------


def _rules(service: Service, at: datetime) -> dict[int, ServiceRules]:
    """The rules of the service and of the one it overflows to."""
    chain = [service.id, service.overflow_service_id]
    query = select(Service).where(Service.id.in_([one for one in chain if one]))
    rows = list(db.session.scalars(query))
    ids = [row.id for row in rows]
    teams: dict[int, list[TeamRule]] = {one: [] for one in ids}
    for place in db.session.scalars(select(ServiceTeam).where(ServiceTeam.service_id.in_(ids))):
        teams[place.service_id].append(TeamRule(place.team_id, place.line, place.after_seconds))
    asked: dict[int, list[SkillRule]] = {one: [] for one in ids}
    for demand in db.session.scalars(select(ServiceSkill).where(ServiceSkill.service_id.in_(ids))):
        rule = SkillRule(demand.skill_id, demand.level, demand.relax_seconds, demand.floor)
        asked[demand.service_id].append(rule)
    return {
        row.id: ServiceRules(
            id=row.id,
            teams=tuple(teams[row.id]),
            skills=tuple(asked[row.id]),
            push=row.push,
            agent_choice=row.agent_choice,
            prefers_last_agent=row.prefers_last_agent,
            last_agent_seconds=row.last_agent_seconds,
            overflow=row.overflow_service_id,
            overflow_seconds=row.overflow_seconds,
            is_open=calendars.is_open(row.calendar_key, at),
            closed_action=row.closed_action,
        )
        for row in rows
    }


def _people(team_ids: set[int]) -> list[Person]:
    """The enabled members of these teams with what they know, hold and have done today; six queries for any number."""
    query = select(User).join(TeamMember).where(TeamMember.team_id.in_(team_ids), User.disabled_at.is_(None)).distinct()
    users = list(db.session.scalars(query.options(selectinload(User.memberships).selectinload(TeamMember.team))))
    found = {user.id: Person(user, {member.team_id: member.team for member in user.memberships}) for user in users}
    for presence in db.session.scalars(select(Presence).where(Presence.user_id.in_(found))):
        found[presence.user_id].presence = presence
    for skill in db.session.scalars(select(UserSkill).where(UserSkill.user_id.in_(found))):
        found[skill.user_id].skills[skill.skill_id] = skill.level
    in_hand = select(Interaction.agent_id, Interaction.channel, func.count()).where(
        Interaction.agent_id.in_(found), Interaction.state.in_(IN_HAND)
    )
    for user_id, channel, count in db.session.execute(in_hand.group_by(Interaction.agent_id, Interaction.channel)):
        found[int(user_id or 0)].in_hand[channel] = count
    midnight = (
        now()
        .astimezone(ZoneInfo(okno().config.get("core.timezone")))
        .replace(hour=0, minute=0, second=0, microsecond=0)
    )
    today = select(Interaction.agent_id, func.count()).where(
        Interaction.agent_id.in_(found), Interaction.state == "closed", Interaction.closed_at >= midnight
    )
    for user_id, count in db.session.execute(today.group_by(Interaction.agent_id)):
        found[int(user_id or 0)].handled_today = count
    return sorted(found.values(), key=lambda person: person.user.name)


def _titles(rules: Mapping[int, ServiceRules], people: Sequence[Person]) -> Titles:
    services = db.session.scalars(select(Service).where(Service.id.in_(rules)))
    team_ids = {rule.team for each in rules.values() for rule in each.teams}
    return Titles(
        skills={row.id: Text(row.title_en, row.title_ru) for row in db.session.scalars(select(Skill))},
        teams={
            row.id: Text(row.title_en, row.title_ru)
            for row in db.session.scalars(select(Team).where(Team.id.in_(team_ids)))
        },
        services={row.id: Text(row.title_en, row.title_ru) for row in services},
        reasons=reasons.labels(),
    )
