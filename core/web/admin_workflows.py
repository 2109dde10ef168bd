"""Workflows: their versions and runs."""

from __future__ import annotations

from flask import request

from core import services as operations
from core.house import okno
from core.permissions import require
from core.web.admin_frame import Answer, attempt, blueprint, done, draw, found, refused


@blueprint.get("/workflows")
@require("admin.workflows")
def workflows() -> Answer:
    """All workflows with how their runs stand."""
    return draw("workflows", workflows=operations.list_workflows(), counts=operations.run_counts())


@blueprint.get("/workflows/<key>")
@require("admin.workflows")
def workflow(key: str) -> Answer:
    """One workflow: its versions, the newest first, and its newest runs."""
    shown = found(lambda: operations.get_workflow(key))
    return draw(
        "workflow",
        workflow=shown,
        versions=list(reversed(shown.versions)),
        runs=operations.workflow_runs(shown.id),
        kinds=okno().workflow_steps,
    )


@blueprint.post("/workflows/<key>/state")
@require("admin.workflows")
def workflow_state(key: str) -> Answer:
    """Let dispositions start it, or not."""
    errors = attempt(lambda: operations.set_workflow_active(key, request.form.get("state") == "active"))
    return refused(errors, "admin.workflows") if errors else done("admin.workflow", key=key)
