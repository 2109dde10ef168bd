"""What messengers contribute. Each implementation is short and imports what it needs when it is called."""

from __future__ import annotations

from pathlib import Path

from core import error_texts, hookimpl, live
from core.contracts import (
    BlueprintMount,
    Capabilities,
    Channel,
    CommandMount,
    DeskContext,
    ErrorText,
    MenuItem,
    OutboxHandler,
    PluginSchema,
    Setting,
    Text,
)

HERE = Path(__file__).parent


@hookimpl
def register_models() -> list[PluginSchema]:
    """The table of adapters."""
    from plugins.messenger import models

    return [PluginSchema(Path(models.__file__).parent / "migrations")]


@hookimpl
def register_settings() -> list[Setting]:
    """What is believed, and how much is taken."""
    return [
        Setting("messenger.tolerance_seconds", int, 300, Text("How far the time of a signed request may be from ours", "На сколько секунд может расходиться время подписанного запроса")),
        Setting("messenger.flood_messages", int, 60, Text("Messages that are taken from one person in a minute", "Сколько сообщений принимать от одного человека в минуту")),
    ]  # fmt: skip


@hookimpl
def register_channels() -> list[Channel]:
    """The channel: live, plain text, files."""
    from plugins.messenger.links import CHANNEL
    from plugins.messenger.receiving import process
    from plugins.messenger.sending import deliver

    label = Text("Messenger", "Мессенджер")
    return [Channel(CHANNEL, label, "webhook", Capabilities(live=True, attachments=True), CHANNEL, deliver, process)]


@hookimpl
def register_outbox_handlers() -> list[OutboxHandler]:
    """Answers out, files in."""
    from plugins.messenger import receiving, sending

    return [
        OutboxHandler(sending.KIND, sending.send, lane=live.LANE),
        OutboxHandler(receiving.FETCH, receiving.fetch, lane=live.LANE),
    ]


@hookimpl
def register_blueprints() -> list[BlueprintMount]:
    """Where adapters speak; the page of adapters."""
    from plugins.messenger.admin_views import blueprint as admin
    from plugins.messenger.views import blueprint

    return [BlueprintMount(blueprint, "/messenger", public=True), BlueprintMount(admin, "/admin/messenger")]


@hookimpl
def register_commands() -> list[CommandMount]:
    """``okno messenger``."""
    from plugins.messenger.cli import messenger

    return [CommandMount(messenger)]


@hookimpl
def register_translations() -> list[str]:
    """The Russian catalogue."""
    return [str(HERE / "translations")]


@hookimpl
def collect_menu_items(context: DeskContext) -> list[MenuItem]:
    """The adapters, in the admin menu."""
    label = Text("Messengers", "Мессенджеры")
    return [MenuItem("messenger", label, "webhook", "/admin/messenger", "admin", 231, "admin.services")]


@hookimpl
def register_error_texts() -> list[ErrorText]:
    """What the plugin's operations refuse, with cause and remedy."""
    return error_texts.read(HERE / "errors.yml")
