"""``okno voice line``: the line directory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from core.commands.terminal import House, answer, answer_rows, json_option, pass_house

if TYPE_CHECKING:
    from plugins.voice.models.lines import VoiceLine

COLUMNS = ("key", "product", "title", "number", "service", "teams", "active")


@click.group()
def line() -> None:
    """The line directory: which line serves which product, its number, who may consult it."""


def _row(found: VoiceLine) -> dict[str, Any]:
    return {
        "key": found.key,
        "product": found.product,
        "title": found.title_en,
        "title_ru": found.title_ru,
        "number": found.number,
        "service": found.service.key if found.service else "",
        "teams": [team.key for team in found.teams],
        "note": found.note,
        "active": found.active,
    }


@line.command("list")
@click.option("--find", default="", help="Words of product, title, number or note.")
@json_option
@pass_house
def list_lines(house: House, find: str) -> None:
    """All lines; with --find those in use that hold each word."""
    with house.open():
        from plugins.voice.lines import directory

        found = directory.find(find) if find else directory.list_lines()
        answer_rows([_row(one) for one in found], COLUMNS, "no lines: add one with  okno voice line set KEY")


@line.command("set")
@click.argument("key")
@click.option("--product", required=True, help="What it serves.")
@click.option("--number", required=True, help="International, internal, or sip:name@host.")
@click.option("--title", required=True, help="Title in English.")
@click.option("--title-ru", help="Title in Russian; without it, the English one.")
@click.option("--service", default="", help="Key of the service in whose queue a call waits that is passed on.")
@click.option("--team", "teams", multiple=True, help="A team that may consult; without any, everybody.")
@click.option("--note", default="", help="When to turn to it.")
@click.option("--position", type=int, default=0, help="Its place among the lines of its product.")
@click.option("--active/--off", default=True, help="Whether it is in use.")
@json_option
@pass_house
def set_line(house: House, key: str, title: str, title_ru: str | None, **values: Any) -> None:
    """Add the line KEY or change it."""
    with house.open():
        from plugins.voice.lines import directory

        directory.save_line(key, title_en=title, title_ru=title_ru or title, **values)
        row = _row(directory.get_line(key))
        answer(row, f"line {key}: {row['product']}, {row['number']}")


@line.command("remove")
@click.argument("key")
@json_option
@pass_house
def remove(house: House, key: str) -> None:
    """Take the line KEY out of the directory."""
    with house.open():
        from plugins.voice.lines import directory

        directory.remove_line(key)
        answer({"key": key, "removed": True}, f"line {key} removed")
