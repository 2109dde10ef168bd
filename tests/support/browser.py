"""Chromium, driven by Playwright. A page fails its test on any error that a person would see in the console."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

# The shell is the same engine without the windows around it, at half the work; both come from Debian.
PROGRAMS = ("/usr/bin/chromium-headless-shell", "/usr/bin/chromium", "/usr/bin/chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--no-first-run",
]
# Chromium prints what the policy refuses, but not everything of it as an error.
POLICY_WATCH = """addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sourceFile }) =>
  console.error(`content security policy: ${violatedDirective} ${blockedURI} ${sourceFile ?? ""}`))"""
SIZES = {"desk": (1440, 900), "small": (1024, 768), "phone": (390, 844)}


class Pages:
    """Opens pages, each in a context of its own unless it shares one, and keeps what their consoles say."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.errors: list[str] = []
        self._allowed: list[re.Pattern[str]] = []
        self._contexts: list[BrowserContext] = []

    def allow(self, pattern: str) -> None:
        """Errors that match are expected, for instance the 403 that a test provokes."""
        self._allowed.append(re.compile(pattern))

    def context(self, locale: str = "ru", size: str = "desk", **options: object) -> BrowserContext:
        """A fresh browser profile. ``locale`` is ru or en; ``size`` one of SIZES; options are Playwright's."""
        width, height = SIZES[size]
        tag = {"ru": "ru-RU", "en": "en-GB"}.get(locale, locale)
        settings: dict[str, object] = {"locale": tag, "viewport": {"width": width, "height": height}}
        settings |= {"timezone_id": "Europe/Moscow", **options}
        context = self.browser.new_context(**settings)  # type: ignore[arg-type]
        context.set_default_timeout(10_000)
        context.add_init_script(POLICY_WATCH)
        context.on("page", self._watch)
        self._contexts.append(context)
        return context

    def open(self, url: str | None = None, context: BrowserContext | None = None, **options: object) -> Page:
        """A page, at ``url`` when given, in ``context`` or in one made with the options of :meth:`context`."""
        page = (context or self.context(**options)).new_page()  # type: ignore[arg-type]
        if url is not None:
            page.goto(url)
        return page

    def _watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.errors.append(f"{page.url}: {error.stack or error}"))
        page.on(
            "console",
            lambda said: (
                self.errors.append(f"{page.url}: {said.text} {said.location['url']}") if said.type == "error" else None
            ),
        )

    def close(self) -> list[str]:
        """Close all; returns the errors that were not allowed."""
        for context in self._contexts:
            context.close()
        return [error for error in self.errors if not any(pattern.search(error) for pattern in self._allowed)]


# What is expected comes when it comes: offers run out in seconds, and machines are shared.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for a module. Skips when it is not installed.

    Not for the session: Playwright's loop occupies the thread, and tests of other modules run loops of their own.
    """
    program = next((path for path in PROGRAMS if Path(path).exists()), None)
    if program is None:
        pytest.skip("no Chromium (apt install chromium)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def pages(browser: Browser) -> Iterator[Pages]:
    """Open any number of pages with ``pages.open(url, locale="en", size="phone")``; console errors fail the test."""
    opened = Pages(browser)
    yield opened
    errors = opened.close()
    if errors:
        pytest.fail("errors in the browser's console:\n" + "\n".join(errors), pytrace=False)


@pytest.fixture
def page(pages: Pages) -> Page:
    """One Russian page of desk size."""
    return pages.open()


@pytest.fixture
def allow_console(pages: Pages) -> Callable[[str], None]:
    """Call it with a regular expression of console errors that the test provokes."""
    return pages.allow
