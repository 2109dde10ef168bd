"""``okno bot``: where the bot speaks first."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import click

from core.contracts import Rejected


def _say(as_json: bool, text: str, **data: object) -> None:
    click.echo(json.dumps({"ok": True, "data": data}, ensure_ascii=False) if as_json else text)


@click.group()
def bot() -> None:
    """The bot that answers before an agent does."""


@bot.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_rules(as_json: bool) -> None:
    """Services with their rules."""
    from core import services
    from plugins.bot import rules

    rows = {service.key: asdict(rules.rule_of(service.id)) for service in services.list_services()}
    lines = [f"{key}  {'on' if rule['active'] else 'off'}  attempts: {rule['attempts']}" for key, rule in rows.items()]
    _say(as_json, "\n".join(lines), services=rows)


@bot.command("set")
@click.argument("service")
@click.option("--on/--off", "active", default=None, help="Whether the bot answers first.")
@click.option("--greeting-ru", help="What it says first, in Russian.")
@click.option("--greeting-en", help="What it says first, in English.")
@click.option("--attempts", type=int, help="How often it offers articles before an agent is called.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def set_rule(
    service: str,
    active: bool | None,
    greeting_ru: str | None,
    greeting_en: str | None,
    attempts: int | None,
    as_json: bool,
) -> None:
    """Change what is given of a service's rule."""
    from core import services
    from plugins.bot import rules

    given = {"active": active, "greeting_ru": greeting_ru, "greeting_en": greeting_en, "attempts": attempts}
    try:
        before = rules.rule_of(services.get_service(service).id)
        wanted = replace(before, **{name: value for name, value in given.items() if value is not None})
        rules.set_rule(service, wanted)
    except Rejected as refusal:
        raise click.ClickException(refusal.text.en) from refusal
    _say(as_json, f"{service}: the bot is {'on' if wanted.active else 'off'}", service=service, rule=asdict(wanted))
