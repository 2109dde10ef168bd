"""A small centre for tests of states and sessions: two agents and a supervisor, letters and chats, short times."""

from __future__ import annotations

import json
import sqlite3
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import psycopg
import pytest
from playwright.sync_api import Page, expect

from tests.support.applications import BOTH, MigratedTemplates
from tests.support.okno_process import Served

PASSWORD = "correct horse battery"
PEOPLE = {
    "anna": ("Анна", "Соколова", "agent"),
    "boris": ("Борис", "Мельников", "agent"),
    "elena": ("Елена", "Орлова", "supervisor"),
}


PLUGINS = ["email", "chat"]


def add_people_and_a_service(offer_seconds: int, team: dict[str, Any]) -> None:
    """What stands in the data base of the centre; ``team`` are the rules of its one team."""
    from core import directory, reasons, services
    from core.db import db, transaction
    from core.model import Team

    directory.ensure_roles()
    reasons.ensure_reasons()
    first = directory.add_team("first", "First line", "Первая линия")
    with transaction():
        db.session.execute(db.update(Team).values(**{"after_sign_in": "not_ready", **team}))
    users = {
        login: directory.add_user(
            login, name, last_name=last, password=PASSWORD, roles=[role], teams=["first"], language="ru"
        )
        for login, (name, last, role) in PEOPLE.items()
    }
    directory.set_members(first.id, {user.id: login == "elena" for login, user in users.items()})
    service = services.add_service(
        "support", "Support", "Поддержка", teams=["first"], offer_seconds=offer_seconds, wrap_up_seconds=1
    )
    services.update_service(service.id, disposition_required=False)
    services.add_entry(service.id, "email", "support@okno.example")
    services.add_entry(service.id, "chat", "site")


@dataclass
class ShiftHouse:
    """The home and, once it runs, its server; ``database_url`` '' means SQLite in the home folder."""

    home: Path
    serve: Callable[..., Served]
    templates: MigratedTemplates
    kind: str = "sqlite"
    database_url: str = ""
    served: Served | None = None

    def furnish(self, offer_seconds: int = 60, **team: Any) -> None:
        """Write the settings, and a data base with people and a service; ``team`` are the rules of their one team."""
        settings = {"core.plugins": PLUGINS}
        wishes = {"offer_seconds": offer_seconds, "team": team}
        url = self.templates.copy(self.kind, settings, self.home, add_people_and_a_service, **wishes)
        self.database_url = url if self.kind == "postgresql" else ""
        address = f"database_url = {self.database_url!r}\n" if self.database_url else ""
        (self.home / "okno.toml").write_text(f"[core]\nplugins = {PLUGINS}\n{address}", "utf-8")

    def start(self, **settings: str) -> Served:
        """Run the centre; ``routing_grace_seconds="4"`` and the like are settings."""
        self.served = self.serve(env={f"OKNO_{name.upper()}": value for name, value in settings.items()})
        return self.served

    @property
    def url(self) -> str:
        """Where it runs."""
        assert self.served is not None
        return self.served.url

    # --- the data base beside the running centre -----------------------------------------------------

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What a statement gives."""
        if self.database_url:
            with psycopg.connect(self.database_url.replace("+psycopg", "")) as server:
                return server.execute(statement.encode()).fetchall()
        with closing(sqlite3.connect(f"file:{self.home / 'okno.db'}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(statement).fetchall()

    def change(self, statement: str) -> None:
        """Run a statement that changes rows, for times that no test can wait for."""
        if self.database_url:
            with psycopg.connect(self.database_url.replace("+psycopg", "")) as server:
                server.execute(statement.encode())
            return
        with closing(sqlite3.connect(self.home / "okno.db", timeout=10)) as connection, connection:
            connection.execute(statement)

    def state_of(self, login: str) -> str:
        """An agent's state now."""
        found = self.rows(
            f"SELECT p.state FROM presence p JOIN \"user\" u ON u.id = p.user_id WHERE u.login = '{login}'"
        )
        return str(found[0][0]) if found else "offline"

    # --- the outside world ---------------------------------------------------------------------------

    def chat(self, text: str = "Здравствуйте, поможете?", name: str = "Пётр") -> None:
        """A visitor of the site begins a chat."""
        token = self._post("/chat/session", {})["token"]
        self._post("/chat/messages", {"id": str(uuid.uuid4()), "text": text, "name": name, "entry": "site"}, token)

    def _post(self, path: str, body: dict[str, Any], token: str = "") -> Any:
        headers = {"Content-Type": "application/json", "Accept-Language": "ru"}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        asked = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return json.loads(answer.read())

    # --- people at their desks -----------------------------------------------------------------------

    def type_password(self, page: Page, login: str, password: str = PASSWORD) -> None:
        """Fill the sign-in page and press Enter."""
        page.set_default_timeout(30_000)
        page.goto(f"{self.url}/sign-in")
        page.fill("#login", login)
        page.fill("#password", password)
        page.keyboard.press("Enter")

    def sign_in(self, page: Page, login: str) -> Page:
        """To the desk; its tabs are drawn (on a phone: unseen) once its scripts are there."""
        self.type_password(page, login)
        expect(page.locator("#tabs .tab").first).to_be_attached()
        return page


def choose(page: Page, state: str, reason: str = "") -> None:
    """Choose in the state's menu."""
    page.locator(".state-button").click()
    forms = page.locator(f"#state-menu form:has(input[name=state][value={state}])")
    if state == "not_ready":
        forms = forms.filter(has=page.locator(f'input[name=reason][value="{reason}"]'))
    forms.locator("button").click()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--both-databases", action="store_true", help="browser tests of the desk on SQLite and on PostgreSQL"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A browser test of the desk runs on one data base, the same each time: what differs between them is tested below the browser."""
    if "shift" in metafunc.fixturenames:
        both = metafunc.config.getoption("--both-databases")
        place = crc32(metafunc.function.__name__.encode()) % len(BOTH)
        metafunc.parametrize("desk_database", BOTH if both else [BOTH[place]], indirect=True)


@pytest.fixture
def desk_database(request: pytest.FixtureRequest) -> str:
    """``sqlite`` or ``postgresql``."""
    kind: str = request.param
    if kind == "postgresql":
        request.getfixturevalue("postgresql_server")
    return kind


@pytest.fixture
def shift(
    home: Path, serve: Callable[..., Served], desk_database: str, migrated_templates: MigratedTemplates
) -> Iterator[ShiftHouse]:
    """A house to furnish and start, on SQLite or on PostgreSQL."""
    house = ShiftHouse(home, serve, migrated_templates, desk_database)
    yield house
    if house.served and house.served.process.poll() is None:
        house.served.stop()
    migrated_templates.drop(desk_database, house.database_url)
