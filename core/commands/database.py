"""``okno db``: bring the data base up to date."""

from __future__ import annotations

import click

from core.commands.terminal import House, answer, json_option, pass_house


@click.group()
def db() -> None:
    """Look after the data base."""


@db.command()
@json_option
@pass_house
def upgrade(house: House) -> None:
    """Run the migrations of the core and the enabled plugins. Safe to repeat."""
    from core import directory, migrate, reasons

    house.home.mkdir(parents=True, exist_ok=True)
    with house.open(check_schema=False) as app:
        moved = migrate.upgrade(app)
        directory.ensure_roles()
        reasons.ensure_reasons()
    answer({"migrated": moved}, f"migrated: {', '.join(moved)}" if moved else "the data base is up to date")
