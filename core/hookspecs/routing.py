"""Hooks of routing: which service, which place in the queue, which agent."""

from __future__ import annotations

from collections.abc import Sequence

import pluggy

from core.contracts import AgentInfo, AgentScore, Inbound, InteractionInfo, QueuePlace, ServiceInfo

hookspec = pluggy.HookspecMarker("okno")


@hookspec(firstresult=True)
def choose_service(inbound: Inbound, services: Sequence[ServiceInfo]) -> int | None:
    """Choose the service that a new message belongs to.

    Called: inside the intake transaction, for messages that join no case.
    Args: inbound: the message; services: the active ones that have an entry in this channel, or all when none has.
    Returns: a service id out of ``services``, or None to leave it to the next one.
    Exceptions: counted; the next implementation is asked.
    Used by: the built-in router (by entry address, else the default service); the example router.

    Example::

        @hookimpl
        def choose_service(inbound, services):
            return next((s.id for s in services if s.language == inbound.language), None)
    """


@hookspec(firstresult=True)
def choose_queue(interaction: InteractionInfo, service: ServiceInfo) -> QueuePlace | None:
    """Choose the place in the queue of an interaction that begins to wait.

    Called: inside the transaction that queues it.
    Args: interaction: what waits; service: where.
    Returns: a place, or None to leave it to the next one.
    Exceptions: counted; the next implementation is asked.
    Used by: sla (the case's priority), the built-in router (the service's priority).

    Example::

        @hookimpl
        def choose_queue(interaction, service):
            return QueuePlace(priority=100) if interaction.contact_id in VIPS else None
    """


@hookspec
def collect_agent_scores(  # type: ignore[empty-body]
    interaction: InteractionInfo, agents: Sequence[AgentInfo], service: ServiceInfo
) -> list[AgentScore]:
    """Say who suits an interaction better or worse; scores of all plugins add up per agent.

    Called: for each interaction about to be offered, in the routing transaction.
    Args: interaction: what waits; agents: those who may serve it now, by team, skills, capacity and hours, longest idle
        first; service: with the skills it asks for and its choice of agent.
    Returns: scores for any of them; positive is better. None given counts as 0.
    Exceptions: counted; the plugin's scores are left out.
    Used by: the built-in router (the agent who had the case before).

    Example::

        @hookimpl
        def collect_agent_scores(interaction, agents, service):
            return [AgentScore(a.id, a.skills.get("tax", 0) - a.in_hand.get("chat", 0)) for a in agents]
    """


@hookspec(firstresult=True)
def choose_agent(
    interaction: InteractionInfo, agents: Sequence[AgentInfo], scores: dict[int, float], service: ServiceInfo
) -> int | None:
    """Choose the one agent who gets the offer.

    Called: for each interaction about to be offered, in the routing transaction.
    Args: interaction: what waits; agents: never empty, longest idle first; scores: sums by agent id, of those scored;
        service: with its choice of agent.
    Returns: an agent's id out of ``agents``, or None to leave it to the next one.
    Exceptions: counted; the next implementation is asked.
    Used by: the built-in router (highest score, then as the service says); the example router.

    Example::

        @hookimpl
        def choose_agent(interaction, agents, scores, service):
            return random.choice(agents).id
    """


@hookspec
def after_assigned(interaction: InteractionInfo) -> None:
    """Learn that an agent has accepted or taken an interaction.

    Called: after the commit.
    Args: interaction: in state ``active``, with its ``agent_id``.
    Returns: nothing.
    Exceptions: counted; others run.
    Used by: chat (tells the visitor who has joined).

    Example::

        @hookimpl
        def after_assigned(interaction):
            log.info("taken", agent=interaction.agent_id)
    """


@hookspec
def during_assigned(interaction: InteractionInfo) -> None:
    """Take part in giving an agent an interaction: accepted, taken, passed on, or begun by the agent.

    Called: inside the transaction, as its last step; what is written here is there when the agent's desk hears of it. A draft
    put down with ``core.case_drafts.save`` is what the agent's answer begins with.
    Args: interaction: in state ``active``, with its ``agent_id``.
    Returns: nothing.
    Exceptions: counted, the implementation's own changes undone; others run and the interaction is given all the same.
    Used by: kb (the article that answers of a service begin with).

    Example::

        @hookimpl
        def during_assigned(interaction):
            case_drafts.save(interaction.agent_id, interaction.case_id, "reply", "<p>Hello!</p>")
    """
