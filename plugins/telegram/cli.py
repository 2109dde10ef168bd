"""``okno telegram``: the bots of the house."""

from __future__ import annotations

import json

import click

from core.contracts import Rejected


def _say(as_json: bool, text: str, **data: object) -> None:
    click.echo(json.dumps({"ok": True, "data": data}, ensure_ascii=False) if as_json else text)


@click.group()
def telegram() -> None:
    """Telegram bots: add, list, switch, remove."""


@telegram.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_bots(as_json: bool) -> None:
    """Bots with their services and what is wrong with them."""
    from plugins.telegram import bots

    rows = [
        {
            "bot": bot.username,
            "services": [service.key for service in bots.services_of(bot.username)],
            "active": bot.active,
            "error": bot.error,
        }
        for bot in bots.listed()
    ]
    lines = [
        f"@{row['bot']}  {', '.join(row['services']) or 'the default service'}  "  # type: ignore[arg-type]
        f"{row['error'] or ('listens' if row['active'] else 'off')}"
        for row in rows
    ]
    _say(as_json, "\n".join(lines) or "there are no bots: okno telegram add", bots=rows)


@telegram.command("add")
@click.option(
    "--token", prompt=True, hide_input=True, envvar="TELEGRAM_TOKEN", help="From @BotFather; asked for when left out."
)
@click.option("--service", default="", help="Key of the service that the bot leads to.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def add_bot(token: str, service: str, as_json: bool) -> None:
    """Add a bot, or give one a new token."""
    from plugins.telegram import bots

    try:
        bot = bots.add(token, service)
    except Rejected as refusal:
        raise click.ClickException(refusal.text.en) from refusal
    _say(as_json, f"@{bot.username} is added", bot=bot.username)


@telegram.command("switch")
@click.argument("username")
@click.argument("state", type=click.Choice(["on", "off"]))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def switch_bot(username: str, state: str, as_json: bool) -> None:
    """Listen to a bot, or not."""
    from plugins.telegram import bots

    try:
        bots.switch(username, state == "on")
    except Rejected as refusal:
        raise click.ClickException(refusal.text.en) from refusal
    _say(as_json, f"@{username} is {state}", bot=username, active=state == "on")


@telegram.command("remove")
@click.argument("username")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def remove_bot(username: str, as_json: bool) -> None:
    """Forget a bot and its token."""
    from plugins.telegram import bots

    try:
        bots.remove(username)
    except Rejected as refusal:
        raise click.ClickException(refusal.text.en) from refusal
    _say(as_json, f"@{username} is removed", bot=username)
