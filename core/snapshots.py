"""Pictures of rows for hooks: plain data that outlives the session."""

from __future__ import annotations

from core import contracts as c
from core.model import Case, Disposition, Interaction, Message, Service


def service_info(service: Service) -> c.ServiceInfo:
    return c.ServiceInfo(
        id=service.id,
        key=service.key,
        title=c.Text(service.title_en, service.title_ru),
        language=service.language,
        team_ids=tuple(team.id for team in service.teams),
        priority=service.priority,
        disposition_required=service.disposition_required,
    )


def case_info(case: Case) -> c.CaseInfo:
    return c.CaseInfo(
        id=case.id,
        number=case.number,
        subject=case.subject,
        status=case.status,
        priority=case.priority,
        service_id=case.service_id,
        contact_id=case.contact_id,
        assignee_id=case.assignee_id,
        thread_token=case.thread_token,
        created_at=case.created_at,
        closed_at=case.closed_at,
    )


def interaction_info(interaction: Interaction) -> c.InteractionInfo:
    return c.InteractionInfo(
        id=interaction.id,
        channel=interaction.channel,
        direction="in" if interaction.direction == "in" else "out",
        state=interaction.state,
        case_id=interaction.case_id,
        contact_id=interaction.contact_id,
        service_id=interaction.service_id,
        agent_id=interaction.agent_id,
        priority=interaction.priority,
        queued_at=interaction.queued_at,
        preferred_agent_id=interaction.preferred_agent_id,
        line=interaction.line,
    )


def message_info(message: Message, *, first_in_case: bool) -> c.MessageInfo:
    return c.MessageInfo(
        id=message.id,
        interaction_id=message.interaction_id,
        case_id=message.case_id,
        author=message.author,
        direction="in" if message.direction == "in" else "out",
        subject=message.subject,
        body_text=message.body_text,
        automatic=message.automatic,
        first_in_case=first_in_case,
        at=message.at,
    )


def disposition_info(disposition: Disposition | None) -> c.DispositionInfo | None:
    if disposition is None:
        return None
    return c.DispositionInfo(
        id=disposition.id,
        key=disposition.key,
        title=c.Text(disposition.title_en, disposition.title_ru),
        closes_case=disposition.closes_case,
        success=disposition.success,
        workflow_key=disposition.workflow_key,
    )
