"""A workflow's steps happen once each, at their time, across restarts and failures."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import assignment, case_notes, clock
from core.contracts import StepResult, Text, WorkflowStep
from core.db import db
from core.house import okno
from core.model import TimelineEntry, WorkflowDefinition, WorkflowRun, WorkflowStepRun, WorkflowVersion
from core.workflow import engine


def run() -> WorkflowRun:
    return db.session.scalars(db.select(WorkflowRun).execution_options(populate_existing=True)).one()


@pytest.fixture
def closed(centre):
    agent = centre.agents[0]
    assignment.complete(centre.taken(agent), agent, centre.solved_id)
    return centre


def notes() -> list[str]:
    return [e.data["text"] for e in db.session.scalars(db.select(TimelineEntry).where(TimelineEntry.kind == "note"))]


@pytest.mark.feature("W-01")
def test_the_wait_keeps_its_time_and_the_step_after_it_runs_once(closed):
    assert engine.run_due() == 1
    assert engine.run_due() == 0
    assert notes() == []
    with clock.at(clock.now() + timedelta(minutes=31)):
        assert engine.run_due() == 1
        assert engine.run_due() == 0
    assert (run().state, len(notes())) == ("done", 1)
    assert notes()[0].startswith("Опрос по 1")
    assert [s.step_index for s in db.session.scalars(db.select(WorkflowStepRun))] == [0, 1]


def test_a_run_is_pinned_to_the_version_it_began_with(closed):
    with engine.transaction():
        definition = db.session.scalars(db.select(WorkflowDefinition)).one()
        definition.versions.append(WorkflowVersion(version=2, steps=[{"type": "add_note", "text": "new"}]))
    engine.run_due()
    with clock.at(clock.now() + timedelta(hours=1)):
        engine.run_due()
    assert "new" not in notes()


def test_the_same_disposition_starts_it_once(closed):
    with engine.transaction():
        first = engine.start("survey", f"interaction:{run().interaction_id}")
    assert first == run().id


def test_a_step_that_fails_undoes_itself_is_retried_and_reported(closed):
    def broken(context):

        case_notes.add(context.case.id, None, "half done")
        raise ConnectionError("no route")

    okno().workflow_steps["wait"] = WorkflowStep("wait", Text("", ""), broken)
    engine.run_due()
    assert notes() == []
    assert (run().state, run().attempts) == ("waiting", 1)
    assert "no route" in run().error
    for hours in (1, 2, 8, 24):
        with clock.at(clock.now() + timedelta(hours=hours)):
            engine.run_due()
    assert run().state == "failed"
    assert notes() == []


def test_an_unknown_step_type_is_said_in_words(closed):
    del okno().workflow_steps["wait"]
    engine.run_due()
    assert "no enabled plugin knows the step type 'wait'" in run().error


def test_a_step_sees_the_case_and_passes_variables_on(closed):
    seen = []

    def look(context):
        seen.append((context.case.status, dict(context.variables), context.idempotency_key))
        return StepResult(variables={"x": 1})

    for name in ("wait", "add_note"):
        okno().workflow_steps[name] = WorkflowStep(name, Text("", ""), look)
    engine.run_due()
    engine.run_due()
    assert seen == [("closed", {}, f"run:{run().id}:0"), ("closed", {"x": 1}, f"run:{run().id}:1")]


def test_a_disposition_that_names_a_missing_workflow_closes_and_says_so(centre):
    with engine.transaction():
        db.session.scalars(db.select(WorkflowDefinition)).one().active = False
    agent = centre.agents[0]
    assignment.complete(centre.taken(agent), agent, centre.solved_id)
    kinds = [e.kind for e in db.session.scalars(db.select(TimelineEntry))]
    assert "workflow.missing" in kinds
    assert "case.closed" in kinds
