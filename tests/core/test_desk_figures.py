"""Today's numbers: service level, rank, handling time; few statements, kept for a moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from core import assignment, clock, desk_figures
from core.db import db, transaction
from core.model import Interaction
from tests.core.conftest import Centre

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def made(centre: Centre, agent: int | None, *, waited: float, worked: float = 60, closed: bool = True) -> int:
    """An interaction that waited and was worked on for so many seconds, ending at noon; a waiting one without agent."""
    centre.mail()
    with transaction():
        row = db.session.scalars(db.select(Interaction).order_by(Interaction.id.desc())).first()
        assert row is not None
        if agent is None:
            row.queued_at = NOON - timedelta(seconds=waited)
        else:
            row.agent_id, row.accepted_at = agent, NOON - timedelta(seconds=worked)
            row.queued_at = row.accepted_at - timedelta(seconds=waited)
            row.state = "closed" if closed else "active"
            row.closed_at = NOON if closed else None
            row.disposition_id = centre.solved_id if closed else None
        return int(row.id)


def test_the_service_level_counts_the_answered_and_those_who_wait_too_long(centre: Centre) -> None:
    anna, boris, _ = centre.agents
    with clock.at(NOON):
        for waited in (10, 60, 20):
            made(centre, anna, waited=waited)
        made(centre, boris, waited=61)
        made(centre, None, waited=300)
        made(centre, None, waited=5)
        one = desk_figures.figures().services[centre.service_id]
    assert (one.answered, one.within, one.waiting, one.late, one.handled) == (4, 3, 2, 1, 4)
    assert (one.level, one.tone) == (60, "bad")
    assert one.oldest == NOON - timedelta(seconds=300)


def test_what_was_closed_yesterday_is_not_of_today(centre: Centre) -> None:
    with clock.at(NOON):
        made(centre, centre.agents[0], waited=1)
    with clock.at(NOON + timedelta(days=1)):
        one = desk_figures.figures().services[centre.service_id]
        assert (one.answered, one.handled, one.level, one.tone) == (0, 0, None, "")


def test_rank_handling_time_and_dispositions_are_of_the_team(centre: Centre) -> None:
    anna, boris, vera = centre.agents
    with clock.at(NOON):
        for worked in (100, 200):
            made(centre, anna, waited=1, worked=worked)
        made(centre, boris, waited=1, worked=30)
        made(centre, vera, waited=1, closed=False)
        today = desk_figures.figures()
        assert [today.rank(agent) for agent in (anna, boris, vera)] == [(1, 3), (2, 3), (3, 3)]
        assert today.rank(vera, [centre.service_id]) == (3, 3)
        average = today.handled([anna]).average
        assert average is not None and round(average) == 150
        team = today.handled(today.colleagues(vera))
        assert (team.count, round(team.seconds)) == (3, 330)
        assert today.dispositions(anna) == {centre.solved_id: 2}
        assert today.total([centre.service_id]).answered == 4
        assert today.total([]).level is None


def test_the_numbers_take_six_statements_whatever_there_is_and_are_kept_for_five_seconds(
    centre: Centre, count_queries: Callable[[], Any]
) -> None:
    with clock.at(NOON):
        for number in range(12):
            made(centre, centre.agents[number % 3] if number % 4 else None, waited=number)
        with count_queries() as read:
            desk_figures.figures()
        assert read.count == 6
        made(centre, centre.agents[0], waited=1)
        with count_queries() as kept:
            before = desk_figures.figures()
        assert kept.count == 0
    with clock.at(NOON + timedelta(seconds=6)):
        assert (
            desk_figures.figures().services[centre.service_id].handled == before.services[centre.service_id].handled + 1
        )


def test_what_is_handled_through_the_operations_is_counted(centre: Centre) -> None:
    interaction = centre.taken(centre.agents[0])
    assignment.finish(interaction, centre.agents[0])
    assignment.complete(interaction, centre.agents[0], centre.solved_id)
    assert desk_figures.figures().handled([centre.agents[0]]).count == 1
