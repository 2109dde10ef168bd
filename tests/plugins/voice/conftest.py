"""A small centre with the voice plugin: one service with a number, one agent, one administrator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

from core import assignment, presence, sessions
from core.db import db, transaction
from core.model import Offer, Role, Service, ServiceEntry, SignIn, Team, TeamMember, User

NUMBER = "+78000000001"


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"core.plugins": ["voice"], "voice.turn": "turn.example:3478", "voice.turn_secret": "hidden-word"}


@dataclass
class Centre:
    """The house that is called."""

    app: Flask
    agent_id: int
    admin_id: int

    def offered(self) -> Offer:
        presence.sign_on(self.agent_id)
        presence.set_state(self.agent_id, presence.READY)
        assert assignment.route_due() == 1
        return db.session.scalars(db.select(Offer).where(Offer.outcome.is_(None))).one()


@pytest.fixture
def centre(app: Flask) -> Iterator[Centre]:
    with app.app_context():
        with transaction():
            team = Team(key="first", title_en="First line", title_ru="Первая линия")
            agent = User(login="anna", first_name="Анна")
            role = Role(
                key="admin", title_en="Administrator", title_ru="Администратор", privileges=["admin.view", "case.reply"]
            )
            admin = User(login="root", first_name="Максим", language="ru", roles=[role])
            service = Service(key="support", title_en="Support", title_ru="Поддержка", is_default=True, teams=[team])
            service.entries.append(ServiceEntry(channel="voice", address=NUMBER))
            db.session.add_all([team, agent, admin, service])
            db.session.flush()
            db.session.add(TeamMember(team_id=team.id, user_id=agent.id))
            db.session.add(SignIn(user_id=admin.id, token_hash=sessions.hash_of("a-token")))
            made = Centre(app, agent.id, admin.id)
        yield made
        db.session.remove()
