"""Offers: making them so that one agent and one interaction meet once, and the agent's answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, select, update

from core import casework, presence, timeline
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, on_commit, transaction
from core.events import log as events
from core.house import okno
from core.model import Interaction, Offer, Presence
from core.routing import hands, stays
from core.routing.queueing import GONE, end_offer, fresh, look_again, requeue_offer, swap, tell, tell_of
from core.snapshots import interaction_info

LIVE_NOT_LATER = Text(
    "Somebody is waiting on the line: accept or decline. Only letters can be put off.",
    "Собеседник ждёт на линии: примите или отклоните. Отложить можно только письмо.",
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the router has decided: this interaction to this agent, as both were when it looked (``…_version``)."""

    interaction_id: int
    interaction_version: int
    case_id: int
    service_id: int
    agent_id: int
    agent_version: int
    seconds: int


def make(proposals: Sequence[Proposal]) -> int:
    """Offer what is still as it was seen; returns how many. Needs an open transaction.

    Both rows are locked without waiting for anybody, so that routers and agents cannot lock each other out; what is locked or
    changed is left to the next pass.
    """
    interactions = _unchanged(
        Interaction.id,
        Interaction.version,
        {one.interaction_id: one.interaction_version for one in proposals},
        Interaction.state == "queued",
    )
    agents = _unchanged(
        Presence.user_id,
        Presence.version,
        {one.agent_id: one.agent_version for one in proposals},
        Presence.state.in_((presence.READY, presence.BUSY)),
        Presence.next_state == "",
    )
    sound = [one for one in proposals if one.interaction_id in interactions and one.agent_id in agents]
    if len(sound) < len(proposals):
        look_again()
    _ring(sound)
    return len(sound)


def _unchanged(key: Any, version: Any, seen: dict[int, int], *conditions: Any) -> set[int]:
    """Lock the rows that still have the version seen; none is waited for."""
    query = select(key, version).where(key.in_(seen), *conditions).order_by(key).with_for_update(skip_locked=True)
    return {found for found, number in db.session.execute(query) if seen[found] == number}


def _ring(proposals: Sequence[Proposal]) -> None:
    if not proposals:
        return
    moment = now()
    offered = update(Interaction.__table__).where(Interaction.id == bindparam("key"), Interaction.state == "queued")
    offered = offered.values(state="offered", agent_id=bindparam("agent"), version=Interaction.version + 1)
    db.session.execute(offered, [{"key": one.interaction_id, "agent": one.agent_id} for one in proposals])
    for one in proposals:
        if not presence.swap(one.agent_id, presence.READY, presence.RINGING, "", "offer"):
            hands.claim(one.agent_id)
    offers = [
        Offer(
            interaction_id=one.interaction_id,
            agent_id=one.agent_id,
            offered_at=moment,
            expires_at=moment + timedelta(seconds=one.seconds),
        )
        for one in proposals
    ]
    db.session.add_all(offers)
    for one in proposals:
        timeline.write(one.case_id, "offer.made", interaction_id=one.interaction_id, agent_id=one.agent_id)
    db.session.flush()
    for one, offer in zip(proposals, offers, strict=True):
        data = {"offer_id": offer.id, "interaction_id": one.interaction_id, "expires_at": offer.expires_at.isoformat()}
        events.publish(f"user:{one.agent_id}", "offer.made", data)
        tell_of(one.interaction_id, one.case_id, "offered", one.agent_id, one.service_id)
    db.session.expire_all()


# --- the agent's answers -----------------------------------------------------------------------------


def accept(offer_id: int, user_id: int, how: str = "accepted") -> int:
    """The agent takes what was offered; returns the interaction id. Raises ``Rejected`` when it is gone."""
    with transaction():
        offer = db.session.get(Offer, offer_id, populate_existing=True)
        if offer is None or offer.expires_at < now() or not end_offer(offer_id, user_id, "accepted"):
            raise Rejected(GONE, "offer-gone")
        interaction_id = offer.interaction_id
        if not swap(interaction_id, "offered", "active", holder=user_id, accepted_at=now()):
            raise Rejected(GONE, "offer-gone")
        events.publish(f"user:{user_id}", "offer.gone", {"offer_id": offer_id, "why": "accepted"})
        assigned(interaction_id, user_id, how)
        return interaction_id


def postpone(offer_id: int, user_id: int) -> int:
    """Keep a letter that rings for later: into the personal queue; returns the interaction id.

    Raises ``Rejected``: ``offer-gone``, ``live-not-later`` for a conversation in which somebody waits.
    """
    with transaction():
        offer = db.session.get(Offer, offer_id, populate_existing=True)
        if offer is None:
            raise Rejected(GONE, "offer-gone")
        channel = okno().channels.get(offer.interaction.channel)
        if channel is not None and channel.capabilities.live:
            raise Rejected(LIVE_NOT_LATER, "live-not-later")
        return accept(offer_id, user_id, "postponed")


def reject(offer_id: int, user_id: int) -> None:
    """The agent declines; it goes back to its place in the queue."""
    with transaction():
        if not end_offer(offer_id, user_id, "rejected"):
            raise Rejected(GONE, "offer-gone")
        requeue_offer(offer_id, "rejected")
        presence.settle(user_id, "rejected")


def expire_due() -> int:
    """Take back offers that rang too long; returns how many."""
    due = list(db.session.scalars(select(Offer.id).where(Offer.outcome.is_(None), Offer.expires_at <= now())))
    db.session.rollback()
    ended = 0
    for offer_id in due:
        with transaction():
            if end_offer(offer_id, None, "no_answer"):
                agent_id = db.session.get_one(Offer, offer_id, populate_existing=True).agent_id
                requeue_offer(offer_id, "no_answer")
                presence.settle(agent_id, "no_answer")
                ended += 1
    return ended


def assigned(
    interaction_id: int, user_id: int, how: str, actor_id: int | None = None, before: int | None = None, **words: Any
) -> None:
    """An agent has it from now on: history, case, states, events. Needs an open transaction.

    ``actor_id`` is who did it, ``before`` who had it or heard it ring. Rows are locked in one order everywhere: interaction,
    case, agents by id.
    """
    interaction = fresh(interaction_id)
    actor = actor_id or user_id
    timeline.write(interaction.case_id, f"interaction.{how}", actor_id=actor, interaction_id=interaction_id, **words)
    status = {"status": "open"} if interaction.case.status == "pending" else {}
    casework.touch(interaction.case, assignee_id=user_id, cause=how, **status)
    stays.take(interaction.case)
    agents = sorted({user_id, before or user_id})
    for agent_id in agents:
        hands.claim(agent_id)
        hands.rest_from(agent_id)
    for agent_id in agents:
        presence.settle(agent_id, how if agent_id == user_id else "transferred")
    tell(interaction)
    info = interaction_info(interaction)
    okno().hooks.during_assigned(info)
    on_commit(lambda: okno().hooks.after_assigned(info))
