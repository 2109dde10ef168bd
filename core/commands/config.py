"""``okno config``: the whole configuration as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.commands.terminal import House, answer, json_option, pass_house, yaml_mapping

if TYPE_CHECKING:
    from core.exchange import Change


@click.group()
def config() -> None:
    """The configuration as YAML: teams, skills, services with routing, lines, calendars, reasons, case form, pings, dispositions, workflows, roles."""


@config.command("export")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path), default="-")
@click.option("--only", multiple=True, metavar="SECTION", help="This section only; may be repeated.")
@json_option
@pass_house
def export(house: House, file: Path, only: tuple[str, ...]) -> None:
    """Write the configuration to FILE (standard output without one)."""
    import yaml

    with house.open():
        from core import exchange

        data = exchange.export(only)
    text = yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=120)
    if str(file) == "-":
        answer(data, text.rstrip("\n"))
        return
    file.write_text(text, "utf-8")
    rows = {name: len(items) for name, items in data.items() if isinstance(items, list)}
    answer({"file": str(file), "rows": rows}, f"{sum(rows.values())} rows of {len(rows)} sections written to {file}")


@config.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@json_option
@pass_house
def import_(house: House, file: Path, dry_run: bool) -> None:
    """Bring the house in line with FILE, all or nothing. What it does not name stays. Safe to repeat."""
    data = yaml_mapping(file)
    with house.open():
        from core import exchange

        changes = exchange.load(data, dry_run=dry_run)
    rows = [change_row(change) for change in changes]
    verb = "would change" if dry_run else "changed"
    lines = [line for change in changes for line in _lines(change)]
    lines.append(f"{len(changes)} {verb}" if changes else "nothing to change")
    answer({"changes": rows, "dry_run": dry_run}, "\n".join(lines))


def change_row(change: Change) -> dict[str, Any]:
    """A change for programs."""
    return {
        "action": change.action,
        "kind": change.kind,
        "key": change.key,
        "before": dict(change.before),
        "after": dict(change.after),
    }


def _lines(change: Change) -> list[str]:
    sign = "+" if change.action.endswith(".add") else "~"
    lines = [f"{sign} {change.kind} {change.key} ({change.action})"]
    for name in {**change.before, **change.after}:
        before, after = change.before.get(name), change.after.get(name)
        lines.append(f"    {name}: {after!r}" if sign == "+" else f"    {name}: {before!r} -> {after!r}")
    return lines
