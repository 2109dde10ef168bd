"""The end of an interaction: finished by its agent, closed with a disposition, closed by time or because the agent has left."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from core import case_form, casework, presence, timeline
from core.clock import now
from core.contracts import DispositionInfo, Rejected, Text
from core.db import db, on_commit, transaction
from core.house import okno
from core.model import Disposition, Interaction, Service
from core.routing import hands
from core.routing.passing_on import give_back_active
from core.routing.queueing import NOT_YOURS, fresh, look_again, swap, tell
from core.snapshots import disposition_info, interaction_info
from core.workflow import engine as workflow

UNFINISHED = ("active", "wrap_up")
LATE = timedelta(minutes=15)


def finish(interaction_id: int, user_id: int) -> None:
    """The contact is served; what is left is wrap-up (постобработка)."""
    with transaction():
        if not swap(interaction_id, "active", "wrap_up", holder=user_id, ended_at=now()):
            raise Rejected(NOT_YOURS, "not-your-interaction")
        interaction = fresh(interaction_id)
        timeline.write(interaction.case_id, "interaction.finished", actor_id=user_id, interaction_id=interaction_id)
        presence.settle(user_id, "finished")
        tell(interaction)


def complete(interaction_id: int, user_id: int, disposition_id: int | None, comment: str = "") -> None:
    """Close an interaction with its disposition; closes the case and starts the workflow as the disposition says.

    One whose wrap-up ran out while its agent was choosing still takes the disposition for ``LATE``.
    Raises ``Rejected`` with code ``disposition-required`` when one is required and missing.
    """
    with transaction():
        interaction = db.session.get(Interaction, interaction_id, populate_existing=True)
        late = interaction is not None and _ran_out(interaction)
        if interaction is None or interaction.agent_id != user_id or not (late or interaction.state in UNFINISHED):
            raise Rejected(NOT_YOURS, "not-your-interaction")
        disposition = _disposition(disposition_id, interaction.service_id)
        chosen = disposition_info(disposition)
        okno().hooks.before_disposition(interaction_info(interaction), chosen, comment)
        if late:
            _complete_late(interaction, disposition, comment, user_id)
            return
        close(interaction, disposition, comment, user_id)
        hands.rest_from(user_id)
        presence.settle(user_id, "completed")
        tell_closed(interaction_id, chosen)


def _ran_out(interaction: Interaction) -> bool:
    """Whether time, and nobody's choice, closed it a short while ago."""
    closed, chosen = interaction.closed_at, interaction.disposition_id
    return interaction.state == "closed" and chosen is None and closed is not None and closed > now() - LATE


def _complete_late(interaction: Interaction, disposition: Disposition | None, comment: str, user_id: int) -> None:
    if disposition is None:
        return
    still = update(Interaction).where(Interaction.id == interaction.id, Interaction.disposition_id.is_(None))
    if db.session.execute(still.values(disposition_id=disposition.id, comment=comment)).rowcount != 1:  # type: ignore[attr-defined]
        raise Rejected(NOT_YOURS, "not-your-interaction")
    _note(interaction, disposition, comment, user_id)
    _follow(interaction, disposition, user_id)
    tell(fresh(interaction.id))
    info, chosen = interaction_info(fresh(interaction.id)), disposition_info(disposition)
    on_commit(lambda: okno().hooks.after_disposition(info, chosen))


def tell_closed(interaction_id: int, chosen: DispositionInfo | None) -> None:
    """Tell the plugins after the commit; ``chosen`` is the disposition, None for none."""
    info = interaction_info(fresh(interaction_id))
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
    if not swap(
        interaction.id, interaction.state, "closed", disposition_id=disposition.id if disposition else None, **values
    ):
        raise Rejected(NOT_YOURS, "not-your-interaction")
    _note(interaction, disposition, comment, actor_id)
    if disposition is not None:
        _follow(interaction, disposition, actor_id)
    tell(interaction)
    look_again()


def _note(interaction: Interaction, disposition: Disposition | None, comment: str, actor_id: int | None) -> None:
    timeline.write(
        interaction.case_id,
        "disposition",
        actor_id=actor_id,
        interaction_id=interaction.id,
        key=disposition.key if disposition else "",
        title_en=disposition.title_en if disposition else "",
        title_ru=disposition.title_ru if disposition else "",
        comment=comment,
    )


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
            _close_without(interaction_id, "wrap_up_over")
    return len(due)


def _close_without(interaction_id: int, cause: str) -> None:
    """End a wrap-up without a disposition, in the open transaction."""
    interaction = fresh(interaction_id)
    agent_id = interaction.agent_id
    if interaction.state == "wrap_up" and agent_id is not None:
        close(interaction, None, "", None)
        hands.rest_from(agent_id)
        presence.settle(agent_id, cause)
        tell_closed(interaction_id, None)


def leave(user_id: int, cause: str = "disabled") -> None:
    """An agent has left for good: offers and all work in hand return to the queue, wrap-ups end without a disposition.

    Needs an open transaction (``directory.disable_user``'s).
    """
    presence.sign_off(user_id, cause)
    give_back_active(user_id, cause, None)
    wrapping = select(Interaction.id).where(Interaction.agent_id == user_id, Interaction.state == "wrap_up")
    for interaction_id in list(db.session.scalars(wrapping.order_by(Interaction.id))):
        _close_without(interaction_id, cause)
