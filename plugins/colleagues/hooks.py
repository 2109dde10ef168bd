"""What the chats of colleagues contribute. Each implementation is short and imports what it needs when it is called."""

from __future__ import annotations

from pathlib import Path

from core import error_texts, hookimpl
from core.contracts import (
    ApiOperation,
    Asset,
    BlueprintMount,
    DeskContext,
    ErrorText,
    MenuItem,
    NoticeKind,
    Permission,
    PersonAction,
    PluginSchema,
    SearchSource,
    Text,
)

HERE = Path(__file__).parent
MANY = 99


@hookimpl
def register_models() -> list[PluginSchema]:
    """The tables of rooms and posts."""
    return [PluginSchema(HERE / "migrations")]


@hookimpl
def register_permissions() -> list[Permission]:
    """Telling a whole team."""
    title = Text("Tell a whole team in a chat", "Сообщать всей группе в чате")
    return [Permission("colleagues.broadcast", title, ("supervisor", "admin"))]


@hookimpl
def register_blueprints() -> list[BlueprintMount]:
    """The page «Chats» and its commands."""
    from plugins.colleagues.views import blueprint

    return [BlueprintMount(blueprint, "/chats")]


@hookimpl
def register_api() -> list[ApiOperation]:
    """Chats under ``/api/v1/chats``."""
    from plugins.colleagues.api import resource

    return resource.operations


@hookimpl
def register_notices() -> list[NoticeKind]:
    """Mentions and what is told to all."""
    from plugins.colleagues.notices import KINDS

    return KINDS


@hookimpl
def register_assets() -> list[Asset]:
    """Styles and behaviour of the page."""
    return [Asset("css", "/chats/static/chats.css"), Asset("module", "/chats/static/chats.js")]


@hookimpl
def register_translations() -> list[str]:
    """The Russian catalogue."""
    return [str(HERE / "translations")]


@hookimpl
def register_search_sources() -> list[SearchSource]:
    """Chats in the desk's search box, each person's own."""
    from plugins.colleagues.finding import KIND, search

    title = Text("Chats with colleagues", "Чаты с коллегами")
    return [SearchSource(KIND, title, "messages", search, lambda key: f"/chats?at={key}", "desk.use")]


@hookimpl
def register_person_actions() -> list[PersonAction]:
    """«Write in a chat» at every colleague."""
    return [PersonAction("chat", Text("Write in a chat", "Написать в чат"), "message", "/chats?with={id}", "desk.use")]


@hookimpl
def collect_menu_items(context: DeskContext) -> list[MenuItem]:
    """Chats with what is unread."""
    from plugins.colleagues.reading import unread

    count = sum(unread(context.user_id).values())
    counter = "" if not count else str(count) if count <= MANY else f"{MANY}+"
    return [MenuItem("chats", Text("Chats", "Чаты"), "messages", "/chats", order=80, counter=counter)]


@hookimpl
def load_demo(folder: str) -> None:
    """Two groups and a personal chat of the demo centre."""
    from plugins.colleagues.demo import load

    load()


@hookimpl
def register_error_texts() -> list[ErrorText]:
    """What the plugin's operations refuse, with cause and remedy."""
    return error_texts.read(HERE / "errors.yml")
