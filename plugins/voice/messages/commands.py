"""``okno voice message``: central recorded messages."""

from __future__ import annotations

from pathlib import Path

import click

from core.commands.terminal import House, answer, answer_rows, json_option, pass_house


@click.group()
def message() -> None:
    """Recorded messages for everybody; agents keep their own at the desk."""


@message.command("list")
@json_option
@pass_house
def list_messages(house: House) -> None:
    """All central messages."""
    with house.open():
        from plugins.voice.messages import operations

        rows = [
            {"id": row.id, "key": row.key, "title": row.title, "seconds": round(row.seconds, 1)}
            for row in operations.central()
        ]
        nothing = "no recorded messages: add one with  okno voice message add FILE --title TITLE"
        answer_rows(rows, ("id", "key", "title", "seconds"), nothing)


@message.command("add")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--title", required=True, help="What it is called.")
@click.option("--key", default="", help="The name by which menus play it.")
@json_option
@pass_house
def add(house: House, file: Path, title: str, key: str) -> None:
    """Keep a sound FILE (WAV, MP3, Ogg, M4A; at most five minutes) as a central message."""
    with house.open():
        from plugins.voice.messages import operations

        row = operations.add(title, file.read_bytes(), owner_id=None, key=key)
        data = {"id": row.id, "key": row.key, "title": row.title, "seconds": round(row.seconds, 1)}
        answer(data, f"message {row.id} «{row.title}», {row.seconds:.1f} s")


@message.command("remove")
@click.argument("message_id", type=int)
@json_option
@pass_house
def remove(house: House, message_id: int) -> None:
    """Take the central message MESSAGE_ID away."""
    with house.open():
        from plugins.voice.messages import operations

        operations.remove(message_id)
        answer({"id": message_id, "removed": True}, f"message {message_id} removed")
