"""``okno telegram``: the bots of the house."""

from __future__ import annotations

import click

from core.commands.terminal import House, answer, answer_rows, json_option, pass_house


@click.group()
def telegram() -> None:
    """Telegram bots: add, list, switch, remove."""


@telegram.command("list")
@json_option
@pass_house
def list_bots(house: House) -> None:
    """Bots with their services and what is wrong with them."""
    with house.open():
        from plugins.telegram import bots

        rows = [
            {
                "bot": bot.username,
                "service": ", ".join(service.key for service in bots.services_of(bot.username)),
                "active": bot.active,
                "error": bot.error,
            }
            for bot in bots.listed()
        ]
    answer_rows(rows, ["bot", "service", "active", "error"], "There are no bots: okno telegram add")


@telegram.command("add")
@click.option(
    "--token", prompt=True, hide_input=True, envvar="TELEGRAM_TOKEN", help="From @BotFather; asked for when left out."
)
@click.option("--service", default="", help="Key of the service that the bot leads to.")
@json_option
@pass_house
def add_bot(house: House, token: str, service: str) -> None:
    """Add a bot, or give one a new token."""
    with house.open():
        from plugins.telegram import bots

        username = bots.add(token, service).username
    answer({"bot": username}, f"@{username} is added")


@telegram.command("switch")
@click.argument("username")
@click.argument("state", type=click.Choice(["on", "off"]))
@json_option
@pass_house
def switch_bot(house: House, username: str, state: str) -> None:
    """Listen to a bot, or not."""
    with house.open():
        from plugins.telegram import bots

        bots.switch(username, state == "on")
    answer({"bot": username, "active": state == "on"}, f"@{username} is {state}")


@telegram.command("remove")
@click.argument("username")
@json_option
@pass_house
def remove_bot(house: House, username: str) -> None:
    """Forget a bot and its token."""
    with house.open():
        from plugins.telegram import bots

        bots.remove(username)
    answer({"bot": username}, f"@{username} is removed")
