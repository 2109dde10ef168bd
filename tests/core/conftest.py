"""A small centre on both data bases: one toy channel, one service, three agents, two dispositions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask

from core import assignment, hookimpl, intake, outbox, presence, reasons
from core.app import register_contributions
from core.contracts import (
    Address,
    Capabilities,
    Channel,
    Delivery,
    FileIn,
    Inbound,
    IntakeItem,
    OutboxHandler,
    OutboxResult,
    Text,
)
from core.db import db, transaction
from core.house import okno
from core.model import (
    Disposition,
    Offer,
    Service,
    ServiceEntry,
    Team,
    TeamMember,
    User,
    WorkflowDefinition,
    WorkflowVersion,
)

ENTRY = "support@okno.example"


class Toy:
    """A channel whose source messages are ``sender|subject|text`` and whose outbox can be told to fail."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Mapping[str, Any]]] = []
        self.answers: list[OutboxResult] = []
        self.live = False

    def process(self, item: IntakeItem) -> None:
        sender, subject, text = item.raw.decode().split("|", 2)
        if text == "explode":
            raise ValueError("cannot be understood")
        intake.receive(
            Inbound(
                channel="toy",
                source_key=f"toy:{item.source_key}",
                sender=Address("email", sender, sender.split("@")[0].title()),
                entry=ENTRY,
                subject=subject,
                body_text=text,
                files=(FileIn("note.txt", "text/plain", b"attached"),),
            )
        )

    def deliver(self, delivery: Delivery) -> None:
        outbox.enqueue(
            "toy.send",
            f"toy:{delivery.message_id}",
            {"to": delivery.to, "text": delivery.body_text},
            delivery.message_id,
        )

    def send(self, key: str, payload: Mapping[str, Any]) -> OutboxResult:
        self.sent.append((key, payload))
        return self.answers.pop(0) if self.answers else OutboxResult("sent", "250 ok")

    @hookimpl
    def register_channels(self) -> list[Channel]:
        capabilities = Capabilities(rich=True, attachments=True, live=self.live)
        return [Channel("toy", Text("Toy", "Игрушка"), "mail", capabilities, "email", self.deliver, self.process)]

    @hookimpl
    def register_outbox_handlers(self) -> list[OutboxHandler]:
        return [OutboxHandler("toy.send", self.send)]


@dataclass
class Centre:
    """Handles to what the fixture made, and the moves that tests make most."""

    app: Flask
    toy: Toy
    service_id: int
    agents: list[int]
    solved_id: int
    later_id: int
    count: int = field(default=0)

    def mail(self, sender: str = "anna@example.org", subject: str = "Не открывается", text: str = "Помогите") -> int:
        """Take one message in and process it; returns the intake id."""
        self.count += 1
        item = intake.accept("toy", f"k{self.count}", f"{sender}|{subject}|{text}".encode())
        intake.process(item)
        return item

    def ready(self, *agents: int) -> None:
        for agent in agents:
            presence.sign_on(agent)
            presence.set_state(agent, presence.READY)

    def open_offers(self) -> list[Offer]:
        return list(
            db.session.scalars(
                db.select(Offer).where(Offer.outcome.is_(None)).execution_options(populate_existing=True)
            )
        )

    def taken(self, agent: int) -> int:
        """Bring one fresh message into the hands of ``agent``; returns the interaction."""
        self.mail()
        self.ready(agent)
        assert assignment.route_due() == 1
        return assignment.accept(self.open_offers()[0].id, agent)

    def register(self, plugin: object, name: str) -> None:
        """Add another plugin to the running application."""
        okno().plugins.register(plugin, name)
        register_contributions(okno())


@pytest.fixture
def centre(app: Flask) -> Iterator[Centre]:
    """The centre, inside an application context."""
    toy = Toy()
    with app.app_context():
        okno().plugins.register(toy, "toy")
        register_contributions(okno())
        reasons.ensure_reasons()
        with transaction():
            team = Team(key="first", title_en="First line", title_ru="Первая линия")
            agents = [User(login=login, first_name=login.title()) for login in ("anna", "boris", "vera")]
            service = Service(
                key="support", title_en="Support", title_ru="Поддержка", is_default=True, teams=[team], offer_seconds=20
            )
            service.entries.append(ServiceEntry(channel="toy", address=ENTRY))
            solved = Disposition(
                key="solved", title_en="Solved", title_ru="Решено", workflow_key="survey", success="success"
            )
            later = Disposition(key="later", title_en="Waiting", title_ru="Ждём ответа", closes_case=False)
            survey = WorkflowDefinition(key="survey", title_en="Survey", title_ru="Опрос")
            steps = [{"type": "wait", "minutes": 30}, {"type": "add_note", "text": "Опрос по $(case.number)"}]
            survey.versions.append(WorkflowVersion(version=1, steps=steps))
            db.session.add_all([team, *agents, service, solved, later, survey])
            db.session.flush()
            db.session.add_all(TeamMember(team_id=team.id, user_id=agent.id) for agent in agents)
            ids = Centre(app, toy, service.id, [agent.id for agent in agents], solved.id, later.id)
        yield ids
        db.session.remove()


@pytest.fixture
def talk(centre: Centre) -> Any:
    """A live channel beside the toy's letters: ``talk()`` lets a conversation begin and returns the interaction."""
    from tests.core.routing_moves import Talk

    channel = Talk()
    centre.register(channel, "talk")
    return channel
