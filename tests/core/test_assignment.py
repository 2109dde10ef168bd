"""Exactly one agent gets an interaction; whatever fails, it goes back to its place."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import assignment, clock, presence
from core.contracts import Rejected
from core.db import db, transaction
from core.model import Case, Interaction, Offer, PresenceChange, Team, TimelineEntry, WorkflowRun


def state(agent: int) -> str:
    return presence.of(agent).state


def interaction() -> Interaction:
    return db.session.scalars(db.select(Interaction).execution_options(populate_existing=True)).one()


@pytest.mark.feature("R-04")
def test_a_waiting_interaction_is_offered_to_the_longest_idle_agent_only(centre):
    first, second, _ = centre.agents
    with clock.at(clock.now() - timedelta(minutes=5)):
        centre.ready(second)
    centre.ready(first)
    centre.mail()
    assert assignment.route_due() == 1
    assert assignment.route_due() == 0
    [offer] = centre.open_offers()
    assert offer.agent_id == second
    assert (state(second), state(first)) == ("ringing", "ready")


@pytest.mark.feature("R-04")
def test_accepting_makes_the_case_mine_and_nobody_else_can_take_it(centre):
    anna, boris, _ = centre.agents
    mine = centre.taken(anna)
    assert (interaction().state, interaction().agent_id) == ("active", anna)
    assert state(anna) == "busy"
    assert db.session.scalars(db.select(Case)).one().assignee_id == anna
    presence.sign_on(boris)
    with pytest.raises(Rejected) as refused:
        assignment.take(mine, boris)
    assert refused.value.code == "taken"


def test_an_offer_can_be_answered_once_and_only_by_its_agent(centre):
    anna, boris, _ = centre.agents
    centre.ready(anna)
    centre.mail()
    assignment.route_due()
    [offer] = centre.open_offers()
    with pytest.raises(Rejected):
        assignment.accept(offer.id, boris)
    assignment.accept(offer.id, anna)
    with pytest.raises(Rejected):
        assignment.accept(offer.id, anna)


@pytest.mark.feature("R-04")
def test_a_rejected_offer_returns_to_its_place_and_goes_to_another_agent(centre):
    anna, boris, _ = centre.agents
    centre.ready(anna)
    centre.mail()
    waiting_since = interaction().queued_at
    assignment.route_due()
    assignment.reject(centre.open_offers()[0].id, anna)
    assert (interaction().state, interaction().agent_id, interaction().queued_at) == ("queued", None, waiting_since)
    assert (state(anna), presence.of(anna).reason) == ("not_ready", "rejected")
    presence.set_state(anna, "ready")
    assert assignment.route_due() == 0
    centre.ready(boris)
    assert assignment.route_due() == 1
    assert centre.open_offers()[0].agent_id == boris


@pytest.mark.feature("R-04")
def test_an_unanswered_offer_expires_and_the_agent_is_not_ready_with_the_reason(centre):
    anna = centre.agents[0]
    centre.ready(anna)
    centre.mail()
    assignment.route_due()
    offer = centre.open_offers()[0].id
    assert assignment.expire_due() == 0
    with clock.at(clock.now() + timedelta(seconds=21)):
        with pytest.raises(Rejected):
            assignment.accept(offer, anna)
        assert assignment.expire_due() == 1
    assert interaction().state == "queued"
    assert (state(anna), presence.of(anna).reason) == ("not_ready", "no_answer")


@pytest.mark.feature("R-04")
def test_an_agent_whose_desk_is_lost_gives_the_offer_back(centre):
    anna = centre.agents[0]
    centre.ready(anna)
    centre.mail()
    assignment.route_due()
    with clock.at(clock.now() + timedelta(seconds=16)):
        assert presence.drop_lost(15) == 1
    assert interaction().state == "queued"
    assert state(anna) == "offline"
    assert db.session.scalars(db.select(Offer)).one().outcome == "lost"


def test_a_lost_desk_keeps_letters_but_returns_live_conversations(centre):
    anna = centre.agents[0]
    centre.taken(anna)
    presence.sign_off(anna, "connection_lost")
    assert (interaction().state, interaction().agent_id) == ("active", anna)
    presence.sign_on(anna)
    assert state(anna) == "busy"
    centre.toy.live = True
    from core.app import register_contributions
    from core.house import okno

    register_contributions(okno())
    presence.sign_off(anna, "connection_lost")
    assert (interaction().state, interaction().agent_id) == ("queued", None)


def test_priority_goes_before_age(centre):
    centre.mail(subject="old")
    centre.mail(subject="urgent")
    urgent = db.session.scalars(db.select(Interaction).order_by(Interaction.id.desc())).first()
    with transaction():
        urgent.priority = 500
    centre.ready(centre.agents[0])
    assignment.route_due()
    assert db.session.get(Interaction, centre.open_offers()[0].interaction_id).case.subject == "urgent"


def test_the_agent_who_had_the_case_is_preferred(centre):
    anna, boris, _ = centre.agents
    with clock.at(clock.now() - timedelta(minutes=5)):
        centre.ready(boris)
    centre.ready(anna)
    centre.mail()
    with transaction():
        interaction().preferred_agent_id = anna
    assignment.route_due()
    assert centre.open_offers()[0].agent_id == anna


@pytest.mark.feature("W-01")
def test_finishing_without_a_required_disposition_is_refused_in_the_words_of_the_requirement(centre):
    anna = centre.agents[0]
    mine = centre.taken(anna)
    with pytest.raises(Rejected) as refused:
        assignment.complete(mine, anna, None)
    assert refused.value.text.ru == "Пожалуйста, выберите статус разговора и заполните требуемые поля"
    assert interaction().state == "active"


def test_a_closing_disposition_closes_the_case_frees_the_agent_and_starts_the_workflow(centre):
    anna = centre.agents[0]
    mine = centre.taken(anna)
    assignment.finish(mine, anna)
    assert (interaction().state, state(anna)) == ("wrap_up", "wrap_up")
    assignment.complete(mine, anna, centre.solved_id, "готово")
    case = db.session.scalars(db.select(Case)).one()
    assert (interaction().state, case.status, state(anna)) == ("closed", "closed", "ready")
    assert case.closed_at is not None
    run = db.session.scalars(db.select(WorkflowRun)).one()
    assert (run.state, run.case_id) == ("waiting", case.id)
    entry = db.session.scalars(db.select(TimelineEntry).where(TimelineEntry.kind == "disposition")).one()
    assert (entry.data["title_ru"], entry.data["comment"]) == ("Решено", "готово")


def test_an_interim_disposition_leaves_the_case_waiting_for_the_contact(centre):
    anna = centre.agents[0]
    mine = centre.taken(anna)
    assignment.complete(mine, anna, centre.later_id)
    assert db.session.scalars(db.select(Case)).one().status == "pending"
    centre.mail()
    assert state(anna) == "ready"


def test_released_work_returns_to_the_queue_at_its_old_place(centre):
    anna = centre.agents[0]
    mine = centre.taken(anna)
    since = interaction().queued_at
    assignment.release(mine, anna)
    assert (interaction().state, interaction().agent_id, interaction().queued_at) == ("queued", None, since)
    assert state(anna) == "ready"


def test_wrap_up_ends_by_itself_only_where_no_disposition_is_required(centre):
    anna = centre.agents[0]
    mine = centre.taken(anna)
    assignment.finish(mine, anna)
    later = clock.now() + timedelta(hours=1)
    with clock.at(later):
        assert assignment.wrap_up_due() == 0
    with transaction():
        interaction().service.disposition_required = False
    assert assignment.wrap_up_due() == 0
    with clock.at(later):
        assert assignment.wrap_up_due() == 1
    assert (interaction().state, state(anna)) == ("closed", "ready")


def test_an_outcome_chosen_as_the_wrap_up_runs_out_still_counts_once(centre):
    anna, boris = centre.agents[:2]
    mine = centre.taken(anna)
    assignment.finish(mine, anna)
    with transaction():
        interaction().service.disposition_required = False
    ended = clock.now() + timedelta(hours=1)
    with clock.at(ended):
        assert assignment.wrap_up_due() == 1
    with clock.at(ended + timedelta(minutes=1)):
        with pytest.raises(Rejected, match="hands"):
            assignment.complete(mine, boris, centre.solved_id)
        assignment.complete(mine, anna, centre.solved_id, "Помогло")
        assert (interaction().disposition_id, interaction().comment) == (centre.solved_id, "Помогло")
        assert (interaction().case.status, state(anna)) == ("closed", "ready")
        with pytest.raises(Rejected, match="hands"):
            assignment.complete(mine, anna, centre.later_id)


def test_long_after_its_wrap_up_an_interaction_takes_no_outcome(centre):
    anna = centre.agents[0]
    mine = centre.taken(anna)
    assignment.finish(mine, anna)
    with transaction():
        interaction().service.disposition_required = False
    ended = clock.now() + timedelta(hours=1)
    with clock.at(ended):
        assert assignment.wrap_up_due() == 1
    with clock.at(ended + timedelta(hours=1)), pytest.raises(Rejected, match="hands"):
        assignment.complete(mine, anna, centre.solved_id)
    assert interaction().disposition_id is None


def test_what_is_chosen_while_work_is_in_hand_comes_after_it_and_nothing_is_pushed_before(centre):
    anna = centre.agents[0]
    mine = centre.taken(anna)
    assert presence.set_state(anna, "not_ready", "lunch") == "later"
    with transaction():
        db.session.scalars(db.select(Team)).one().capacity = {"toy": {"push": 3, "limit": 3}}
    centre.mail("b@example.org")
    assert assignment.route_due() == 0
    assignment.complete(mine, anna, centre.solved_id)
    assert (state(anna), presence.of(anna).reason) == ("not_ready", "lunch")


def test_every_change_of_state_is_recorded_with_its_cause(centre):
    anna = centre.agents[0]
    centre.taken(anna)
    changes = db.session.scalars(db.select(PresenceChange).order_by(PresenceChange.id)).all()
    assert [(c.before, c.after, c.cause) for c in changes] == [
        ("offline", "not_ready", "sign_on"),
        ("not_ready", "ready", "agent"),
        ("ready", "ringing", "offer"),
        ("ringing", "busy", "accepted"),
    ]


def test_routing_asks_a_bounded_number_of_questions(centre, count_queries):
    for number in range(30):
        centre.mail(f"c{number}@example.org")
    centre.ready(centre.agents[0])
    with count_queries() as few:
        assignment.route_due()
    assert few.count < 40
