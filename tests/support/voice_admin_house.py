"""A running centre with calls that have been, recordings and voicemail that its worker has yet to encode, and people to look at them."""

from __future__ import annotations

import random
import re
import shutil
import sqlite3
import wave
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.applications import MigratedTemplates, make_app
from tests.support.browser import ARGUMENTS, PROGRAMS, Pages
from tests.support.kb_house import _free_port
from tests.support.okno_process import Okno, Served
from tests.support.shift_house import PASSWORD
from tests.support.waiting import wait_until

PLUGINS = ["voice", "email"]
NUMBER = "+78000000001"
RATE = 16_000
# login: (first name, last name, role, team)
PEOPLE = {
    "anna": ("Анна", "Соколова", "agent", "first"),
    "boris": ("Борис", "Мельников", "agent", "second"),
    "elena": ("Елена", "Орлова", "supervisor", "first"),
    "root": ("Максим", "Жуков", "admin", "first"),
}
CALLERS = ("+74951234567", "+79161112233", "+78123334455", "+74957654321", "+79035556677", "+78432221100")
MEDIA = [
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]


def add_people() -> None:
    """Two teams with a supervisor, two services, dispositions left out."""
    from core import directory, reasons, services

    directory.ensure_roles()
    reasons.ensure_reasons()
    teams = {
        "first": directory.add_team("first", "First line", "Первая линия"),
        "second": directory.add_team("second", "Cards", "Отдел карт"),
    }
    users = {
        login: directory.add_user(
            login,
            first,
            last_name=last,
            password=PASSWORD,
            roles=[role],
            teams=[team],
            language="ru",
            email=f"{login}@okno.example",
        )
        for login, (first, last, role, team) in PEOPLE.items()
    }
    for key, team in teams.items():
        mine = {users[login].id: login == "elena" for login, row in PEOPLE.items() if row[3] == key}
        directory.set_members(team.id, mine)
    support = services.add_service("support", "Support", "Поддержка", teams=["first"], wrap_up_seconds=1)
    services.add_service("cards", "Cards", "Карты", teams=["second"], wrap_up_seconds=1)
    services.add_entry(support.id, "voice", NUMBER)


def talk(path: Path, seconds: float, seed: int, channels: int = 1) -> Path:
    """A WAV that looks like talk: syllables of noise, one channel speaking after the other."""
    chance = random.Random(seed)
    count = int(seconds * RATE)
    samples = np.zeros((count, channels), np.int16)
    noise = np.random.default_rng(seed)
    at, turn = 0, 0
    while at < count:
        long = int(RATE * chance.uniform(1, 4))
        for start in range(at, min(at + long, count), RATE // 5):
            end = min(start + int(RATE * chance.uniform(0.08, 0.2)), count)
            shape = np.sin(np.linspace(0, np.pi, max(end - start, 1)))
            samples[start : start + len(shape), turn % channels] = (shape * noise.normal(0, 5000, len(shape))).clip(
                -30000, 30000
            )
        at += long + int(RATE * chance.uniform(0.1, 0.8))
        turn += 1
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return path


def add_calls(home: Path) -> None:
    """Calls of Anna and Boris, two of them recorded, one voicemail; needs an application context."""
    from core import intake
    from core.clock import now
    from core.contracts import Address, Inbound
    from core.db import db, transaction
    from core.model import Case, Interaction, Service, User
    from plugins.voice.models.calls import VoiceCall
    from plugins.voice.recordings import library
    from plugins.voice.voicemail import boxes, messages_left
    from plugins.voice.voicemail.boxes import Whose

    users = {user.login: user.id for user in db.session.scalars(db.select(User))}
    support = db.session.scalars(db.select(Service).where(Service.key == "support")).one()
    made = []
    for place, number in enumerate(CALLERS):
        key = f"voice:seed-{place}"
        sender = Address("phone", number, f"Клиент {place + 1}")
        subject = ("Не приходит выписка", "Как вернуть товар", "Смена тарифа")[place % 3]
        received = intake.receive(Inbound("voice", key, sender, NUMBER, subject, interaction_key=key))
        agent = users["boris" if place % 3 == 2 else "anna"]
        at = now() - timedelta(hours=place + 1)
        with transaction():
            interaction = db.session.get_one(Interaction, received.interaction_id)
            interaction.state, interaction.agent_id = "closed", agent
            interaction.accepted_at = interaction.ended_at = interaction.closed_at = at
            db.session.get_one(Case, received.case_id).assignee_id = agent
            call = VoiceCall(
                key=f"seed{place}",
                interaction_id=interaction.id,
                case_id=received.case_id,
                service_id=support.id,
                agent_id=agent,
                direction="in",
                state="ended",
                from_number=number,
                to_number=NUMBER,
                name=sender.name,
                started_at=at,
                answered_at=at,
                ended_at=at + timedelta(seconds=60 + 30 * place),
                talk_seconds=60 + 30 * place,
            )
            db.session.add(call)
        made.append(call)
    for place, call in enumerate(made[:2]):
        library.begin(call, f"seed-{place}", call.agent_id)
        path = talk(library.path_for(f"seed-{place}"), 62, place, channels=2)
        if not place:
            with transaction():
                library.get(1).pauses = [[20.0, 28.0]]
        library.done(f"seed-{place}", str(path), 62)
    box = boxes.ensure_box(Whose(user_id=users["anna"]))
    boxes.set_box(box.id, active=True, email="", email_as="attachment")
    left = talk(home / "voice" / "recordings" / "left.wav", 42, 7)
    messages_left.keep(box.id, "left", str(left), number=CALLERS[0], name="Клиент 1", case_id=made[0].case_id)


@dataclass
class VoiceAdminHouse:
    """A running centre."""

    served: Served

    @property
    def url(self) -> str:
        return self.served.url

    def rows(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        """What its data base says, read beside it."""
        path = self.served.okno.home / "okno.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(question, values).fetchall()

    def sign_in(self, pages: Pages, login: str, **options: object) -> Page:
        """Somebody at the desk."""
        page = pages.open(f"{self.url}/sign-in", pages.context(**options))  # type: ignore[arg-type]
        pages.allow("/sign-in: .* 409 ")
        page.set_default_timeout(20_000)
        page.fill("#login", login)
        page.fill("#password", PASSWORD)
        page.keyboard.press("Enter")
        tabs, here = (
            page.locator("#tabs .tab").first,
            page.get_by_role("button", name=re.compile("Войти здесь|Sign in here")),
        )
        expect(tabs.or_(here)).to_be_attached()
        if here.count():
            here.click()
        expect(tabs).to_be_attached()
        return page


@contextmanager
def running(templates: MigratedTemplates, folder: Path) -> Iterator[VoiceAdminHouse]:
    """The centre, furnished and started; it has encoded what was recorded."""
    home = folder / "home"
    home.mkdir()
    settings = {"core.plugins": PLUGINS}
    url = templates.copy("sqlite", settings, home, add_people)
    app = make_app(home, url, settings)
    with app.app_context():
        from core.db import db

        add_calls(home)
        db.session.remove()
        db.engine.dispose()
    (home / "okno.toml").write_text(f"[core]\nplugins = {PLUGINS}\n", "utf-8")
    port, log = _free_port(), folder / "run.log"
    okno = Okno(home)
    served = Served(
        okno, okno.start("run", log=log, env={"OKNO_WEB_PORT": str(port)}), f"http://127.0.0.1:{port}", 0, log
    )
    house = VoiceAdminHouse(served)
    try:
        served.wait_until_ready()
        encoded = (
            "SELECT 1 FROM voice_recording WHERE state != 'done' UNION SELECT 1 FROM voicemail WHERE state != 'done'"
        )
        wait_until(lambda: not house.rows(encoded), 60, what="recordings that the worker has encoded")
        yield house
    finally:
        served.stop()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def house(migrated_templates: MigratedTemplates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VoiceAdminHouse]:
    """One centre for the module."""
    with running(migrated_templates, tmp_path_factory.mktemp("voice-admin")) as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium with a made-up microphone that needs no question."""
    program = next((path for path in PROGRAMS if Path(path).exists()), None)
    if program is None:
        pytest.skip("no Chromium (apt install chromium)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=[*ARGUMENTS, *MEDIA])
        yield chromium
        chromium.close()
