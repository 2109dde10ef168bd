"""``okno outbox``, ``okno intake``, ``okno audit``: what is stuck, and who changed what."""

from __future__ import annotations

from typing import Any

import click

from core.commands.terminal import House, answer, answer_rows, json_option, pass_house

LIMIT = click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="At most so many rows."
)


@click.group()
def outbox() -> None:
    """What must leave the house: waiting, sent, dead."""


@outbox.command("list")
@click.option("--state", type=click.Choice(["pending", "sent", "dead", "all"]), default="all", show_default=True)
@LIMIT
@json_option
@pass_house
def list_outbox(house: House, state: str, limit: int) -> None:
    """The newest rows."""
    with house.open():
        from sqlalchemy import select

        from core.db import db
        from core.model import OutboxRow

        query = select(OutboxRow).order_by(OutboxRow.id.desc()).limit(limit)
        found = db.session.scalars(query if state == "all" else query.where(OutboxRow.state == state))
        names = ("id", "kind", "key", "state", "attempts", "due_at", "sent_at", "detail")
        answer_rows([{name: getattr(row, name) for name in names} for row in found], names, "the outbox is empty")


@outbox.command("retry")
@click.argument("ids", nargs=-1, type=int)
@click.option("--all", "everything", is_flag=True, help="All dead rows.")
@json_option
@pass_house
def retry_outbox(house: House, ids: tuple[int, ...], everything: bool) -> None:
    """Try dead rows again, by their IDS."""
    with house.open():
        from core import outbox as operations
        from core.model import OutboxRow

        _retry(OutboxRow, "dead", operations.requeue, "outbox", ids, everything)


@click.group()
def intake() -> None:
    """What came in: done, waiting, failed."""


@intake.command("list")
@click.option("--state", type=click.Choice(["new", "done", "failed", "all"]), default="all", show_default=True)
@LIMIT
@json_option
@pass_house
def list_intake(house: House, state: str, limit: int) -> None:
    """The newest source messages."""
    with house.open():
        from sqlalchemy import select

        from core.db import db
        from core.model import Intake

        query = select(Intake).order_by(Intake.id.desc()).limit(limit)
        found = db.session.scalars(query if state == "all" else query.where(Intake.state == state))
        names = ("id", "channel", "source_key", "state", "attempts", "repeats", "received_at", "error")
        answer_rows([{name: getattr(row, name) for name in names} for row in found], names, "nothing has come in")


@intake.command("retry")
@click.argument("ids", nargs=-1, type=int)
@click.option("--all", "everything", is_flag=True, help="All failed ones.")
@json_option
@pass_house
def retry_intake(house: House, ids: tuple[int, ...], everything: bool) -> None:
    """Process failed source messages again, by their IDS."""
    with house.open():
        from core import intake as operations
        from core.model import Intake

        _retry(Intake, "failed", operations.retry, "intake", ids, everything)


def _retry(model: Any, state: str, again: Any, kind: str, ids: tuple[int, ...], everything: bool) -> None:
    from sqlalchemy import select

    from core import audit as log
    from core.db import db, transaction

    if bool(ids) == everything:
        raise click.UsageError("give ids, or --all")
    chosen = list(db.session.scalars(select(model.id).where(model.state == state))) if everything else list(ids)
    with transaction():
        for row_id in chosen:
            again(row_id)
            log.record(f"{kind}.retry", kind, row_id)
    answer({"retried": chosen}, f"{len(chosen)} will be tried again")


@click.command()
@click.option("--actor", default="", help="Only changes by this login, or cli:NAME.")
@click.option("--type", "object_type", default="", help="Only changes of this kind of object: user, service…")
@LIMIT
@json_option
@pass_house
def audit(house: House, actor: str, object_type: str, limit: int) -> None:
    """Who changed what: the newest administrative changes."""
    with house.open():
        from core import audit as log

        found = log.entries(actor=actor, object_type=object_type, limit=limit)
        names = ("id", "at", "actor", "action", "object_type", "object_id", "before", "after", "ip")
        rows = [{name: getattr(entry, name) for name in names} for entry in found]
        answer_rows(rows, ("at", "actor", "action", "object_id", "before", "after"), "nothing was changed yet")
