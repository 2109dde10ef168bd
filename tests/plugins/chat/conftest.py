"""A small centre with the chat plugin: one service with the widget key ``demo``, one agent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from core import assignment, presence
from core.db import db, transaction
from core.model import Event, Offer, Service, ServiceEntry, Team, TeamMember, User


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"core.plugins": ["chat"]}


@dataclass
class Visit:
    """A visitor's browser: keeps the token, makes message ids."""

    client: FlaskClient
    token: str = ""
    sent: int = 0

    def __post_init__(self) -> None:
        self.token = self.token or self.client.post("/chat/session").json["token"]

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Accept": "application/json", "Accept-Language": "ru"}

    def say(self, text: str, id: str = "", **body: Any) -> Any:
        self.sent += 1
        message = {"id": id or f"message-{self.sent:04}", "text": text, "entry": "demo", "name": "Пётр", **body}
        return self.client.post("/chat/messages", json=message, headers=self.headers)

    def look(self, after: int = 0) -> Any:
        return self.client.get(f"/chat/messages?after={after}", headers=self.headers).json


@dataclass
class Centre:
    """The house behind the chat, inside an application context."""

    app: Flask
    service_id: int
    agent_id: int
    visits: list[Visit] = field(default_factory=list)

    def visit(self) -> Visit:
        self.visits.append(Visit(self.app.test_client()))
        return self.visits[-1]

    def accept(self) -> int:
        """The agent gets ready, is offered what waits, and accepts; returns the interaction."""
        presence.sign_on(self.agent_id)
        presence.set_state(self.agent_id, presence.READY)
        assert assignment.route_due() == 1
        offer = db.session.scalars(db.select(Offer).where(Offer.outcome.is_(None))).one()
        return assignment.accept(offer.id, self.agent_id)

    def heard(self, topic: str = "session:") -> list[tuple[str, str]]:
        """Types and payloads of the events that visitors could hear, in order."""
        rows = db.session.execute(
            db.select(Event.type, Event.payload).where(Event.topic.startswith(topic)).order_by(Event.id)
        )
        return [(row.type, row.payload) for row in rows]


def add_centre() -> tuple[int, int]:
    """The rows of the centre; returns the service and the agent."""
    with transaction():
        team = Team(key="first", title_en="First line", title_ru="Первая линия")
        agent = User(login="anna", first_name="Анна", last_name="Соколова", nickname="Аня")
        service = Service(
            key="support",
            title_en="Support",
            title_ru="Поддержка",
            is_default=True,
            disposition_required=False,
            teams=[team],
        )
        service.entries.append(ServiceEntry(channel="chat", address="demo"))
        db.session.add_all([team, agent, service])
        db.session.flush()
        db.session.add(TeamMember(team_id=team.id, user_id=agent.id))
        return service.id, agent.id


@pytest.fixture
def centre(app: Flask) -> Iterator[Centre]:
    with app.app_context():
        yield Centre(app, *add_centre())
        db.session.remove()
