"""Random lives of agents and interactions: no interaction with two agents, none stuck, states agree with the work in hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import func

from core import assignment, clock, presence
from core.contracts import Rejected
from core.db import db, transaction
from core.model import Interaction, Offer, Presence

AGENT = st.integers(0, 2)


@pytest.mark.feature("R-04")
def test_whatever_happens_in_any_order_one_agent_or_the_queue_has_each_interaction(centre):
    class Life(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.now = datetime(2026, 3, 2, 9, tzinfo=UTC)
            with transaction():
                for model in (Offer, Interaction, Presence):
                    db.session.execute(db.delete(model))
            self.made = 0

        def _try(self, call, *arguments) -> None:
            with clock.at(self.now):
                try:
                    call(*arguments)
                except Rejected:
                    db.session.rollback()

        @rule(seconds=st.integers(1, 40))
        def time_passes(self, seconds: int) -> None:
            self.now += timedelta(seconds=seconds)

        @rule()
        def mail_comes(self) -> None:
            self.made += 1
            self._try(centre.mail)

        @rule(who=AGENT)
        def signs_on(self, who: int) -> None:
            self._try(presence.sign_on, centre.agents[who])

        @rule(who=AGENT, state=st.sampled_from(["ready", "not_ready"]))
        def chooses(self, who: int, state: str) -> None:
            self._try(presence.set_state, centre.agents[who], state)

        @rule(who=AGENT)
        def signs_off(self, who: int) -> None:
            self._try(presence.sign_off, centre.agents[who])

        @rule()
        def is_routed(self) -> None:
            self._try(assignment.route_due)

        @rule()
        def worker_looks(self) -> None:
            self._try(assignment.expire_due)

        @rule(who=AGENT)
        def lost(self, who: int) -> None:
            with clock.at(self.now):
                presence.touch([agent for index, agent in enumerate(centre.agents) if index != who])
            self.now += timedelta(seconds=1)
            self._try(presence.drop_lost, 0.5)

        @precondition(lambda self: centre.open_offers())
        @rule(who=AGENT, yes=st.booleans(), which=st.integers(0, 5))
        def answers(self, who: int, yes: bool, which: int) -> None:
            offers = centre.open_offers()
            self._try(
                assignment.accept if yes else assignment.reject, offers[which % len(offers)].id, centre.agents[who]
            )

        @precondition(lambda self: self.made)
        @rule(who=AGENT, which=st.integers(0, 20), what=st.sampled_from(["take", "finish", "complete", "release"]))
        def works(self, who: int, which: int, what: str) -> None:
            ids = list(db.session.scalars(db.select(Interaction.id).order_by(Interaction.id)))
            if not ids:
                return
            extra = (centre.solved_id,) if what == "complete" else ()
            self._try(getattr(assignment, what), ids[which % len(ids)], centre.agents[who], *extra)

        @invariant()
        def holds(self) -> None:
            db.session.rollback()
            db.session.expire_all()
            rows = db.session.scalars(db.select(Interaction)).all()
            open_offers = {offer.interaction_id: offer.agent_id for offer in centre.open_offers()}
            for row in rows:
                assert (row.agent_id is None) == (row.state == "queued")
                assert (row.id in open_offers) == (row.state == "offered")
                if row.state == "offered":
                    assert open_offers[row.id] == row.agent_id
            assert len(set(open_offers.values())) == len(open_offers)
            for row in db.session.scalars(db.select(Presence)).all():
                mine = {r.state for r in rows if r.agent_id == row.user_id}
                if row.state == "ringing":
                    assert "offered" in mine
                if row.state == "ready":
                    assert not mine & {"offered", "active", "wrap_up"}
                if row.state == "offline":
                    assert "offered" not in mine
            assert db.session.scalar(db.select(func.count()).select_from(Interaction)) == len(rows)

    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=12,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
