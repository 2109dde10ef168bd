"""Moving an interaction from state to state, and back to the queue. The heart of «one agent or the queue has it»."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update

from core import presence, timeline
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, on_commit, transaction
from core.events import log as events
from core.events.wake import wake
from core.model import Interaction, Offer, Participant

GONE = Text("The interaction is no longer offered to you", "Обращение вам больше не предлагается")
NOT_YOURS = Text("This interaction is not in your hands (any more)", "Это обращение сейчас не у вас")
UNKNOWN = Text("There is no such interaction", "Такого обращения нет")


def swap(interaction_id: int, before: str, after: str, *, holder: int | None = None, **values: Any) -> bool:
    """Move an interaction from state to state if it is still where we think (and with ``holder``, when given)."""
    statement = update(Interaction).where(Interaction.id == interaction_id, Interaction.state == before)
    if holder is not None:
        statement = statement.where(Interaction.agent_id == holder)
    if after in ("queued", "closed"):
        # A request for help is of who has the interaction in hand.
        values = {"help_wanted_at": None, "help_by_id": None, **values}
    changed = db.session.execute(
        statement.values(state=after, version=Interaction.version + 1, **values).execution_options(
            synchronize_session=False
        )
    )
    if before == "active" and after != "active" and changed.rowcount == 1:  # type: ignore[attr-defined]
        _end_company(interaction_id)
    db.session.expire_all()
    return bool(changed.rowcount == 1)  # type: ignore[attr-defined]


def _end_company(interaction_id: int) -> None:
    """Nobody takes part in a conversation that no agent has."""
    there = update(Participant).where(Participant.interaction_id == interaction_id, Participant.left_at.is_(None))
    db.session.execute(there.values(left_at=now()).execution_options(synchronize_session=False))


def fresh(interaction_id: int) -> Interaction:
    """The row as it is now. Raises ``Rejected`` (``not-found``)."""
    interaction = db.session.get(Interaction, interaction_id, populate_existing=True)
    if interaction is None:
        raise Rejected(UNKNOWN, "not-found")
    return interaction


def tell(interaction: Interaction) -> None:
    """Let the desks know that the interaction and its queue have changed."""
    tell_of(interaction.id, interaction.case_id, interaction.state, interaction.agent_id, interaction.service_id)


def tell_of(interaction_id: int, case_id: int, state: str, agent_id: int | None, service_id: int) -> None:
    """:func:`tell` without the row."""
    data = {
        "interaction_id": interaction_id,
        "case_id": case_id,
        "state": state,
        "agent_id": agent_id,
        "service_id": service_id,
    }
    events.publish("desk", "interaction.changed", data)
    events.publish("desk", "queue.changed", {"service_id": service_id, "interaction_id": interaction_id})


def look_again() -> None:
    """Let the router look once this is committed: something waits, or somebody has room."""
    on_commit(lambda: wake("routing"))


# --- offers that end ---------------------------------------------------------------------------------


def end_offer(offer_id: int, agent_id: int | None, outcome: str) -> bool:
    """Note how an offer ended, if it is still open (and of ``agent_id``, when given)."""
    statement = update(Offer).where(Offer.id == offer_id, Offer.outcome.is_(None))
    if agent_id is not None:
        statement = statement.where(Offer.agent_id == agent_id)
    ended = db.session.execute(
        statement.values(outcome=outcome, ended_at=now()).execution_options(synchronize_session=False)
    )
    return bool(ended.rowcount == 1)  # type: ignore[attr-defined]


def requeue_offer(offer_id: int, why: str) -> None:
    """Put what was offered back to its place; the wait that relaxation counts goes on."""
    offer = db.session.get_one(Offer, offer_id, populate_existing=True)
    interaction_id, agent_id = offer.interaction_id, offer.agent_id
    if swap(interaction_id, "offered", "queued", holder=agent_id, agent_id=None):
        interaction = fresh(interaction_id)
        timeline.write(interaction.case_id, f"offer.{why}", actor_id=agent_id, interaction_id=interaction_id)
        tell(interaction)
    events.publish(f"user:{agent_id}", "offer.gone", {"offer_id": offer_id, "why": why})
    look_again()


def withdraw(interaction: Interaction) -> int | None:
    """Take an open interaction out of whosever hands into the queue, within a move; returns who had it or heard it ring.

    Raises ``Rejected`` when it moved meanwhile or is closed. The caller settles the agent and tells.
    """
    interaction_id, state, holder = interaction.id, interaction.state, interaction.agent_id
    if state == "offered":
        offer = select(Offer.id).where(Offer.interaction_id == interaction_id, Offer.outcome.is_(None))
        offer_id = db.session.scalar(offer)
        if offer_id is not None and end_offer(offer_id, holder, "withdrawn"):
            events.publish(f"user:{holder}", "offer.gone", {"offer_id": offer_id, "why": "withdrawn"})
    values = {"agent_id": None, "waiting_since": now(), "team_id": None, "preferred_agent_id": None}
    if state == "closed" or not swap(interaction_id, state, "queued", holder=holder, **values):
        raise Rejected(Text("The interaction has moved on", "Обращение уже перешло дальше"), "moved-on")
    look_again()
    return holder


# --- giving back -------------------------------------------------------------------------------------


def release(interaction_id: int, user_id: int) -> None:
    """Put an interaction back into the group queue, at its old place; it is not offered to the same agent at once."""
    with transaction():
        moment = now()
        values = {"agent_id": None, "waiting_since": moment, "preferred_agent_id": None}
        if not swap(interaction_id, "active", "queued", holder=user_id, **values):
            raise Rejected(NOT_YOURS, "not-your-interaction")
        times = {"offered_at": moment, "expires_at": moment, "ended_at": moment}
        db.session.add(Offer(interaction_id=interaction_id, agent_id=user_id, outcome="released", **times))
        interaction = fresh(interaction_id)
        timeline.write(interaction.case_id, "interaction.released", actor_id=user_id, interaction_id=interaction_id)
        presence.settle(user_id, "released")
        tell(interaction)
        look_again()
