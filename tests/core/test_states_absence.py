"""Being away, a page that is closed, a connection that is lost, a user who is disabled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core import clock, directory, presence, sessions, states_away
from core.contracts import Rejected
from core.db import db, transaction
from core.model import Event, PresenceChange, SignIn, Team

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


# --- away --------------------------------------------------------------------------------------------


@pytest.mark.feature("D-08")
def test_an_agent_whom_nobody_has_seen_for_fifteen_minutes_is_away_and_may_come_back(centre, count_queries):
    anna, boris, vera = centre.agents
    with clock.at(START):
        centre.ready(anna, boris)
        presence.sign_on(vera)
    with clock.at(START + timedelta(minutes=14)):
        assert states_away.go_away_due() == 0
        states_away.active(boris)
    with clock.at(START + timedelta(minutes=15)):
        assert states_away.go_away_due() == 1
        assert state_of(anna) == ("not_ready", "away")
        assert state_of(boris)[0] == "ready"
        assert states_away.is_away(presence.of(vera), 15) and not states_away.is_away(presence.of(vera), 0)
        with count_queries() as seen:
            assert states_away.go_away_due() == 0
        assert seen.count <= 2
        states_away.back(anna)
        assert state_of(anna) == ("ready", "")
        assert states_away.go_away_due() == 0


def test_who_chose_to_be_away_is_not_brought_back_and_zero_minutes_means_never(centre):
    anna = centre.agents[0]
    with clock.at(START):
        centre.ready(anna)
    rules(away_minutes=0)
    with clock.at(START + timedelta(hours=3)):
        assert states_away.go_away_due() == 0
        presence.set_state(anna, "not_ready", "away")
        with pytest.raises(Rejected, match="menu"):
            states_away.back(anna)


# --- coming and going --------------------------------------------------------------------------------


def sign_in_of(user_id, moment=START):
    with clock.at(moment):
        return sessions.open_session(user_id, ip="192.0.2.1", user_agent="test", force=True)


@pytest.mark.feature("D-09")
def test_a_page_that_said_goodbye_ends_its_session_after_the_grace_a_lost_one_may_come_back(centre):
    anna, boris, _ = centre.agents
    for agent in (anna, boris):
        sign_in_of(agent)
    with clock.at(START):
        centre.ready(anna, boris)
    with clock.at(START + timedelta(seconds=60)):
        presence.touch([anna, boris])
        sessions.say_goodbye(db.session.scalar(db.select(SignIn.id).where(SignIn.user_id == anna)))
    with clock.at(START + timedelta(seconds=74)):
        assert presence.drop_lost(15) == 0
    with clock.at(START + timedelta(seconds=76)):
        assert presence.drop_lost(15) == 2
        assert changes(anna)[-1] == ("offline", "", "tab_closed")
        assert changes(boris)[-1] == ("offline", "connection_lost", "connection_lost")
        assert not sessions.open_ones(anna) and len(sessions.open_ones(boris)) == 1
        presence.sign_on(boris)
        assert state_of(boris) == ("not_ready", "connection_lost")


def test_a_goodbye_of_long_ago_is_no_goodbye_of_the_page_that_is_lost_now(centre):
    anna = centre.agents[0]
    sign_in_of(anna)
    with clock.at(START):
        centre.ready(anna)
        sessions.say_goodbye(sessions.open_ones(anna)[0].id)
    with clock.at(START + timedelta(seconds=60)):
        presence.touch([anna])
    with clock.at(START + timedelta(seconds=90)):
        assert presence.drop_lost(15) == 1
        assert len(sessions.open_ones(anna)) == 1


def test_a_disabled_user_is_signed_off_at_once(centre):
    anna = centre.agents[0]
    sign_in_of(anna, clock.now())
    centre.ready(anna)
    directory.disable_user(anna)
    assert state_of(anna)[0] == "offline"
    assert not sessions.open_ones(anna)
    assert db.session.scalar(db.select(Event.id).where(Event.type == "session.ended", Event.topic == f"user:{anna}"))
