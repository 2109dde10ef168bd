"""A small centre with calls that have been: services, teams, agents, a supervisor, an administrator; rows are put in directly."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import inspect, text

from core import casework, intake, sessions
from core.clock import now
from core.contracts import Address, Inbound
from core.db import db, transaction
from core.model import Case, Contact, Interaction, Role, Service, ServiceEntry, SignIn, Team, TeamMember, User
from plugins.voice.models.calls import VoiceCall
from plugins.voice.sounds.sound_files import RATE, as_wav
from tests.support.applications import BOTH, MigratedTemplates, make_app

SETTINGS = {"core.plugins": ["voice", "email"], "web.base_url": "https://okno.example"}
NUMBER = "+78000000001"
AGENT = ["desk.use", "case.view", "case.reply", "voice.call"]
SUPERVISOR = [
    *AGENT,
    "case.view_all",
    "supervisor.view",
    "voice.recordings",
    "voice.messages",
    "voice.registration",
    "voice.quality",
]
PEOPLE = {"anna": "Анна", "boris": "Борис", "vera": "Вера", "root": "Максим"}


def beep(seconds: float = 1.0, hertz: float = 440) -> bytes:
    """A WAV with a tone."""
    at = np.arange(int(seconds * RATE)) / RATE
    return as_wav((8000 * np.sin(2 * np.pi * hertz * at)).astype(np.int16))


@dataclass
class FeaturesHouse:
    """The house, inside an application context."""

    app: Flask
    users: dict[str, int]
    services: dict[str, int]
    _count: Any = field(default_factory=lambda: itertools.count(1))

    def client(self, login: str) -> FlaskClient:
        """A browser of somebody."""
        client = self.app.test_client()
        with client.session_transaction() as session:
            session["token"] = f"token-{login}"
        return client

    def post(self, login: str, url: str, data: dict[str, Any] | None = None) -> Any:
        """A form that somebody sends, with the token of the page."""
        client = self.client(login)
        with client.session_transaction() as session:
            session["csrf"] = "c" * 40
        return client.post(url, data={"csrf_token": "c" * 40, **(data or {})})

    def call(self, agent: str = "anna", seconds: int = 60, at: datetime | None = None, **values: Any) -> VoiceCall:
        """A call that was answered and has ended; gives its row. ``direction``, ``from_number`` and the like may be given."""
        number = values.pop("from_number", f"+7495{next(self._count):07d}")
        case_id, interaction_id = self._case(number) if values.pop("with_case", True) else (None, None)
        at = at or now() - timedelta(hours=1)
        with transaction():
            row = VoiceCall(
                key=f"k{next(self._count)}",
                interaction_id=interaction_id,
                case_id=case_id,
                service_id=self.services["support"],
                agent_id=self.users[agent],
                direction=values.pop("direction", "in"),
                state="ended",
                from_number=number,
                to_number=NUMBER,
                started_at=at,
                answered_at=values.pop("answered_at", at + timedelta(seconds=5)),
                ended_at=at + timedelta(seconds=5 + seconds),
                talk_seconds=seconds,
                **values,
            )
            db.session.add(row)
        return row

    def _case(self, number: str) -> tuple[int, int]:
        key = f"voice:test-{next(self._count)}"
        phone = number if number.startswith("+") else f"+7999{number:0>7}"
        received = intake.receive(
            Inbound("voice", key, Address("phone", phone), NUMBER, f"Звонок с {number}", interaction_key=key)
        )
        return received.case_id, received.interaction_id

    def case(self, subject: str, contact_id: int | None = None) -> Case:
        """A case of its own."""
        with transaction():
            service = db.session.get_one(Service, self.services["support"])
            contact = db.session.get(Contact, contact_id) if contact_id else None
            return casework.create(service=service, subject=subject, contact=contact)

    def finish(self, call: VoiceCall, disposition_id: int) -> None:
        """The call's own case was finished with a disposition."""
        with transaction():
            interaction = db.session.get_one(Interaction, call.interaction_id)
            interaction.state, interaction.disposition_id, interaction.closed_at = "closed", disposition_id, now()

    def wav(self, folder: Path, name: str = "left.wav", seconds: float = 2.0) -> Path:
        """A recording as the voice process leaves it."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        path.write_bytes(beep(seconds))
        return path


def furnish(app: Flask) -> FeaturesHouse:
    """The rows of the house."""
    with transaction():
        roles = {
            "agent": Role(key="agent", title_en="Agent", title_ru="Оператор", privileges=AGENT),
            "supervisor": Role(key="supervisor", title_en="Supervisor", title_ru="Супервизор", privileges=SUPERVISOR),
            "admin": Role(
                key="admin",
                title_en="Administrator",
                title_ru="Администратор",
                privileges=[*SUPERVISOR, "admin.view", "admin.services"],
            ),
        }
        first = Team(key="first", title_en="First line", title_ru="Первая линия")
        second = Team(key="second", title_en="Second line", title_ru="Вторая линия")
        rights = {"anna": "agent", "boris": "agent", "vera": "supervisor", "root": "admin"}
        people = {
            login: User(
                login=login, first_name=name, language="ru", email=f"{login}@example.org", roles=[roles[rights[login]]]
            )
            for login, name in PEOPLE.items()
        }
        support = Service(key="support", title_en="Support", title_ru="Поддержка", is_default=True, teams=[first])
        support.entries.append(ServiceEntry(channel="voice", address=NUMBER))
        sales = Service(key="sales", title_en="Sales", title_ru="Продажи", teams=[second])
        db.session.add_all([first, second, *people.values(), support, sales])
        db.session.flush()
        for team, login, supervises in (
            (first, "anna", False),
            (first, "vera", True),
            (second, "boris", False),
        ):
            db.session.add(TeamMember(team_id=team.id, user_id=people[login].id, supervisor=supervises))
        for login, user in people.items():
            db.session.add(SignIn(user_id=user.id, token_hash=sessions.hash_of(f"token-{login}")))
        users = {login: user.id for login, user in people.items()}
        services = {"support": support.id, "sales": sales.id}
    return FeaturesHouse(app, users, services)


# --- one application for all tests of the features -------------------------------------------------------------------


@pytest.fixture(scope="session", params=BOTH)
def features_app(
    request: pytest.FixtureRequest, migrated_templates: MigratedTemplates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    """The application of these tests, once on each data base; :func:`features` empties it after each of them."""
    home = tmp_path_factory.mktemp("features")
    url = migrated_templates.copy(request.param, SETTINGS, home)
    app = make_app(home, url, SETTINGS)
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    migrated_templates.drop(request.param, url)


@pytest.fixture
def features(features_app: Flask) -> Iterator[FeaturesHouse]:
    """The furnished house; every table that the migrations left empty is empty again afterwards."""
    with features_app.app_context():
        emptied = _empty_tables()
        yield furnish(features_app)
        db.session.rollback()
        with transaction():
            for name in emptied:
                db.session.execute(text(f'DELETE FROM "{name}"'))
        db.session.remove()
        for key in [key for key in features_app.extensions if key.startswith("okno_shelf_")]:
            features_app.extensions.pop(key)


def _empty_tables() -> list[str]:
    """Tables without a row, those that refer to others first."""
    there = set(inspect(db.engine).get_table_names())
    names = [table.name for table in reversed(db.metadata.sorted_tables) if table.name in there]
    return [name for name in names if db.session.execute(text(f'SELECT 1 FROM "{name}" LIMIT 1')).first() is None]
