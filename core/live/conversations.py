"""The conversations of one address in one channel. Reads only."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import joinedload

from core.db import db
from core.house import okno
from core.model import Contact, ContactAddress, Interaction, Message

UNDER_WAY = ("bot", "put_off", "queued", "offered", "active")
# By the contact, because that is indexed; the address alone would read the table.
_CONTACT = (
    select(ContactAddress.contact_id)
    .where(ContactAddress.kind == bindparam("kind"), ContactAddress.value == bindparam("address"))
    .scalar_subquery()
)
_WITH_ADDRESS = (
    (Interaction.contact_id == _CONTACT)
    & (Interaction.channel == bindparam("channel"))
    & (Interaction.address == bindparam("address"))
)
_LATEST = (
    select(Interaction)
    .where(_WITH_ADDRESS)
    .order_by(Interaction.id.desc())
    .limit(1)
    .execution_options(populate_existing=True)
)
_WHOLE = (
    select(Interaction, Contact)
    .join(Contact, Contact.id == Interaction.contact_id)
    .where(_WITH_ADDRESS)
    .options(joinedload(Interaction.case), joinedload(Interaction.service))
    .order_by(Interaction.id.desc())
    .limit(1)
    .execution_options(populate_existing=True)
)
_COUNT = select(func.count()).select_from(Interaction).where(_WITH_ADDRESS)
_WRITTEN = (
    select(func.count())
    .select_from(Message)
    .join(Interaction, Interaction.id == Message.interaction_id)
    .where(_WITH_ADDRESS, Message.author == "contact", Message.at > bindparam("since"))
)


def latest(channel: str, address: str) -> Interaction | None:
    """The newest conversation with ``address``."""
    return db.session.scalar(_LATEST, _named(channel, address))


def whole(channel: str, address: str) -> tuple[Interaction, Contact] | None:
    """The newest conversation with its case, service and contact, in one statement."""
    row = db.session.execute(_WHOLE, _named(channel, address)).first()
    return (row[0], row[1]) if row is not None else None


def under_way(channel: str, address: str) -> Interaction | None:
    """The one that a bot or an agent holds or that waits; None when there is none."""
    newest = latest(channel, address)
    return newest if newest is not None and newest.state in UNDER_WAY else None


def count(channel: str, address: str) -> int:
    """How many there have been."""
    return db.session.scalar(_COUNT, _named(channel, address)) or 0


def written_since(channel: str, address: str, moment: datetime, seconds: float) -> int:
    """How many messages came from ``address`` in the ``seconds`` before ``moment``."""
    since = moment - timedelta(seconds=seconds)
    return db.session.scalar(_WRITTEN, {**_named(channel, address), "since": since}) or 0


def with_address(channel: str, address: str) -> Any:
    """The condition on :class:`Interaction`: by the contact, because that is indexed; the address alone would read the table."""
    named = _named(channel, address)
    known = (ContactAddress.kind == named["kind"]) & (ContactAddress.value == address)
    contact = select(ContactAddress.contact_id).where(known).scalar_subquery()
    return (Interaction.contact_id == contact) & (Interaction.channel == channel) & (Interaction.address == address)


def _named(channel: str, address: str) -> dict[str, str]:
    kind = okno().channels[channel].address_kind if channel in okno().channels else channel
    return {"kind": kind, "channel": channel, "address": address}
