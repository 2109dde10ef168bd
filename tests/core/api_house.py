"""A small centre for tests of the API: people with tokens, a service, a case with a letter in the queue."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from flask_babel import refresh
from werkzeug.test import TestResponse

from core import assignment, case_links, case_notes, directory, intake, organisations, presence, tokens, webhooks
from core.app import register_contributions
from core.contracts import FileIn
from core.db import db, transaction
from core.house import okno
from core.model import Disposition, Interaction, PingTarget, Service, ServiceEntry, Team, TeamMember, User
from tests.core.conftest import ENTRY, Toy


@dataclass
class Api:
    """Calls the API as one token; each answer is checked to be JSON or empty."""

    client: FlaskClient
    secret: str
    language: str = "en"
    last: TestResponse | None = field(default=None)

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str = "",
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> TestResponse:
        sent = {"Authorization": f"Bearer {self.secret}", "Accept-Language": self.language, **(headers or {})}
        if key:
            sent["Idempotency-Key"] = key
        if body is not None:
            extra |= {"data": json.dumps(body), "content_type": "application/json"}
        refresh()  # the language is kept in the context, which here outlives the request
        self.last = self.client.open(f"/api/v1{path}", method=method, headers=sent, **extra)
        # The test's own context outlives requests; on SQLite it would go on reading the old state.
        db.session.rollback()
        return self.last

    def get(self, path: str, **extra: Any) -> Any:
        """The answer's JSON; it must be 200."""
        answer = self("GET", path, **extra)
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    def post(self, path: str, body: Any = None, status: int = 200, **extra: Any) -> Any:
        """The answer's JSON; its status must be ``status``."""
        answer = self("POST", path, body, **extra)
        assert answer.status_code == status, answer.text
        return answer.get_json() if answer.data else None


def all_scopes() -> list[str]:
    """Every scope of the house."""
    return list(tokens.scopes())


def person(login: str, role: str = "agent", team: str = "", supervisor: bool = False) -> int:
    """A user of that role, in a team; the id."""
    directory.ensure_roles()
    user = directory.find_user(login)
    if user is None:
        return directory.add_user(login, login.title(), roles=[role], teams=[team] if team else []).id
    directory.update_user(user.id, first_name=login.title())
    with transaction():
        user = db.session.get_one(User, user.id)
        user.roles = [item for item in directory.list_roles() if item.key == role]
    return user.id


def caller(app: Flask, user_id: int, scopes: list[str] | None = None) -> Api:
    """A token of the user, ready to call."""
    _, secret = tokens.create(user_id, "test", scopes if scopes is not None else all_scopes())
    return Api(app.test_client(), secret)


def forgetful(app: Flask) -> None:
    """Let no request limit stand in the way of a test."""
    with app.app_context():
        okno().config.values["api.requests_per_minute"] = 0


def populate(app: Flask, user_id: int) -> None:
    """Something of each kind under the id 1, an interaction in the hands of ``user_id``; needs an application context."""
    toy = Toy()
    okno().plugins.register(toy, "toy")
    register_contributions(okno())
    with transaction():
        team = Team(key="first", title_en="First line", title_ru="Первая линия")
        service = Service(key="support", title_en="Support", title_ru="Поддержка", is_default=True, teams=[team])
        service.entries.append(ServiceEntry(channel="toy", address=ENTRY))
        db.session.add_all([team, service, Disposition(key="solved", title_en="Solved", title_ru="Решено")])
        db.session.flush()
        db.session.add(TeamMember(team_id=team.id, user_id=user_id, supervisor=True))
        db.session.add(PingTarget(key="expert", kind="expert", title_en="Expert", title_ru="Эксперт", team_id=team.id))
    for number in range(3):
        item = intake.accept("toy", f"k{number}", f"anna{number}@example.org|Не открывается|Помогите {number}".encode())
        intake.process(item)
    presence.sign_on(user_id)
    for interaction_id in db.session.scalars(db.select(Interaction.id).order_by(Interaction.id).limit(2)).all():
        assignment.take(interaction_id, user_id)
    case_notes.add(1, user_id, "Заметка", files=[FileIn("note.txt", "text/plain", b"1")])
    case_links.link(1, 2, "related", user_id)
    organisations.add("Ромашка", "7707083893")
    webhooks.add("https://hooks.example.com/okno", ["*"])
