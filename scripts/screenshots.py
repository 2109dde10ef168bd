"""Take the pictures of docs/images: a fresh demo centre, a real browser, the newcomer's tour in Russian and English.

    python scripts/screenshots.py [--only ru] [--hour] [--to docs/images]

An agent's hour from signing in to lunch (scripts/hour.py), then light pictures of every step at 1440×900, dark ones of queue and case, and a phone's view of them at 390×844.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from PIL import Image  # noqa: E402
from playwright.sync_api import Browser, Page, expect, sync_playwright  # noqa: E402

from scripts.hour import take_hour  # noqa: E402
from tests.support.browser import ARGUMENTS, PROGRAMS  # noqa: E402

DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
DARK_TOO = ("desk-queue", "desk-case")
SHADED = ("sign-in", "offer", "disposition")


@dataclass(frozen=True)
class Tour:
    """Who works, and the letter that comes."""

    language: str
    locale: str
    agent: str
    sender: str
    to: str
    subject: str
    text: str
    search: str


TOURS = (
    Tour(
        "ru", "ru-RU", "a.sokolova", "Анна Петрова <anna.petrova@stroydom.example>", "sign@okno.example",
        "Не подписывается отчёт, ошибка 0x8010006B",
        "Здравствуйте!\n\nСегодня последний день сдачи, а отчёт не подписывается: «Нет доступа к карте. Введён неправильный "
        "PIN-код», код 0x8010006B. ПИН-код не меняли, носитель Рутокен. Что делать?\n\nАнна Петрова, «СтройДом»",
        "неправильный пин",
    ),
    Tour(
        "en", "en-GB", "j.harris", "Emma Wright <emma.wright@brightside.example>", "help@okno.example",
        "Cannot sign in: lost my phone with the authenticator",
        "Hello,\n\nI lost my phone yesterday and with it the authenticator app, so I can't sign in any more. The quarterly "
        "figures are due tomorrow. How do I get back into my account?\n\nEmma Wright, Brightside Ltd",
        "lost authenticator",
    ),
)  # fmt: skip


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


@contextmanager
def demo() -> Iterator[tuple[str, int]]:
    """A running demo centre: its address and the port of its SMTP listener."""
    with tempfile.TemporaryDirectory() as folder:
        smtp_port = free_port()
        command = [sys.executable, "-m", "cli", "--home", folder, "run", "--demo", "--port", "0"]
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "OKNO_EMAIL_SMTP_PORT": str(smtp_port)}, stdout=subprocess.DEVNULL
        )
        try:
            yield wait_until_served(process, Path(folder), smtp_port), smtp_port
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def wait_until_served(process: subprocess.Popen[bytes], home: Path, smtp_port: int) -> str:
    """The address, once web and listener answer; RuntimeError after two minutes or when the centre ends."""
    for _ in range(600):
        try:
            process.wait(0.2)
        except subprocess.TimeoutExpired:
            state = home / "run" / "okno.json"
            if state.exists() and listens(smtp_port):
                return str(json.loads(state.read_text())["url"])
            continue
        break
    raise RuntimeError("the demo centre did not start")


def listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def write_letter(tour: Tour, port: int) -> None:
    """The customer's letter, by real SMTP."""
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = tour.sender, tour.to, tour.subject
    letter["Message-ID"] = make_msgid(domain="customer.example")
    letter.set_content(tour.text)
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as smtp:
        smtp.send_message(letter)


@dataclass
class Camera:
    """Keeps the pictures of one language."""

    folder: Path
    language: str

    def shoot(self, page: Page, name: str) -> None:
        """The page as it is; for some also in the dark and on a phone."""
        self.save(page, f"{name}-light-{self.language}")
        if name in DARK_TOO:
            page.emulate_media(color_scheme="dark")
            self.save(page, f"{name}-dark-{self.language}")
            page.emulate_media(color_scheme="light")
            page.set_viewport_size(PHONE)
            self.save(page, f"{name}-phone-{self.language}")
            page.set_viewport_size(DESK)

    def save(self, page: Page, name: str) -> None:
        page.evaluate("() => document.fonts.ready")
        expect(page.locator(".skeleton:visible")).to_have_count(0)
        path = self.folder / f"{name}.png"
        page.screenshot(path=path, animations="disabled", caret="hide")
        shrink(path)


def shrink(path: Path) -> None:
    """Keep 256 colours, the rare ones among them, and mix them where shadows and gradients need more."""
    with Image.open(path) as taken:
        image = taken.convert("RGB")
    reduced = image.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    if path.name.startswith(SHADED):
        reduced = image.quantize(palette=reduced, dither=Image.Dither.FLOYDSTEINBERG)
    reduced.save(path, optimize=True)


def sign_in(page: Page, login: str) -> None:
    page.locator(f"[data-fill-login='{login}']").click()
    page.locator("form button[type=submit]").first.click()
    # Whoever is signed in elsewhere is asked first.
    here = page.locator(".auth-card button[autofocus]")
    expect(page.locator(".state-button").or_(here).first).to_be_visible()
    if here.count():
        here.click()
    expect(page.locator(".state-button")).to_be_visible()


def take_tour(browser: Browser, url: str, smtp_port: int, tour: Tour, folder: Path) -> None:
    """One newcomer's first letter."""
    camera = Camera(folder, tour.language)
    options = {"locale": tour.locale, "timezone_id": "Europe/Moscow", "color_scheme": "light"}
    context = browser.new_context(viewport=DESK, **options)
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.goto(f"{url}/sign-in")
    camera.shoot(page, "sign-in")
    sign_in(page, tour.agent)
    page.locator("[data-title]").first.wait_for()
    camera.shoot(page, "desk-home")

    write_letter(tour, smtp_port)
    page.locator("[data-tab='/queue']").first.click()
    expect(page.get_by_text(tour.subject).first).to_be_visible()
    camera.shoot(page, "desk-queue")

    page.locator("tr").filter(has_text=tour.subject).first.get_by_role("button").last.click()
    expect(page.get_by_role("heading", name=tour.subject)).to_be_visible()
    find_and_use(page, tour)
    camera.shoot(page, "desk-case")
    page.locator("form.compose-reply button[type=submit][value='']").click()
    expect(page.locator("form.compose-reply okno-editor [contenteditable]")).to_have_text("")

    page.locator("[data-opens=finish]").first.click()
    page.locator("#finish label:has(.dot-good) input").first.check()
    camera.shoot(page, "disposition")
    page.locator("#finish button[type=submit]").click()
    expect(page.locator("#finish")).to_be_hidden()

    # Whoever has finished is ready for the next one.
    expect(page.locator("dialog.offer")).to_be_visible()
    camera.shoot(page, "offer")
    context.close()

    visitor = browser.new_context(viewport=DESK, **options).new_page()
    visitor.goto(f"{url}/mailbox")
    expect(visitor.locator(".mailbox-row").first).to_be_visible()
    camera.shoot(visitor, "mailbox")
    visitor.goto(f"{url}/sign-in")
    sign_in(visitor, "admin")
    for name in ("services", "plugins"):
        visitor.goto(f"{url}/admin/{name}")
        camera.shoot(visitor, f"admin-{name}")
    visitor.context.close()


def find_and_use(page: Page, tour: Tour) -> None:
    """Search the knowledge panel and put the first article's answer into the reply."""
    # The panel is drawn anew when the case in focus changes; what was typed before would be gone.
    page.locator(".kb-search input[name=interaction_id]").wait_for(state="attached")
    page.locator(".kb-search .kb-words").fill(tour.search)
    expect(page.locator(".kb-list mark").first).to_be_visible()
    page.locator(".kb-list [data-kb-open]").first.click()
    mail = page.locator(".kb-tabs").get_by_role("tab", name=re.compile("Почтовый ответ|[Ee]mail"))
    mail.click()
    expect(mail).to_have_attribute("aria-selected", "true")
    page.locator("[data-kb-use]").first.click()
    expect(page.locator("form.compose-reply okno-editor [contenteditable]")).not_to_have_text("")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["ru", "en"])
    parser.add_argument("--hour", action="store_true", help="only an agent's hour, for docs/hour.md")
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "images")
    options = parser.parse_args()
    program = next((path for path in PROGRAMS if Path(path).exists()), None)
    if program is None:
        sys.exit("no Chromium: apt install chromium")
    options.to.mkdir(parents=True, exist_ok=True)
    with demo() as (url, smtp_port), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        for tour in TOURS:
            if options.only not in (None, tour.language):
                continue
            take_hour(browser, url, tour, Camera(options.to, tour.language), sign_in, find_and_use)
            if not options.hour:
                take_tour(browser, url, smtp_port, tour, options.to)
        browser.close()
    sizes = {path.name: path.stat().st_size for path in sorted(options.to.glob("*.png"))}
    for name, size in sizes.items():
        print(f"{size / 1024:7.0f} KB  {name}")
    print(f"{sum(sizes.values()) / 1024:7.0f} KB  in all")


if __name__ == "__main__":
    main()
