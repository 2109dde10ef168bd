"""What the bot contributes. Each implementation is short and imports what it needs when it is called."""

from __future__ import annotations

from pathlib import Path

from core import error_texts, hookimpl
from core.contracts import (
    BlueprintMount,
    BotReply,
    BotTurn,
    CommandMount,
    DeskContext,
    ErrorText,
    Inbound,
    Panel,
    PluginSchema,
    ServiceInfo,
    Text,
)

HERE = Path(__file__).parent


@hookimpl
def register_models() -> list[PluginSchema]:
    """The table of rules."""
    from plugins.bot import models

    return [PluginSchema(Path(models.__file__).parent / "migrations")]


@hookimpl
def choose_bot(inbound: Inbound, service: ServiceInfo) -> str | None:
    """Where it is switched on for the service."""
    from plugins.bot.answering import BOT
    from plugins.bot.rules import rule_of

    return BOT if rule_of(service.id).active else None


@hookimpl
def choose_bot_reply(turn: BotTurn) -> BotReply | None:
    """Articles, or over to a person."""
    from plugins.bot.answering import BOT, reply

    return reply(turn) if turn.bot == BOT else None


@hookimpl
def register_blueprints() -> list[BlueprintMount]:
    """The card on the administrator's page of a service."""
    from plugins.bot.views import blueprint

    return [BlueprintMount(blueprint, "/bot")]


@hookimpl
def register_commands() -> list[CommandMount]:
    """``okno bot``."""
    from plugins.bot.cli import bot

    return [CommandMount(bot)]


@hookimpl
def register_translations() -> list[str]:
    """The Russian catalogue."""
    return [str(HERE / "translations")]


@hookimpl
def collect_panels(context: DeskContext) -> list[Panel]:
    """The rule of a service."""
    title = Text("Bot before the agent", "Бот до оператора")
    return [Panel("bot-rule", title, "robot", "/bot/rule", "service", permission="admin.services")]


@hookimpl
def register_error_texts() -> list[ErrorText]:
    """What the plugin's operations refuse, with cause and remedy."""
    return error_texts.read(HERE / "errors.yml")
