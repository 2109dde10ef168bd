"""The core's own workflow steps and its rule that a required disposition must be chosen."""

from __future__ import annotations

from datetime import timedelta

from core import case_notes, casework, hookimpl, timeline, variables
from core.contracts import (
    DispositionInfo,
    InteractionInfo,
    Rejected,
    StepContext,
    StepResult,
    Text,
    VariableContext,
    WorkflowStep,
)
from core.db import db
from core.events import log as events
from core.model import Case, Service

CHOOSE = Text(
    "Please choose a disposition and fill in the required fields",
    "Пожалуйста, выберите статус разговора и заполните требуемые поля",
)
UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400, "weeks": 604800}


@hookimpl
def before_disposition(interaction: InteractionInfo, disposition: DispositionInfo | None, comment: str) -> None:
    """Refuse to finish without a required disposition."""
    service = db.session.get(Service, interaction.service_id)
    if disposition is None and service is not None and service.disposition_required:
        raise Rejected(CHOOSE, "disposition-required")


def wait(context: StepContext) -> StepResult:
    """Park the run for the sum of ``seconds, minutes, hours, days, weeks``."""
    seconds = sum(float(context.params.get(unit, 0)) * length for unit, length in UNITS.items())
    return StepResult(wait_until=context.now + timedelta(seconds=seconds), note=f"waits {seconds:.0f} s")


def set_variable(context: StepContext) -> StepResult:
    """Set ``name`` to ``value``."""
    return StepResult(variables={str(context.params["name"]): context.params.get("value", "")})


def _filled(context: StepContext, text: str | dict[str, str]) -> str:
    """The text, in the case's language where it is given in several, with its variables filled in."""
    if isinstance(text, dict):
        case = db.session.get(Case, context.case.id) if context.case else None
        text = text.get(case.language if case else "", "") or next(iter(text.values()), "")
    if context.case is None:
        return text
    about = VariableContext(
        user_id=context.case.assignee_id,
        case_id=context.case.id,
        interaction_id=context.interaction_id,
        contact_id=context.case.contact_id,
        service_id=context.case.service_id,
    )
    return variables.fill(text, about).text


def add_note(context: StepContext) -> StepResult:
    """Write ``text`` as a note into the case."""
    text = _filled(context, context.params["text"])
    if context.case is not None:
        case_notes.add(context.case.id, None, text)
    return StepResult(note=text[:200])


def notify(context: StepContext) -> StepResult:
    """Tell ``text`` to the case's agent, or to everybody at the desk when it has none."""
    text = _filled(context, context.params["text"])
    agent = context.case.assignee_id if context.case else None
    data = {"level": "info", "text": text, "case_id": context.case.id if context.case else None}
    events.publish(f"user:{agent}" if agent else "desk", "notice", data)
    return StepResult(note=text[:200])


def set_priority(context: StepContext) -> StepResult:
    """Set the case's ``priority``."""
    case = db.session.get(Case, context.case.id) if context.case else None
    if case is not None:
        casework.touch(case, priority=str(context.params["priority"]), cause="workflow")
        timeline.write(case.id, "case.priority", after=case.priority, cause="workflow")
    return StepResult()


@hookimpl
def register_workflow_steps() -> list[WorkflowStep]:
    """Steps that need no channel."""
    return [
        WorkflowStep("wait", Text("Wait", "Ждать"), wait, tuple(UNITS)),
        WorkflowStep("set_variable", Text("Set a variable", "Задать переменную"), set_variable, ("name", "value")),
        WorkflowStep("add_note", Text("Add a note", "Добавить заметку"), add_note, ("text",)),
        WorkflowStep("notify", Text("Notify", "Уведомить"), notify, ("text",)),
        WorkflowStep("set_priority", Text("Set the priority", "Задать приоритет"), set_priority, ("priority",)),
    ]
