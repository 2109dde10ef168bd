"""The built-in router: the service by its entry, the queue by priority, the agent by score and then as the service says."""

from __future__ import annotations

from collections.abc import Sequence

from core import hookimpl
from core.contracts import AgentInfo, AgentScore, CaseChange, Inbound, InteractionInfo, QueuePlace, ServiceInfo
from core.db import db
from core.entrances import entrances
from core.model import Interaction
from core.routing import stays
from core.routing.choice import LAST_AGENT_SCORE, best_of

CASE_WEIGHT = {"critical": 300, "high": 200, "medium": 100, "low": 0}


@hookimpl(trylast=True)
def choose_service(inbound: Inbound, services: Sequence[ServiceInfo]) -> int | None:
    """The service whose entry was reached; else the default, which comes first."""
    reached = entrances().leads_to.get((inbound.channel, inbound.entry.strip().lower()))
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
def collect_agent_scores(
    interaction: InteractionInfo, agents: Sequence[AgentInfo], service: ServiceInfo
) -> list[AgentScore]:
    """The agent who had the case before knows it, where the service wants it so."""
    last = interaction.preferred_agent_id if service.prefers_last_agent else None
    return [AgentScore(agent.id, LAST_AGENT_SCORE, "had the case") for agent in agents if agent.id == last]


@hookimpl(trylast=True)
def choose_agent(
    interaction: InteractionInfo, agents: Sequence[AgentInfo], scores: dict[int, float], service: ServiceInfo
) -> int:
    """The highest score, then as the service says, then the longest idle."""
    return best_of(agents, scores, service.agent_choice, service.skills).id


@hookimpl
def during_case_change(change: CaseChange) -> None:
    """A case that closes leaves its support line; one that opens again comes back to it."""
    before, after = change.changes.get("status", (None, None))
    if after == "closed":
        stays.leave(change.case.id)
    elif before == "closed":
        stays.come_back(change.case.id)
