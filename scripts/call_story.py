"""A call in pictures, for docs/call.md: a customer calls from a page, is held, a colleague is consulted and takes over, wrap-up.

    python scripts/call_story.py [--only ru] [--to docs/images]

A real call: real browsers, the embedded switch, a made-up microphone on each side.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Page, expect, sync_playwright  # noqa: E402

from scripts.screenshots import Camera  # noqa: E402
from tests.support.applications import MigratedTemplates  # noqa: E402
from tests.support.browser import ARGUMENTS, Pages  # noqa: E402
from tests.support.postgresql_server import PostgreSQLServer  # noqa: E402
from tests.support.softphone_house import (  # noqa: E402
    AGENT,
    COLLEAGUE,
    MEDIA,
    VISITOR,
    SoftphoneHouse,
    hears,
    phone,
    program,
    served_house,
)

CUSTOMERS = {"ru": "Пётр Сидоров", "en": "Peter Stone"}


def no_server() -> PostgreSQLServer:
    """The story needs none."""
    raise RuntimeError("SQLite is enough")


def tell(pages: Pages, house: SoftphoneHouse, camera: Camera) -> None:
    """Eight pictures, ``call-1-…`` to ``call-8-…``."""
    language = camera.language
    names = iter(range(1, 100))

    def shoot(page: Page, name: str) -> None:
        camera.save(page, f"call-{next(names)}-{name}-{language}")

    light = {"locale": language, "color_scheme": "light", "reduced_motion": "reduce"}
    boris = house.desk(pages, "boris", COLLEAGUE, **light)
    anna = house.desk(pages, "anna", AGENT, ready=True, **light)
    visitor = house.visitor(pages, CUSTOMERS[language], language)
    expect(anna.locator("dialog.offer")).to_be_visible()
    shoot(visitor.page, "waiting")
    shoot(anna, "offer")
    anna.locator("dialog.offer [data-accept]").click()
    hears(visitor, AGENT)
    shoot(anna, "talking")
    phone(anna).locator("[data-act=hold]").click()
    hears(visitor, music=True)
    shoot(visitor.page, "held")
    anna.keyboard.press("Alt+Shift+D")
    anna.locator("#task [data-voice-list] .picker-option").first.wait_for()
    shoot(anna, "whom-to-consult")
    anna.locator(
        "#task .picker-option", has_text=house.rows("SELECT first_name FROM user WHERE login = 'boris'")[0][0]
    ).click()
    anna.locator("#task [data-voice-do=consult]").click()
    phone(boris).locator("[data-act=answer]").click()
    hears(boris, AGENT)
    shoot(anna, "consulting")
    phone(anna).locator("[data-act=screen]").click()
    expect(boris.locator(".panel:not([hidden]) .case")).to_be_visible()
    phone(anna).locator("[data-act=complete]").click()
    hears(boris, VISITOR)
    shoot(boris, "taken-over")
    boris.keyboard.press("Alt+Q")
    expect(phone(boris)).to_be_hidden()
    boris.locator(".focus-finish").click()
    expect(boris.locator("#finish form")).to_be_visible()
    shoot(boris, "wrap-up")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["ru", "en"])
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "images")
    options = parser.parse_args()
    path = program()
    if path is None:
        sys.exit("no Chromium: apt install chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS, *MEDIA])
        templates = MigratedTemplates(Path(folder), no_server)
        for language in ("ru", "en"):
            if options.only in (None, language):
                place = Path(folder) / language
                place.mkdir()
                pages = Pages(browser)
                with served_house(templates, place, language) as house:
                    tell(pages, house, Camera(options.to, language))
                    pages.close()
        browser.close()


if __name__ == "__main__":
    main()
