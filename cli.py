"""The ``okno`` command. Nothing heavy is imported before a command runs, so that help works when the application can't start."""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from core.commands.terminal import explain, fail, json_wanted, plugin_commands

PLUGIN_COMMANDS = "okno.plugin_commands"
GARBAGE_THRESHOLDS = (50_000, 20, 20)

COMMANDS = {
    "init": "core.commands.house:init",
    "run": "core.commands.processes:run",
    "web": "core.commands.processes:web",
    "worker": "core.commands.processes:worker",
    "doctor": "core.commands.house:doctor",
    "db": "core.commands.database:db",
    "demo": "core.commands.house:demo",
    "plugins": "core.commands.plugins:plugins",
    "users": "core.commands.people:users",
    "roles": "core.commands.people:roles",
    "teams": "core.commands.people:teams",
    "skills": "core.commands.routing:skills",
    "reasons": "core.commands.support:reasons",
    "services": "core.commands.services:services",
    "calendars": "core.commands.routing:calendars",
    "ping-targets": "core.commands.support:ping_targets",
    "config": "core.commands.config:config",
    "dispositions": "core.commands.outcomes:dispositions",
    "workflows": "core.commands.outcomes:workflows",
    "help-documents": "core.commands.help_documents:help_documents",
    "case-fields": "core.commands.case_form:case_fields",
    "case-categories": "core.commands.case_form:case_categories",
    "screen-pops": "core.commands.case_form:screen_pops",
    "outbox": "core.commands.transit:outbox",
    "intake": "core.commands.transit:intake",
    "audit": "core.commands.transit:audit",
    "tokens": "core.commands.api:tokens",
    "webhooks": "core.commands.api:webhooks",
    "docs": "core.commands.docs:docs",
    "completion": "core.commands.house:completion",
}


class OknoGroup(click.Group):
    """The core's commands by name, imported when asked for, and those of the enabled plugins after them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *(name for name in sorted(self._plugin_commands(ctx)) if name not in COMMANDS)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            module, _, attribute = COMMANDS[cmd_name].partition(":")
            command: click.Command = getattr(import_module(module), attribute)
            return command
        return self._plugin_commands(ctx).get(cmd_name)

    def _plugin_commands(self, ctx: click.Context) -> dict[str, click.Command]:
        if PLUGIN_COMMANDS not in ctx.meta:
            ctx.meta[PLUGIN_COMMANDS] = plugin_commands(Path(ctx.params.get("home") or "var"))
        found: dict[str, click.Command] = ctx.meta[PLUGIN_COMMANDS]
        return found

    def main(  # type: ignore[override]  # always ends the process, as standalone commands do
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> None:
        """Run and end the process: 0 when it worked, 1 when it failed, 2 when it was called wrongly."""
        if args is None:
            spare_the_collector()
        words = list(sys.argv[1:] if args is None else args)
        extra.pop("standalone_mode", None)
        try:
            code = super().main(words, prog_name or "okno", standalone_mode=False, **extra)
        except click.exceptions.NoArgsIsHelpError as shown:
            shown.show()
            sys.exit(shown.exit_code)
        except Exception as error:  # every kind of failure ends here; unknown ones keep their traceback
            problem = explain(error)
            if problem is None:
                raise
            fail(problem, json_wanted(words))
            sys.exit(problem.exit_code)
        sys.exit(code if isinstance(code, int) else 0)


def spare_the_collector() -> None:
    """Let the collector of cyclic garbage look less often, and not at all at the end of the process.

    Importing makes a million objects that all stay: looking for garbage among them took a quarter of each start, and a last
    look at what the system frees anyway as much again.
    """
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    atexit.register(gc.freeze)


@click.command(cls=OknoGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--home",
    envvar="OKNO_HOME",
    default="var",
    show_default=True,
    show_envvar=True,
    is_eager=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the centre: settings, data base, files.",
)
@click.version_option(package_name="okno", prog_name="okno")
@click.pass_context
def main(ctx: click.Context, home: Path) -> None:
    """Okno, a contact centre of your own: one window for mail, chat and calls.

    Start with  okno run --demo  and open the address it prints.
    """
    ctx.obj = home.resolve()


if __name__ == "__main__":
    main()
