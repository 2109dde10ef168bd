"""``okno messenger``: adapters of messengers."""

from __future__ import annotations

import click

from core.commands.terminal import House, answer, answer_rows, json_option, pass_house


@click.group()
def messenger() -> None:
    """Messengers by webhook: add, list, change, rotate, remove."""


@messenger.command("list")
@json_option
@pass_house
def list_links(house: House) -> None:
    """Adapters with their services and addresses."""
    with house.open():
        from plugins.messenger import links

        rows = [
            {
                "key": link.key,
                "title": link.title,
                "service": ", ".join(service.key for service in links.services_of(link.key)),
                "url": link.url,
                "active": link.active,
                "last_status": link.last_status,
            }
            for link in links.listed()
        ]
    columns = ["key", "title", "service", "url", "active", "last_status"]
    answer_rows(rows, columns, "There are no messengers: okno messenger add")


@messenger.command("add")
@click.argument("key")
@click.option("--title", default="", help="What the desk calls it.")
@click.option("--url", default="", help="Where our messages are sent.")
@click.option("--service", default="", help="Key of the service that it leads to.")
@json_option
@pass_house
def add_link(house: House, key: str, title: str, url: str, service: str) -> None:
    """Add an adapter and print its secret, this once."""
    with house.open():
        from plugins.messenger import links

        secret = links.add(key, title, url, service).secret
    answer({"key": key, "secret": secret}, f"{key} is added; its secret: {secret}")


@messenger.command("set")
@click.argument("key")
@click.option("--title", help="What the desk calls it.")
@click.option("--url", help="Where our messages are sent.")
@click.option("--on/--off", "active", default=None, help="Take and send, or not.")
@json_option
@pass_house
def set_link(house: House, key: str, title: str | None, url: str | None, active: bool | None) -> None:
    """Change what is given."""
    with house.open():
        from plugins.messenger import links

        links.update(key, title=title, url=url, active=active)
    answer({"key": key}, f"{key} is changed")


@messenger.command("rotate")
@click.argument("key")
@json_option
@pass_house
def rotate_secret(house: House, key: str) -> None:
    """Print a new secret, this once; the old one counts for a day more."""
    with house.open():
        from plugins.messenger import links

        secret = links.rotate(key).secret
    answer({"key": key, "secret": secret}, f"{key}: the new secret is {secret}")


@messenger.command("remove")
@click.argument("key")
@json_option
@pass_house
def remove_link(house: House, key: str) -> None:
    """Forget an adapter."""
    with house.open():
        from plugins.messenger import links

        links.remove(key)
    answer({"key": key}, f"{key} is removed")
