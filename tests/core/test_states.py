"""The agent's state: what follows what by the team's rules, what is asked for while busy, what others decide, being away."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import func

from core import assignment, clock, presence, reasons, states_away, states_history
from core.contracts import Rejected
from core.db import db, transaction
from core.model import Audit, Event, Interaction, Notification, Offer, Presence, PresenceChange, Service, Team

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


def rules(**fields):
    """Change the rules of the one team."""
    with transaction():
        db.session.execute(db.update(Team).values(**fields))


def state_of(user_id):
    row = presence.of(user_id)
    return row.state, row.reason


def changes(user_id):
    query = db.select(PresenceChange).where(PresenceChange.user_id == user_id).order_by(PresenceChange.id)
    return [(row.after, row.reason, row.cause) for row in db.session.scalars(query)]


@pytest.mark.feature("D-08", "R-02")
@pytest.mark.parametrize(
    ("rule", "expected"),
    [("", ("not_ready", "signed_in")), ("ready", ("ready", "")), ("not_ready", ("not_ready", "signed_in"))],
)
def test_signing_in_leads_where_the_first_team_says_else_the_house(centre, rule, expected):
    rules(after_sign_in=rule)
    presence.sign_on(centre.agents[0])
    assert state_of(centre.agents[0]) == expected


@pytest.mark.feature("D-08", "R-02")
def test_after_an_interaction_the_team_decides(centre):
    rules(after_work="not_ready")
    anna = centre.agents[0]
    assignment.complete(centre.taken(anna), anna, centre.solved_id)
    assert state_of(anna) == ("not_ready", "")


@pytest.mark.feature("D-08", "R-02")
@pytest.mark.parametrize("rule", ["ready", "not_ready"])
def test_a_rejection_and_a_missed_offer_lead_where_the_team_says_with_the_reason(centre, rule):
    rules(after_reject=rule, after_no_answer=rule)
    anna, boris, _ = centre.agents
    for agent, how in ((anna, "rejected"), (boris, "no_answer")):
        centre.mail(sender=f"{how}@example.org")
        centre.ready(agent)
        assert assignment.route_due() == 1
        offer = next(offer for offer in centre.open_offers() if offer.agent_id == agent)
        if how == "rejected":
            assignment.reject(offer.id, agent)
        else:
            with clock.at(clock.now() + timedelta(minutes=1)):
                assignment.expire_due()
        assert state_of(agent) == (("ready", "") if rule == "ready" else ("not_ready", how))
        presence.set_state(agent, presence.NOT_READY)


def test_an_offer_that_vanishes_leaves_the_agent_ready_whatever_follows_work(centre):
    rules(after_work="not_ready")
    anna = centre.agents[0]
    centre.mail()
    centre.ready(anna)
    assert assignment.route_due() == 1
    with transaction():
        db.session.execute(db.update(Offer).values(outcome="lost"))
        db.session.execute(db.update(Interaction).values(state="queued", agent_id=None))
        presence.settle(anna, "withdrawn")
    assert state_of(anna) == ("ready", "")


@pytest.mark.feature("D-08")
def test_with_several_interactions_the_agent_stays_busy_until_the_last_ends(centre):
    anna = centre.agents[0]
    first = centre.taken(anna)
    centre.mail("second@example.org")
    second = db.session.scalar(db.select(Interaction.id).where(Interaction.state == "queued"))
    assignment.take(second, anna)
    assignment.complete(first, anna, centre.solved_id)
    assert state_of(anna)[0] == "busy"
    assignment.finish(second, anna)
    assert state_of(anna)[0] == "wrap_up"
    assignment.complete(second, anna, centre.solved_id)
    assert state_of(anna)[0] == "ready"


@pytest.mark.feature("D-08")
def test_what_is_asked_for_while_busy_comes_afterwards_and_can_be_taken_back(centre):
    anna = centre.agents[0]
    interaction = centre.taken(anna)
    assert presence.set_state(anna, "not_ready", "lunch") == "later"
    row = presence.of(anna)
    assert (row.state, row.next_state, row.next_reason) == ("busy", "not_ready", "lunch")
    presence.cancel_next(anna)
    assert presence.of(anna).next_state == ""
    presence.set_state(anna, "not_ready", "lunch")
    assignment.complete(interaction, anna, centre.solved_id)
    assert state_of(anna) == ("not_ready", "lunch")
    assert presence.of(anna).next_state == ""
    assert changes(anna)[-1] == ("not_ready", "lunch", "asked")


def test_ready_while_busy_takes_the_pause_back_and_is_remembered_where_work_is_followed_by_not_ready(centre):
    anna = centre.agents[0]
    interaction = centre.taken(anna)
    assert presence.set_state(anna, "ready") == "same"
    presence.set_state(anna, "not_ready", "break")
    assert presence.set_state(anna, "ready") == "later"
    assert presence.of(anna).next_state == ""
    rules(after_work="not_ready")
    assert presence.set_state(anna, "ready") == "later"
    assignment.complete(interaction, anna, centre.solved_id)
    assert state_of(anna) == ("ready", "")


@pytest.mark.feature("D-08")
def test_pressing_ready_when_ready_or_ringing_changes_nothing_and_is_no_error(centre):
    anna = centre.agents[0]
    centre.ready(anna)
    assert presence.set_state(anna, "ready") == "same"
    centre.mail()
    assert assignment.route_due() == 1
    assert presence.set_state(anna, "ready") == "same"
    assert state_of(anna)[0] == "ringing"
    assert len(changes(anna)) == 3


def test_who_misses_an_offer_beside_other_work_is_not_asked_again_before_they_say_so(centre):
    anna = centre.agents[0]
    centre.taken(anna)
    with transaction():
        presence.settle(anna, "no_answer")
    row = presence.of(anna)
    assert (row.state, row.next_state, row.next_reason) == ("busy", "not_ready", "no_answer")
    assert presence.set_state(anna, "ready") == "later"
    assert presence.of(anna).next_state == ""


@pytest.mark.feature("D-08")
def test_wrap_up_ends_by_itself_into_the_state_that_follows_work(centre):
    anna = centre.agents[0]
    with transaction():
        db.session.execute(db.update(Service).values(disposition_required=False, wrap_up_seconds=30))
    interaction = centre.taken(anna)
    assignment.finish(interaction, anna)
    assert assignment.wrap_up_due() == 0
    with clock.at(clock.now() + timedelta(seconds=31)):
        assert assignment.wrap_up_due() == 1
    assert state_of(anna) == ("ready", "")
    assert changes(anna)[-1][2] == "wrap_up_over"


def test_only_active_reasons_that_are_not_automatic_can_be_chosen(centre):
    anna = centre.agents[0]
    presence.sign_on(anna)
    for wrong in ("no_answer", "signed_in", "nonsense"):
        with pytest.raises(Rejected, match="reason"):
            presence.set_state(anna, "not_ready", wrong)
    reasons.update_reason(reasons.get_reason("meeting").id, active=False)
    with pytest.raises(Rejected):
        presence.set_state(anna, "not_ready", "meeting")
    reasons.add_reason("coach", "Coaching", "Наставник")
    presence.set_state(anna, "not_ready", "coach")
    assert state_of(anna) == ("not_ready", "coach")


def test_reasons_are_handed_out_once_audited_and_a_used_one_cannot_be_deleted(centre):
    assert reasons.ensure_reasons() == []
    coach = reasons.add_reason("coach", "Coaching", "Наставник", is_break=True)
    presence.sign_on(centre.agents[0])
    presence.set_state(centre.agents[0], "not_ready", "coach")
    with pytest.raises(Rejected, match="history"):
        reasons.remove_reason(coach.id)
    with pytest.raises(Rejected, match="system"):
        reasons.remove_reason(reasons.get_reason("no_answer").id)
    reasons.remove_reason(reasons.get_reason("training").id)
    assert reasons.ensure_reasons() == [] and reasons.find_reason("training") is None
    actions = set(db.session.scalars(db.select(Audit.action).where(Audit.object_type == "reason")))
    assert {"reason.introduce", "reason.add", "reason.remove"} <= actions
    assert reasons.label_of("coach").ru == "Наставник"
    assert reasons.label_of("training").ru == "Обучение"


@pytest.mark.feature("D-08")
def test_a_supervisor_forces_a_state_at_once_or_after_the_work_and_the_agent_is_told(centre):
    anna, boris, vera = centre.agents
    centre.ready(boris)
    assert presence.force(boris, "not_ready", "training", vera) == "now"
    assert state_of(boris) == ("not_ready", "training")
    change = presence.last_change(boris)
    assert (change.cause, change.actor_id) == ("supervisor", vera)
    interaction = centre.taken(anna)
    assert presence.force(anna, "not_ready", "", vera) == "later"
    assignment.complete(interaction, anna, centre.solved_id)
    assert state_of(anna) == ("not_ready", "forced")
    assert presence.last_change(anna).actor_id == vera
    told = db.session.execute(db.select(Notification.user_id, Notification.kind, Notification.actor_id)).all()
    assert {tuple(row) for row in told} == {(anna, "state.forced", vera), (boris, "state.forced", vera)}


def test_every_change_is_an_event_with_what_comes_next(centre):
    anna = centre.agents[0]
    centre.taken(anna)
    presence.set_state(anna, "not_ready", "lunch")
    payload = db.session.scalar(
        db.select(Event.payload).where(Event.type == "presence.changed").order_by(Event.id.desc())
    )
    found = json.loads(payload) if isinstance(payload, str) else payload
    assert (found["state"], found["next_state"], found["next_reason"]) == ("busy", "not_ready", "lunch")
    assert set(found) == {"user_id", "state", "reason", "since", "next_state", "next_reason"}


def test_the_longest_idle_counts_from_becoming_ready_not_from_the_end_of_a_ringing(centre):
    anna = centre.agents[0]
    with clock.at(START):
        centre.ready(anna)
    centre.mail()
    with clock.at(START + timedelta(minutes=1)):
        assert assignment.route_due() == 1
        with transaction():
            presence.swap(anna, "ringing", "ready", "", "withdrawn")
    assert presence.of(anna).idle_since == START


# --- any order ---------------------------------------------------------------------------------------


@pytest.mark.feature("D-08")
def test_whatever_is_asked_in_any_order_the_history_is_the_state_and_busy_means_work(centre):
    class Shift(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.now = START
            with transaction():
                for model in (Offer, Interaction, PresenceChange, Presence):
                    db.session.execute(db.delete(model))

        def attempt(self, call, *arguments):
            with clock.at(self.now):
                try:
                    return call(*arguments)
                except Rejected:
                    db.session.rollback()

        @rule(seconds=st.integers(1, 400))
        def time_passes(self, seconds):
            self.now += timedelta(seconds=seconds)

        @rule(after=st.sampled_from(["", "ready", "not_ready"]), what=st.sampled_from(["sign_in", "work", "reject"]))
        def team_changes(self, after, what):
            rules(**{f"after_{what}": after})

        @rule(who=st.integers(0, 1), state=st.sampled_from(["ready", "not_ready"]), forced=st.booleans())
        def asks(self, who, state, forced):
            if forced:
                self.attempt(presence.force, centre.agents[who], state, "", centre.agents[2])
            else:
                self.attempt(presence.set_state, centre.agents[who], state, "lunch" if state == "not_ready" else "")

        @rule(who=st.integers(0, 1), act=st.sampled_from(["sign_on", "sign_off", "cancel_next"]))
        def comes_or_goes(self, who, act):
            self.attempt(getattr(presence, act), centre.agents[who])

        @rule()
        def mail_is_offered(self):
            with clock.at(self.now):
                centre.mail()
                assignment.route_due()

        @rule(yes=st.booleans())
        def answers(self, yes):
            for offer in centre.open_offers()[:1]:
                self.attempt(assignment.accept if yes else assignment.reject, offer.id, offer.agent_id)

        @rule(what=st.sampled_from(["finish", "complete"]))
        def works(self, what):
            row = db.session.scalars(db.select(Interaction).where(Interaction.state.in_(("active", "wrap_up")))).first()
            if row is not None:
                extra = (centre.solved_id,) if what == "complete" else ()
                self.attempt(getattr(assignment, what), row.id, row.agent_id, *extra)

        @rule()
        def nobody_is_there(self):
            self.attempt(states_away.go_away_due)
            self.attempt(assignment.expire_due)

        @invariant()
        def holds(self):
            db.session.rollback()
            for row in db.session.scalars(db.select(Presence).execution_options(populate_existing=True)):
                last = presence.last_change(row.user_id)
                assert row.state == (last.after if last else "offline")
                work = presence.load(row.user_id)
                if row.state in presence.WORKING:
                    assert any(work)
                else:
                    assert row.next_state == ""
                if row.state == "ready":
                    assert not any(work)
                later = self.now + timedelta(seconds=1)
                with clock.at(later):
                    spans = states_history.history(row.user_id, START, later)
                assert spans[-1].state == row.state
                assert sum(span.seconds for span in spans) == (later - START).total_seconds()
            pairs = db.session.execute(db.select(PresenceChange.before, PresenceChange.after)).all()
            assert all(after in presence.NEXT[before] for before, after in pairs)
            assert db.session.scalar(db.select(func.count()).select_from(Offer).where(Offer.outcome.is_(None))) <= 2

    run_state_machine_as_test(
        Shift,
        settings=settings(
            max_examples=10,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
