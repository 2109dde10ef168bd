"""``okno sla``: policies to look at, what services promise, clocks to work out anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from core.commands.terminal import House, answer, answer_rows, json_option, pass_house

if TYPE_CHECKING:
    from plugins.sla.catalogue import NamedPolicy


@click.group()
def sla() -> None:
    """Service levels: policies and clocks; opening hours are in  okno calendars."""


@sla.group()
def policies() -> None:
    """Targets by priority."""


@policies.command("list")
@json_option
@pass_house
def list_policies(house: House) -> None:
    """All policies: first answer / solution by priority, and how many open cases run by each."""
    from plugins.sla.catalogue import load
    from plugins.sla.models import SlaClock

    with house.open():
        catalogue, counts = load(), _counts(SlaClock.policy_key)
        rows = [
            {
                **_named(entry),
                "default": entry.key == catalogue.policy_key,
                "open_cases": counts.get(entry.key, 0),
                "measure": str(entry.policy.measure),
                "warn_percent": entry.policy.warn_percent,
                **{str(priority): _target(target.to_dict()) for priority, target in entry.policy.targets.items()},
            }
            for entry in catalogue.policies.values()
        ]
    shown = ("key", "title_en", "measure", "critical", "high", "medium", "low", "warn_percent", "default", "open_cases")
    answer_rows(rows, shown, "no policies")


@sla.command()
@click.option(
    "--days", type=click.IntRange(1, 3650), default=30, show_default=True, help="Stays that began in so many days."
)
@json_option
@pass_house
def lines(house: House, days: int) -> None:
    """Support lines: how many cases came, how long until taken and until left (means, in opening hours), how many late."""
    from plugins.sla import lines as own

    with house.open():
        rows = [dict(own.as_row(row)) for row in own.figures(days)]
    columns = (
        "service", "line", "title_ru", "stays", "open", "taken_late", "left_late", "late_now", "to_take_seconds", "to_leave_seconds",
    )  # fmt: skip
    answer_rows(rows, columns, "no lines: add some with  okno services lines KEY 1:900:14400")


@sla.command()
@json_option
@pass_house
def recompute(house: House) -> None:
    """Work out all open clocks anew, and give clocks to open cases that have none."""
    from sqlalchemy import true

    from core.db import transaction
    from plugins.sla import upkeep

    renewed = adopted = 0
    with house.open():
        with transaction():
            upkeep.mark(true())
        while count := upkeep.recompute():
            renewed += count
        while count := upkeep.adopt_missing():
            adopted += count
    answer({"recomputed": renewed, "started": adopted}, f"{renewed} clocks worked out anew, {adopted} started")


def _named(entry: NamedPolicy) -> dict[str, Any]:
    return {"key": entry.key, "title_en": entry.title.en, "title_ru": entry.title.ru, "built_in": not entry.stored}


def _target(target: dict[str, str]) -> str:
    return f"{target['response']} / {target['resolution']}"


def _counts(column: Any) -> dict[str, int]:
    from sqlalchemy import func, select

    from core.db import db
    from plugins.sla.models import SlaClock

    query = select(column, func.count()).where(SlaClock.resolved.is_(False)).group_by(column)
    return {key: int(count) for key, count in db.session.execute(query)}
