"""The built-in router: the service by its entry, the queue by priority, the agent by score and then longest idle."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from core import hookimpl
from core.contracts import AgentInfo, AgentScore, Inbound, InteractionInfo, QueuePlace, ServiceInfo
from core.db import db
from core.model import Interaction, ServiceEntry

LAST_AGENT = 10.0
CASE_WEIGHT = {"critical": 300, "high": 200, "medium": 100, "low": 0}


@hookimpl(trylast=True)
def choose_service(inbound: Inbound, services: Sequence[ServiceInfo]) -> int | None:
    """The service whose entry was reached; else the default, which comes first."""
    entry = select(ServiceEntry.service_id).where(
        ServiceEntry.channel == inbound.channel, ServiceEntry.address == inbound.entry.strip().lower()
    )
    reached = db.session.scalar(entry)
    if reached in {service.id for service in services}:
        return reached
    return services[0].id if services else None


@hookimpl(trylast=True)
def choose_queue(interaction: InteractionInfo, service: ServiceInfo) -> QueuePlace:
    """The service's weight on top of the case's priority."""
    row = db.session.get(Interaction, interaction.id)
    weight = CASE_WEIGHT.get(row.case.priority, 0) if row else 0
    return QueuePlace(service.priority + weight)


@hookimpl
def collect_agent_scores(interaction: InteractionInfo, agents: Sequence[AgentInfo]) -> list[AgentScore]:
    """The agent who had the case before knows it."""
    row = db.session.get(Interaction, interaction.id)
    last = row.preferred_agent_id if row else None
    return [AgentScore(agent.id, LAST_AGENT, "had the case") for agent in agents if agent.id == last]


@hookimpl(trylast=True)
def choose_agent(interaction: InteractionInfo, agents: Sequence[AgentInfo], scores: dict[int, float]) -> int:
    """The highest score; among equals the longest idle, who comes first."""
    best = max(scores.get(agent.id, 0.0) for agent in agents)
    return next(agent.id for agent in agents if scores.get(agent.id, 0.0) == best)
