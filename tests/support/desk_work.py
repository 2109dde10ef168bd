"""What customers and agents do in tests of the desk: a letter comes, is taken or accepted, and answered."""

from __future__ import annotations

import smtplib
import socket
from email.message import EmailMessage
from email.utils import make_msgid

from playwright.sync_api import Locator, Page, expect

from tests.support.shift_house import ShiftHouse
from tests.support.waiting import wait_until

OFFER = "dialog.offer"
EDITOR = "okno-editor [contenteditable]"


def write(house: ShiftHouse, subject: str, *, file: bool = False) -> None:
    """A customer's letter, by real SMTP."""
    letter = EmailMessage()
    letter["From"], letter["To"] = "Пётр Сидоров <petr@customer.example>", "support@okno.example"
    letter["Subject"], letter["Message-ID"] = subject, make_msgid(domain="customer.example")
    letter.set_content("Здравствуйте! Отчёт не подписывается.")
    if file:
        letter.add_attachment(b"%PDF-1.4 act", maintype="application", subtype="pdf", filename="Акт сверки.pdf")
    assert house.served is not None
    port = house.served.smtp_port
    wait_until(lambda: _listens(port))
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as server:
        server.send_message(letter)


def _listens(port: int) -> bool:
    """Whether somebody listens there already: the web process may answer before the one for letters does."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def take(page: Page, subject: str) -> None:
    """Take a letter from the group queue; its case opens."""
    page.locator("[data-tab='/queue']").first.click()
    page.locator("tr").filter(has_text=subject).get_by_role("button", name="Взять").click()
    expect(page.get_by_role("heading", name=subject)).to_be_visible()


def accept(page: Page, house: ShiftHouse, subject: str) -> None:
    """Be ready, and accept the letter that is offered then."""
    page.keyboard.press("Alt+r")
    expect(page.locator(".state-button")).to_contain_text("Готов")
    write(house, subject)
    page.locator(f"{OFFER} [data-accept]").click()
    expect(page.get_by_role("heading", name=subject)).to_be_visible()


def editor(page: Page) -> Locator:
    """Where the answer of the case in view is written."""
    return page.locator(f".panel:not([hidden]) .compose-reply {EDITOR}")
