"""A softphone in trouble: its voice process is killed, its network is cut. Real browsers, real sound, one centre."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Pages
from tests.support.network_cable import Cable, cable_to
from tests.support.softphone_house import AGENT, VISITOR, SoftphoneHouse, browser, hears, house, phone
from tests.support.waiting import wait_until

__all__ = ["browser", "house"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]
CUT_SECONDS = 10
A_SECOND = 2 * 2 * 16_000
TALKS = "С вами говорит"


def answer(desk: Page) -> None:
    """Take the call that is offered."""
    accept = desk.locator("dialog.offer").get_by_role("button", name="Принять")
    expect(accept).to_be_visible()
    accept.click()
    expect(phone(desk)).to_have_attribute("data-sound", "up")


def voice_pid(house: SoftphoneHouse) -> int:
    return int(json.loads((house.served.okno.home / "run" / "okno.json").read_text())["children"]["voice"])


@pytest.mark.feature("V-01", "V-07")
def test_a_killed_voice_process_is_told_in_words_and_the_next_call_is_carried(pages: Pages, house: SoftphoneHouse):
    anna, visitor = house.desk(pages, "anna", AGENT, ready=True), house.visitor(pages)
    answer(anna)
    hears(anna, VISITOR)
    phone(anna).get_by_role("button", name="Запись", exact=True).click()
    expect(phone(anna).locator("[data-recording]")).to_be_visible()
    [(recording, path, case_id)] = house.rows("SELECT id, path, case_id FROM voice_recording")
    wait_until(lambda: Path(path).exists() and Path(path).stat().st_size > 3 * A_SECOND, what="three seconds recorded")

    # What the page reports or asks for while nobody answers is refused.
    pages.allow("Failed to load resource")
    before = voice_pid(house)
    os.kill(before, signal.SIGKILL)
    # Both are told, both are free; the agent has the call to wrap up.
    expect(anna.locator(".toast").filter(has_text="Звонок прервался: связь потеряна")).to_be_visible()
    expect(visitor.locator("[data-problem]")).to_have_text("Связь прервалась")
    expect(phone(anna)).to_be_hidden()
    house.no_call_is_open()
    expect(anna.locator(".state-button")).to_contain_text("Постобработка")
    # The case keeps what was recorded until then.
    kept = "SELECT seconds FROM voice_recording WHERE id = ? AND state = 'done'"
    [(seconds,)] = wait_until(lambda: house.rows(kept, recording), 30, "an encoded recording")
    assert seconds > 2
    panel = anna.locator(".panel:not([hidden])")
    panel.get_by_role("link", name="События").click()
    expect(panel.locator(".timeline")).to_contain_text("Звонок прервался: связь потеряна")
    expect(panel.locator(".timeline")).to_contain_text(re.compile(r"Запись звонка, 0:\d\d"))
    told = "SELECT COUNT(*) FROM timeline_entry WHERE case_id = ? AND kind = 'voice.recording'"
    assert house.rows(told, case_id) == [(1,)]

    # The next call, once this one is wrapped up.
    anna.locator(".focus-finish").click()
    anna.locator("#finish").get_by_role("button", name="Закрыть обращение").click()
    expect(anna.locator(".state-button")).not_to_contain_text("Постобработка")
    assert voice_pid(house) != before
    again = house.visitor(pages, "Мария")
    answer(anna)
    hears(anna, VISITOR)
    hears(again, AGENT)
    anna.keyboard.press("Alt+Q")
    expect(again.get_by_text("Звонок завершён")).to_be_visible()
    house.no_call_is_open()


@pytest.fixture
def cable(house: SoftphoneHouse) -> Iterator[Cable]:
    """The network of one browser. Asked for before ``pages``, it is there until they are closed."""
    with cable_to(house.url) as made:
        yield made


@pytest.mark.feature("V-01")
def test_a_call_outlives_ten_seconds_without_a_network(cable: Cable, pages: Pages, house: SoftphoneHouse):
    house.nobody_is_ready()
    context = pages.context()
    cable.carry_sound(context)
    boris = house.desk(pages, "boris", AGENT, ready=True, url=cable.url, context=context)
    visitor = house.visitor(pages)
    answer(boris)
    hears(boris, VISITOR)
    hears(visitor, AGENT)

    pages.allow("ERR_INTERNET_DISCONNECTED")
    cut_at = time.monotonic()
    cable.cut()
    context.set_offline(True)
    expect(phone(boris)).to_contain_text("Связь прерывается, подождите…")
    expect(phone(boris)).to_contain_text("Звук пропал. Соединяем снова…")
    # What is pressed meanwhile is refused in words, not lost.
    phone(boris).get_by_role("button", name="Удержать").click()
    expect(boris.locator(".toast").filter(has_text="Не получилось. Повторите.")).to_be_visible()
    wait_until(lambda: time.monotonic() > cut_at + CUT_SECONDS, what="the end of the cut")
    expect(phone(boris)).to_contain_text("Звук пропал. Соединяем снова…")
    expect(visitor.locator("[data-status]")).to_contain_text(TALKS)
    context.set_offline(False)
    cable.mend()

    expect(phone(boris)).to_have_attribute("data-sound", "up")
    expect(phone(boris)).not_to_contain_text("Звук пропал")
    hears(boris, VISITOR)
    hears(visitor, AGENT)
    expect(visitor.locator("[data-status]")).to_contain_text(TALKS)
    # Of one call, one line is left.
    boris.keyboard.press("Alt+Q")
    expect(visitor.get_by_text("Звонок завершён")).to_be_visible()
    expect(phone(boris)).to_be_hidden()
    house.no_call_is_open()
