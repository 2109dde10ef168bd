"""Interactions that an agent begins: a new case with an outgoing interaction in the agent's hands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from core import casework, presence, timeline
from core.clock import now
from core.contracts import Address, Channel, Inbound, Initiation, Rejected, Text
from core.db import db, on_commit, transaction
from core.events import log as events
from core.house import okno
from core.intake import find_contact
from core.model import Case, Contact, Interaction, Service, ServiceEntry, ServiceTeam, TeamMember
from core.snapshots import interaction_info


@dataclass(frozen=True, slots=True)
class Started:
    """What was opened. ``repeated``: the same command key had opened it before."""

    case_id: int
    interaction_id: int
    repeated: bool = False


def starters() -> dict[str, list[Channel]]:
    """Channels in which agents may begin, by the kind of address they need."""
    found: dict[str, list[Channel]] = {}
    for channel in okno().channels.values():
        if channel.capabilities.initiate and channel.initiate is not None:
            found.setdefault(channel.address_kind, []).append(channel)
    return found


def services_for(user_id: int, channel: str) -> list[Service]:
    """The active services an agent may begin for: those of the agent's teams, the ones with an entry in ``channel`` first."""
    mine = select(ServiceTeam.service_id).join(TeamMember, TeamMember.team_id == ServiceTeam.team_id)
    entered = select(ServiceEntry.service_id).where(ServiceEntry.channel == channel)
    query = select(Service).where(Service.active, Service.id.in_(mine.where(TeamMember.user_id == user_id)))
    return list(db.session.scalars(query.order_by(Service.id.in_(entered).desc(), Service.id)))


def start(
    channel: str,
    user_id: int,
    address: str,
    *,
    command_key: str,
    service_id: int | None = None,
    subject: str = "",
    name: str = "",
    case_id: int | None = None,
) -> Started:
    """Open a case for ``address`` and take it in hand; the same ``command_key`` again returns what it opened.

    Without ``service_id`` the first of :func:`services_for` is taken. With ``case_id`` the interaction belongs to that case, if it is
    open. Raises ``Rejected``: ``cannot-begin``, ``service-not-served``,
    ``address-missing``, ``offline``, and what the channel says of the address.
    """
    begun = okno().channels.get(channel)
    if begun is None or not begun.capabilities.initiate or begun.initiate is None:
        raise Rejected(
            Text("Nothing can be begun in this channel", "В этом канале нельзя начать обращение"), "cannot-begin"
        )
    address = address.strip()[:254]
    if not address:
        raise Rejected(Text("Say whom you want to reach", "Укажите, с кем связаться"), "address-missing")
    with transaction():
        key = f"start:{command_key}"[:120]
        if (same := db.session.scalar(select(Interaction).where(Interaction.session_key == key))) is not None:
            return Started(same.case_id, same.id, repeated=True)
        service = _service(user_id, channel, service_id)
        if presence.of(user_id).state == presence.OFFLINE:
            raise Rejected(Text("Open the desk first", "Сначала откройте рабочее место"), "offline")
        contact = _contact(begun, address, name)
        interaction = _open(begun, service, contact, address, subject, user_id, key, case_id)
        begun.initiate(Initiation(interaction.id, interaction.case_id, service.id, user_id, address))
        presence.settle(user_id, "outgoing")
        _tell(interaction)
        return Started(interaction.case_id, interaction.id)


def _service(user_id: int, channel: str, service_id: int | None) -> Service:
    able = services_for(user_id, channel)
    chosen = next((service for service in able if service_id in (None, service.id)), None)
    if chosen is None:
        text = Text("None of your teams serves this service", "Ни одна из ваших групп не обслуживает этот сервис")
        raise Rejected(text, "service-not-served")
    return chosen


def _contact(channel: Channel, address: str, name: str) -> Contact:
    value = address.lower() if "@" in address else address
    sender = Address(channel.address_kind, value, name.strip()[:200])
    return find_contact(Inbound(channel=channel.name, source_key="", sender=sender, entry=""))


def _open(
    channel: Channel,
    service: Service,
    contact: Contact,
    address: str,
    subject: str,
    user_id: int,
    key: str,
    case_id: int | None,
) -> Interaction:
    case = db.session.get(Case, case_id) if case_id is not None else None
    if case is None or case.status == "closed":
        case = casework.create(
            subject=" ".join(subject.split()), service=service, contact=contact, cause=channel.name, assignee_id=user_id
        )
    moment = now()
    interaction = Interaction(
        channel=channel.name,
        direction="out",
        session_key=key,
        case_id=case.id,
        service_id=service.id,
        contact_id=contact.id,
        address=address,
        state="active",
        agent_id=user_id,
        queued_at=moment,
        accepted_at=moment,
    )
    db.session.add(interaction)
    db.session.flush()
    timeline.write(case.id, "interaction.begun", actor_id=user_id, interaction_id=interaction.id, channel=channel.name)
    return interaction


def _tell(interaction: Interaction) -> None:
    data: dict[str, Any] = {
        "interaction_id": interaction.id,
        "case_id": interaction.case_id,
        "state": interaction.state,
        "agent_id": interaction.agent_id,
        "service_id": interaction.service_id,
    }
    events.publish("desk", "interaction.changed", data)
    info = interaction_info(interaction)
    okno().hooks.during_assigned(info)
    on_commit(lambda: okno().hooks.after_assigned(info))
