"""``okno tokens`` and ``okno webhooks``: the keys to the API, and who is told of what happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from core.commands.terminal import House, answer, answer_rows, json_option, pass_house

if TYPE_CHECKING:
    from core.model import ApiToken, Webhook


def token_row(token: ApiToken) -> dict[str, Any]:
    """A token for lists and programs."""
    return {
        "id": token.id,
        "name": token.name,
        "user": token.user.login,
        "kind": "service" if token.service else "personal",
        "prefix": token.prefix,
        "scopes": list(token.scopes),
        "used_at": token.used_at,
        "expires_at": token.expires_at,
        "revoked": token.revoked_at is not None,
    }


@click.group()
def tokens() -> None:
    """Keys to the REST API: make, list, revoke."""


@tokens.command("create")
@click.argument("login")
@click.option("--name", required=True, help="What it is for.")
@click.option("--scope", "scopes", multiple=True, help="Like cases:read; may be repeated. All when none is given.")
@click.option("--service", is_flag=True, help="For a program, not for the person.")
@click.option("--days", type=click.IntRange(1, 3650), help="End after so many days; never without it.")
@json_option
@pass_house
def create_token(house: House, login: str, name: str, scopes: tuple[str, ...], service: bool, days: int | None) -> None:
    """A token that acts as the user LOGIN. It is printed once and kept nowhere."""
    with house.open():
        from datetime import timedelta

        from core import directory
        from core import tokens as operations
        from core.clock import now

        user = directory.get_user(login)
        end = now() + timedelta(days=days) if days else None
        chosen = scopes or tuple(operations.scopes())
        token, secret = operations.create(user.id, name, chosen, service=service, expires_at=end)
        answer({**token_row(token), "secret": secret}, secret)


@tokens.command("list")
@click.option("--user", "login", help="Only this user's.")
@click.option("--all", "ended", is_flag=True, help="Revoked ones as well.")
@json_option
@pass_house
def list_tokens(house: House, login: str | None, ended: bool) -> None:
    """Tokens with their users, newest first."""
    with house.open():
        from core import directory
        from core import tokens as operations

        user_id = directory.get_user(login).id if login else None
        rows = [token_row(token) for token in operations.listed(user_id, ended=ended)]
        columns = ("id", "name", "user", "kind", "prefix", "scopes", "used_at", "expires_at")
        answer_rows(rows, columns, "no tokens: make one with  okno tokens create LOGIN --name NAME")


@tokens.command("revoke")
@click.argument("ids", nargs=-1, type=int, required=True)
@json_option
@pass_house
def revoke_tokens(house: House, ids: tuple[int, ...]) -> None:
    """End tokens by their IDS, at once."""
    with house.open():
        from core import tokens as operations
        from core.db import transaction

        with transaction():
            for token_id in ids:
                operations.revoke(token_id)
        answer({"revoked": list(ids)}, f"{len(ids)} revoked")


@tokens.command("scopes")
@json_option
@pass_house
def list_scopes(house: House) -> None:
    """Every scope a token may have."""
    with house.open():
        from core import tokens as operations

        rows = [{"scope": scope, "meaning": title.en} for scope, title in operations.scopes().items()]
        answer_rows(rows, ("scope", "meaning"), "none")


# --- webhooks ----------------------------------------------------------------------------------------


def webhook_row(webhook: Webhook) -> dict[str, Any]:
    """A webhook for lists and programs, without its secret."""
    return {
        "id": webhook.id,
        "url": webhook.url,
        "events": list(webhook.events),
        "active": webhook.active,
        "failures": webhook.failures,
        "last_status": webhook.last_status,
        "last_at": webhook.last_at,
    }


@click.group()
def webhooks() -> None:
    """Tell other systems what happens: add, list, test, change, remove."""


@webhooks.command("add")
@click.argument("url")
@click.option(
    "--event", "events", multiple=True, help="Like case.created, ping.* or *; may be repeated. All without it."
)
@json_option
@pass_house
def add_webhook(house: House, url: str, events: tuple[str, ...]) -> None:
    """Send events to URL. The signing secret is printed once."""
    with house.open():
        from core import webhooks as operations

        webhook = operations.add(url, events or ("*",))
        answer({**webhook_row(webhook), "secret": webhook.secret}, f"{webhook.id}\n{webhook.secret}")


@webhooks.command("list")
@json_option
@pass_house
def list_webhooks(house: House) -> None:
    """Who is told of what, and how the last delivery went."""
    with house.open():
        from core import webhooks as operations

        rows = [webhook_row(webhook) for webhook in operations.listed()]
        columns = ("id", "url", "events", "active", "failures", "last_status", "last_at")
        answer_rows(rows, columns, "no webhooks: add one with  okno webhooks add URL")


@webhooks.command("events")
@json_option
@pass_house
def list_events(house: House) -> None:
    """The events that can be asked for."""
    with house.open():
        from core import webhooks as operations

        rows = [{"event": name, "meaning": title.en} for name, title in operations.EVENTS.items()]
        answer_rows(rows, ("event", "meaning"), "none")


@webhooks.command("test")
@click.argument("webhook_id", type=int)
@json_option
@pass_house
def test_webhook(house: House, webhook_id: int) -> None:
    """Send an event of type «test»; the worker delivers it."""
    with house.open():
        from core import webhooks as operations

        event_id = operations.test(webhook_id)
        answer({"event": event_id}, f"{event_id} is on its way")


@webhooks.command("enable")
@click.argument("webhook_id", type=int)
@json_option
@pass_house
def enable_webhook(house: House, webhook_id: int) -> None:
    """Switch a webhook on (again); its failures are forgotten."""
    _switch(house, webhook_id, True)


@webhooks.command("disable")
@click.argument("webhook_id", type=int)
@json_option
@pass_house
def disable_webhook(house: House, webhook_id: int) -> None:
    """Switch a webhook off; what waits for it is given up."""
    _switch(house, webhook_id, False)


def _switch(house: House, webhook_id: int, active: bool) -> None:
    with house.open():
        from core import webhooks as operations

        webhook = operations.update(webhook_id, active=active)
        answer(webhook_row(webhook), f"{webhook.url}: {'on' if active else 'off'}")


@webhooks.command("rotate")
@click.argument("webhook_id", type=int)
@json_option
@pass_house
def rotate_webhook(house: House, webhook_id: int) -> None:
    """A new secret, printed once; for a day the old one's signature is sent as well."""
    with house.open():
        from core import webhooks as operations

        webhook = operations.rotate(webhook_id)
        answer({**webhook_row(webhook), "secret": webhook.secret}, webhook.secret)


@webhooks.command("remove")
@click.argument("ids", nargs=-1, type=int, required=True)
@json_option
@pass_house
def remove_webhooks(house: House, ids: tuple[int, ...]) -> None:
    """Forget webhooks by their IDS."""
    with house.open():
        from core import webhooks as operations
        from core.db import transaction

        with transaction():
            for webhook_id in ids:
                operations.remove(webhook_id)
        answer({"removed": list(ids)}, f"{len(ids)} removed")
