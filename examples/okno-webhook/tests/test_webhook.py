"""The door, the way back, and what is refused. Needs okno and this package installed."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from core import assignment, casework, intake, outbox, presence
from core.app import create_app
from core.db import db, transaction
from core.migrate import upgrade
from core.model import Case, Intake, Interaction, Message, OutboxRow, Service, Team, User

SECRET = "a-secret-word"


class Gateway:
    """The other side: answers with the statuses it is told to, and remembers what it got."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                gateway.got.append((dict(self.headers), body))
                self.send_response(gateway.statuses.pop(0) if gateway.statuses else 200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Be quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/send"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    running = Gateway()
    yield running
    running.server.shutdown()
    running.server.server_close()


@pytest.fixture
def app(tmp_path: Path, gateway: Gateway) -> Iterator[Flask]:
    settings = {"core.plugins": ["webhook"], "webhook.secret": SECRET, "webhook.url": gateway.url}
    application = create_app(tmp_path, settings, check_schema=False)
    upgrade(application)
    with application.app_context():
        with transaction():
            team = Team(key="first", title_en="First line", title_ru="Первая линия")
            service = Service(key="support", title_en="Support", title_ru="Поддержка", is_default=True, teams=[team])
            db.session.add_all([service, User(login="anna", first_name="Анна")])
        yield application
        db.session.remove()
        db.engine.dispose()


def send(app: Flask, body: bytes, stamp: str = "", secret: str = SECRET) -> Any:
    stamp = stamp or str(int(time.time()))
    signed = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"X-Okno-Timestamp": stamp, "X-Okno-Signature": f"sha256={signed}"}
    return app.test_client().post("/webhook/sms", data=body, headers=headers)


def said(text: str = "Где мой заказ?") -> bytes:
    return json.dumps({"from": "+79001234567", "name": "Пётр", "text": text}).encode()


def test_a_signed_message_is_stored_answered_202_and_becomes_a_case_once(app: Flask) -> None:
    first, again = send(app, said()), send(app, said())
    assert (first.status_code, first.json) == (202, again.json)
    assert db.session.scalars(db.select(Case)).all() == []
    intake.process_due()
    case = db.session.scalars(db.select(Case)).one()
    assert (case.subject, case.contact.name) == ("Где мой заказ?", "Пётр")
    assert db.session.scalars(db.select(Intake)).one().repeats == 1


@pytest.mark.parametrize(
    ("stamp", "secret"), [("", "wrong"), ("", ""), ("100", SECRET), ("soon", SECRET), ("²", SECRET)]
)
def test_what_is_unsigned_or_stale_is_refused_and_not_stored(app: Flask, stamp: str, secret: str) -> None:
    assert send(app, said(), stamp, secret).status_code == 401
    assert db.session.scalars(db.select(Intake)).all() == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"from": "+7"}', b"null", b"\xff"])
def test_a_body_that_is_no_message_is_kept_and_shown_as_failed(app: Flask, body: bytes) -> None:
    assert send(app, body).status_code == 202
    intake.process_due()
    row = db.session.scalars(db.select(Intake)).one()
    assert row.state == "failed"
    assert "not a message" in row.error


@pytest.fixture
def answered(app: Flask) -> int:
    """The id of an answer that waits in the outbox."""
    send(app, said())
    intake.process_due()
    user, interaction = db.session.scalars(db.select(User)).one(), db.session.scalars(db.select(Interaction)).one()
    presence.sign_on(user.id)
    assignment.take(interaction.id, user.id)
    return casework.reply(interaction.id, user.id, "<p>Уже в пути</p>", command_key="k")


def test_an_answer_is_posted_signed(answered: int, gateway: Gateway) -> None:
    assert outbox.send_due() == 1
    headers, body = gateway.got[0]
    assert json.loads(body)["text"] == "Уже в пути"
    assert json.loads(body)["to"] == "+79001234567"
    signed = hmac.new(SECRET.encode(), f"{headers['X-Okno-Timestamp']}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["X-Okno-Signature"] == f"sha256={signed}"
    assert db.session.get_one(Message, answered, populate_existing=True).delivery == "sent"


@pytest.mark.parametrize(("status", "state"), [(503, "pending"), (429, "pending"), (404, "dead")])
def test_temporary_refusals_are_tried_again_and_final_ones_are_not(
    answered: int, gateway: Gateway, status: int, state: str
) -> None:
    gateway.statuses = [status]
    outbox.send_due()
    row = db.session.scalars(db.select(OutboxRow).execution_options(populate_existing=True)).one()
    assert row.state == state
    assert f"HTTP {status}" in row.detail


def test_a_gateway_that_is_away_is_tried_again(answered: int, gateway: Gateway) -> None:
    gateway.server.shutdown()
    gateway.server.server_close()
    outbox.send_due()
    assert db.session.scalars(db.select(OutboxRow).execution_options(populate_existing=True)).one().state == "pending"
