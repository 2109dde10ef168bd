"""An SMTP sink that refuses on demand, and a centre that sends through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller
from flask import Flask
from sqlalchemy import select

from core import assignment, casework, directory, intake, outbox, presence, services
from core.db import db
from core.house import okno
from core.model import Offer
from plugins.email.channel import take_in
from tests.support.letters import SUPPORT
from tests.support.waiting import wait_until as _wait_until


@pytest.fixture
def wait_until() -> Callable[..., None]:
    return _wait_until


@dataclass
class Sink:
    """An SMTP server that keeps mail; ``answers`` maps a recipient to the refusal it gets."""

    answers: dict[str, str] = field(default_factory=dict)
    mail_answer: str = ""
    data_answer: str = ""
    received: list[tuple[str, tuple[str, ...], bytes]] = field(default_factory=list)
    port: int = 0

    async def handle_MAIL(self, server, session, envelope, address, options):  # type: ignore[no-untyped-def]
        if self.mail_answer:
            return self.mail_answer
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):  # type: ignore[no-untyped-def]
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # type: ignore[no-untyped-def]
        if self.data_answer:
            return self.data_answer
        self.received.append((envelope.mail_from, tuple(envelope.rcpt_tos), envelope.content))
        return "250 OK"


class _FreePortController(Controller):
    """Knows its port before aiosmtpd makes its first connection to it."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def smtp_sink() -> Iterator[Sink]:
    kept = Sink()
    controller = _FreePortController(kept, hostname="127.0.0.1", port=0)
    controller.start()
    kept.port = controller.port
    yield kept
    controller.stop()


ACKNOWLEDGEMENT = "Здравствуйте, $(from.name)!\n\nВаш запрос $(case.number) принят. Отвечает $(User.firstName).\n"


@dataclass
class MailCentre:
    """A centre with two services that send through the sink, and one agent."""

    sink: Sink
    support_id: int
    sales_id: int
    agent_id: int

    def take(self, raw: bytes, *recipients: str, sender: str | None = "anna@example.org") -> int:
        """A letter through the door and made a message; returns the intake id. ``sender`` None: the door knew no envelope."""
        envelope = {} if sender is None else {"envelope_from": sender, "recipients": list(recipients or (SUPPORT,))}
        item = take_in(raw, door="test", **envelope)
        intake.process(item)
        return item

    def send(self) -> list[EmailMessage]:
        """Send what is due; the letters that the sink has got so far."""
        outbox.send_due()
        return self.letters()

    def letters(self) -> list[EmailMessage]:
        """The letters in the sink."""
        return [message_from_bytes(raw, policy=policy.default) for _, _, raw in self.sink.received]  # type: ignore[misc]

    def answer(self, html: str = "<p>Попробуйте ещё раз.</p>", **options: object) -> int:
        """The agent takes the next interaction and answers it; returns the message id."""
        presence.sign_on(self.agent_id)
        presence.set_state(self.agent_id, presence.READY)
        assignment.route_due()
        offer = db.session.scalars(select(Offer).where(Offer.outcome.is_(None))).one()
        self.interaction_id = assignment.accept(offer.id, self.agent_id)
        return casework.reply(
            self.interaction_id, self.agent_id, html, command_key=f"answer-{self.interaction_id}", **options
        )  # type: ignore[arg-type]


@pytest.fixture
def mail_centre(app: Flask, smtp_sink: Sink) -> Iterator[MailCentre]:
    """The centre, inside an application context."""
    with app.app_context():
        okno().config.values.update(
            {"email.smtp_server": "127.0.0.1", "email.smtp_server_port": smtp_sink.port, "email.smtp_security": "none"}
        )
        directory.ensure_roles()
        directory.add_team("first", "First line", "Первая линия")
        agent = directory.add_user("boris", "Борис", teams=["first"])
        texts = {"acknowledgement": ACKNOWLEDGEMENT}
        ids = []
        for key, title_en, title_ru in (("support", "Support", "Поддержка"), ("sales", "Sales", "Продажи")):
            service = services.add_service(key, title_en, title_ru, teams=["first"], texts=texts)
            services.add_entry(service.id, "email", f"{key}@okno.example")
            ids.append(service.id)
        yield MailCentre(smtp_sink, *ids, agent.id)
        db.session.remove()
