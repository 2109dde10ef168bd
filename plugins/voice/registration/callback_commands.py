"""``okno voice callbacks``: who waits to be called back; calling now, cancelling."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from core.commands.terminal import House, answer, answer_rows, json_option, pass_house
from plugins.voice.registration.commands import FROM, UNTIL

if TYPE_CHECKING:
    from plugins.voice.registration.callback_list import Row

STATES = ("open", "waiting", "promised", "paused", "calling", "done", "failed", "cancelled")
COLUMNS = ("id", "number", "contact", "service", "state", "asked", "call_at", "not_reached", "place", "agent", "case")


@click.group()
def callbacks() -> None:
    """Callbacks: who waits to be called back, and whose turn it is."""


@callbacks.command("list")
@click.option("--state", type=click.Choice(STATES), default="open", help="Which; without it, all that are open.")
@click.option("--service", "services", multiple=True, help="Key of a service; without any, all services.")
@FROM
@UNTIL
@click.option("--limit", type=click.IntRange(1, 1000), default=100, help="At most so many.")
@json_option
@pass_house
def list_callbacks(
    house: House, state: str, services: tuple[str, ...], since: datetime | None, until: datetime | None, limit: int
) -> None:
    """The open ones from the oldest on; those that are over, by the time of their end, from the newest back."""
    with house.open():
        from core.clock import now
        from plugins.voice.registration import callback_list

        end = until.replace(tzinfo=UTC) if until else now()
        begin = since.replace(tzinfo=UTC) if since else end - timedelta(days=7)
        asked = callback_list.Asked(begin, end, "" if state == "open" else state, _service_ids(services))
        rows = [_row(one) for one in callback_list.page(asked, limit=limit)]
        answer_rows(rows, COLUMNS, "nobody waits to be called back" if state == "open" else "no such callbacks")


def _service_ids(keys: tuple[str, ...]) -> list[int] | None:
    """None: all services. Raises ``Rejected`` for a key that is not there."""
    from core.services import get_service

    return [get_service(key).id for key in keys] or None


def _row(found: Row) -> dict[str, Any]:
    row = found.callback
    return {
        "id": row.id,
        "number": row.number,
        "contact": found.name,
        "service": row.service.key,
        "state": found.state,
        "asked": row.wanted_at,
        "call_at": row.due_at,
        "ended": row.ended_at,
        "not_reached": found.missed,
        "place": found.place or None,
        "wait_seconds": found.wait,
        "agent": found.who.login if found.who else "",
        "reason": row.reason,
        "case": found.case_number,
    }


@callbacks.command("call")
@click.argument("callback", type=int)
@click.option("--agent", "login", required=True, help="Login of the agent who calls; the desk must be open.")
@json_option
@pass_house
def call(house: House, callback: int, login: str) -> None:
    """Let an agent make the CALLBACK (its id) now, out of turn."""
    with house.open():
        from core.directory import get_user
        from plugins.voice.calls import dialling
        from plugins.voice.registration import callbacks as operations

        user = get_user(login)
        dialling.require_lines()
        interaction_id = operations.take_over(callback, user.id)
        answer({"id": callback, "interaction_id": interaction_id, "agent": login}, f"{login} makes callback {callback}")


@callbacks.command("cancel")
@click.argument("callback", type=int)
@click.option("--reason", required=True, help="Why nobody shall call back; the history of the case keeps it.")
@json_option
@pass_house
def cancel(house: House, callback: int, reason: str) -> None:
    """Nobody makes the CALLBACK (its id)."""
    with house.open():
        from plugins.voice.registration import callbacks as operations

        operations.cancel(callback, None, reason)
        answer({"id": callback, "cancelled": True}, f"callback {callback} is cancelled")
