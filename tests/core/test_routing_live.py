"""The live router on both data bases: what the plan decides is what the agents hear ring, and nothing gets stuck on the way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core import assignment, clock, presence
from core.app import register_contributions
from core.db import db, transaction
from core.house import okno
from core.model import (
    Interaction,
    Presence,
    Service,
    ServiceEntry,
    ServiceSkill,
    ServiceTeam,
    Skill,
    Team,
    UserSkill,
)
from core.routing.queueing import swap
from tests.core.routing_moves import accept_all, receive, rings, row, service, state_of, team_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def _working_hours(calendars, hours) -> str:
    known = [
        entry.key
        for entry in calendars.list_calendars()
        if not calendars.is_open(entry.key, datetime(2026, 3, 1, 12, tzinfo=UTC))
    ]
    assert known, "no calendar is closed on a Sunday"
    return known[0]


@pytest.mark.feature("R-03")
def test_the_skilled_agent_gets_it_and_with_time_the_less_skilled_one(centre):
    anna, boris, _ = centre.agents
    with transaction():
        tax = Skill(key="tax", title_en="Tax", title_ru="Налоги")
        db.session.add(tax)
        db.session.flush()
        db.session.add(ServiceSkill(service_id=centre.service_id, skill_id=tax.id, level=4, relax_seconds=30, floor=2))
        db.session.add_all(
            [UserSkill(user_id=anna, skill_id=tax.id, level=4), UserSkill(user_id=boris, skill_id=tax.id, level=3)]
        )
    with clock.at(NOON):
        centre.ready(boris)
        centre.mail()
        assert assignment.route_due() == 0
        [waiting] = db.session.scalars(db.select(Interaction.id))
        assert assignment.why_waiting(waiting) == "nobody-skilled"
        from core.routing.router import pace

        assert pace().again_at == NOON + timedelta(seconds=30)
    with clock.at(NOON + timedelta(seconds=15)):
        assert pace().may_rest() and pace().seconds(60) == 15
    with clock.at(NOON + timedelta(seconds=29)):
        assert assignment.route_due() == 0
    with clock.at(NOON + timedelta(seconds=30)):
        assert not pace().may_rest()
        assert assignment.route_due() == 1
        assert list(rings(centre)) == [boris]
        centre.mail("b@example.org")
        centre.ready(anna)
        assert assignment.route_due() == 1
        assert set(rings(centre)) == {anna, boris}


@pytest.mark.feature("R-03")
def test_the_last_agent_is_waited_for_while_at_the_desk_and_then_anybody_serves(centre):
    anna, boris, _ = centre.agents
    with clock.at(NOON):
        with transaction():
            service().last_agent_seconds = 45
        centre.ready(boris)
        presence.sign_on(anna)
        presence.set_state(anna, "not_ready")
        centre.mail()
        with transaction():
            db.session.scalars(db.select(Interaction)).one().preferred_agent_id = anna
        assert assignment.route_due() == 0
        assert assignment.why_waiting(1) == "last-agent"
    with clock.at(NOON + timedelta(seconds=45)):
        assert assignment.route_due() == 1
        assert list(rings(centre)) == [boris]


@pytest.mark.feature("R-03")
def test_one_team_overflows_to_another_and_to_another_service(centre, talk):
    anna, boris, vera = centre.agents
    night = team_of(centre, "night", boris)
    other = team_of(centre, "other", vera)
    with transaction():
        db.session.add(ServiceTeam(service_id=centre.service_id, team_id=night, after_seconds=60))
        second = Service(key="second", title_en="Second", title_ru="Вторая", offer_seconds=20)
        db.session.add(second)
        db.session.flush()
        db.session.add(ServiceTeam(service_id=second.id, team_id=other))
        service().overflow_service_id, service().overflow_seconds = second.id, 120
    with clock.at(NOON):
        centre.ready(boris, vera)
        talk(), talk()
        assert assignment.route_due() == 0
    with clock.at(NOON + timedelta(seconds=60)):
        assert assignment.route_due() == 1
        accept_all(centre)
        with transaction():
            db.session.get_one(Team, night).capacity = {"talk": {"push": 1}}
        assert assignment.route_due() == 0
    with clock.at(NOON + timedelta(seconds=120)):
        assert assignment.route_due() == 1
        assert list(rings(centre)) == [vera]
    with clock.at(NOON + timedelta(seconds=121)):
        accept_all(centre)
        served = {row.agent_id: row.service_id for row in db.session.scalars(db.select(Interaction))}
        assert served == {boris: centre.service_id, vera: centre.service_id}
    assert state_of(anna) == "offline"


@pytest.mark.feature("R-03")
@pytest.mark.parametrize(("action", "offered"), [("wait", 0), ("offer", 1)])
def test_outside_the_hours_it_waits_for_the_opening_or_is_offered(centre, action, offered):
    sunday = datetime(2026, 3, 1, 12, tzinfo=UTC)
    with clock.at(sunday):
        with transaction():
            hours = {"time_zone": "Europe/Moscow", "days": {"mon": ["09:00-18:00"]}}
            service().closed_action = action
            db.session.flush()
        from core import calendars

        key = _working_hours(calendars, hours)
        with transaction():
            service().calendar_key = key
        centre.ready(centre.agents[0])
        centre.mail()
        assert assignment.route_due() == offered
        if not offered:
            from core.routing.router import pace

            assert assignment.why_waiting(1) == "closed"
            opening = pace().again_at
            assert opening == calendars.next_opening(key, sunday)
    if not offered:
        with clock.at(opening):
            presence.touch(centre.agents)
            assert assignment.route_due() == 1


@pytest.mark.feature("R-02", "D-08")
def test_a_busy_agent_with_room_hears_the_next_one_and_stays_busy_until_the_last_ends(centre, talk):
    anna = centre.agents[0]
    with transaction():
        db.session.scalars(db.select(Team)).one().capacity = {"talk": {"push": 2, "limit": 3}}
    first, second, third = talk(), talk(), talk()
    centre.ready(anna)
    assert assignment.route_due() == 1
    assert assignment.route_due() == 0
    accept_all(centre)
    assert (state_of(anna), assignment.route_due()) == ("busy", 1)
    assert (state_of(anna), rings(centre)) == ("busy", {anna: second})
    accept_all(centre)
    assert assignment.route_due() == 0
    assert assignment.why_waiting(third) == "agents-busy"
    assignment.complete(first, anna, centre.solved_id)
    assert (state_of(anna), assignment.route_due()) == ("busy", 1)
    accept_all(centre)
    assignment.complete(second, anna, centre.solved_id)
    assert state_of(anna) == "busy"
    assignment.complete(third, anna, centre.solved_id)
    assert state_of(anna) == "ready"


@pytest.mark.feature("R-02")
def test_channels_mix_only_where_the_team_lets_them(centre, talk):
    anna = centre.agents[0]
    centre.ready(anna)
    talk()
    assert assignment.route_due() == 1
    accept_all(centre)
    centre.mail()
    assert assignment.route_due() == 0
    with transaction():
        db.session.scalars(db.select(Team)).one().mix = [["talk", "toy"]]
    assert assignment.route_due() == 1


@pytest.mark.feature("R-04")
def test_an_agent_or_an_interaction_that_has_moved_meanwhile_is_not_offered(centre):
    from core.routing import offers, reading, router

    anna, boris, _ = centre.agents
    centre.ready(anna)
    centre.mail()
    board = reading.read(50)
    proposals = router.decide(board, 50)
    with transaction():
        db.session.execute(db.update(Presence).values(version=Presence.version + 1))
    with transaction():
        assert offers.make(proposals) == 0
    proposals = router.decide(reading.read(50), 50)
    presence.sign_on(boris)
    assignment.take(proposals[0].interaction_id, boris)
    with transaction():
        assert offers.make(proposals) == 0
    assert (state_of(anna), rings(centre)) == ("ready", {})
    assert row(proposals[0].interaction_id).agent_id == boris


@pytest.mark.feature("R-05")
def test_a_plugin_that_chooses_nobody_of_those_asked_leaves_the_rest_in_motion(centre):
    from core import hookimpl

    class Odd:
        @hookimpl
        def choose_agent(self, interaction, agents, service):
            assert {agent.id for agent in agents} <= set(centre.agents)
            assert service.id == centre.service_id
            return 999 if interaction.id == 1 else None

    centre.register(Odd(), "odd")
    register_contributions(okno())
    centre.mail("a@example.org")
    centre.mail("b@example.org")
    centre.ready(centre.agents[0])
    assert assignment.route_due() == 1
    assert rings(centre) == {centre.agents[0]: 2}


def test_a_pass_asks_as_much_whatever_waits(centre, count_queries):
    def one_pass() -> int:
        centre.ready(centre.agents[0])
        with count_queries() as few:
            assert assignment.route_due() == 1
        with transaction():
            [offer] = centre.open_offers()
            offer.outcome, offer.ended_at = "lost", clock.now() - timedelta(days=1)
            assert swap(offer.interaction_id, "offered", "queued", agent_id=None)
        presence.sign_off(centre.agents[0])
        return few.count

    def waiting(number: int) -> None:
        with transaction():
            first = db.session.scalars(db.select(Interaction)).first()
            db.session.add_all(
                Interaction(channel="toy", case_id=first.case_id, service_id=first.service_id, priority=n % 7)
                for n in range(number)
            )

    centre.mail()
    few = one_pass()
    waiting(40)
    some = one_pass()
    waiting(800)
    many = one_pass()
    assert few == some == many
    assert many <= 28


def test_looking_in_vain_is_one_statement(centre, count_queries):
    from core.routing.router import pace

    centre.ready(centre.agents[0])
    assert assignment.route_due() == 0
    with count_queries() as asked:
        assert pace().may_rest()
    assert asked.count == 1
    centre.mail()
    assert not pace().may_rest()


def test_entries_of_other_services_are_routed_by_their_own_rules(centre):
    anna, boris, _ = centre.agents
    other = team_of(centre, "other", boris)
    with transaction():
        second = Service(key="second", title_en="Second", title_ru="Вторая", teams=[db.session.get_one(Team, other)])
        second.entries.append(ServiceEntry(channel="toy", address="second@okno.example"))
        db.session.add(second)
    mine = receive("toy", "k1", "second@okno.example")
    centre.ready(anna)
    assert assignment.route_due() == 0
    assert assignment.why_waiting(mine) == "nobody-signed-on"
    centre.ready(boris)
    assert assignment.route_due() == 1
    assert rings(centre) == {boris: mine}
