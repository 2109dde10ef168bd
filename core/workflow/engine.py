"""Durable runs: a run is a row with a due time, each step is recorded in the transaction that carried it out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import select

from core import timeline
from core.clock import now
from core.contracts import StepContext
from core.db import db, on_commit, transaction
from core.events.wake import wake
from core.house import okno
from core.model import Case, WorkflowDefinition, WorkflowRun, WorkflowStepRun, WorkflowVersion
from core.snapshots import case_info

BACKOFF = (60, 300, 1800, 7200)
log = structlog.get_logger("okno.workflow")


def start(
    key: str,
    source_key: str,
    *,
    case_id: int | None = None,
    interaction_id: int | None = None,
    variables: Mapping[str, Any] | None = None,
) -> int | None:
    """Start the newest version of workflow ``key`` in the open transaction; the same ``source_key`` starts once.

    Returns the run's id, or None when there is no active workflow of that key (which the case's history then tells).
    """
    source_key = f"{key}:{source_key}"
    if (same := db.session.scalar(select(WorkflowRun.id).where(WorkflowRun.source_key == source_key))) is not None:
        return same
    version = db.session.scalar(
        select(WorkflowVersion)
        .join(WorkflowDefinition)
        .where(WorkflowDefinition.key == key, WorkflowDefinition.active)
        .order_by(WorkflowVersion.version.desc())
        .limit(1)
    )
    if version is None:
        if case_id is not None:
            timeline.write(case_id, "workflow.missing", interaction_id=interaction_id, key=key)
        return None
    run = WorkflowRun(
        version_id=version.id,
        source_key=source_key,
        case_id=case_id,
        interaction_id=interaction_id,
        variables=dict(variables or {}),
    )
    db.session.add(run)
    db.session.flush()
    if case_id is not None:
        timeline.write(case_id, "workflow.started", interaction_id=interaction_id, key=key, run_id=run.id)
    on_commit(lambda: wake("due"))
    return run.id


def run_due(limit: int = 50) -> int:
    """Carry out the next step of every due run; returns how many steps were tried."""
    due = select(WorkflowRun.id).where(WorkflowRun.state == "waiting", WorkflowRun.due_at <= now())
    ids = list(db.session.scalars(due.order_by(WorkflowRun.due_at, WorkflowRun.id).limit(limit)))
    db.session.rollback()
    for run_id in ids:
        step(run_id)
    return len(ids)


def step(run_id: int) -> None:
    """Carry out one step of one run, in one transaction: the step's effects, its record and the run's progress together."""
    try:
        with transaction():
            run = db.session.get(WorkflowRun, run_id, with_for_update={"skip_locked": True}, populate_existing=True)
            if run is not None and run.state == "waiting" and run.due_at <= now():
                _step(run)
    except Exception as error:  # a step may raise anything; the run says so and tries again
        log.error("workflow step failed", run=run_id, exc_info=error)
        _note_failure(run_id, error)


def _step(run: WorkflowRun) -> None:
    steps = run.version.steps
    if run.step_index >= len(steps):
        run.state = "done"
        return
    definition = steps[run.step_index]
    kind = okno().workflow_steps.get(definition["type"])
    if kind is None:
        raise LookupError(f"no enabled plugin knows the step type '{definition['type']}'")
    case = db.session.get(Case, run.case_id) if run.case_id else None
    context = StepContext(
        run_id=run.id,
        step_index=run.step_index,
        idempotency_key=f"run:{run.id}:{run.step_index}",
        case=case_info(case) if case else None,
        interaction_id=run.interaction_id,
        params={name: value for name, value in definition.items() if name != "type"},
        variables=run.variables,
        now=now(),
    )
    result = kind.run(context)
    db.session.add(WorkflowStepRun(run_id=run.id, step_index=run.step_index, type=definition["type"], note=result.note))
    run.variables = {**run.variables, **result.variables}
    run.step_index += 1
    run.attempts, run.error = 0, ""
    run.due_at = result.wait_until or now()
    if result.stop or run.step_index >= len(steps):
        run.state = "done"
        if run.case_id is not None:
            timeline.write(
                run.case_id, "workflow.done", interaction_id=run.interaction_id, run_id=run.id, note=result.note
            )
    elif result.wait_until is None:
        on_commit(lambda: wake("due"))


def _note_failure(run_id: int, error: Exception) -> None:
    with transaction():
        run = db.session.get_one(WorkflowRun, run_id)
        run.attempts += 1
        run.error = f"{type(error).__name__}: {error}"[:2000]
        if run.attempts > len(BACKOFF):
            run.state = "failed"
        else:
            run.due_at = now() + timedelta(seconds=BACKOFF[run.attempts - 1])
