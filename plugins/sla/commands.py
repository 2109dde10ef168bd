"""``okno sla``: calendars and policies to look at, clocks to work out anew."""

from __future__ import annotations

import json
from typing import Any

import click
from sqlalchemy import func, select, true

from core.db import db, transaction
from plugins.sla import upkeep
from plugins.sla.catalogue import NamedCalendar, NamedPolicy, load
from plugins.sla.models import SlaClock

as_json = click.option("--json", "wants_json", is_flag=True, help="Print JSON.")


@click.group()
def sla() -> None:
    """Service levels: calendars, policies, clocks."""


@sla.group()
def calendars() -> None:
    """Opening hours."""


@calendars.command("list")
@as_json
def list_calendars(wants_json: bool) -> None:
    """All calendars; the default one has a star."""
    catalogue, counts = load(), _counts(SlaClock.calendar_key)
    rows = [
        {**_named(entry), "default": entry.key == catalogue.calendar_key, "open_cases": counts.get(entry.key, 0)}
        for entry in catalogue.calendars.values()
    ]
    if wants_json:
        _print_json(rows)
        return
    for row, entry in zip(rows, catalogue.calendars.values(), strict=True):
        _line(row, str(entry.calendar.zone))


@calendars.command("show")
@click.argument("key")
@as_json
def show_calendar(key: str, wants_json: bool) -> None:
    """One calendar as its settings."""
    entry = load().calendars.get(key)
    if entry is None:
        raise click.ClickException(f"there is no calendar '{key}': see  okno sla calendars list")
    settings = entry.calendar.to_dict()
    if wants_json:
        _print_json({**_named(entry), "settings": settings})
        return
    click.echo(f"{entry.key}: {entry.title.en} / {entry.title.ru}")
    click.echo(f"zone     {settings['zone']}")
    weekly: Any = settings["weekly"]
    for day, spans in weekly.items():
        click.echo(f"{day}      {', '.join(spans) or 'closed'}")
    if "country" in settings:
        click.echo(f"country  {settings['country']}")
    exceptions: Any = settings["exceptions"]
    for day, spans in exceptions.items():
        click.echo(f"{day}  {', '.join(spans) or 'closed'}")
    holidays: Any = settings["holidays"]
    for day in holidays:
        click.echo(f"{day}  closed")


@sla.group()
def policies() -> None:
    """Targets by priority."""


@policies.command("list")
@as_json
def list_policies(wants_json: bool) -> None:
    """All policies with their targets; the default one has a star."""
    catalogue, counts = load(), _counts(SlaClock.policy_key)
    rows = [
        {
            **_named(entry),
            "default": entry.key == catalogue.policy_key,
            "open_cases": counts.get(entry.key, 0),
            "settings": entry.policy.to_dict(),
        }
        for entry in catalogue.policies.values()
    ]
    if wants_json:
        _print_json(rows)
        return
    for row, entry in zip(rows, catalogue.policies.values(), strict=True):
        _line(row, f"{entry.policy.measure}, warns at {entry.policy.warn_percent} %")
        for priority, target in entry.policy.targets.items():
            shown = target.to_dict()
            click.echo(f"    {priority:<9} {shown['response']:>7}  {shown['resolution']}")


@sla.command()
@as_json
def recompute(wants_json: bool) -> None:
    """Work out all open clocks anew, and give clocks to open cases that have none."""
    with transaction():
        upkeep.mark(true())
    renewed = adopted = 0
    while count := upkeep.recompute():
        renewed += count
    while count := upkeep.adopt_missing():
        adopted += count
    if wants_json:
        _print_json({"recomputed": renewed, "started": adopted})
    else:
        click.echo(f"{renewed} clocks worked out anew, {adopted} started")


def _named(entry: NamedCalendar | NamedPolicy) -> dict[str, Any]:
    return {"key": entry.key, "title_en": entry.title.en, "title_ru": entry.title.ru, "built_in": not entry.stored}


def _line(row: dict[str, Any], detail: str) -> None:
    star = "*" if row["default"] else " "
    click.echo(f"{star} {row['key']:<20} {row['title_en']:<28} {detail}, {row['open_cases']} open cases")


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def _counts(column: Any) -> dict[str, int]:
    query = select(column, func.count()).where(SlaClock.resolved.is_(False)).group_by(column)
    return {key: int(count) for key, count in db.session.execute(query)}
