"""``okno kb default`` and ``okno kb links``: what answers begin with, and links that lead nowhere."""

from __future__ import annotations

import click

from core.commands.terminal import House, answer_rows, json_option, pass_house
from plugins.kb.cli import kb


@kb.command("default")
@click.argument("service", required=False)
@click.argument("number", type=int, required=False)
@click.option("--channel", default="", help="Only in this channel; without it in every one.")
@click.option("--section", default="", help="Key of a section; without it the reply.")
@click.option("--remove", is_flag=True, help="Let answers begin empty again.")
@json_option
@pass_house
def default(house: House, service: str | None, number: int | None, channel: str, section: str, remove: bool) -> None:
    """Which article new answers of SERVICE begin with; without arguments all of them."""
    with house.open():
        from core.contracts import Rejected
        from plugins.kb.use import defaults

        try:
            if service and remove:
                defaults.remove_default(service, channel)
            elif service and number is not None:
                defaults.set_default(service, number, channel=channel, section=section)
        except Rejected as refusal:
            raise click.ClickException(refusal.text.en) from refusal
        rows = [
            {
                "service": row.service.key,
                "channel": row.channel or "*",
                "article": row.article.number,
                "title": row.article.title,
                "usable": defaults.usable(row.article),
            }
            for row in defaults.all_defaults()
            if service in (None, row.service.key)
        ]
        answer_rows(
            rows, ["service", "channel", "article", "title", "usable"], "No service begins its answers with an article."
        )


@kb.command("links")
@click.option("--note", is_flag=True, help="Read the links of every article anew first.")
@json_option
@pass_house
def broken_links(house: House, note: bool) -> None:
    """Links between articles that agents cannot follow; exit code 1 when there are any."""
    with house.open():
        from plugins.kb.use import links

        if note:
            links.note_all()
        rows = [
            {
                "article": row.article.number,
                "title": row.article.title,
                "leads_to": row.to_number,
                "why": row.why,
            }
            for row in links.broken()
        ]
        answer_rows(rows, ["article", "title", "leads_to", "why"], "Every link leads somewhere.")
        if rows:
            raise click.exceptions.Exit(1)
