"""The conversations of one address in one channel. Reads only."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from core.db import db
from core.house import okno
from core.model import ContactAddress, Interaction, Message

UNDER_WAY = ("bot", "queued", "offered", "active")


def latest(channel: str, address: str) -> Interaction | None:
    """The newest conversation with ``address``."""
    query = select(Interaction).where(with_address(channel, address)).order_by(Interaction.id.desc()).limit(1)
    return db.session.scalar(query.execution_options(populate_existing=True))


def under_way(channel: str, address: str) -> Interaction | None:
    """The one that a bot or an agent holds or that waits; None when there is none."""
    newest = latest(channel, address)
    return newest if newest is not None and newest.state in UNDER_WAY else None


def count(channel: str, address: str) -> int:
    """How many there have been."""
    return db.session.scalar(select(func.count()).select_from(Interaction).where(with_address(channel, address))) or 0


def written_since(channel: str, address: str, moment: datetime, seconds: float) -> int:
    """How many messages came from ``address`` in the ``seconds`` before ``moment``."""
    sent = select(func.count()).select_from(Message).join(Interaction, Interaction.id == Message.interaction_id)
    recent = Message.at > moment - timedelta(seconds=seconds)
    return db.session.scalar(sent.where(with_address(channel, address), Message.author == "contact", recent)) or 0


def with_address(channel: str, address: str) -> Any:
    """The condition on :class:`Interaction`: by the contact, because that is indexed; the address alone would read the table."""
    kind = okno().channels[channel].address_kind if channel in okno().channels else channel
    known = (ContactAddress.kind == kind) & (ContactAddress.value == address)
    contact = select(ContactAddress.contact_id).where(known).scalar_subquery()
    return (Interaction.contact_id == contact) & (Interaction.channel == channel) & (Interaction.address == address)
