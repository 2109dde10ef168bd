"""``okno voice registration``: the report, the calls that are not registered, linking."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from core.commands.terminal import House, answer, answer_rows, json_option, language, pass_house

if TYPE_CHECKING:
    from plugins.voice.registration.report import Asked


@click.group()
def registration() -> None:
    """Registration of calls: each answered incoming call belongs to a case."""


def _asked(since: datetime | None, until: datetime | None) -> Asked:
    from core.clock import now
    from plugins.voice.registration.report import Asked

    end = until.replace(tzinfo=UTC) if until else now()
    begin = since.replace(tzinfo=UTC) if since else end - timedelta(days=7)
    return Asked(begin, end)


FROM = click.option("--from", "since", type=click.DateTime(), help="Beginning (UTC); without it, a week ago.")
UNTIL = click.option("--until", type=click.DateTime(), help="End (UTC); without it, now.")


@registration.command("report")
@click.option("--by", type=click.Choice(["team", "supervisor", "agent"]), default="team", help="What the rows are.")
@FROM
@UNTIL
@json_option
@pass_house
def show(house: House, by: str, since: datetime | None, until: datetime | None) -> None:
    """How many of the calls that count are registered, in percent."""
    with house.open():
        from plugins.voice.registration.report import report

        lines, total = report(_asked(since, until), by, language())
        rows = [
            {"title": line.title, "calls": line.calls, "registered": line.registered, "percent": line.percent}
            for line in (*lines, total)
        ]
        answer_rows(rows, ("title", "calls", "registered", "percent"), "no calls")


@registration.command("missing")
@FROM
@UNTIL
@click.option("--limit", type=click.IntRange(1, 1000), default=50, help="At most so many.")
@json_option
@pass_house
def missing(house: House, since: datetime | None, until: datetime | None, limit: int) -> None:
    """The calls that count and are registered nowhere, the newest first."""
    with house.open():
        from plugins.voice.registration.report import unregistered

        rows = [
            {
                "id": call.id,
                "began": call.started_at,
                "from": call.from_number,
                "agent": call.agent.login if call.agent else "",
                "talk_seconds": call.talk_seconds,
            }
            for call in unregistered(_asked(since, until), limit=limit)
        ]
        answer_rows(rows, ("id", "began", "from", "agent", "talk_seconds"), "all calls are registered")


@registration.command("link")
@click.argument("call")
@click.argument("case")
@json_option
@pass_house
def link(house: House, call: str, case: str) -> None:
    """Register the CALL (its id) at the CASE (its number)."""
    with house.open():
        from plugins.voice.registration import links

        found, target = links.find_call(call), links.case_by_number(case)
        links.link(found.id, target.id, None)
        answer({"call": found.id, "case": target.number}, f"call {found.id} is registered at case {target.number}")
