"""What is put off is offered to nobody until it comes back, at the place that it had; on both data bases."""

from __future__ import annotations

import importlib.util
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from core import assignment, clock, intake, presence
from core import migrate as migrations
from core.contracts import Rejected, Text
from core.db import db
from core.live import bots, conversations
from core.model import Interaction, TimelineEntry, User
from core.web import desk_queries


def interaction(key: int) -> Interaction:
    return db.session.get_one(Interaction, key, populate_existing=True)


def waiting(centre) -> int:
    centre.mail(sender=f"{centre.count}@example.org")
    return db.session.scalars(db.select(Interaction.id).order_by(Interaction.id.desc()).limit(1)).one()


def test_what_is_put_off_is_offered_to_nobody_and_comes_back_at_its_place(centre):
    anna, boris, _ = centre.agents
    first, second = waiting(centre), waiting(centre)
    queued_at = interaction(first).queued_at
    assignment.put_off(first, boris)
    centre.ready(anna)
    with clock.at(clock.now() + timedelta(seconds=1)):
        centre.ready(boris)
    assert assignment.route_due() == 1
    assert centre.open_offers()[0].interaction_id == second
    assert assignment.come_back(first) is True
    assert assignment.come_back(first) is False
    assert interaction(first).queued_at == queued_at
    assert assignment.route_due() == 1
    assert {offer.interaction_id: offer.agent_id for offer in centre.open_offers()}[first] == boris


def test_an_offer_ends_when_what_it_offers_is_put_off(centre):
    anna, _, _ = centre.agents
    key = waiting(centre)
    centre.ready(anna)
    assert assignment.route_due() == 1
    assignment.put_off(key)
    assert (centre.open_offers(), presence.of(anna).state, interaction(key).state) == ([], "ready", "put_off")


def test_what_an_agent_has_is_not_put_off(centre):
    anna, _, _ = centre.agents
    key = centre.taken(anna)
    with pytest.raises(Rejected) as refused:
        assignment.put_off(key)
    assert (refused.value.code, interaction(key).state) == ("not-your-interaction", "active")


def test_an_agent_takes_what_is_put_off_and_no_bot_is_mentioned(centre):
    anna, _, _ = centre.agents
    key = waiting(centre)
    assignment.put_off(key)
    presence.sign_on(anna)
    bots.take(key, anna)
    assert (interaction(key).state, interaction(key).agent_id) == ("active", anna)
    kinds = set(db.session.scalars(db.select(TimelineEntry.kind)))
    assert "bot.handed_over" not in kinds


def test_the_history_says_why_something_was_closed(centre):
    anna, _, _ = centre.agents
    key = waiting(centre)
    assignment.put_off(key)
    assignment.abandon(key, Text("Not needed any more", "Больше не нужно"), anna)
    told = db.session.scalars(db.select(TimelineEntry).where(TimelineEntry.kind == "interaction.abandoned")).one()
    assert (told.actor_id, "Больше не нужно" in str(told.data), interaction(key).state) == (anna, True, "closed")


def test_what_no_bot_held_becomes_put_off(database_url):
    path = Path(migrations.__file__).parent / "migrations" / "versions" / "0006_put_off.py"
    spec = importlib.util.spec_from_file_location("core_0006", path)
    assert spec is not None and spec.loader is not None
    migration = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(migration)
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE interaction (id INTEGER PRIMARY KEY, state VARCHAR(10))"))
        connection.execute(sa.text("CREATE TABLE live_bot_talk (interaction_id INTEGER)"))
        connection.execute(sa.text("INSERT INTO interaction VALUES (1, 'bot'), (2, 'bot'), (3, 'queued')"))
        connection.execute(sa.text("INSERT INTO live_bot_talk VALUES (1)"))
        with Operations.context(MigrationContext.configure(connection)):
            migration.upgrade()
        rows = connection.execute(sa.text("SELECT id, state FROM interaction ORDER BY id")).all()
    engine.dispose()
    assert [tuple(row) for row in rows] == [(1, "bot"), (2, "put_off"), (3, "queued")]


def test_what_is_put_off_is_no_bots_and_no_queues(centre):
    key = waiting(centre)
    assignment.put_off(key)
    user = db.session.get_one(User, centre.agents[0])
    assert list(db.session.scalars(desk_queries.waiting(user, db.select(Interaction.id)))) == []
    assert not bots.hand_over(key, Text("Over", "Дальше"))
    assert interaction(key).state == "put_off"
    # Its contact is still being served: what is written meanwhile belongs to it.
    found = interaction(key)
    assert found.state in intake.OPEN_STATES and found.state in conversations.UNDER_WAY
