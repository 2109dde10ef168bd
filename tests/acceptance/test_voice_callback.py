"""A visitor who does not want to wait: the page of the call, a telephone outside, an agent's desk; tones say who hears whom."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.acceptance.test_voice_telephones import CUSTOMER, Outside, heard, outside
from tests.support import axe
from tests.support.browser import Pages
from tests.support.softphone_house import AGENT, SUPERVISOR, SoftphoneHouse, browser, hears, phone, served_house
from tests.support.waiting import wait_until

__all__ = ["browser", "outside"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]
# The telephone outside says this tone; no supervisor takes part here.
OUTSIDE = SUPERVISOR


@pytest.fixture(scope="module")
def house(migrated_templates, tmp_path_factory, outside: Outside):
    folder = tmp_path_factory.mktemp("callback")
    with served_house(migrated_templates, folder, environment=outside.environment) as made:
        yield made


@pytest.mark.feature("V-02")
def test_a_visitor_hangs_up_and_is_called_back_when_the_turn_comes(pages: Pages, house: SoftphoneHouse, outside):
    visitor = house.visitor(pages)
    expect(visitor.locator("[data-status]")).to_contain_text("в очереди")
    visitor.get_by_role("button", name="Перезвоните мне").click()
    field = visitor.get_by_label("По какому номеру позвонить?")
    expect(field).to_be_focused()
    field.fill("12")
    pages.allow("422")
    visitor.get_by_role("button", name="Положить трубку и ждать звонка").click()
    expect(visitor.get_by_role("alert")).to_contain_text("не номер, по которому можно позвонить")
    assert not axe.violations(visitor.page)
    field.fill("8 (495) 111-22-33")
    field.press("Enter")
    expect(visitor.locator("[data-promised]")).to_contain_text("Мы перезвоним по номеру +7 495 111-22-33")
    expect(visitor.locator("[data-promised]")).to_contain_text("Ваш номер в очереди: 1.")
    assert not axe.violations(visitor.page)
    house.no_call_is_open()
    # Whoever looks at the list sees whose turn it is, and what becomes of it without a reload.
    elena = house.desk(pages, "elena", AGENT)
    elena.locator("[data-tab='/voice/registration']").first.click()
    elena.get_by_role("link", name="Обратные звонки").click()
    rows = elena.locator("okno-callbacks tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("№ 1 в очереди")
    assert not axe.violations(elena)
    # Put off, so that nobody is asked; then called at once all the same.
    rows.get_by_role("button", name="Отложить").click()
    elena.locator("#task").get_by_role("button", name="Отложить").click()
    expect(rows).to_contain_text("Обещан")
    expect(rows).to_contain_text("Елена Орлова")
    anna = house.desk(pages, "anna", AGENT, ready=True)
    expect(anna.locator("dialog.offer")).to_have_count(0)
    before = set(outside.exchange.calls)
    anna.goto(f"{house.url}/voice/callbacks")
    anna.locator("okno-callbacks tbody tr").get_by_role("button", name="Позвонить").click()
    hears(anna, OUTSIDE)
    telephone = next(call for name, call in outside.exchange.calls.items() if name not in before)
    wait_until(lambda: heard(telephone), what="the agent at the telephone")
    expect(rows).to_contain_text("Звоним")
    expect(rows).to_contain_text("Анна Соколова")
    outside.hang_up(telephone)
    expect(phone(anna)).to_be_hidden()
    expect(elena.locator("okno-callbacks .empty")).to_contain_text("Обратного звонка никто не ждёт")
    elena.locator(".callback-states").get_by_role("link", name="Перезвонили").click()
    expect(rows).to_contain_text("Перезвонили")


@pytest.mark.feature("V-02")
def test_the_offer_of_a_callback_says_whom_to_call(pages: Pages, house: SoftphoneHouse, outside):
    house.nobody_is_ready()
    visitor = house.visitor(pages, "Мария")
    visitor.get_by_role("button", name="Перезвоните мне").click()
    visitor.get_by_label("По какому номеру позвонить?").fill(CUSTOMER)
    visitor.get_by_role("button", name="Положить трубку и ждать звонка").click()
    expect(visitor.locator("[data-promised]")).to_contain_text("Мы перезвоним")
    boris = house.desk(pages, "boris", AGENT)
    boris.locator(".state-button").click()
    boris.locator("#state-menu form:has(input[name=state][value=ready]) button").click()
    offer = boris.locator("dialog.offer")
    expect(offer).to_contain_text("Перезвонить: +7 495 111-22-33")
    before = set(outside.exchange.calls)
    offer.get_by_role("button", name="Принять").click()
    hears(boris, OUTSIDE)
    assert set(outside.exchange.calls) - before
    boris.keyboard.press("Alt+Q")
    expect(phone(boris)).to_be_hidden()
