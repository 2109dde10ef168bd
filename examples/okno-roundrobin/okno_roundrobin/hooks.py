"""The two choices of the router; where it has no answer the next one is asked, at last the core's own."""

from __future__ import annotations

from collections.abc import Sequence

from core import hookimpl
from core.contracts import AgentInfo, Inbound, InteractionInfo, ServiceInfo


@hookimpl
def choose_agent(interaction: InteractionInfo, agents: Sequence[AgentInfo], scores: dict[int, float]) -> int:
    """The fewest handled today; among equals the longest idle."""
    return min(agents, key=lambda agent: (agent.handled_today, agent.ready_since)).id


@hookimpl
def choose_service(inbound: Inbound, services: Sequence[ServiceInfo]) -> int | None:
    """The first service in the sender's language, unless the entry that was reached leads somewhere already."""
    from core.db import db
    from core.model import ServiceEntry

    entry = inbound.entry.strip().lower()
    query = db.select(ServiceEntry.id).where(ServiceEntry.channel == inbound.channel, ServiceEntry.address == entry)
    if db.session.scalar(query) is not None:
        return None
    language = inbound.language or guess(f"{inbound.subject} {inbound.body_text}")
    return next((service.id for service in services if service.language == language), None)


def guess(text: str) -> str:
    """Russian or English by the letters that prevail; "" without any."""
    russian = sum("а" <= letter <= "я" or letter == "ё" for letter in text.lower())
    english = sum("a" <= letter <= "z" for letter in text.lower())
    return "" if russian == english == 0 else "ru" if russian >= english else "en"
