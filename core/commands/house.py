"""``okno init``, ``doctor``, ``demo``, ``completion``: the house as a whole."""

from __future__ import annotations

import click

from core.commands.terminal import (
    EXIT_FAILURE,
    House,
    answer,
    json_option,
    json_wanted,
    language,
    log_to_stderr,
    pass_house,
)

TEMPLATE = """\
# Settings of this centre. `okno doctor` checks them; docs/reference/settings.md lists all of them with their defaults.

[core]
# Enabled plugins; `okno plugins enable|disable NAME` edits this line.
plugins = [{plugins}]
language = "ru"
timezone = "Europe/Moscow"
# SQLite in this folder when empty; to grow: "postgresql+psycopg://okno:…@localhost/okno"
database_url = ""

[web]
host = "127.0.0.1"
port = 8000
# Public address, for links in mails, such as "https://desk.example.com"
base_url = ""
"""


def make_home(house: House) -> bool:
    """Create the folder and its ``okno.toml``; False when both are there."""
    from core.config import FILE_NAME, SHIPPED
    from core.pluginmanager import discover

    house.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = house.home / FILE_NAME
    if path.exists():
        return False
    usable = {plugin.name for plugin in discover() if not plugin.problem}
    names = ", ".join(f'"{name}"' for name in SHIPPED if name in usable)
    path.write_text(TEMPLATE.format(plugins=names), "utf-8")
    return True


@click.command()
@json_option
@pass_house
def init(house: House) -> None:
    """Make the home folder, its okno.toml and the data base. Safe to repeat."""
    made = make_home(house)
    with house.open(check_schema=False) as app:
        from core import directory, migrate, reasons

        moved = migrate.upgrade(app)
        directory.ensure_roles()
        reasons.ensure_reasons()
        people = len(directory.list_users())
    lines = [f"centre {'made' if made else 'found'} in {house.home}"]
    if not people:
        lines.append(f"next:  okno --home {house.home} users add LOGIN --first-name NAME --role admin")
        lines.append(f"or, with a demo centre:  okno --home {house.home} run --demo")
    answer({"home": str(house.home), "created": made, "migrated": moved, "users": people}, "\n".join(lines))


@click.command()
@json_option
@pass_house
@click.pass_context
def doctor(ctx: click.Context, house: House) -> None:
    """Check settings, data base, disk, plugins, worker and what is stuck; exit code 1 when something is wrong."""
    from core.doctor import examine

    log_to_stderr()
    checks = examine(house.home, "en" if json_wanted() else language())
    bad = [check for check in checks if not check.ok]
    if json_wanted():
        rows = [{"name": c.name, "ok": c.ok, "detail": c.detail, "mend": c.mend} for c in checks]
        answer({"healthy": not bad, "checks": rows})
    else:
        for check in checks:
            mark = click.style("ok  ", fg="green") if check.ok else click.style("BAD ", fg="red", bold=True)
            click.echo(f"{mark} {check.name:<20} {check.detail}")
            if not check.ok and check.mend:
                click.echo(f"     {'':<20} → {check.mend}")
    ctx.exit(EXIT_FAILURE if bad else 0)


@click.group()
def demo() -> None:
    """The demo centre."""


@demo.command()
@json_option
@pass_house
def load(house: House) -> None:
    """Load an invented company: people, services, contacts, cases, articles. Safe to repeat.

    Only an empty centre gets people and cases; enabled plugins add what they lack in any case.
    """
    with house.open():
        from core.demo.load import FOLDER, load_when_empty
        from core.house import okno

        loaded = load_when_empty()
        if not loaded:
            okno().hooks.load_demo(str(FOLDER))
    text = (
        "the demo centre is loaded" if loaded else "there are people already: only the plugins' parts were looked after"
    )
    answer({"loaded": loaded}, text)


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script for SHELL.

    For bash put this into ~/.bashrc:  eval "$(okno completion bash)"
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise click.ClickException(f"click has no completion for {shell}")
    click.echo(kind(ctx.find_root().command, {}, "okno", "_OKNO_COMPLETE").source())
