"""``okno voice``: how calls are carried, which go on, ending one, a test call without sound."""

from __future__ import annotations

import click

from core.commands.terminal import House, answer, answer_rows, json_option, pass_house


@click.group()
def voice() -> None:
    """Calls: how they are carried, which go on, menus, messages, recordings."""


@voice.command("status")
@json_option
@pass_house
def status(house: House) -> None:
    """Whether the voice process answers, and how much it carries. Exit code 1 when it does not."""
    from plugins.voice import switchboard

    with house.open():
        found = switchboard.status()
    if found is None:
        raise click.ClickException("the voice process does not answer: start  okno run")
    state = "up" if found["up"] else "not ready"
    told = (
        f"{found['backend']} is {state}: {found['calls']} calls, {found['legs']} legs, "
        f"{found['recordings']} recordings. Run {found['process']}."
    )
    answer(found, told)


@voice.command("calls")
@click.option("--all", "ended", is_flag=True, help="Those that have ended as well, the newest 100.")
@json_option
@pass_house
def calls(house: House, ended: bool) -> None:
    """The calls that go on."""
    from plugins.voice import operations

    with house.open():
        rows = operations.calls_now(ended=ended)
    answer_rows(
        rows,
        ("key", "state", "direction", "from", "to", "service", "agent", "case", "seconds", "cause"),
        "No call goes on.",
    )


@voice.command("end")
@click.argument("key")
@json_option
@pass_house
def end(house: House, key: str) -> None:
    """End a call for everybody, as when it is stuck."""
    from plugins.voice import operations

    with house.open():
        operations.end_call(key)
    answer({"key": key}, f"The call {key} has ended.")


@voice.command("test-call")
@click.option("--from", "caller", required=True, help="The caller's number in international form, +7…")
@click.option("--to", "entry", required=True, help="The number (entry) of a service that is dialled.")
@click.option("--name", default="", help="The caller's name, for a contact that has none.")
@click.option("--call-id", default="", help="An id of the call; the same id again changes nothing.")
@json_option
@pass_house
def test_call(house: House, caller: str, entry: str, name: str, call_id: str) -> None:
    """Ring without sound: a call waits, is offered to a ready agent and can be answered and hung up at the desk."""
    from plugins.voice import operations

    with house.open():
        received = operations.ring(caller, entry, call_id, name)
        number = operations.case_number(received.case_id)
    data = {"case": number, "interaction_id": received.interaction_id, "duplicate": received.duplicate, "audio": False}
    told = "was there already" if received.duplicate else "is ringing"
    answer(data, f"The call {told}: case {number}. Signalling only, no audio.")
