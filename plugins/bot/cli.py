"""``okno bot``: where the bot speaks first."""

from __future__ import annotations

from dataclasses import asdict, replace

import click

from core.commands.terminal import House, answer, answer_rows, given, json_option, pass_house


@click.group()
def bot() -> None:
    """The bot that answers before an agent does."""


@bot.command("list")
@json_option
@pass_house
def list_rules(house: House) -> None:
    """Services with their rules."""
    with house.open():
        from core import services
        from plugins.bot import rules

        rows = [{"service": one.key, **asdict(rules.rule_of(one.id))} for one in services.list_services()]
    answer_rows(rows, ["service", "active", "attempts", "greeting_ru", "greeting_en"], "There are no services")


@bot.command("set")
@click.argument("service")
@click.option("--on/--off", "active", default=None, help="Whether the bot answers first.")
@click.option("--greeting-ru", help="What it says first, in Russian.")
@click.option("--greeting-en", help="What it says first, in English.")
@click.option("--attempts", type=int, help="How often it offers articles before an agent is called.")
@json_option
@pass_house
def set_rule(
    house: House,
    service: str,
    active: bool | None,
    greeting_ru: str | None,
    greeting_en: str | None,
    attempts: int | None,
) -> None:
    """Change what is given of a service's rule."""
    changed = given(active=active, greeting_ru=greeting_ru, greeting_en=greeting_en, attempts=attempts)
    with house.open():
        from core import services
        from plugins.bot import rules

        wanted = replace(rules.rule_of(services.get_service(service).id), **changed)
        rules.set_rule(service, wanted)
    answer({"service": service, **asdict(wanted)}, f"{service}: the bot is {'on' if wanted.active else 'off'}")
