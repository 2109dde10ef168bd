"""Every page through axe-core, light at a desk and dark on a phone; how much script a desk loads, none of it inline."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.axe import violations
from tests.support.browser import SIZES, Pages
from tests.support.okno_process import Served

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PASSWORD = "okno-demo"
LIMIT = 150_000
SETTLED = """async () => {
  await new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)));
  const ends = document.getAnimations().filter((one) => one instanceof CSSTransition).map((one) => one.finished);
  // A transition of what has been taken out meanwhile has no end.
  await Promise.race([Promise.allSettled(ends), new Promise((go) => setTimeout(go, 1000))]);
}"""
EDITOR = ("squire", "purify", "editor.js")
DESK = (
    "/", "/queue", "/cases?scope=all&status=all", "/cases/1", "/cases/2?view=events", "/search?q=отчёт", "/contacts/1",
    "/directory", "/help", "/settings", "/pings", "/documents?case=1", "/supervisor/agents",
    "/supervisor/help", "/kb", "/kb/articles/1001", "/kb/articles/1001/edit",
    "/kb/articles/1001/history", "/kb/exchange", "/wallboard", "/mailbox", "/chat/demo", "/chat/canned/all", "/chats",
    "/voice/phone", "/voice/live", "/voice/demo", "/voice/call",
)  # fmt: skip
ADMIN = (
    "/admin/users/new", "/admin/users/a.sokolova", "/admin/teams/first-line", "/admin/services/support",
    "/admin/roles/agent", "/admin/calendars/new", "/admin/dispositions/new",
)  # fmt: skip


def sign_in(page: Page, served: Served, login: str) -> None:
    page.goto(f"{served.url}/sign-in")
    page.fill("#login", login)
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#tabs .tab").first).to_be_visible()


def faults(page: Page) -> list[str]:
    """What axe finds on the page, as a desk sees it by day and a phone by night."""
    expect(page.locator(".skeleton:visible")).to_have_count(0)
    found: list[str] = []
    for size, scheme in (("desk", "light"), ("phone", "dark")):
        width, height = SIZES[size]
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        # Colours that are still on their way from one scheme to the other say nothing of either.
        page.evaluate(SETTLED)
        if violations(page):
            page.evaluate(SETTLED)
            found += [f"{page.url} {scheme}: {fault}" for fault in violations(page)]
    page.set_viewport_size({"width": SIZES["desk"][0], "height": SIZES["desk"][1]})
    return found


@pytest.mark.feature("D-01")
def test_axe_finds_nothing_on_any_page(serve: Callable[..., Served], pages: Pages) -> None:
    served = serve("--demo")
    page = pages.open(f"{served.url}/sign-in")
    found = faults(page)
    sign_in(page, served, "admin")
    page.goto(f"{served.url}/admin")
    menu = page.locator("nav a[href^='/admin']").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    for path in (*DESK, *sorted(set(menu)), *ADMIN):
        answer = page.goto(f"{served.url}{path}")
        assert answer is not None and answer.status == 200, path
        found += faults(page)

    # What lies over the page: keys, search, menus, notifications, an offer, the choice of an outcome.
    page.goto(f"{served.url}/queue")
    for opener in ("[data-opens=keys]", "[data-opens=search-box]"):
        page.locator(opener).first.dispatch_event("click")
        found += faults(page)
        page.keyboard.press("Escape")
    page.locator("#bell").click()
    found += faults(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Взять").first.click()
    page.locator("#focus [data-opens=finish]").click()
    expect(page.locator("#finish")).to_be_visible()
    found += faults(page)
    page.keyboard.press("Escape")
    assert not found, "\n".join(found)


def test_a_desk_loads_little_script_and_none_of_it_inline(serve: Callable[..., Served], pages: Pages) -> None:
    served = serve("--demo")
    page = pages.open()
    scripts: dict[str, int] = {}

    def weigh(response: object) -> None:
        url = response.url.partition("?")[0]  # type: ignore[attr-defined]
        if re.search(r"\.m?js$", url) and not any(part in url for part in EDITOR):
            scripts[url] = len(gzip.compress(response.body()))  # type: ignore[attr-defined]

    page.on("requestfinished", lambda request: weigh(request.response()))
    sign_in(page, served, "a.sokolova")
    page.locator("[data-tab='/queue']").first.click()
    page.get_by_role("button", name="Взять").first.click()
    expect(page.locator(".compose-reply [contenteditable]")).to_be_visible()
    assert len(scripts) > 10
    assert sum(scripts.values()) < LIMIT, sorted(scripts.items(), key=lambda pair: -pair[1])
    inline = "script:not([src]):not([type='application/json']), [onclick], [onload], [onerror]"
    assert page.locator(inline).count() == 0
