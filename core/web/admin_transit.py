"""What is on its way: outbox and intake with retry; and the audit log."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, request
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import func, select

from core import audit, storage
from core import intake as intake_operations
from core import outbox as outbox_operations
from core.contracts import Text
from core.db import db, transaction
from core.model import Audit, Intake, OutboxRow
from core.permissions import require
from core.web.admin_frame import Answer, blueprint, done, draw, refused

PAGE = 50
OUTBOX_STATES = ("dead", "pending", "sent")
INTAKE_STATES = ("failed", "new", "done")
GONE = Text("It is not waiting for a retry any more.", "Повторять уже нечего.")


@blueprint.get("/outbox")
@require("admin.transit")
def outbox() -> Answer:
    """Rows of one state, the newest first."""
    return _list("outbox", OutboxRow, OUTBOX_STATES)


@blueprint.post("/outbox/retry")
@require("admin.transit")
def retry_outbox() -> Answer:
    """Try the named dead row, or all of them, again."""
    return _retry("outbox", OutboxRow, "dead", outbox_operations.requeue)


@blueprint.get("/intake")
@require("admin.transit")
def intake() -> Answer:
    """Source messages of one state, the newest first."""
    return _list("intake", Intake, INTAKE_STATES)


@blueprint.post("/intake/retry")
@require("admin.transit")
def retry_intake() -> Answer:
    """Process the named failed one, or all of them, again."""
    return _retry("intake", Intake, "failed", intake_operations.retry)


@blueprint.get("/intake/<int:item_id>/raw")
@require("admin.transit")
def raw_intake(item_id: int) -> Answer:
    """The source message as it came, for another program; never shown by the browser."""
    row = db.session.get(Intake, item_id)
    if row is None:
        abort(404)
    try:
        content = storage.get(row.sha256)
    except FileNotFoundError:
        abort(404)
    name = f"{row.channel}-{row.id}.{'eml' if row.channel == 'email' else 'bin'}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, mimetype="application/octet-stream", headers=headers)


def _list(name: str, model: Any, states: tuple[str, ...]) -> Answer:
    found = db.session.execute(
        select(model.state, func.count()).where(model.state.in_(states[:2])).group_by(model.state)
    )
    counts = {row.state: row[1] for row in found}
    state = request.args.get("state") or next((s for s in states[:2] if counts.get(s)), states[0])
    if state not in states:
        abort(404)
    query = select(model).where(model.state == state).order_by(model.id.desc()).limit(PAGE + 1)
    before = request.args.get("before", "")
    rows = list(db.session.scalars(query.where(model.id < int(before)) if before.isdigit() else query))
    return draw(
        name,
        rows=rows[:PAGE],
        more=rows[PAGE - 1].id if len(rows) > PAGE else None,
        state=state,
        states=states,
        counts=counts,
    )


def _retry(name: str, model: Any, state: str, again: Any) -> Answer:
    asked = request.form.get("id", "")
    everything = select(model.id).where(model.state == state).order_by(model.id).limit(1000)
    ids = [int(asked)] if asked.isdigit() else list(db.session.scalars(everything))
    try:
        with transaction():
            for row_id in ids:
                again(row_id)
                audit.record(f"{name}.retry", name, row_id)
    except LookupError:
        return refused({"": GONE}, f"admin.{name}", state=state)
    return done(
        f"admin.{name}", ngettext("%(num)s will be tried again", "%(num)s will be tried again", len(ids)), state=state
    )


@blueprint.get("/audit")
@require("admin.audit")
def audit_log() -> Answer:
    """Who changed what, the newest first."""
    actor, kind = request.args.get("actor", ""), request.args.get("type", "")
    before = request.args.get("before", "")
    rows = audit.entries(
        actor=actor, object_type=kind, before_id=int(before) if before.isdigit() else None, limit=PAGE + 1
    )
    return draw(
        "audit",
        rows=rows[:PAGE],
        more=rows[PAGE - 1].id if len(rows) > PAGE else None,
        actor=actor,
        kind=kind,
        actors=list(db.session.scalars(select(Audit.actor).distinct().order_by(Audit.actor))),
        kinds=list(db.session.scalars(select(Audit.object_type).distinct().order_by(Audit.object_type))),
        nothing=_("Nothing was changed yet"),
    )
