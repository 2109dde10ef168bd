"""Four people of one house with the plugin alone: an agent, two colleagues, a supervisor of their team."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from core import directory, sessions
from core.db import db
from core.events import log as events
from core.model import Team, TeamMember, User


@dataclass
class Staff:
    """The people by name, inside an application context."""

    app: Flask
    anna: int
    boris: int
    vera: int
    chief: int
    team_id: int

    def client(self, user_id: int) -> FlaskClient:
        """A browser in which this person is signed in."""
        token, _ = sessions.open_session(user_id, ip="127.0.0.1", user_agent="test", force=True)
        client = self.app.test_client()
        with client.session_transaction() as session:
            session["token"] = token
        return client

    def heard(self, user_id: int, after: int = 0) -> list[str]:
        """The types of events told to this person."""
        return [event.type for event in events.fetch([f"user:{user_id}"], after)]

    def user(self, user_id: int) -> User:
        return db.session.get_one(User, user_id)


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"core.plugins": ["colleagues"]}


@pytest.fixture
def staff(app: Flask) -> Iterator[Staff]:
    with app.app_context():
        directory.ensure_roles()
        names = {"anna": "Анна", "boris": "Борис", "vera": "Вера"}
        ids = {login: directory.add_user(login, name, last_name="Тестова").id for login, name in names.items()}
        ids["chief"] = directory.add_user("chief", "Ольга", roles=["supervisor"]).id
        team = Team(key="line", title_en="Line", title_ru="Линия")
        db.session.add(team)
        db.session.flush()
        for name in ("anna", "boris"):
            db.session.add(TeamMember(team_id=team.id, user_id=ids[name]))
        db.session.add(TeamMember(team_id=team.id, user_id=ids["chief"], supervisor=True))
        db.session.commit()
        yield Staff(app, **ids, team_id=team.id)
