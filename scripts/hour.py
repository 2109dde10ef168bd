"""An agent's hour in pictures: from signing in to the break, for docs/hour.md."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Protocol

from playwright.sync_api import Browser, Page, expect

WIDE = {"width": 1440, "height": 900}
QUESTION = {
    "ru": "Ключ на Рутокене заблокирован после трёх попыток. Можно ли снять блокировку удалённо?",
    "en": "The customer lost the authenticator and has no backup codes. May I reset it without a call back?",
}


class Tour(Protocol):
    """Whose hour it is; scripts/screenshots.py has them."""

    language: str
    locale: str
    agent: str
    subject: str
    search: str


class Camera(Protocol):
    """Keeps pictures."""

    def save(self, page: Page, name: str) -> None: ...


def take_hour(
    browser: Browser,
    url: str,
    tour: Tour,
    camera: Camera,
    sign_in: Callable[[Page, str], None],
    find_and_use: Callable[[Page, Any], None],
) -> None:
    """Ten pictures, ``hour-01-…`` to ``hour-10-…``, of the work that waits in the demo centre's queue."""
    context = browser.new_context(
        viewport=WIDE, locale=tour.locale, timezone_id="Europe/Moscow", color_scheme="light", reduced_motion="reduce"
    )
    context.set_default_timeout(15_000)
    page = context.new_page()
    names = iter(range(1, 100))

    def shoot(name: str) -> None:
        camera.save(page, f"hour-{next(names):02}-{name}-{tour.language}")

    page.goto(f"{url}/sign-in")
    shoot("sign-in")
    sign_in(page, tour.agent)
    expect(page.locator("#tabs .tab").first).to_be_visible()
    shoot("home")

    choose(page, "ready")
    offer = page.locator("dialog.offer").first
    expect(offer).to_be_visible()
    shoot("offer")
    offer.locator("[data-accept]").click()
    editor = page.locator(".panel:not([hidden]) .compose-reply okno-editor [contenteditable]")
    expect(editor).to_be_visible()
    shoot("case")

    find_and_use(page, tour)
    shoot("knowledge")

    ask = page.locator(".panel:not([hidden]) [data-shortcut=ping]")
    if ask.count():
        ask.click()
        dialog = page.locator("#task")
        expect(dialog).to_be_visible()
        dialog.locator("textarea").first.fill(QUESTION[tour.language])
        shoot("ping")
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()

    page.locator(".panel:not([hidden]) form.compose-reply button[type=submit][value='']").click()
    expect(editor).to_have_text("")
    shoot("reply")

    page.locator("#focus [data-opens=finish]").click()
    page.locator("#finish label:has(.dot-good) input").first.check()
    shoot("outcome")
    page.locator("#finish button[type=submit]").click()
    expect(page.locator("#finish")).to_be_hidden()
    expect(page.locator(".active-line")).to_have_count(0)

    for other in page.locator("dialog.offer [data-reject]").all():
        other.click()
    choose(page, "not_ready", "lunch")
    expect(page.locator(".state-button")).to_contain_text(re.compile("Обед|Lunch"))
    page.locator("#tabs .tab").first.click()
    expect(page.locator("#tile-handled .tile-number")).not_to_have_text("0")
    shoot("break")
    page.goto(f"{url}/wallboard")
    expect(page.locator("#wall-board")).to_be_visible()
    shoot("wallboard")
    context.close()


def choose(page: Page, state: str, reason: str = "") -> None:
    """Choose in the state's menu."""
    page.locator(".state-button").click()
    forms = page.locator(f"#state-menu form:has(input[name=state][value={state}])")
    if reason:
        forms = forms.filter(has=page.locator(f'input[name=reason][value="{reason}"]'))
    forms.first.locator("button").first.click()
    expect(page.locator(".state-button")).not_to_have_text(re.compile("^$"))
