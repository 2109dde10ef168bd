"""``okno canned`` and ``okno chat-rules``: what agents answer with, how services chat."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from core.commands.terminal import House, answer_rows, json_option, pass_house

SCOPES = "For one person (a login) or a team (its key); without either for everybody."


@contextmanager
def _opened(house: House) -> Iterator[None]:
    with house.open():
        from core.contracts import Rejected

        try:
            yield
        except Rejected as refusal:
            raise click.ClickException(refusal.text.en) from refusal


@click.group()
def canned() -> None:
    """Canned replies: what agents insert with «/»."""


@canned.command("list")
@click.option("--login", help="What this person may insert; without it, those of everybody.")
@json_option
@pass_house
def list_replies(house: House, login: str | None) -> None:
    """Show them in their order."""
    with _opened(house):
        from core.directory import get_user
        from plugins.chat.desk import canned as replies

        found = replies.visible(get_user(login).id) if login else replies.of_everybody()
        rows = [
            {"id": one.id, "for": one.scope, "section": " / ".join(one.path), "title": one.title, "text": one.text[:60]}
            for one in found
        ]
        answer_rows(rows, ["id", "for", "section", "title", "text"], "No canned replies yet: okno canned add --help")


@canned.command("add")
@click.argument("title")
@click.argument("html")
@click.option("--section", default="", help="Path of sections, such as «Delivery/Terms»; made where missing.")
@click.option("--login", help=SCOPES)
@click.option("--team", help=SCOPES)
@json_option
@pass_house
def add(house: House, title: str, html: str, section: str, login: str | None, team: str | None) -> None:
    """Add a reply named TITLE with the words HTML; %F and %L are the contact's names, %AF and %AL the agent's."""
    with _opened(house):
        from core.directory import get_team, get_user
        from plugins.chat.desk import canned as replies

        whose = replies.Whose(get_user(login).id if login else None, get_team(team).id if team else None)
        row = replies.add(title, html, whose, section_id=replies.ensure_path(section, whose))
        answer_rows([{"id": row.id, "title": row.title}], ["id", "title"], "")


@canned.command("remove")
@click.argument("canned_id", type=int)
@json_option
@pass_house
def remove(house: House, canned_id: int) -> None:
    """Take the reply CANNED_ID away."""
    with _opened(house):
        from plugins.chat.desk import canned as replies

        replies.remove(canned_id)
        answer_rows([{"id": canned_id, "removed": True}], ["id", "removed"], "")


@click.command("chat-rules")
@click.argument("service", required=False)
@click.option(
    "--answer-seconds", type=int, help="The bar turns orange after so many; 0: the setting desk.answer_seconds."
)
@click.option("--warn-seconds", type=int, help="A silent visitor is warned after so many; 0: never.")
@click.option("--close-seconds", type=int, help="The chat ends so many after the warning; 0: never.")
@click.option("--warning-en", help="Words of the warning in English.")
@click.option("--warning-ru", help="Words of the warning in Russian.")
@click.option("--closing-en", help="Words at the end in English.")
@click.option("--closing-ru", help="Words at the end in Russian.")
@click.option("--greeting", type=click.Choice(["none", "automatic", "suggested"]), help="The agent's first words.")
@click.option("--greeting-en", help="The greeting in English, HTML with %AF %AL %F %L.")
@click.option("--greeting-ru", help="The greeting in Russian.")
@json_option
@pass_house
def chat_rules(house: House, service: str | None, **given: Any) -> None:
    """Waiting, silence and greeting of SERVICE; without options, or without SERVICE, what is set."""
    with _opened(house):
        from core import services
        from plugins.chat.desk import rules

        values = {name: value for name, value in given.items() if value is not None}
        for name in rules.TIMES:
            if values.get(name) == 0:
                values[name] = None
        if service and values:
            rules.set_rule(service, **values)
        known = rules.all_rules()
        rows = [
            {
                "service": row.key,
                "answer": known[row.id].answer_seconds,
                "warn": known[row.id].warn_seconds,
                "close": known[row.id].close_seconds,
                "greeting": known[row.id].greeting,
            }
            for row in services.list_services()
            if row.id in known and service in (None, row.key)
        ]
        answer_rows(rows, ["service", "answer", "warn", "close", "greeting"], "No service has rules of its own.")
