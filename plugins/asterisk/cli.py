"""``okno asterisk``: whether Asterisk is set up as Okno needs it."""

from __future__ import annotations

import click

from core.commands.terminal import House, answer_rows, json_option, pass_house


@click.group()
def asterisk() -> None:
    """Calls through Asterisk."""


@asterisk.command("check")
@json_option
@pass_house
def check(house: House) -> None:
    """Ask Asterisk for its version, modules and endpoints, and say what to mend. Fails when something is missing."""
    import asyncio

    with house.open() as app:
        from plugins.asterisk.checkup import checks
        from plugins.asterisk.hooks import options

        config = app.extensions["okno"].config
        folder = str(config.home / "voice")
        found = asyncio.run(checks(options(config.values, folder)))
    rows = [{"what": one.name, "ok": one.ok, "detail": one.detail, "mend": one.mend} for one in found]
    answer_rows(rows, ["what", "ok", "detail", "mend"], "Nothing was asked")
    if not all(one.ok for one in found):
        raise click.exceptions.Exit(1)
