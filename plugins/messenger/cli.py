"""``okno messenger``: adapters of messengers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click

from core.contracts import Rejected


def _say(as_json: bool, text: str, **data: object) -> None:
    click.echo(json.dumps({"ok": True, "data": data}, ensure_ascii=False) if as_json else text)


def _done(operation: Callable[[], Any]) -> Any:
    try:
        return operation()
    except Rejected as refusal:
        raise click.ClickException(refusal.text.en) from refusal


@click.group()
def messenger() -> None:
    """Messengers by webhook: add, list, change, rotate, remove."""


@messenger.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_links(as_json: bool) -> None:
    """Adapters with their services and addresses."""
    from plugins.messenger import links

    rows = [
        {
            "key": link.key,
            "title": link.title,
            "url": link.url,
            "active": link.active,
            "services": [service.key for service in links.services_of(link.key)],
            "last_status": link.last_status,
        }
        for link in links.listed()
    ]
    lines = [
        f"{row['key']}  {row['url'] or '-'}  {'on' if row['active'] else 'off'}  {row['last_status']}" for row in rows
    ]
    _say(as_json, "\n".join(lines) or "there are no messengers: okno messenger add", messengers=rows)


@messenger.command("add")
@click.argument("key")
@click.option("--title", default="", help="What the desk calls it.")
@click.option("--url", default="", help="Where our messages are sent.")
@click.option("--service", default="", help="Key of the service that it leads to.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def add_link(key: str, title: str, url: str, service: str, as_json: bool) -> None:
    """Add an adapter and print its secret, this once."""
    from plugins.messenger import links

    link = _done(lambda: links.add(key, title, url, service))
    _say(as_json, f"{link.key} is added; its secret: {link.secret}", key=link.key, secret=link.secret)


@messenger.command("set")
@click.argument("key")
@click.option("--title", help="What the desk calls it.")
@click.option("--url", help="Where our messages are sent.")
@click.option("--on/--off", "active", default=None, help="Take and send, or not.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def set_link(key: str, title: str | None, url: str | None, active: bool | None, as_json: bool) -> None:
    """Change what is given."""
    from plugins.messenger import links

    _done(lambda: links.update(key, title=title, url=url, active=active))
    _say(as_json, f"{key} is changed", key=key)


@messenger.command("rotate")
@click.argument("key")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def rotate_secret(key: str, as_json: bool) -> None:
    """Print a new secret, this once; the old one counts for a day more."""
    from plugins.messenger import links

    link = _done(lambda: links.rotate(key))
    _say(as_json, f"{key}: the new secret is {link.secret}", key=key, secret=link.secret)


@messenger.command("remove")
@click.argument("key")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def remove_link(key: str, as_json: bool) -> None:
    """Forget an adapter."""
    from plugins.messenger import links

    _done(lambda: links.remove(key))
    _say(as_json, f"{key} is removed", key=key)
