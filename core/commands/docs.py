"""``okno docs``: the reference pages that are generated from the code."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from core.commands.terminal import EXIT_FAILURE, answer, json_option


def fresh_pages() -> dict[str, str]:
    """The pages as they should be, with every shipped plugin enabled, whatever the centre at hand has."""
    from cli import main
    from core.app import create_app
    from core.config import CORE_SETTINGS, SHIPPED
    from core.reference import pages

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        app = create_app(home, {"core.plugins": list(SHIPPED), "log.level": "error"}, check_schema=False)
        declared = app.extensions["okno"].config.declared.values()
        core = {setting.key for setting in CORE_SETTINGS}
        settings = [(setting.key.split(".")[0], setting) for setting in declared if setting.key not in core]
        # Commands of plugins are looked up in the home folder that the outermost context names.
        with click.Context(main, info_name="okno") as context:
            context.params["home"], context.obj = home, home
            return pages(settings, main, context)


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

    pages = fresh_pages()
    stale = reference.stale(root, pages)
    if write:
        reference.write(root, {name: pages[name] for name in stale})
        answer({"written": stale}, f"{len(stale)} written" if stale else "all were fresh")
        return
    answer({"stale": stale}, f"stale: {', '.join(stale)}; run  okno docs --write" if stale else "all are fresh")
    ctx.exit(EXIT_FAILURE if stale else 0)
