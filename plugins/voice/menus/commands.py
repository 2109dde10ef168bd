"""``okno voice menu``: list, export, import, remove, try."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import click

from core.commands.terminal import House, answer, answer_rows, json_option, language, pass_house


@click.group()
def menu() -> None:
    """Voice menus: what callers hear and press before anybody answers."""


@menu.command("list")
@json_option
@pass_house
def list_menus(house: House) -> None:
    """All menus with the numbers they answer, and how many of their texts are not spoken."""
    with house.open():
        from plugins.voice.menus import operations

        silent = operations.unspoken()
        rows = [
            {
                "key": row.key,
                "title": row.title_en,
                "numbers": row.document.get("numbers", []),
                "steps": len(row.document.get("steps", {})),
                "active": row.active,
                "unspoken": len(silent.get(row.key, ())),
            }
            for row in operations.list_menus()
        ]
        columns = ("key", "title", "numbers", "steps", "active", "unspoken")
        answer_rows(rows, columns, "no voice menus: read one with  okno voice menu import KEY FILE")
        _warn(sum(len(texts) for texts in silent.values()))


def _warn(unspoken: int) -> None:
    """Say on standard error that callers hear tones in the place of texts, and what helps."""
    from plugins.voice.messages import operations as messages

    if unspoken and not messages.speaks():
        click.echo(
            f"{unspoken} texts are not spoken, callers hear a tone instead: no program speaks on this machine. "
            "Install espeak-ng, set voice.speech_command, or play recorded messages.",
            err=True,
        )
    elif unspoken:
        click.echo(f"{unspoken} texts are not spoken yet, callers hear a tone until then.", err=True)


@menu.command("export")
@click.argument("key")
@pass_house
def export(house: House, key: str) -> None:
    """Print the menu KEY as YAML."""
    with house.open():
        from plugins.voice.menus import operations

        click.echo(operations.as_yaml(operations.get_menu(key).document), nl=False)


@menu.command("import")
@click.argument("key")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True))
@click.option("--off", is_flag=True, help="Keep it without using it.")
@json_option
@pass_house
def import_menu(house: House, key: str, file: Path, off: bool) -> None:
    """Add the menu KEY from a YAML FILE ("-": standard input), or put it in the place of the one there is."""
    with house.open():
        from plugins.voice.menus import operations

        text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
        row = operations.save_menu(key, operations.from_yaml(text), active=not off)
        data = {
            "key": row.key,
            "steps": len(row.document["steps"]),
            "numbers": row.document["numbers"],
            "active": row.active,
            "unspoken": operations.unspoken().get(row.key, []),
        }
        _warn(len(data["unspoken"]))
        answer(data, f"menu {row.key}: {data['steps']} steps; try it with  okno voice menu try {row.key}")


@menu.command("remove")
@click.argument("key")
@json_option
@pass_house
def remove(house: House, key: str) -> None:
    """Take the menu KEY away; its numbers lead to their services again."""
    with house.open():
        from plugins.voice.menus import operations

        operations.remove_menu(key)
        answer({"key": key, "removed": True}, f"menu {key} removed")


@menu.command("try")
@click.argument("key")
@click.argument("keys", nargs=-1)
@click.option("--at", type=click.DateTime(), help="As if it were this time (UTC).")
@json_option
@pass_house
def try_menu(house: House, key: str, keys: tuple[str, ...], at: datetime | None) -> None:
    """What a caller of the menu KEY hears who presses KEYS one after another ("-": nothing in time)."""
    from datetime import UTC

    with house.open():
        from plugins.voice.menus import operations, simulator
        from plugins.voice.menus.document import read

        row = operations.get_menu(key)
        found = read(row.key, row.document)
        moment = operations.moment(at.replace(tzinfo=UTC) if at else None)
        lines = simulator.play(found, keys, moment, language())
        marks = {"menu": "<", "caller": ">", "end": "="}
        told = "\n".join(f"{marks[line.who]} {line.text}" for line in lines)
        answer({"key": key, "lines": [line.plain() for line in lines]}, told)
