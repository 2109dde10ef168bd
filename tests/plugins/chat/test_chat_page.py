"""The demo page in a real browser, served by a process of its own; the agent works in the test's process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core import assignment, casework, presence
from core.app import create_app
from core.db import db
from core.migrate import upgrade
from core.model import Interaction, Message, Offer
from plugins.chat.desk import ending
from tests.plugins.chat.conftest import Centre, add_centre
from tests.support.okno_process import _answers
from tests.support.places import ROOT

pytestmark = pytest.mark.browser
SERVE = "import sys; from core.processes import serve_web; serve_web(sys.argv[1], {'core.plugins': ['chat']}, port=int(sys.argv[2]))"


class Server:
    """The web process; ``restart`` ends it without a word, as a crash does, and starts it anew."""

    def __init__(self, home: Path, port: int) -> None:
        self.home, self.port = home, port
        self.url = f"http://127.0.0.1:{port}"
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-c", SERVE, str(self.home), str(self.port)]
        self.process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "OKNO_WEB_PORT": str(self.port)})
        for _ in range(400):
            if _answers(f"{self.url}/healthz"):
                return
            try:
                self.process.wait(timeout=0.05)
            except subprocess.TimeoutExpired:
                continue
            break
        raise AssertionError("the server did not start")

    def stop(self, how: int = signal.SIGTERM) -> None:
        self.process.send_signal(how)
        self.process.wait(timeout=20)


@pytest.fixture
def house(home: Path) -> Iterator[Centre]:
    app = create_app(home, {"core.plugins": ["chat"]}, check_schema=False)
    upgrade(app)
    with app.app_context():
        yield Centre(app, *add_centre())
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def server(house: Centre, home: Path, free_port: int) -> Iterator[Server]:
    running = Server(home, free_port)
    yield running
    if running.process.poll() is None:
        running.stop()


LINES = "okno-chat .log li[data-id]"
WORDS = f"{LINES}:not(.notice) .bubble"


def write(page: Page, text: str) -> None:
    page.get_by_label("Ваше сообщение").fill(text)
    page.keyboard.press("Enter")


def texts(page: Page) -> list[str]:
    return page.locator(WORDS).all_inner_texts()


@pytest.mark.feature("T-13")
def test_a_visitor_and_an_agent_talk_live_through_reload_and_a_killed_server(house, server, pages, allow_console):
    allow_console("Failed to load resource|ERR_CONNECTION")
    page = pages.open(f"{server.url}/chat/demo?lang=ru&open")
    write(page, "<script>alert(1)</script> Не могу войти")
    expect(page.locator("okno-chat .state")).to_contain_text("Ищем оператора… Вы 1-й в очереди")
    expect(page.locator(WORDS)).to_have_text("<script>alert(1)</script> Не могу войти")

    interaction_id = house.accept()
    expect(page.locator("okno-chat .state")).to_have_text("С вами Аня")
    casework.reply(interaction_id, house.agent_id, "<p>Здравствуйте, <b>Пётр</b>!</p>", command_key="1")
    expect(page.locator("okno-chat .theirs .bubble")).to_have_text("Здравствуйте, Пётр!")
    expect(page.locator("okno-chat .theirs .bubble b")).to_have_text("Пётр")
    page.reload()
    expect(page.locator(WORDS)).to_have_count(2)

    server.stop(signal.SIGKILL)
    write(page, "Связь пропала?")
    casework.reply(interaction_id, house.agent_id, "<p>Пишу, пока вас нет</p>", command_key="2")
    expect(page.locator("okno-chat .unsent")).to_have_count(1)
    server.start()
    expect(page.locator(WORDS)).to_have_count(4, timeout=30_000)
    expect(page.locator("okno-chat .unsent")).to_have_count(0)
    query = db.select(Message).where(Message.author.in_(("contact", "agent"))).order_by(Message.id)
    stored = [message.body_text for message in db.session.scalars(query)]
    assert texts(page) == stored
    assert len(set(stored)) == 4

    ending.end(interaction_id, house.agent_id)
    expect(page.locator("okno-chat .state")).to_have_text("Чат завершён. Напишите, чтобы начать новый.")


def test_a_message_that_is_refused_comes_back_into_the_field_with_the_reason(house, server, pages, allow_console):
    allow_console("422")
    page = pages.open(f"{server.url}/chat/demo?lang=ru&open", size="phone")
    write(page, "я" * 5000)
    expect(page.locator("okno-chat .alert")).to_contain_text("5000 знаков при пределе 4000")
    expect(page.get_by_label("Ваше сообщение")).to_have_value("я" * 5000)
    assert db.session.scalar(db.select(Interaction.id)) is None


def test_an_offer_of_a_chat_that_nobody_answers_goes_back_and_the_visitor_still_waits(house, server, pages):
    page = pages.open(f"{server.url}/chat/demo?lang=en&open", locale="en")
    page.get_by_label("Your message").fill("Hello")
    page.keyboard.press("Enter")
    expect(page.locator("okno-chat .state")).to_contain_text("Looking for an agent…")
    presence.sign_on(house.agent_id)
    presence.set_state(house.agent_id, presence.READY)
    assignment.route_due()
    offer = db.session.scalars(db.select(Offer)).one()
    assignment.reject(offer.id, house.agent_id)
    page.reload()
    expect(page.locator("okno-chat .state")).to_contain_text("Looking for an agent…")
    assert db.session.scalars(db.select(Interaction)).one().state == "queued"
