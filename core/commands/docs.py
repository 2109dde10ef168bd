"""``okno docs``: the reference pages that are generated from the code."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from core.commands.terminal import EXIT_FAILURE, answer, json_option


def fresh_pages(okno: click.Group) -> dict[str, str]:
    """File name → text of each page of the command ``okno`` as it should be.

    Every shipped plugin is enabled, whatever the centre at hand has. Raises ``ClickException`` when one cannot be.
    """
    from core.app import create_app
    from core.config import CORE_SETTINGS, SHIPPED
    from core.reference import pages

    with tempfile.TemporaryDirectory() as folder:
        app = create_app(folder, {"core.plugins": list(SHIPPED), "log.level": "error"}, check_schema=False)
        house = app.extensions["okno"]
        if house.plugins.problems:
            raise click.ClickException(
                f"the pages need all shipped plugins: {'; '.join(house.plugins.problems.values())}"
            )
        core = {setting.key for setting in CORE_SETTINGS}
        declared = [(key.split(".")[0], setting) for key, setting in house.config.declared.items() if key not in core]
        with app.app_context():
            plugins = {mount.command.name or "": mount.command for mount in house.hooks.commands()}
        return pages(declared, _whole_group(okno, plugins), house.api)


def _whole_group(okno: click.Group, plugins: dict[str, click.Command]) -> click.Group:
    """``okno`` with the commands of these plugins instead of those that a home folder enables."""
    with tempfile.TemporaryDirectory() as folder:
        context = click.Context(okno, info_name="okno")
        context.params["home"] = Path(folder) / "nowhere"
        core = {
            name: command
            for name in okno.list_commands(context)
            if (command := okno.get_command(context, name)) is not None
        }
    whole = click.Group("okno", {**core, **plugins}, params=okno.params, help=okno.help)
    _same_help(whole, okno.context_settings["help_option_names"])
    return whole


def _same_help(command: click.Command, names: list[str]) -> None:
    """Show ``-h`` everywhere: a command that is drawn by itself does not inherit it, one that has run remembers."""
    command.context_settings = {**command.context_settings, "help_option_names": names}
    command._help_option = None
    for child in command.commands.values() if isinstance(command, click.Group) else ():
        _same_help(child, names)


@click.command()
@click.option("--write", is_flag=True, help="Write the stale pages anew instead of naming them.")
@click.option(
    "--root",
    default=Path(),
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the sources; the current one when not given.",
)
@json_option
@click.pass_context
def docs(ctx: click.Context, write: bool, root: Path) -> None:
    """Compare docs/reference with the code; exit code 1 when a page is stale. For developers."""
    from core import reference

    okno = ctx.find_root().command
    assert isinstance(okno, click.Group)
    pages = fresh_pages(okno)
    stale = reference.stale(root, pages)
    if write:
        reference.write(root, {name: pages[name] for name in stale})
        answer({"written": stale}, f"{len(stale)} written" if stale else "all were fresh")
        return
    answer({"stale": stale}, f"stale: {', '.join(stale)}; run  okno docs --write" if stale else "all are fresh")
    ctx.exit(EXIT_FAILURE if stale else 0)
