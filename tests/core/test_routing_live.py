"""The live router on both data bases: what the plan decides is what the agents hear ring, and nothing gets stuck on the way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core import assignment, clock, directory, intake, presence
from core.app import register_contributions
from core.contracts import Address, Capabilities, Channel, Inbound, Rejected, Text
from core.db import db, transaction
from core.house import okno
from core.model import (
    Interaction,
    Offer,
    Presence,
    Service,
    ServiceEntry,
    ServiceSkill,
    ServiceTeam,
    Skill,
    Team,
    TeamMember,
    User,
    UserSkill,
)
from core.routing.queueing import swap
from tests.core.conftest import ENTRY

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def talk(centre):
    """A second, live channel beside the toy's letters, and what arrives in it."""

    class Talk:
        count = 0

        def register_channels(self):
            live = Capabilities(live=True, queued=False)
            return [Channel("talk", Text("Talk", "Разговор"), "message", live, "email", lambda delivery: None)]

        def __call__(self, entry: str = ENTRY) -> int:
            self.count += 1
            return receive("talk", f"talk{self.count}", entry)

    from core import hookimpl

    Talk.register_channels = hookimpl(Talk.register_channels)
    talk = Talk()
    centre.register(talk, "talk")
    return talk


def receive(channel: str, key: str, entry: str = ENTRY) -> int:
    sender = Address("email", f"{key}@example.org", key.title())
    return intake.receive(Inbound(channel, key, sender, entry, subject=key, body_text=key)).interaction_id


def service() -> Service:
    return db.session.scalars(db.select(Service).order_by(Service.id)).first()


def state_of(agent: int) -> str:
    return presence.of(agent).state


def row(interaction_id: int) -> Interaction:
    return db.session.get_one(Interaction, interaction_id, populate_existing=True)


def rings(centre) -> dict[int, int]:
    return {offer.agent_id: offer.interaction_id for offer in centre.open_offers()}


def accept_all(centre) -> None:
    for offer in centre.open_offers():
        assignment.accept(offer.id, offer.agent_id)


def team_of(centre, key: str, *agents: int) -> int:
    """A further team, with these agents taken out of the others."""
    with transaction():
        team = Team(key=key, title_en=key, title_ru=key)
        db.session.add(team)
        db.session.flush()
        db.session.execute(db.delete(TeamMember).where(TeamMember.user_id.in_(agents)))
        db.session.add_all(TeamMember(team_id=team.id, user_id=agent) for agent in agents)
        return team.id


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


def _working_hours(calendars, hours) -> str:
    known = [
        entry.key
        for entry in calendars.list_calendars()
        if not calendars.is_open(entry.key, datetime(2026, 3, 1, 12, tzinfo=UTC))
    ]
    assert known, "no calendar is closed on a Sunday"
    return known[0]


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


# --- nothing gets stuck ------------------------------------------------------------------------------


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


# --- cost --------------------------------------------------------------------------------------------


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
