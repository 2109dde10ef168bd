"""What the desk's frame shows: the agent's state and work in hand, the offer that rings, the group queue, lists of cases.

Every function runs a constant number of queries, whatever the number of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import joinedload

from core import case_watchers, company, pings
from core.clock import now
from core.contracts import Badge, Channel
from core.db import db
from core.house import okno
from core.model import Case, Contact, Interaction, Message, Offer, Presence, Service, ServiceTeam, TeamMember, User
from core.permissions import allowed
from core.web import case_files
from core.web.language import here

PAGE = 50
OPEN = ("open", "pending")
IN_HAND = ("active", "wrap_up")


@dataclass(slots=True)
class Work:
    """The agent's frame: state, interactions in hand (newest first), the one in focus, counters.

    ``documents`` counts those of the case in focus; ``unanswered`` says since when the contact of a live interaction waits,
    ``answer_seconds`` by service how long that may last. Conversations of colleagues in which the agent takes part are in hand too.
    """

    presence: Presence | None
    interactions: list[Interaction]
    focus: Interaction | None
    contacts: dict[int, Contact]
    open_cases: int = 0
    queued: int = 0
    mine: int = 0
    documents: int = 0
    unanswered: dict[int, datetime] = field(default_factory=dict)
    answer_seconds: dict[int, int] = field(default_factory=dict)

    def answer_within(self, service_id: int) -> int:
        """After how many seconds a contact of the service has waited long."""
        return self.answer_seconds.get(service_id) or int(okno().config.get("desk.answer_seconds"))


@dataclass(slots=True)
class QueueRow:
    """A waiting interaction with what the list shows of it."""

    interaction: Interaction
    contact: Contact | None
    preview: str = ""
    badges: list[Badge] = field(default_factory=list)


@dataclass(slots=True)
class Page:
    """One page of rows; ``after`` is the key of the next page, "" at the end."""

    rows: list[Any]
    after: str = ""
    total: int = 0


def service_ids(user: User) -> list[int] | None:
    """The services of the user's teams; None for who may see all."""
    if allowed(user, "case.view_all"):
        return None
    mine = select(TeamMember.team_id).where(TeamMember.user_id == user.id)
    return list(db.session.scalars(select(ServiceTeam.service_id).where(ServiceTeam.team_id.in_(mine)).distinct()))


def may_see(user: User, case: Case) -> bool:
    """Whether the case is the user's own, of a service of the user's teams, one they watch, were asked about by a ping or invited to."""
    if case.assignee_id == user.id or case.service_id is None:
        return True
    services = service_ids(user)
    if services is None or case.service_id in services:
        return True
    return (
        pings.concerns(user.id, case.id)
        or case_watchers.watches(case.id, user.id)
        or company.concerns(user.id, case.id)
    )


def work_of(user: User, focus_id: int | None = None) -> Work:
    """Everything the status bar, the function bar and the list of active interactions show."""
    presence = db.session.get(Presence, user.id, populate_existing=True)
    active = (
        select(Interaction)
        .where(
            (Interaction.agent_id == user.id) & Interaction.state.in_(IN_HAND)
            | Interaction.id.in_(company.joined_by(user.id))
        )
        .options(joinedload(Interaction.case), joinedload(Interaction.service))
        .order_by(Interaction.accepted_at.desc(), Interaction.id.desc())
        .limit(100)
    )
    interactions = list(db.session.scalars(active))
    focus = next((item for item in interactions if item.id == focus_id), interactions[0] if interactions else None)
    work = Work(presence, interactions, focus, contacts_of(interactions))
    if focus is not None and focus.contact_id is not None:
        work.open_cases = count(select(Case.id).where(Case.contact_id == focus.contact_id, Case.status.in_(OPEN)))
    if focus is not None:
        work.documents = case_files.count_of(focus.case_id)
    written = [item for item in interactions if is_written_live(item.channel)]
    work.unanswered = unanswered([item.id for item in written if item.state == "active"])
    work.answer_seconds = okno().hooks.answer_seconds({item.service_id for item in interactions})
    work.queued = count(waiting(user, select(Interaction.id)).limit(1000))
    work.mine = count(select(Case.id).where(Case.assignee_id == user.id, Case.status.in_(OPEN)).limit(1000))
    return work


def is_live(channel: str) -> bool:
    """Whether contacts of the channel wait at the other end."""
    found = okno().channels.get(channel)
    return found is not None and found.capabilities.live


def is_spoken(channel: str) -> bool:
    """Whether nothing can be written to contacts of the channel: they hear."""
    found = okno().channels.get(channel)
    return found is not None and found.capabilities.media


def is_written_live(channel: str) -> bool:
    """Whether contacts of the channel wait at the other end for words."""
    return is_live(channel) and not is_spoken(channel)


def unanswered(interaction_ids: Sequence[int]) -> dict[int, datetime]:
    """When the contact wrote last, of interactions where nobody has answered since."""
    if not interaction_ids:
        return {}
    at = {
        author: func.max(case((~Message.automatic & (Message.author == author), Message.id)))
        for author in ("contact", "agent")
    }
    last = (
        select(at["contact"])
        .where(Message.interaction_id.in_(interaction_ids))
        .group_by(Message.interaction_id)
        .having(at["contact"] > func.coalesce(at["agent"], 0))
    )
    rows = db.session.execute(select(Message.interaction_id, Message.at).where(Message.id.in_(last))).all()
    return {row.interaction_id: row.at for row in rows}


def presence_of(user: User) -> Presence | None:
    """The state row; None before the first sign-on."""
    return db.session.get(Presence, user.id)


def count(statement: Select[Any]) -> int:
    """How many rows ``statement`` has; give it a limit where tables grow."""
    return db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0


def contacts_of(interactions: Sequence[Interaction]) -> dict[int, Contact]:
    """The contacts with their organisations, by id."""
    ids = {item.contact_id for item in interactions if item.contact_id is not None}
    if not ids:
        return {}
    query = select(Contact).where(Contact.id.in_(ids)).options(joinedload(Contact.organisation))
    return {contact.id: contact for contact in db.session.scalars(query)}


def channel_of(name: str) -> Channel | None:
    """The channel, or None when its plugin is off."""
    return okno().channels.get(name)


def open_offers(user: User) -> list[tuple[Offer, Contact | None, str, list[Badge]]]:
    """What rings for the user now, each with the contact, the beginning of the last message and the marks of its case."""
    query = (
        select(Offer)
        .where(Offer.agent_id == user.id, Offer.outcome.is_(None), Offer.expires_at > now())
        .options(
            joinedload(Offer.interaction).joinedload(Interaction.case),
            joinedload(Offer.interaction).joinedload(Interaction.service),
        )
        .order_by(Offer.id)
    )
    offers = list(db.session.scalars(query))
    interactions = [offer.interaction for offer in offers]
    contacts, texts = contacts_of(interactions), previews([item.id for item in interactions])
    badges = okno().hooks.case_badges([item.case_id for item in interactions], here()) if interactions else {}
    return [
        (
            offer,
            contacts.get(offer.interaction.contact_id or 0),
            texts.get(offer.interaction_id, ""),
            badges.get(offer.interaction.case_id, []),
        )
        for offer in offers
    ]


def previews(interaction_ids: Sequence[int], length: int = 180) -> dict[int, str]:
    """The beginning of what each contact wrote last, in one line."""
    if not interaction_ids:
        return {}
    newest = (
        select(func.max(Message.id))
        .where(Message.interaction_id.in_(interaction_ids), Message.direction == "in")
        .group_by(Message.interaction_id)
    )
    body = func.substr(Message.body_text, 1, length * 2)
    rows = db.session.execute(select(Message.interaction_id, body).where(Message.id.in_(newest)))
    return {interaction_id: " ".join((text or "").split())[:length] for interaction_id, text in rows}


# --- the group queue ---------------------------------------------------------------------------------


def waiting(user: User, statement: Select[Any], service_id: int | None = None, channel: str = "") -> Select[Any]:
    """``statement`` over interactions narrowed to those waiting where the user serves."""
    conditions: list[ColumnElement[bool]] = [Interaction.state == "queued"]
    services = service_ids(user)
    if services is not None:
        conditions.append(Interaction.service_id.in_(services))
    if service_id is not None:
        conditions.append(Interaction.service_id == service_id)
    if channel:
        conditions.append(Interaction.channel == channel)
    return statement.where(*conditions)


def queue_page(user: User, *, service_id: int | None, channel: str, sort: str, after: str) -> Page:
    """Waiting interactions in the order of the queue ("queue"), or the oldest or newest first."""
    query = waiting(user, select(Interaction), service_id, channel).options(
        joinedload(Interaction.case).joinedload(Case.service), joinedload(Interaction.service)
    )
    found = list(db.session.scalars(_queue_order(query, sort, after).limit(PAGE + 1)))
    shown = found[:PAGE]
    contacts, texts = contacts_of(shown), previews([item.id for item in shown])
    badges = okno().hooks.case_badges(list({item.case_id for item in shown}), here())
    rows = [
        QueueRow(item, contacts.get(item.contact_id or 0), texts.get(item.id, ""), badges.get(item.case_id, []))
        for item in shown
    ]
    total = count(waiting(user, select(Interaction.id), service_id, channel).limit(1000))
    return Page(rows, _queue_key(shown[-1]) if len(found) > PAGE else "", total)


def _queue_key(item: Interaction) -> str:
    return f"{item.priority}_{item.queued_at.isoformat()}_{item.id}"


def _queue_order(query: Select[Any], sort: str, after: str) -> Select[Any]:
    at, key = Interaction.queued_at, Interaction.id
    orders: dict[str, tuple[Any, ...]] = {
        "newest": (at.desc(), key.desc()),
        "oldest": (at, key),
        "queue": (Interaction.priority.desc(), at, key),
    }
    priority, since, last = _read_key(after)
    if since is not None:
        later = or_(at > since, and_(at == since, key > last))
        beyond: dict[str, ColumnElement[bool]] = {
            "newest": or_(at < since, and_(at == since, key < last)),
            "oldest": later,
            "queue": or_(Interaction.priority < priority, and_(Interaction.priority == priority, later)),
        }
        query = query.where(beyond[sort])
    return query.order_by(*orders[sort])


def _read_key(key: str) -> tuple[int, datetime | None, int]:
    """A page key back into its parts; a broken one means the first page."""
    try:
        priority, since, last = key.split("_")
        return int(priority), datetime.fromisoformat(since), int(last)
    except ValueError:
        return 0, None, 0


def services_to_choose(user: User) -> list[Service]:
    """Services that the queue and the list of cases may be narrowed to."""
    ids = service_ids(user)
    query = select(Service).where(Service.active)
    return list(db.session.scalars((query if ids is None else query.where(Service.id.in_(ids))).order_by(Service.id)))


# --- lists of cases ----------------------------------------------------------------------------------


def case_page(user: User, *, scope: str, status: str, service_id: int | None, after: str) -> Page:
    """Cases, the most recently changed first. ``scope``: mine or all; ``status``: open, pending, closed, active or all."""
    query = select(Case).options(joinedload(Case.contact), joinedload(Case.service), joinedload(Case.assignee))
    query = query.where(*_case_conditions(user, scope, status, service_id))
    _, since, last = _read_key(after)
    if since is not None:
        query = query.where(or_(Case.updated_at < since, and_(Case.updated_at == since, Case.id < last)))
    found = list(db.session.scalars(query.order_by(Case.updated_at.desc(), Case.id.desc()).limit(PAGE + 1)))
    shown = found[:PAGE]
    badges = okno().hooks.case_badges([case.id for case in shown], here())
    key = f"0_{shown[-1].updated_at.isoformat()}_{shown[-1].id}" if len(found) > PAGE else ""
    return Page([(case, badges.get(case.id, [])) for case in shown], key)


def _case_conditions(user: User, scope: str, status: str, service_id: int | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    services = service_ids(user)
    if scope == "mine":
        conditions.append(Case.assignee_id == user.id)
    elif services is not None:
        conditions.append(or_(Case.service_id.in_(services), Case.assignee_id == user.id))
    if status == "active":
        conditions.append(Case.status.in_(OPEN))
    elif status in ("open", "pending", "closed"):
        conditions.append(Case.status == status)
    if service_id is not None:
        conditions.append(Case.service_id == service_id)
    return conditions
