"""The small centre of the shift tests with a case form, support lines and screen pops, and moves on its case pages."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import make_msgid

from playwright.sync_api import Page, expect

from tests.support.letters import ANNA, SUPPORT, letter
from tests.support.shift_house import ShiftHouse
from tests.support.waiting import wait_until


class CaseHouse:
    """A furnished and running :class:`ShiftHouse`; ``prepare`` runs in an application context before it starts."""

    def __init__(self, shift: ShiftHouse, prepare: Callable[[int], None] | None = None, **settings: str) -> None:
        self.shift = shift
        shift.furnish()
        with self.opened():
            from core import services

            service = services.get_service("support")
            if prepare:
                prepare(service.id)
        self.served = shift.start(cases_undo_seconds="0", **settings)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """The application of the house, in this process."""
        from core.app import create_app
        from core.db import db

        app = create_app(self.shift.home, check_schema=False)
        with app.app_context():
            yield
            db.session.remove()
            db.engine.dispose()

    def letter(self, subject: str, text: str = "Здравствуйте!", **headers: str) -> str:
        """A letter comes in; returns its Message-ID."""
        message_id = make_msgid(domain="example.org")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        raw = letter(text, subject=subject, message_id=message_id, headers=named)
        with wait_until(self._listener, what="the SMTP listener") as server:
            server.sendmail(ANNA, [SUPPORT], raw)
        return message_id

    def _listener(self) -> smtplib.SMTP | None:
        try:
            return smtplib.SMTP("127.0.0.1", self.served.smtp_port, timeout=10)
        except ConnectionRefusedError:
            return None

    def at_desk(self, page: Page, login: str) -> Page:
        """Somebody at the desk, not asked by the router."""
        page.set_default_timeout(30_000)
        return self.shift.sign_in(page, login)

    def case_id(self, subject: str) -> int:
        """The newest case with a subject."""
        return int(self.shift.rows(f"SELECT max(id) FROM \"case\" WHERE subject = '{subject}'")[0][0])


def take(page: Page, url: str, subject: str) -> None:
    """Take what waits with ``subject`` from the group queue; its case is open then."""
    page.goto(f"{url}/queue")
    row = page.locator("tr").filter(has_text=subject).first
    expect(row).to_be_visible()
    row.get_by_role("button", name=re.compile("Взять")).click()
    expect(page.locator(".case:visible .compose-reply")).to_be_visible()
