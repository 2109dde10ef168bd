"""Hooks of dispositions, workflows and the life of a case."""

from __future__ import annotations

import pluggy

from core.contracts import CaseChange, DispositionInfo, InteractionInfo, WorkflowStep

hookspec = pluggy.HookspecMarker("okno")


@hookspec
def register_workflow_steps() -> list[WorkflowStep]:  # type: ignore[empty-body]
    """Add kinds of workflow steps.

    Called: once, at start.
    Returns: steps with types of their own.
    Exceptions: the plugin's steps are left out, the fault is counted. A run that meets an unknown type fails visibly.
    Used by: the core (wait, set_variable, notify, add_note), email (send_email).

    Example::

        @hookimpl
        def register_workflow_steps():
            return [WorkflowStep("ping", Text("Ping", "Пинг"), run=lambda context: StepResult(note="pong"))]
    """


@hookspec
def before_disposition(interaction: InteractionInfo, disposition: DispositionInfo | None, comment: str) -> None:
    """Refuse a disposition, for instance because something is not filled in.

    Called: inside the transaction that would close the interaction.
    Args: interaction: what is being finished; disposition: the chosen one or None; comment: the agent's words.
    Returns: nothing; raise ``Rejected`` with the text for the agent to refuse.
    Exceptions: ``Rejected`` goes to the agent; any other is counted and the disposition stands.
    Used by: the core's rule that a required disposition must be chosen.

    Example::

        @hookimpl
        def before_disposition(interaction, disposition, comment):
            if disposition and disposition.success == "failure" and not comment:
                raise Rejected(Text("Say why in the comment", "Напишите причину в комментарии"), "comment-required")
    """


@hookspec
def after_disposition(interaction: InteractionInfo, disposition: DispositionInfo | None) -> None:
    """React to a chosen disposition.

    Called: after the commit; the disposition's workflow has been scheduled in the same transaction already.
    Args: interaction: closed; disposition: the chosen one, or None.
    Returns: nothing.
    Exceptions: counted; others run.
    Used by: the example webhook channel (tells the other side how its conversation ended).

    Example::

        @hookimpl
        def after_disposition(interaction, disposition):
            statistics.add(disposition.key if disposition else "none")
    """


@hookspec
def during_case_change(change: CaseChange) -> None:
    """Take part in every change of a case, its creation among them, in the same transaction.

    Called: after the change is written, before the commit. At creation ``changes`` holds ``status: (None, "open")``.
    Args: change: the case now, and what changed from what to what.
    Returns: nothing.
    Exceptions: the plugin's own changes are undone to its savepoint, the case's are kept, the fault is counted.
    Used by: sla (the clock starts, pauses, meets its targets).

    Example::

        @hookimpl
        def during_case_change(change):
            if change.changes.get("priority"):
                db.session.add(PriorityLog(case_id=change.case.id, at=change.at))
    """
