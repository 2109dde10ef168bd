"""``okno voice``: put a test call through the channel's contract."""

from __future__ import annotations

import click

from core.commands.terminal import House, answer, json_option, pass_house


@click.group()
def voice() -> None:
    """Calls. Signalling only: no audio is carried yet."""


@voice.command("test-call")
@click.option("--from", "caller", required=True, help="The caller's number in international form, +7…")
@click.option("--to", "entry", required=True, help="The number (entry) of a service that is dialled.")
@click.option("--name", default="", help="The caller's name, for a contact that has none.")
@click.option("--call-id", default="", help="An id of the call; the same id again changes nothing.")
@json_option
@pass_house
def test_call(house: House, caller: str, entry: str, name: str, call_id: str) -> None:
    """Ring: a call waits, is offered to a ready agent and can be answered and hung up at the desk. There is no audio."""
    from plugins.voice import operations

    with house.open():
        received = operations.ring(caller, entry, call_id, name)
        number = operations.case_number(received.case_id)
    data = {"case": number, "interaction_id": received.interaction_id, "duplicate": received.duplicate, "audio": False}
    told = "was there already" if received.duplicate else "is ringing"
    answer(data, f"The call {told}: case {number}. Signalling only, no audio.")
