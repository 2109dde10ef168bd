"""The workflow step that writes a letter."""

from __future__ import annotations

from sqlalchemy import select

from core import casework, variables
from core.contracts import StepContext, StepResult, VariableContext
from core.db import db
from core.model import Case, Interaction
from plugins.email.channel import CHANNEL, without_unfilled
from plugins.email.markup import text_to_html


def send_email(context: StepContext) -> StepResult:
    """Write ``template: {subject, body}`` to the case's contact, from the service, in the thread of the case."""
    case = db.session.get(Case, context.case.id) if context.case else None
    interaction = _letters(case, context.interaction_id) if case else None
    if case is None or interaction is None:
        return StepResult(note="nobody to write to: the case has no letters")
    template = context.params["template"]
    about = VariableContext(case.assignee_id, case.id, interaction.id, case.contact_id, case.service_id)
    subject = without_unfilled(variables.fill(str(template["subject"]), about).text)
    body = without_unfilled(variables.fill(str(template["body"]), about).text)
    html = text_to_html(body)
    casework.post(
        interaction, context.idempotency_key, author="system", html=html, text=body, subject=subject, automatic=True
    )
    return StepResult(note=f"letter to {interaction.address}")


def _letters(case: Case, interaction_id: int | None) -> Interaction | None:
    mine = db.session.get(Interaction, interaction_id) if interaction_id else None
    if mine is not None and mine.channel == CHANNEL:
        return mine
    query = select(Interaction).where(Interaction.case_id == case.id, Interaction.channel == CHANNEL)
    return db.session.scalar(query.order_by(Interaction.id.desc()).limit(1))
