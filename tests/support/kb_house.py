"""The demo centre for tests of the knowledge base at the desk: one for a module, with letters and chats on demand."""

from __future__ import annotations

import json
import smtplib
import socket
import sqlite3
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import make_msgid
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.okno_process import DemoTemplate, Okno, Served
from tests.support.waiting import wait_until

PASSWORD = "okno-demo"
CUSTOMER = "petr.sidorov@customer.example"


def _free_port() -> int:
    with closing(socket.socket()) as holder:
        holder.bind(("127.0.0.1", 0))
        return int(holder.getsockname()[1])


@dataclass
class KnowledgeHouse:
    """A running demo centre."""

    served: Served

    @property
    def url(self) -> str:
        return self.served.url

    def rows(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        """What its data base says, read beside it."""
        home = self.served.okno.home
        with closing(sqlite3.connect(f"file:{home / 'okno.db'}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(question, values).fetchall()

    def write(self, subject: str, text: str = "Здравствуйте, помогите.", name: str = "Пётр Сидоров") -> None:
        """A customer's letter, by real SMTP; it is a case when this returns."""
        letter = EmailMessage()
        letter["From"], letter["To"] = f"{name} <{CUSTOMER}>".strip(), "support@okno.example"
        letter["Subject"], letter["Message-ID"] = subject, make_msgid(domain="customer.example")
        letter.set_content(text)
        with smtplib.SMTP("127.0.0.1", self.served.smtp_port, timeout=10) as server:
            server.send_message(letter)
        asked = "SELECT 1 FROM message WHERE direction = 'in' AND subject = ?"
        wait_until(lambda: self.rows(asked, subject))

    def chat(self, text: str, name: str = "Мария", token: str = "") -> str:
        """A visitor of the demo page writes; returns the token to go on with."""
        token = token or self._post("/chat/session", {})["token"]
        body = {"id": uuid.uuid4().hex, "text": text, "name": name, "entry": "demo"}
        self._post("/chat/messages", body, token)
        return token

    def _post(self, path: str, body: dict[str, Any], token: str = "") -> Any:
        headers = {"Content-Type": "application/json", "Accept-Language": "ru"}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        asked = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return json.loads(answer.read())

    def sign_in(self, page: Page, login: str) -> Page:
        """To the desk."""
        page.set_default_timeout(20_000)
        page.goto(f"{self.url}/sign-in")
        page.fill("#login", login)
        page.fill("#password", PASSWORD)
        page.keyboard.press("Enter")
        tabs, here = page.locator("#tabs .tab").first, page.get_by_role("button", name="Войти здесь")
        expect(tabs.or_(here)).to_be_attached()
        # The session of the test before is still there.
        if here.count():
            here.click()
        expect(tabs).to_be_attached()
        return page

    def take(self, page: Page, subject: str) -> int:
        """Take a letter or chat from the queue; its case opens. Returns the case's id."""
        page.locator("[data-tab='/queue']").first.click()
        page.locator("tr").filter(has_text=subject).first.get_by_role("button", name="Взять").click()
        expect(page.locator(".panel:not([hidden]) .case").get_by_role("heading", name=subject)).to_be_visible()
        return int(self.rows('SELECT id FROM "case" WHERE subject = ? ORDER BY id DESC', subject)[0][0])


def editor(page: Page) -> Locator:
    """Where the answer of the case in view is written."""
    return page.locator(".panel:not([hidden]) okno-editor [contenteditable]")


def send_button(page: Page) -> Locator:
    """«Отправить» of the answer in view."""
    return page.locator(".panel:not([hidden]) .compose-reply button[type=submit][value='']")


@pytest.fixture(scope="module")
def house(demo_template: DemoTemplate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KnowledgeHouse]:
    """One demo centre for the module."""
    folder = tmp_path_factory.mktemp("kb-house")
    home = folder / "home"
    home.mkdir()
    demo_template.copy(home)
    # Nothing is offered: agents take what a test is about.
    with closing(sqlite3.connect(home / "okno.db")) as connection, connection:
        nothing_pushed = {channel: {"push": 0, "limit": 9} for channel in ("chat", "email", "call")}
        connection.execute("UPDATE team SET after_sign_in = 'not_ready', capacity = ?", [json.dumps(nothing_pushed)])
        connection.execute("UPDATE user SET capacity = '{}'")
    okno, port, smtp_port = Okno(home), _free_port(), _free_port()
    ports = {"OKNO_WEB_PORT": str(port), "OKNO_EMAIL_SMTP_PORT": str(smtp_port), "OKNO_CASES_UNDO_SECONDS": "0"}
    log = folder / "run.log"
    served = Served(okno, okno.start("run", "--demo", log=log, env=ports), f"http://127.0.0.1:{port}", smtp_port, log)
    try:
        served.wait_until_ready()
        wait_until(lambda: _listens(smtp_port))
        yield KnowledgeHouse(served)
    finally:
        served.stop()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
