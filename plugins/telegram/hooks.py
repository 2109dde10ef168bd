"""What telegram contributes. Each implementation is short and imports what it needs when it is called."""

from __future__ import annotations

from pathlib import Path

from core import error_texts, hookimpl, live
from core.contracts import (
    BlueprintMount,
    Capabilities,
    Channel,
    CommandMount,
    Daemon,
    DeskContext,
    ErrorText,
    HealthCheck,
    MenuItem,
    OutboxHandler,
    PluginSchema,
    Setting,
    Text,
)

HERE = Path(__file__).parent
MODES = ("polling", "webhook")


@hookimpl
def register_models() -> list[PluginSchema]:
    """The table of bots."""
    from plugins.telegram import models

    return [PluginSchema(Path(models.__file__).parent / "migrations")]


@hookimpl
def register_settings() -> list[Setting]:
    """Where the Bot API is, and how updates come."""
    return [
        Setting("telegram.api_base", str, "https://api.telegram.org", Text("Address of the Bot API", "Адрес Bot API")),
        Setting("telegram.mode", str, "polling", Text("How updates come: we ask, or Telegram sends them to web.base_url", "Как приходят обновления: опрос или отправка на web.base_url"), choices=MODES),
        Setting("telegram.poll_seconds", int, 25, Text("How long one question for updates waits", "Сколько секунд ждёт один запрос обновлений")),
        Setting("telegram.flood_messages", int, 60, Text("Messages that are taken from one person in a minute", "Сколько сообщений принимать от одного человека в минуту")),
    ]  # fmt: skip


@hookimpl
def register_channels() -> list[Channel]:
    """The channel: live, plain text, files."""
    from plugins.telegram.bots import CHANNEL
    from plugins.telegram.receiving import process
    from plugins.telegram.sending import deliver

    capabilities = Capabilities(live=True, attachments=True)
    label = Text("Telegram", "Telegram")
    return [Channel(CHANNEL, label, "brand-telegram", capabilities, CHANNEL, deliver, process)]


@hookimpl
def register_outbox_handlers() -> list[OutboxHandler]:
    """Answers out, files in."""
    from plugins.telegram import receiving, sending

    return [
        OutboxHandler(sending.KIND, sending.send, lane=live.LANE),
        OutboxHandler(receiving.SAY, sending.say, lane=live.LANE),
        OutboxHandler(receiving.FETCH, sending.fetch, lane=live.LANE),
    ]


@hookimpl
def register_daemons() -> list[Daemon]:
    """Who listens to the bots."""
    from plugins.telegram.polling import start

    return [Daemon("telegram-updates", start, leader=True)]


@hookimpl
def register_blueprints() -> list[BlueprintMount]:
    """Where Telegram sends updates; the page of bots."""
    from plugins.telegram.admin_views import blueprint as admin
    from plugins.telegram.views import blueprint

    return [BlueprintMount(blueprint, "/telegram", public=True), BlueprintMount(admin, "/admin/telegram")]


@hookimpl
def register_commands() -> list[CommandMount]:
    """``okno telegram``."""
    from plugins.telegram.cli import telegram

    return [CommandMount(telegram)]


@hookimpl
def register_translations() -> list[str]:
    """The Russian catalogue."""
    return [str(HERE / "translations")]


@hookimpl
def collect_menu_items(context: DeskContext) -> list[MenuItem]:
    """The bots, in the admin menu."""
    label = Text("Telegram bots", "Боты Telegram")
    return [MenuItem("telegram", label, "brand-telegram", "/admin/telegram", "admin", 230, "admin.services")]


@hookimpl
def check_health() -> list[HealthCheck]:
    """Whether each bot is listened to and leads somewhere."""
    from plugins.telegram.health import checks

    return checks()


@hookimpl
def register_error_texts() -> list[ErrorText]:
    """What the plugin's operations refuse, with cause and remedy."""
    return error_texts.read(HERE / "errors.yml")
