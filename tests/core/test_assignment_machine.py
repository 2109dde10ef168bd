"""Random lives of agents and interactions: no interaction with two agents, none stuck, order kept, room never exceeded.

After each step every row is looked at; each pass of the router is compared with a naive one that reads and considers everything.
"""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from flask import current_app
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from core import assignment, clock, directory, intake, presence
from core.contracts import Address, Inbound, Rejected
from core.db import db, transaction
from core.model import (
    Interaction,
    Offer,
    Presence,
    Service,
    ServiceSkill,
    ServiceTeam,
    Skill,
    Team,
    TeamMember,
    User,
    UserSkill,
)
from core.routing import queue_rows, reading
from core.routing.hands import IN_HAND, bounds
from tests.core.conftest import ENTRY
from tests.core.naive_router import Naive
from tests.core.routing_moves import Talk

# A soak: OKNO_TEST_LIVES=500 pytest tests/core/test_assignment_machine.py
LIVES = int(os.environ.get("OKNO_TEST_LIVES", "8"))
STEPS = 40
AGENTS = 4
AGENT = st.integers(0, AGENTS - 1)
ANY = st.integers(0, 30)
CAPACITIES = [
    {},
    {"toy": {"push": 2, "limit": 2}, "talk": {"push": 1, "limit": 2}},
    {"toy": {"push": 0, "limit": 1}, "talk": {"push": 3, "limit": 3}},
]
MIXES = [[], [["toy", "talk"]]]
EXPECTED_WAITS = {"pull", "closed", "no-team", "nobody-skilled"}


@pytest.fixture
def database_kind() -> str:
    """One process on one file; tests/core/test_routing_processes.py has the other data base."""
    return "sqlite"


def furnish(centre) -> list[int]:
    """A fourth agent, a second team on line two, a service with a skill that relaxes and an overflow; all agents, by number."""
    centre.register(Talk(), "talk")
    with transaction():
        dina = User(login="dina", first_name="Dina")
        second = Team(key="second", title_en="Second", title_ru="Вторая")
        tax = Skill(key="tax", title_en="Tax", title_ru="Налоги")
        db.session.add_all([dina, second, tax])
        db.session.flush()
        first = db.session.scalars(db.select(Team).where(Team.key == "first")).one()
        db.session.add_all([TeamMember(team_id=second.id, user_id=user) for user in (dina.id, centre.agents[2])])
        db.session.add_all(
            [
                UserSkill(user_id=centre.agents[0], skill_id=tax.id, level=3),
                UserSkill(user_id=dina.id, skill_id=tax.id, level=1),
            ]
        )
        support = db.session.get_one(Service, centre.service_id)
        support.last_agent_seconds, support.overflow_seconds = 20, 90
        taxes = Service(key="taxes", title_en="Taxes", title_ru="Налоги", offer_seconds=15, agent_choice="most_skilled")
        db.session.add(taxes)
        db.session.flush()
        support.overflow_service_id = taxes.id
        db.session.add_all(
            [
                ServiceTeam(service_id=support.id, team_id=second.id, line=2),
                ServiceTeam(service_id=taxes.id, team_id=first.id, after_seconds=30),
                ServiceTeam(service_id=taxes.id, team_id=second.id),
                ServiceSkill(service_id=taxes.id, skill_id=tax.id, level=3, relax_seconds=25, floor=0),
            ]
        )
        return [*centre.agents, dina.id]


@pytest.mark.feature("R-03", "R-04")
def test_whatever_happens_in_any_order_one_agent_or_the_queue_has_each_interaction(centre):
    agents = furnish(centre)
    services = list(db.session.scalars(db.select(Service.id).order_by(Service.id)))
    teams = list(db.session.scalars(db.select(Team.id).order_by(Team.id)))

    class Life(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.now = datetime(2026, 3, 2, 9, tzinfo=UTC)
            self.made = 0
            self.held: Counter[tuple[int, str]] = Counter()
            with clock.at(self.now), transaction():
                for model in (Offer, Interaction, Presence):
                    db.session.execute(db.delete(model))
                db.session.execute(db.update(User).values(disabled_at=None, capacity={}))
                db.session.execute(db.update(Team).values(capacity={}, mix=[]))
                db.session.execute(db.update(Service).values(push=True))

        def _try(self, call, *arguments, **named) -> None:
            with clock.at(self.now):
                try:
                    call(*arguments, **named)
                except Rejected:
                    db.session.rollback()

        def _any(self, which: int) -> int | None:
            ids = list(
                db.session.scalars(
                    db.select(Interaction.id).where(Interaction.state != "closed").order_by(Interaction.id)
                )
            )
            return ids[which % len(ids)] if ids else None

        def _receive(self, channel: str) -> None:
            self.made += 1
            key = f"{channel}{self.made}:{self.now.isoformat()}:{id(self)}"
            sender = Address("email", f"c{self.made % 5}@example.org")
            with clock.at(self.now):
                intake.receive(Inbound(channel, key, sender, ENTRY, subject=key, body_text=key))

        @rule(seconds=st.integers(1, 40))
        def time_passes(self, seconds: int) -> None:
            self.now += timedelta(seconds=seconds)

        @rule(channel=st.sampled_from(["toy", "talk"]), number=st.integers(1, 3))
        def some_come(self, channel: str, number: int) -> None:
            for _ in range(number):
                self._receive(channel)

        @rule(who=AGENT)
        def signs_on(self, who: int) -> None:
            self._try(presence.sign_on, agents[who])

        @rule()
        def all_are_ready(self) -> None:
            for agent in agents:
                if db.session.get_one(User, agent).disabled_at is None:
                    self._try(presence.sign_on, agent)
                    self._try(presence.set_state, agent, "ready")

        @rule(who=AGENT, state=st.sampled_from(["ready", "not_ready"]))
        def chooses(self, who: int, state: str) -> None:
            self._try(presence.set_state, agents[who], state)

        @rule(who=AGENT)
        def signs_off(self, who: int) -> None:
            self._try(presence.sign_off, agents[who])

        @rule(who=AGENT)
        def is_disabled_and_comes_back(self, who: int) -> None:
            self._try(directory.disable_user, agents[who])
            self.holds()
            with transaction():
                db.session.get_one(User, agents[who]).disabled_at = None

        @rule()
        def is_routed(self) -> None:
            with clock.at(self.now):
                expected = self._expected()
                before = {offer.id for offer in centre.open_offers()}
                assert assignment.route_due() == len(expected)
                fresh = [offer for offer in centre.open_offers() if offer.id not in before]
                assert {(offer.interaction_id, offer.agent_id) for offer in fresh} == expected
                assert assignment.route_due() == 0

        def _expected(self) -> set[tuple[int, int]]:
            """What a router that reads everything and tries each with each would offer."""
            board = reading._board(clock.now(), reading._signed_on(), {"toy", "talk"})
            declined = reading._declined(clock.now() - reading._pause())
            for interaction_id in db.session.scalars(db.select(Interaction.id).where(Interaction.state == "queued")):
                row = queue_rows.one(interaction_id)
                assert row is not None
                reading._put(board, row, declined)
            naive, found = Naive(list(board.plan.services.values())), set()
            naive.agents, naive.waiting = board.plan.agents, board.plan.waiting
            while (pair := naive.decide(clock.now().timestamp())) is not None:  # type: ignore[arg-type]
                found.add(pair)
                del naive.waiting[pair[0]]
                naive.agents[pair[1]].available = False
            db.session.rollback()
            return found

        @rule()
        def worker_looks(self) -> None:
            self._try(assignment.expire_due)
            self._try(assignment.wrap_up_due)

        @rule(who=AGENT)
        def lost(self, who: int) -> None:
            with clock.at(self.now):
                presence.touch([agent for index, agent in enumerate(agents) if index != who])
            self.now += timedelta(seconds=1)
            self._try(presence.drop_lost, 0.5)

        @rule()
        def process_is_started_again(self) -> None:
            db.session.remove()
            db.engine.dispose()
            current_app.extensions.pop("okno_routing_pace", None)

        @precondition(lambda self: centre.open_offers())
        @rule(
            who=AGENT, right=st.booleans(), how=st.sampled_from(["accept", "accept", "reject", "postpone"]), which=ANY
        )
        def answers(self, who: int, right: bool, how: str, which: int) -> None:
            offers = centre.open_offers()
            offer = offers[which % len(offers)]
            self._try(getattr(assignment, how), offer.id, offer.agent_id if right else agents[who])

        @precondition(lambda self: self.made)
        @rule(
            who=AGENT,
            own=st.booleans(),
            which=ANY,
            what=st.sampled_from(["take", "finish", "complete", "complete", "release"]),
        )
        def works(self, who: int, own: bool, which: int, what: str) -> None:
            if (chosen := self._any(which)) is None:
                return
            holder = db.session.get_one(Interaction, chosen, populate_existing=True).agent_id
            extra = (centre.solved_id,) if what == "complete" else ()
            self._try(getattr(assignment, what), chosen, holder if own and holder else agents[who], *extra)

        @precondition(lambda self: self.made)
        @rule(who=AGENT, whom=AGENT, which=ANY, to=st.sampled_from(["user", "team", "service", "line", "assign"]))
        def is_passed_on(self, who: int, whom: int, which: int, to: str) -> None:
            if (chosen := self._any(which)) is None:
                return
            holder = db.session.get_one(Interaction, chosen, populate_existing=True).agent_id or agents[who]
            if to == "user":
                self._try(assignment.transfer, chosen, holder, to_user_id=agents[whom])
            elif to == "team":
                self._try(assignment.transfer, chosen, holder, to_team_id=teams[whom % 2])
            elif to == "service":
                self._try(assignment.transfer, chosen, holder, to_service_id=services[whom % 2])
            elif to == "line":
                self._try(assignment.move_line, chosen, holder, 1 + whom % 2)
            else:
                self._try(assignment.assign, chosen, agents[whom], holder)

        @rule(who=AGENT, capacity=st.sampled_from(CAPACITIES), mix=st.sampled_from(MIXES), push=st.booleans())
        def rules_change(self, who: int, capacity: dict, mix: list, push: bool) -> None:
            with transaction():
                db.session.get_one(User, agents[who]).capacity = capacity
                db.session.get_one(Team, teams[0]).mix = mix
                db.session.get_one(Service, services[1]).push = push

        @invariant()
        def holds(self) -> None:
            db.session.rollback()
            db.session.expire_all()
            rows = db.session.scalars(db.select(Interaction)).all()
            offers = centre.open_offers()
            open_offers = {offer.interaction_id: offer.agent_id for offer in offers}
            assert len(open_offers) == len(offers) == len(set(open_offers.values()))
            for row in rows:
                assert (row.agent_id is None) == (row.state == "queued")
                assert (row.id in open_offers) == (row.state == "offered")
                if row.state == "offered":
                    assert open_offers[row.id] == row.agent_id
            self._states_agree(rows)
            self._room_is_kept(rows)

        def _states_agree(self, rows) -> None:
            states = {row.user_id: row.state for row in db.session.scalars(db.select(Presence))}
            for agent in agents:
                mine = {row.state for row in rows if row.agent_id == agent}
                live = any(row.agent_id == agent and row.state == "active" and row.channel == "talk" for row in rows)
                state = states.get(agent, "offline")
                if state == "offline":
                    assert "offered" not in mine and not live
                    continue
                by_work = {"active": "busy", "offered": "ringing", "wrap_up": "wrap_up"}
                expected = next((state for work, state in by_work.items() if work in mine), None)
                assert state == expected if expected else state in ("ready", "not_ready")

        def _room_is_kept(self, rows) -> None:
            """Whatever came into somebody's hands since the last step fits the limit of now."""
            held = Counter((row.agent_id, row.channel) for row in rows if row.state in IN_HAND)
            for (agent, channel), number in held.items():
                if number > self.held[agent, channel]:
                    assert number <= bounds(db.session.get_one(User, agent), channel).limit
            self.held = held

        def teardown(self) -> None:
            """With everybody there, nothing remains but what waits for a reason that can be said."""
            with transaction():
                db.session.execute(db.update(Service).values(push=True))
                db.session.execute(db.update(User).values(disabled_at=None, capacity=CAPACITIES[1]))
            for _ in range(200):
                self.now += timedelta(seconds=60)
                with clock.at(self.now):
                    presence.touch(agents)
                    self.all_are_ready()
                    assignment.expire_due()
                    assignment.route_due()
                    for offer in centre.open_offers():
                        assignment.accept(offer.id, offer.agent_id)
                    mine = db.select(Interaction).where(Interaction.state.in_(("active", "wrap_up")))
                    rows = [(row.id, row.agent_id) for row in db.session.scalars(mine)]
                    for interaction_id, agent_id in rows:
                        assignment.complete(interaction_id, agent_id, centre.solved_id)
                    left = list(db.session.scalars(db.select(Interaction.id).where(Interaction.state != "closed")))
                    reasons = {assignment.why_waiting(interaction_id) for interaction_id in left}
                    if reasons <= EXPECTED_WAITS:
                        return
            raise AssertionError(f"stuck: {reasons}")

    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=LIVES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
            print_blob=True,
        ),
    )
