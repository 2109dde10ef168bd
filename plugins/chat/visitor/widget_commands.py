"""``okno chat-widgets``: list, show, add, set, remove, the line for a site."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from core.commands.terminal import House, answer, answer_rows, given, json_option, pass_house

if TYPE_CHECKING:
    from plugins.chat.models import Widget

COLUMNS = ("key", "title_en", "title_ru", "service", "origins", "offline", "active")
FEATURES = ("files", "emoji", "rating", "place", "page")


@contextmanager
def _opened(house: House) -> Iterator[None]:
    with house.open():
        from core.contracts import Rejected

        try:
            yield
        except Rejected as refusal:
            raise click.ClickException(refusal.text.en) from refusal


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--active/--off", default=None, help="Whether it is in use."),
        click.option("--without", multiple=True, type=click.Choice(FEATURES), help="Functions that are off."),
        click.option(
            "--ask",
            multiple=True,
            help="A question before the chat: name, email, phone or a text; «*» behind must be answered.",
        ),
        click.option("--origin", "origins", multiple=True, help="A site that may carry it; without any, all may."),
        click.option(
            "--offline", type=click.Choice(["never", "hours", "agents"]), help="When a form stands in for the chat."
        ),
        click.option("--position", type=click.Choice(["right", "left"]), help="Where the button stands."),
        click.option("--theme", type=click.Choice(["auto", "light", "dark"]), help="Light or dark."),
        click.option("--colour", help="Such as #2b5fc7."),
        click.option("--title-ru", help="Title in Russian."),
        click.option("--title", "title_en", help="Title in English."),
        click.option("--service", help="Key of the service that answers; without it the default one."),
    ):
        command = option(command)
    return command


@click.group("chat-widgets")
def chat_widgets() -> None:
    """The chat on sites: its look, its questions, where it may stand."""


@chat_widgets.command("list")
@json_option
@pass_house
def list_widgets(house: House) -> None:
    """All widgets."""
    with _opened(house):
        from plugins.chat.visitor import widgets

        rows = [_row(one) for one in widgets.list_widgets()]
        answer_rows(rows, COLUMNS, "no widgets: add one with  okno chat-widgets add KEY --service SERVICE")


@chat_widgets.command("add")
@click.argument("key")
@_options
@json_option
@pass_house
def add(house: House, key: str, service: str | None, **values: Any) -> None:
    """Add a widget KEY."""
    with _opened(house):
        from plugins.chat.visitor import widgets

        row = widgets.add_widget(key, service or "", **_values(values))
        answer(_row(row), f"widget {row.key} added; its line:  okno chat-widgets line {row.key}")


@chat_widgets.command("set")
@click.argument("key")
@_options
@json_option
@pass_house
def change(house: House, key: str, service: str | None, **values: Any) -> None:
    """Change the given values of the widget KEY; --ask, --origin and --without stand for all that were there."""
    with _opened(house):
        from plugins.chat.visitor import widgets

        row = widgets.update_widget(key, service, **_values(values))
        answer(_row(row), f"widget {key} changed")


@chat_widgets.command()
@click.argument("key")
@json_option
@pass_house
def remove(house: House, key: str) -> None:
    """Take the widget KEY away; its conversations stay."""
    with _opened(house):
        from plugins.chat.visitor import widgets

        widgets.remove_widget(key)
        answer({"key": key, "removed": True}, f"widget {key} removed")


@chat_widgets.command()
@click.argument("key")
@click.option("--url", help="Address of this centre as visitors reach it; without it, web.public_url.")
@json_option
@pass_house
def line(house: House, key: str, url: str | None) -> None:
    """The line that a site carries for the widget KEY."""
    with _opened(house):
        from plugins.chat.visitor import widgets

        widgets.get_widget(key)
        text = widgets.snippet(url or "https://okno.example/", key)
        answer({"key": key, "line": text}, text)


def _values(values: dict[str, Any]) -> dict[str, Any]:
    """What was given, as the operations take it."""
    plain = given(**{name: value for name, value in values.items() if not isinstance(value, tuple)})
    if values["ask"]:
        plain["fields"] = [_question(one) for one in values["ask"]]
    if values["origins"]:
        plain["origins"] = list(values["origins"])
    if values["without"]:
        plain["features"] = {name: name not in values["without"] for name in FEATURES}
    return plain


def _question(text: str) -> dict[str, Any]:
    named = {
        "name": ("Your name", "Ваше имя"),
        "email": ("Your email", "Ваша почта"),
        "phone": ("Your phone", "Ваш телефон"),
    }
    words = text.removesuffix("*").strip()
    title_en, title_ru = named.get(words, (words, words))
    kind = words if words in named else "text"
    return {"kind": kind, "title_en": title_en, "title_ru": title_ru, "required": text.endswith("*")}


def _row(row: Widget) -> dict[str, Any]:
    from plugins.chat.visitor import widgets

    service = widgets.services_of([row.key]).get(row.key)
    return {
        **{name: getattr(row, name) for name in ("key", *widgets.COLUMNS)},
        "service": service.key if service else "",
    }
