"""Interactions (обращения): the queue, offers, and each step an agent takes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from core import assignment, casework, help_requests
from core.api import fields as f
from core.api import lookups
from core.api.auth import me
from core.api.errors import Problem
from core.api.paging import Order, Page, PageQuery, page
from core.api.resource import Resource
from core.api.shapes import InteractionShape, OfferShape
from core.clock import now
from core.contracts import Text
from core.db import db
from core.model import Case, Interaction, Offer
from core.model.interactions import INTERACTION_STATES
from core.routing import handover, offers
from core.web import desk_queries

resource = Resource("interactions", Text("Interactions", "Обращения"))
QUEUE = Order("queue", ((Interaction.priority, True), (Interaction.queued_at, False), (Interaction.id, False)))
BY_ID = Order("interactions", ((Interaction.id, True),))


class QueueQuery(PageQuery):
    service_id = f.asked(f.key())
    channel = f.asked(f.text(40))


class InteractionQuery(PageQuery):
    case_id = f.asked(f.key())
    agent_id = f.asked(f.key())
    service_id = f.asked(f.key())
    state = f.asked(f.word(INTERACTION_STATES))


class CompleteInput(f.Input):
    disposition_id = f.key(allow_none=True, load_default=None)
    comment = f.text(10_000, load_default="")


class TransferInput(f.Input):
    to_user_id = f.key(Text("Exactly one of the three", "Ровно одно из трёх"))
    to_service_id = f.key()
    to_team_id = f.key()
    note = f.text(2000, load_default="")


class LineInput(f.Input):
    line = f.number(1, 9, required=True)
    note = f.text(2000, load_default="")


class AssignInput(f.Input):
    user_id = f.key(required=True)
    note = f.text(2000, load_default="")


class HelpInput(f.Input):
    text = f.text(help_requests.LONGEST, load_default="")


@resource.get(
    "/queue",
    Text("What waits in the group queues", "Что ждёт в групповых очередях"),
    permission="case.view",
    query=QueueQuery,
    answer=InteractionShape,
    paged=True,
)
def list_queue(query: dict[str, Any]) -> Page:
    """In the order of the queue: priority, then age."""
    statement = desk_queries.waiting(
        me(), lookups.interaction_query(), query.get("service_id"), query.get("channel", "")
    )
    return page(statement, QUEUE, query, lambda row: (row.priority, row.queued_at, row.id))


@resource.get(
    "/interactions",
    Text("Interactions", "Обращения"),
    permission="case.view",
    query=InteractionQuery,
    answer=InteractionShape,
    paged=True,
)
def list_interactions(query: dict[str, Any]) -> Page:
    """The newest first; of a case, an agent or a service, and without any of them the user's own."""
    statement = lookups.interaction_query()
    if "case_id" in query:
        case = lookups.named(Case, query["case_id"], "case_id")
        if case is None or not desk_queries.may_see(me(), case):
            raise Problem(403, "not-yours", lookups.NOT_YOURS)
    elif "agent_id" not in query and "service_id" not in query:
        query = {**query, "agent_id": me().id}
    for name in ("case_id", "agent_id", "service_id", "state"):
        if name in query:
            statement = statement.where(getattr(Interaction, name) == query[name])
    services = desk_queries.service_ids(me())
    if services is not None and "case_id" not in query:
        statement = statement.where(Interaction.service_id.in_(services) | (Interaction.agent_id == me().id))
    return page(statement, BY_ID, query, lambda row: (row.id,))


@resource.get(
    "/interactions/<id:interaction_id>",
    Text("An interaction", "Обращение"),
    permission="case.view",
    answer=InteractionShape,
)
def get_interaction(interaction_id: int) -> Interaction:
    """With its case, service and agent."""
    return lookups.interaction(interaction_id)


@resource.get(
    "/offers",
    Text("What rings for the user", "Что предлагается пользователю"),
    permission="case.reply",
    answer=OfferShape,
    many=True,
)
def list_offers() -> list[Offer]:
    """Open offers that have not run out."""
    inside = joinedload(Offer.interaction)
    query = (
        select(Offer)
        .where(Offer.agent_id == me().id, Offer.outcome.is_(None), Offer.expires_at > now())
        .options(
            inside.joinedload(Interaction.case),
            inside.joinedload(Interaction.service),
            inside.joinedload(Interaction.agent),
        )
    )
    return list(db.session.scalars(query.order_by(Offer.id)))


@resource.post(
    "/offers/<id:offer_id>/accept",
    Text("Accept an offer", "Принять обращение"),
    permission="case.reply",
    answer=InteractionShape,
)
def accept_offer(offer_id: int) -> Interaction:
    """It is the user's from now on."""
    _own_offer(offer_id)
    return lookups.interaction(assignment.accept(offer_id, me().id))


@resource.post("/offers/<id:offer_id>/reject", Text("Reject an offer", "Отклонить обращение"), permission="case.reply")
def reject_offer(offer_id: int) -> None:
    """A colleague gets it."""
    _own_offer(offer_id)
    assignment.reject(offer_id, me().id)


def _own_offer(offer_id: int) -> None:
    offer = db.session.get(Offer, offer_id)
    if offer is None or offer.agent_id != me().id:
        raise Problem(
            404, "offer-unknown", Text("No such offer was made to you.", "Такого обращения вам не предлагали.")
        )


@resource.post(
    "/interactions/<id:interaction_id>/take",
    Text("Take from the queue", "Взять из очереди"),
    permission="case.reply",
    answer=InteractionShape,
)
def take_interaction(interaction_id: int) -> Interaction:
    """Out of the group queue into the user's hands."""
    lookups.interaction(interaction_id)
    assignment.take(interaction_id, me().id)
    return lookups.interaction(interaction_id)


@resource.post(
    "/interactions/<id:interaction_id>/release",
    Text("Give back to the queue", "Вернуть в очередь"),
    permission="case.reply",
    answer=InteractionShape,
)
def release_interaction(interaction_id: int) -> Interaction:
    """To its old place."""
    lookups.interaction(interaction_id)
    assignment.release(interaction_id, me().id)
    return lookups.interaction(interaction_id)


@resource.post(
    "/interactions/<id:interaction_id>/finish",
    Text("Finish: into wrap-up", "Завершить: постобработка"),
    permission="case.reply",
    answer=InteractionShape,
)
def finish_interaction(interaction_id: int) -> Interaction:
    """The contact is served; the disposition is left."""
    lookups.interaction(interaction_id)
    assignment.finish(interaction_id, me().id)
    return lookups.interaction(interaction_id)


@resource.post(
    "/interactions/<id:interaction_id>/complete",
    Text("Close with a disposition", "Закрыть со статусом обращения"),
    permission="case.reply",
    body=CompleteInput,
    answer=InteractionShape,
)
def complete_interaction(interaction_id: int, body: dict[str, Any]) -> Interaction:
    """Closes the case and starts the workflow as the disposition says."""
    lookups.interaction(interaction_id)
    assignment.complete(interaction_id, me().id, body["disposition_id"], body["comment"].strip())
    return lookups.interaction(interaction_id)


@resource.post(
    "/interactions/<id:interaction_id>/read", Text("Mark as read", "Отметить прочитанным"), permission="case.view"
)
def read_interaction(interaction_id: int) -> None:
    """Nothing is unread any more, if it is the user's."""
    lookups.interaction(interaction_id)
    casework.mark_read(interaction_id, me().id)


# --- passing on --------------------------------------------------------------------------------------


@resource.post(
    "/offers/<id:offer_id>/postpone",
    Text("Put an offer into the personal queue", "Отложить в личную очередь"),
    permission="case.reply",
    answer=InteractionShape,
)
def postpone_offer(offer_id: int) -> Interaction:
    """The user's, but later; not for live conversations."""
    _own_offer(offer_id)
    return lookups.interaction(offers.postpone(offer_id, me().id))


@resource.post(
    "/interactions/<id:interaction_id>/transfer",
    Text("Pass on", "Передать"),
    permission="case.reply",
    body=TransferInput,
    answer=InteractionShape,
)
def transfer_interaction(interaction_id: int, body: dict[str, Any]) -> Interaction:
    """To an agent, a service or a team; it keeps its place by its age."""
    lookups.interaction(interaction_id)
    handover.transfer(interaction_id, me().id, **body)
    return lookups.passed_on(interaction_id)


@resource.post(
    "/interactions/<id:interaction_id>/line",
    Text("Move to another support line", "Передать на другую линию"),
    permission="case.reply",
    body=LineInput,
    answer=InteractionShape,
)
def move_interaction_line(interaction_id: int, body: dict[str, Any]) -> Interaction:
    """It waits there for that line's teams."""
    lookups.interaction(interaction_id)
    handover.move_line(interaction_id, me().id, body["line"], body["note"])
    return lookups.passed_on(interaction_id)


@resource.post(
    "/interactions/<id:interaction_id>/assign",
    Text("Give to an agent", "Назначить оператору"),
    permission="supervisor.view",
    body=AssignInput,
    answer=InteractionShape,
)
def assign_interaction(interaction_id: int, body: dict[str, Any]) -> Interaction:
    """By a supervisor, whoever has it."""
    lookups.interaction(interaction_id)
    handover.assign(interaction_id, body["user_id"], me().id, body["note"])
    return lookups.passed_on(interaction_id)


@resource.post(
    "/interactions/<id:interaction_id>/help",
    Text("Ask for help", "Попросить помощи"),
    permission="case.reply",
    body=HelpInput,
)
def ask_for_help(interaction_id: int, body: dict[str, Any]) -> None:
    """Supervisors are told; safe to repeat."""
    lookups.interaction(interaction_id)
    help_requests.ask(interaction_id, me().id, body["text"])


@resource.delete(
    "/interactions/<id:interaction_id>/help",
    Text("Need no help any more", "Помощь больше не нужна"),
    permission="case.reply",
)
def withdraw_help(interaction_id: int) -> None:
    """Safe to repeat."""
    lookups.interaction(interaction_id)
    help_requests.withdraw(interaction_id, me().id)


@resource.post(
    "/interactions/<id:interaction_id>/help/come",
    Text("Come to help", "Прийти на помощь"),
    permission="supervisor.view",
)
def come_to_help(interaction_id: int) -> None:
    """The first supervisor wins."""
    lookups.interaction(interaction_id)
    help_requests.come(interaction_id, me().id)
