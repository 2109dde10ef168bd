"""Requests for help: raised by who holds the interaction, told to the supervisors of the team, answered by one."""

from __future__ import annotations

import pytest
from flask_babel import force_locale
from sqlalchemy import select, update

from core import assignment, directory, help_requests, notifications
from core.contracts import Rejected
from core.db import db, transaction
from core.model import Event, Interaction, Notification, TeamMember, TimelineEntry, User
from core.web.notice_words import notice_of
from tests.core.conftest import Centre

pytestmark = pytest.mark.feature("D-12")


@pytest.fixture
def house(centre: Centre) -> Centre:
    """Vera supervises the team."""
    with transaction():
        mine = TeamMember.user_id == centre.agents[2]
        db.session.execute(update(TeamMember).where(mine).values(supervisor=True))
    return centre


def notices(user_id: int) -> list[str]:
    return [row.kind for row in notifications.latest(user_id)]


def test_supervisors_are_told_once_and_the_first_to_come_wins(house: Centre) -> None:
    anna, boris, vera = house.agents
    interaction = house.taken(anna)
    help_requests.ask(interaction, anna, "  Клиент требует старшего  ")
    help_requests.ask(interaction, anna, "ещё раз")
    assert notices(vera) == ["help.wanted"]
    assert notices(boris) == notices(anna) == []
    one = help_requests.wanted(vera, everywhere=False)[0]
    assert (one.interaction.id, one.words, one.helper) == (interaction, "Клиент требует старшего", None)
    assert help_requests.wanted_count(vera) == 1

    help_requests.come(interaction, vera)
    help_requests.come(interaction, vera)
    with pytest.raises(Rejected) as refused:
        help_requests.come(interaction, boris)
    assert refused.value.code == "help-is-coming"
    assert notices(anna) == ["help.coming"]
    assert help_requests.wanted(vera, everywhere=False)[0].helper == db.session.get(User, vera)
    assert help_requests.wanted_count(vera) == 0
    kinds = list(db.session.scalars(select(TimelineEntry.kind).where(TimelineEntry.kind.startswith("help."))))
    assert kinds == ["help.wanted", "help.coming"]


def test_only_who_holds_it_may_ask_and_the_end_clears_the_flag(house: Centre) -> None:
    anna, boris, vera = house.agents
    interaction = house.taken(anna)
    with pytest.raises(Rejected) as refused:
        help_requests.ask(interaction, boris)
    assert refused.value.code == "not-your-interaction"
    help_requests.ask(interaction, anna)
    assignment.complete(interaction, anna, house.solved_id)
    assert help_requests.wanted(vera, everywhere=True) == []
    with pytest.raises(Rejected) as refused:
        help_requests.come(interaction, vera)
    assert refused.value.code == "help-not-wanted"


def test_the_flag_does_not_go_with_an_interaction_to_the_next_agent(house: Centre) -> None:
    anna, boris, vera = house.agents
    interaction = house.taken(anna)
    help_requests.ask(interaction, anna)
    assignment.release(interaction, anna)
    house.ready(boris)
    assignment.take(interaction, boris)
    assert help_requests.wanted(vera, everywhere=True) == []
    row = db.session.get_one(Interaction, interaction, populate_existing=True)
    assert (row.help_wanted_at, row.help_by_id) == (None, None)


def test_taking_the_flag_back_is_told_to_the_desk(house: Centre) -> None:
    anna = house.agents[0]
    interaction = house.taken(anna)
    help_requests.ask(interaction, anna)
    for _repeat in range(2):
        help_requests.withdraw(interaction, anna)
    row = db.session.get_one(Interaction, interaction, populate_existing=True)
    assert row.help_wanted_at is None
    told = db.session.scalars(select(Event.payload).where(Event.type == "interaction.changed")).all()
    assert sum('"help.withdrawn"' in payload for payload in told) == 1


def test_without_a_supervisor_in_the_team_all_who_watch_teams_are_told(centre: Centre) -> None:
    directory.ensure_roles()
    directory.add_user("elena", "Елена", roles=["supervisor"])
    elena = directory.get_user("elena").id
    interaction = centre.taken(centre.agents[0])
    help_requests.ask(interaction, centre.agents[0])
    row = db.session.scalars(select(Notification).where(Notification.user_id == elena)).one()
    with centre.app.test_request_context(), force_locale("ru"):
        assert notice_of(row).title.startswith("Anna просит помощи по запросу №")
