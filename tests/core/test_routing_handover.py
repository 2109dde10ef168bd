"""Taking, assigning, passing on, support lines; and that nothing gets stuck when people and rules change around it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core import assignment, directory, presence
from core.contracts import Rejected
from core.db import db, transaction
from core.model import (
    Interaction,
    Offer,
    Service,
    ServiceTeam,
    Team,
    TeamMember,
    User,
)
from tests.core.routing_moves import accept_all, rings, row, service, state_of, team_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.feature("R-02", "R-03")
def test_taking_by_hand_goes_up_to_the_limit_and_says_what_it_is(centre):
    anna = centre.agents[0]
    for number in range(4):
        centre.mail(f"c{number}@example.org")
    with transaction():
        db.session.get_one(User, anna).capacity = {"toy": {"limit": 2}}
    ids = list(db.session.scalars(db.select(Interaction.id).order_by(Interaction.id)))
    with pytest.raises(Rejected) as refused:
        assignment.take(ids[0], anna)
    assert refused.value.code == "offline"
    presence.sign_on(anna)
    result = assignment.take_several([ids[0], ids[1], ids[1], ids[2]], anna)
    assert result.taken == (ids[0], ids[1])
    [(missed, why)] = result.refused
    assert (missed, why.code) == (ids[2], "capacity-limit")
    assert "2 из 2" in why.text.ru and "2 of at most 2" in why.text.en
    assert row(ids[2]).state == "queued"


@pytest.mark.feature("R-03", "R-04")
def test_a_supervisor_assigns_what_waits_what_rings_and_what_a_colleague_has(centre):
    anna, boris, vera = centre.agents
    centre.ready(anna)
    centre.mail()
    assert assignment.route_due() == 1
    [waiting] = rings(centre).values()
    presence.sign_on(boris)
    assignment.assign(waiting, boris, vera, "срочно")
    assert (row(waiting).agent_id, row(waiting).state, state_of(boris), state_of(anna)) == (
        boris,
        "active",
        "busy",
        "ready",
    )
    assert rings(centre) == {}
    assert db.session.scalars(db.select(Offer)).one().outcome == "withdrawn"
    assignment.assign(waiting, anna, vera)
    assert (row(waiting).agent_id, state_of(anna), state_of(boris)) == (anna, "busy", presence.of(boris).state)
    assert state_of(boris) != "busy"


@pytest.mark.feature("R-04")
def test_a_letter_is_passed_into_a_personal_queue_and_a_conversation_rings(centre, talk):
    anna, boris, vera = centre.agents
    letter = centre.taken(anna)
    assignment.transfer(letter, anna, to_user_id=boris, note="ваш клиент")
    assert (row(letter).agent_id, row(letter).state, state_of(anna)) == (boris, "active", "ready")
    talking = talk()
    assert assignment.route_due() == 1
    accept_all(centre)
    with pytest.raises(Rejected) as refused:
        assignment.transfer(talking, anna, to_user_id=vera)
    assert (refused.value.code, row(talking).agent_id) == ("agent-not-free", anna)
    with pytest.raises(Rejected):
        assignment.transfer(talking, boris, to_user_id=boris)
    centre.ready(vera)
    assignment.transfer(talking, anna, to_user_id=vera)
    assert (rings(centre), state_of(vera), state_of(anna)) == ({vera: talking}, "ringing", "ready")
    assignment.reject(centre.open_offers()[0].id, vera)
    assert (row(talking).state, row(talking).agent_id) == ("queued", None)


@pytest.mark.feature("R-03", "R-06")
def test_up_and_down_the_lines_with_its_history_and_its_age(centre):
    anna, boris, _ = centre.agents
    second = team_of(centre, "second", boris)
    with transaction():
        db.session.add(ServiceTeam(service_id=centre.service_id, team_id=second, line=2))
    mine = centre.taken(anna)
    since = row(mine).queued_at
    with pytest.raises(Rejected) as refused:
        assignment.move_line(mine, anna, 3)
    assert refused.value.code == "line-unknown"
    assignment.move_line(mine, anna, 2, "нужен эксперт")
    assert (row(mine).line, row(mine).state, row(mine).queued_at, row(mine).case.line) == (2, "queued", since, 2)
    centre.ready(boris)
    assert assignment.route_due() == 1
    assert rings(centre) == {boris: mine}
    accept_all(centre)
    assignment.move_line(mine, boris, 1, "решено, сообщите клиенту")
    from core.model import LineStay

    stays = db.session.scalars(db.select(LineStay).order_by(LineStay.id)).all()
    assert [(stay.line, stay.left_at is None, stay.note) for stay in stays] == [
        (1, False, ""),
        (2, False, "нужен эксперт"),
        (1, True, "решено, сообщите клиенту"),
    ]
    assert stays[1].taken_at is not None
    assert assignment.route_due() == 1
    assert list(rings(centre)) == [anna]
    accept_all(centre)
    assignment.complete(mine, anna, centre.solved_id)
    assert db.session.get(LineStay, stays[2].id, populate_existing=True).left_at is not None


@pytest.mark.feature("R-03")
def test_passed_to_a_service_or_to_a_team_it_waits_there_at_its_age(centre):
    anna, boris, vera = centre.agents
    night = team_of(centre, "night", boris)
    mine = centre.taken(anna)
    since = row(mine).queued_at
    assignment.transfer(mine, anna, to_team_id=night)
    centre.ready(boris)
    assert assignment.route_due() == 1
    assert rings(centre) == {boris: mine}
    accept_all(centre)
    with transaction():
        other = Service(key="other", title_en="Other", title_ru="Другой", teams=[db.session.get_one(Team, night)])
        db.session.add(other)
    assignment.transfer(mine, boris, to_service_id=other.id)
    assert (row(mine).service_id, row(mine).case.service_id, row(mine).queued_at) == (other.id, other.id, since)
    assert state_of(boris) == "ready"
    assert vera not in rings(centre)


@pytest.mark.feature("E-07")
def test_a_letter_may_be_put_off_a_conversation_may_not(centre, talk):
    anna = centre.agents[0]
    centre.ready(anna)
    centre.mail()
    assignment.route_due()
    mine = assignment.postpone(centre.open_offers()[0].id, anna)
    assert (row(mine).state, row(mine).agent_id) == ("active", anna)
    assignment.complete(mine, anna, centre.solved_id)
    talk()
    assignment.route_due()
    with pytest.raises(Rejected) as refused:
        assignment.postpone(centre.open_offers()[0].id, anna)
    assert refused.value.code == "live-not-later"


@pytest.mark.feature("R-04")
def test_who_puts_it_back_is_not_offered_it_again_at_once(centre):
    anna, boris, _ = centre.agents
    mine = centre.taken(anna)
    assignment.release(mine, anna)
    assert assignment.route_due() == 0
    assert assignment.why_waiting(mine) == "declined"
    centre.ready(boris)
    assert assignment.route_due() == 1
    assert rings(centre) == {boris: mine}


@pytest.mark.feature("R-04")
def test_disabling_an_agent_returns_all_that_was_in_hand(centre, talk):
    anna, boris, _ = centre.agents
    letter = centre.taken(anna)
    with transaction():
        db.session.scalars(db.select(Team)).one().mix = [["talk", "toy"]]
    wrapping, ringing = talk(), talk()
    assignment.route_due()
    accept_all(centre)
    assignment.finish(wrapping, anna)
    assert assignment.route_due() == 1
    directory.disable_user(anna)
    assert [(row(key).state, row(key).agent_id is None) for key in (letter, ringing)] == [("queued", True)] * 2
    assert row(wrapping).state == "closed"
    assert (state_of(anna), rings(centre)) == ("offline", {})
    centre.ready(boris)
    assert assignment.route_due() == 1


@pytest.mark.feature("R-04")
def test_a_ringing_offer_survives_what_is_changed_around_it(centre):
    anna, boris, _ = centre.agents
    centre.ready(anna)
    centre.mail()
    assignment.route_due()
    with transaction():
        service().push = False
        db.session.execute(db.delete(TeamMember).where(TeamMember.user_id == anna))
    [offer] = centre.open_offers()
    assignment.reject(offer.id, anna)
    assert (row(offer.interaction_id).state, state_of(anna)) == ("queued", "not_ready")
    centre.ready(boris)
    assert assignment.route_due() == 0
    assert assignment.why_waiting(offer.interaction_id) == "pull"
    with transaction():
        service().push = True
    assert assignment.route_due() == 1
    with transaction():
        db.session.execute(db.delete(ServiceTeam))
        db.session.execute(db.delete(Team))
    assignment.accept(centre.open_offers()[0].id, boris)
    assignment.release(offer.interaction_id, boris)
    assert assignment.route_due() == 0
    assert assignment.why_waiting(offer.interaction_id) == "no-team"


def test_a_team_that_is_gone_no_longer_narrows_what_waits(centre):
    anna, boris, _ = centre.agents
    night = team_of(centre, "night", boris)
    mine = centre.taken(anna)
    assignment.transfer(mine, anna, to_team_id=night)
    assert assignment.route_due() == 0
    with transaction():
        db.session.execute(db.delete(Team).where(Team.id == night))
    assert assignment.route_due() == 1
    assert rings(centre) == {anna: mine}
