"""Who has which interaction: offers, answers, take, finish, complete, give back.

Each step is a compare-and-swap on the interaction's row inside one transaction with the agent's state, so that whatever fails
between offer and answer, one agent has it or the queue does.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update

from core import case_form, casework, presence, timeline
from core.clock import now
from core.contracts import AgentInfo, DispositionInfo, Rejected, Text
from core.db import db, on_commit, transaction
from core.events import log as events
from core.events.wake import wake
from core.house import okno
from core.model import Disposition, Interaction, Offer, Presence, Service, ServiceTeam, TeamMember, User
from core.snapshots import disposition_info, interaction_info, service_info
from core.workflow import engine as workflow

GONE = Text("The interaction is no longer offered to you", "Обращение вам больше не предлагается")
NOT_YOURS = Text("This interaction is not in your hands (any more)", "Это обращение сейчас не у вас")


def _swap(interaction_id: int, before: str, after: str, *, holder: int | None = None, **values: Any) -> bool:
    """Move an interaction from state to state if it is still where we think (and with ``holder``, when given)."""
    statement = update(Interaction).where(Interaction.id == interaction_id, Interaction.state == before)
    if holder is not None:
        statement = statement.where(Interaction.agent_id == holder)
    changed = db.session.execute(
        statement.values(state=after, version=Interaction.version + 1, **values).execution_options(
            synchronize_session=False
        )
    )
    db.session.expire_all()
    return bool(changed.rowcount == 1)  # type: ignore[attr-defined]


def _tell(interaction: Interaction) -> None:
    data = {
        "interaction_id": interaction.id,
        "case_id": interaction.case_id,
        "state": interaction.state,
        "agent_id": interaction.agent_id,
        "service_id": interaction.service_id,
    }
    events.publish("desk", "interaction.changed", data)
    events.publish("desk", "queue.changed", {"service_id": interaction.service_id, "interaction_id": interaction.id})


# --- routing -----------------------------------------------------------------------------------------


def ready_agents() -> list[AgentInfo]:
    """Agents who could take an interaction now, longest idle first."""
    rows = db.session.execute(
        select(User.id, User.login, User.language, Presence.since)
        .join(Presence, Presence.user_id == User.id)
        .where(Presence.state == presence.READY, User.disabled_at.is_(None))
        .order_by(Presence.since, User.id)
    ).all()
    ids = [row.id for row in rows]
    teams: dict[int, list[int]] = {}
    for user_id, team_id in db.session.execute(
        select(TeamMember.user_id, TeamMember.team_id).where(TeamMember.user_id.in_(ids))
    ):
        teams.setdefault(user_id, []).append(team_id)
    midnight = now().replace(hour=0, minute=0, second=0, microsecond=0)
    handled = _handled_since(ids, midnight)
    return [
        AgentInfo(row.id, row.login, tuple(teams.get(row.id, ())), (row.language,), row.since, handled.get(row.id, 0))
        for row in rows
    ]


def _handled_since(ids: list[int], since: datetime) -> dict[int, int]:
    counted = (
        select(Interaction.agent_id, func.count())
        .where(Interaction.agent_id.in_(ids), Interaction.state == "closed", Interaction.closed_at >= since)
        .group_by(Interaction.agent_id)
    )
    return {agent_id: number for agent_id, number in db.session.execute(counted) if agent_id is not None}


def route_due(limit: int = 50) -> int:
    """Offer waiting interactions to ready agents, in the order of the queue; returns how many offers were made."""
    if not _any_ready():
        return 0
    with transaction():
        agents = {agent.id: agent for agent in ready_agents()}
        servers = _servers(agents)
        if not servers:
            return 0
        waiting = list(
            db.session.scalars(
                select(Interaction)
                .join(Service, Service.id == Interaction.service_id)
                .where(Interaction.state == "queued", Interaction.service_id.in_(servers), Service.push)
                .order_by(Interaction.priority.desc(), Interaction.queued_at, Interaction.id)
                .limit(max(limit, 4 * len(agents)))
            )
        )
        declined = _declined([interaction.id for interaction in waiting])
        offered = 0
        for interaction in waiting:
            able = [
                agent
                for agent in agents.values()
                if agent.id in servers[interaction.service_id] and (interaction.id, agent.id) not in declined
            ]
            if able and (agent_id := _choose(interaction, able)) is not None and _offer(interaction, agent_id):
                del agents[agent_id]
                offered += 1
            if not agents:
                break
        return offered


def _any_ready() -> bool:
    found = db.session.scalar(select(Presence.user_id).where(Presence.state == presence.READY).limit(1))
    db.session.rollback()
    return found is not None


def _servers(agents: dict[int, AgentInfo]) -> dict[int, set[int]]:
    """Which of the agents serve which service."""
    teams = {team_id for agent in agents.values() for team_id in agent.team_ids}
    servers: dict[int, set[int]] = {}
    pairs = db.session.execute(
        select(ServiceTeam.service_id, ServiceTeam.team_id).where(ServiceTeam.team_id.in_(teams))
    )
    for service_id, team_id in pairs:
        servers.setdefault(service_id, set()).update(agent.id for agent in agents.values() if team_id in agent.team_ids)
    return servers


def _declined(interaction_ids: list[int]) -> set[tuple[int, int]]:
    """Who has refused or missed which interaction so recently that it is not offered to them again yet."""
    since = now() - timedelta(seconds=okno().config.get("routing.offer_again_seconds"))
    rows = db.session.execute(
        select(Offer.interaction_id, Offer.agent_id).where(
            Offer.interaction_id.in_(interaction_ids),
            Offer.outcome.in_(("rejected", "no_answer")),
            Offer.ended_at >= since,
        )
    )
    return {(interaction_id, agent_id) for interaction_id, agent_id in rows}


def _choose(interaction: Interaction, able: list[AgentInfo]) -> int | None:
    hooks = okno().hooks
    info = interaction_info(interaction)
    service = service_info(interaction.service)
    chosen = hooks.choose_agent(info, able, hooks.agent_scores(info, able, service), service)
    return chosen if chosen in {agent.id for agent in able} else None


def _offer(interaction: Interaction, agent_id: int) -> bool:
    moment = now()
    expires = moment + timedelta(seconds=interaction.service.offer_seconds)
    interaction_id = interaction.id
    with db.session.begin_nested() as attempt:
        won = _swap(interaction_id, "queued", "offered", agent_id=agent_id)
        if not won or not presence.swap(agent_id, presence.READY, presence.RINGING, "", "offer"):
            attempt.rollback()
            return False
    offer = Offer(interaction_id=interaction_id, agent_id=agent_id, offered_at=moment, expires_at=expires)
    db.session.add(offer)
    db.session.flush()
    timeline.write(interaction.case_id, "offer.made", interaction_id=interaction_id, agent_id=agent_id)
    data = {"offer_id": offer.id, "interaction_id": interaction_id, "expires_at": expires.isoformat()}
    events.publish(f"user:{agent_id}", "offer.made", data)
    _tell(interaction)
    return True


# --- the agent's answers -----------------------------------------------------------------------------


def _end_offer(offer_id: int, agent_id: int | None, outcome: str) -> bool:
    statement = update(Offer).where(Offer.id == offer_id, Offer.outcome.is_(None))
    if agent_id is not None:
        statement = statement.where(Offer.agent_id == agent_id)
    ended = db.session.execute(
        statement.values(outcome=outcome, ended_at=now()).execution_options(synchronize_session=False)
    )
    return bool(ended.rowcount == 1)  # type: ignore[attr-defined]


def accept(offer_id: int, user_id: int) -> int:
    """The agent takes what was offered; returns the interaction id. Raises ``Rejected`` when it is gone."""
    with transaction():
        offer = db.session.get(Offer, offer_id)
        if offer is None or offer.expires_at < now() or not _end_offer(offer_id, user_id, "accepted"):
            raise Rejected(GONE, "offer-gone")
        interaction_id = offer.interaction_id
        if not _swap(interaction_id, "offered", "active", holder=user_id, accepted_at=now()):
            raise Rejected(GONE, "offer-gone")
        events.publish(f"user:{user_id}", "offer.gone", {"offer_id": offer_id, "why": "accepted"})
        _assigned(interaction_id, user_id, "accepted")
        return interaction_id


def reject(offer_id: int, user_id: int) -> None:
    """The agent declines; it goes back to its place in the queue."""
    with transaction():
        if not _end_offer(offer_id, user_id, "rejected"):
            raise Rejected(GONE, "offer-gone")
        _requeue_offer(offer_id, "rejected")
        presence.settle(user_id, "rejected")


def expire_due() -> int:
    """Take back offers that rang too long; returns how many."""
    due = list(db.session.scalars(select(Offer.id).where(Offer.outcome.is_(None), Offer.expires_at <= now())))
    db.session.rollback()
    for offer_id in due:
        with transaction():
            offer = db.session.get_one(Offer, offer_id)
            if _end_offer(offer_id, None, "no_answer"):
                agent_id = offer.agent_id
                _requeue_offer(offer_id, "no_answer")
                presence.settle(agent_id, "no_answer")
    return len(due)


def _requeue_offer(offer_id: int, why: str) -> None:
    offer = db.session.get_one(Offer, offer_id, populate_existing=True)
    interaction_id, agent_id = offer.interaction_id, offer.agent_id
    if _swap(interaction_id, "offered", "queued", holder=agent_id, agent_id=None):
        interaction = db.session.get_one(Interaction, interaction_id)
        timeline.write(interaction.case_id, f"offer.{why}", actor_id=agent_id, interaction_id=interaction_id)
        _tell(interaction)
    events.publish(f"user:{agent_id}", "offer.gone", {"offer_id": offer_id, "why": why})
    on_commit(lambda: wake("routing"))


def take(interaction_id: int, user_id: int) -> None:
    """Pull from the group queue. Raises ``Rejected`` when somebody was faster or the agent is not at the desk."""
    with transaction():
        row = presence.of(user_id)
        if row.state == presence.OFFLINE:
            raise Rejected(Text("Open the desk first", "Сначала откройте рабочее место"), "offline")
        if not _swap(interaction_id, "queued", "active", agent_id=user_id, accepted_at=now()):
            raise Rejected(Text("A colleague was faster", "Коллега успел раньше"), "taken")
        _assigned(interaction_id, user_id, "taken")


def _assigned(interaction_id: int, user_id: int, how: str) -> None:
    interaction = db.session.get_one(Interaction, interaction_id, populate_existing=True)
    timeline.write(interaction.case_id, f"interaction.{how}", actor_id=user_id, interaction_id=interaction_id)
    status = {"status": "open"} if interaction.case.status == "pending" else {}
    casework.touch(interaction.case, assignee_id=user_id, cause=how, **status)
    presence.settle(user_id, how)
    _tell(interaction)
    info = interaction_info(interaction)
    on_commit(lambda: okno().hooks.after_assigned(info))


def finish(interaction_id: int, user_id: int) -> None:
    """The contact is served; what is left is wrap-up (постобработка)."""
    with transaction():
        if not _swap(interaction_id, "active", "wrap_up", holder=user_id, ended_at=now()):
            raise Rejected(NOT_YOURS, "not-your-interaction")
        interaction = db.session.get_one(Interaction, interaction_id, populate_existing=True)
        timeline.write(interaction.case_id, "interaction.finished", actor_id=user_id, interaction_id=interaction_id)
        presence.settle(user_id, "finished")
        _tell(interaction)


def complete(interaction_id: int, user_id: int, disposition_id: int | None, comment: str = "") -> None:
    """Close an interaction with its disposition; closes the case and starts the workflow as the disposition says.

    Raises ``Rejected`` with code ``disposition-required`` when one is required and missing.
    """
    with transaction():
        interaction = db.session.get(Interaction, interaction_id, populate_existing=True)
        if interaction is None or interaction.agent_id != user_id or interaction.state not in ("active", "wrap_up"):
            raise Rejected(NOT_YOURS, "not-your-interaction")
        disposition = _disposition(disposition_id, interaction.service_id)
        chosen = disposition_info(disposition)
        okno().hooks.before_disposition(interaction_info(interaction), chosen, comment)
        close(interaction, disposition, comment, user_id)
        presence.settle(user_id, "completed")
        _tell_closed(interaction_id, chosen)


def _tell_closed(interaction_id: int, chosen: DispositionInfo | None) -> None:
    info = interaction_info(db.session.get_one(Interaction, interaction_id, populate_existing=True))
    on_commit(lambda: okno().hooks.after_interaction_closed(info))
    on_commit(lambda: okno().hooks.after_disposition(info, chosen))


def _disposition(disposition_id: int | None, service_id: int) -> Disposition | None:
    if disposition_id is None:
        return None
    disposition = db.session.get(Disposition, disposition_id)
    if disposition is None or not disposition.active or disposition.service_id not in (None, service_id):
        raise Rejected(Text("There is no such disposition", "Такого статуса обращения нет"), "disposition-unknown")
    return disposition


def close(interaction: Interaction, disposition: Disposition | None, comment: str, actor_id: int | None) -> None:
    """Close in the open transaction: the row, the case, the workflow."""
    moment = now()
    values: dict[str, Any] = {
        "ended_at": interaction.ended_at or moment,
        "closed_at": moment,
        "comment": comment,
        "unread": 0,
    }
    if not _swap(
        interaction.id, interaction.state, "closed", disposition_id=disposition.id if disposition else None, **values
    ):
        raise Rejected(NOT_YOURS, "not-your-interaction")
    case = interaction.case
    key = disposition.key if disposition else ""
    timeline.write(
        case.id,
        "disposition",
        actor_id=actor_id,
        interaction_id=interaction.id,
        key=key,
        title_en=disposition.title_en if disposition else "",
        title_ru=disposition.title_ru if disposition else "",
        comment=comment,
    )
    if disposition is not None:
        _follow(interaction, disposition, actor_id)
    _tell(interaction)


def _follow(interaction: Interaction, disposition: Disposition, actor_id: int | None) -> None:
    case = interaction.case
    others = select(Interaction.id).where(Interaction.case_id == case.id, Interaction.state != "closed").limit(1)
    if disposition.closes_case and db.session.scalar(others) is None:
        if actor_id is not None:
            case_form.check_complete(case)
        casework.close(case, cause="disposition", actor_id=actor_id)
    elif case.status == "open":
        casework.touch(case, status="pending", cause="disposition")
    if disposition.workflow_key:
        workflow.start(
            disposition.workflow_key, f"interaction:{interaction.id}", case_id=case.id, interaction_id=interaction.id
        )


# --- giving back -------------------------------------------------------------------------------------


def release(interaction_id: int, user_id: int) -> None:
    """Put an interaction back into the group queue, at its old place."""
    with transaction():
        if not _swap(interaction_id, "active", "queued", holder=user_id, agent_id=None):
            raise Rejected(NOT_YOURS, "not-your-interaction")
        interaction = db.session.get_one(Interaction, interaction_id, populate_existing=True)
        timeline.write(interaction.case_id, "interaction.released", actor_id=user_id, interaction_id=interaction_id)
        presence.settle(user_id, "released")
        _tell(interaction)
        on_commit(lambda: wake("routing"))


def give_back(user_id: int, cause: str) -> None:
    """Of an agent who is gone: offers and live conversations return to the queue, letters wait in the personal queue."""
    for offer_id in list(
        db.session.scalars(select(Offer.id).where(Offer.agent_id == user_id, Offer.outcome.is_(None)))
    ):
        if _end_offer(offer_id, user_id, "lost"):
            _requeue_offer(offer_id, "lost")
    live = [name for name, channel in okno().channels.items() if channel.capabilities.live]
    mine = select(Interaction.id).where(
        Interaction.agent_id == user_id, Interaction.state == "active", Interaction.channel.in_(live)
    )
    for interaction_id in list(db.session.scalars(mine)):
        if _swap(interaction_id, "active", "queued", holder=user_id, agent_id=None):
            interaction = db.session.get_one(Interaction, interaction_id, populate_existing=True)
            timeline.write(interaction.case_id, "interaction.returned", interaction_id=interaction_id, cause=cause)
            _tell(interaction)
            on_commit(lambda: wake("routing"))


def wrap_up_due() -> int:
    """Close wrap-ups whose time is over where no disposition is required; the others go on waiting for one."""
    rows = db.session.execute(
        select(Interaction.id, Interaction.ended_at, Service.wrap_up_seconds)
        .join(Service, Service.id == Interaction.service_id)
        .where(Interaction.state == "wrap_up", Service.disposition_required.is_(False))
    ).all()
    db.session.rollback()
    due = [row.id for row in rows if row.ended_at and row.ended_at + timedelta(seconds=row.wrap_up_seconds) <= now()]
    for interaction_id in due:
        with transaction():
            interaction = db.session.get_one(Interaction, interaction_id, populate_existing=True)
            agent_id = interaction.agent_id
            if interaction.state == "wrap_up" and agent_id is not None:
                close(interaction, None, "", None)
                presence.settle(agent_id, "wrap_up_over")
                _tell_closed(interaction_id, None)
    return len(due)
