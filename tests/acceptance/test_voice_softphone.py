"""Calls with real browsers on both sides and the real switch between them: what each side hears is measured, tone by tone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Frame, Page, expect

from tests.support import axe
from tests.support.browser import Pages
from tests.support.softphone_house import (
    ANNA,
    BORIS,
    ELENA,
    VISITOR,
    SoftphoneHouse,
    browser,
    hears,
    house,
    phone,
)
from tests.support.waiting import wait_until

__all__ = ["browser", "house"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


def answered(house: SoftphoneHouse, pages: Pages) -> tuple[Frame, Page]:
    """A visitor calls, Anna takes the call; gives the visitor's frame and Anna's desk."""
    anna = house.desk(pages, "anna", ANNA, ready=True)
    visitor = house.visitor(pages)
    anna.locator("dialog.offer").get_by_role("button", name="Принять").click()
    expect(phone(anna)).to_have_attribute("data-sound", "up")
    expect(visitor.locator("[data-status]")).to_contain_text("С вами говорит")
    return visitor, anna


def act(page: Page, name: str) -> None:
    """Press a button of the softphone by what it does."""
    phone(page).get_by_role("button", name=name, exact=True).click()


def choose(page: Page, name: str, how: str) -> None:
    """In the dialog of whom to reach: type the name, choose it, press the button."""
    dialog = page.locator("#task")
    dialog.get_by_role("searchbox").fill(name)
    dialog.locator("[data-voice-list] .picker-option").filter(has_text=name).first.click()
    dialog.get_by_role("button", name=how).click()
    expect(dialog).to_be_hidden()


@pytest.mark.feature("V-01", "V-02", "V-04")
def test_a_customer_calls_and_is_held_while_a_colleague_is_consulted_who_then_takes_over(pages, house: SoftphoneHouse):
    boris = house.desk(pages, "boris", BORIS)
    visitor, anna = answered(house, pages)
    hears(visitor, ANNA)
    hears(anna, VISITOR)
    # Held: music instead of the agent, and the agent hears nothing.
    act(anna, "Поставить на удержание")
    expect(visitor.locator("[data-status]")).to_contain_text("на удержании")
    hears(visitor, music=True)
    hears(anna)
    act(anna, "Снять с удержания")
    hears(visitor, ANNA)
    # Muted: the agent still hears.
    act(anna, "Выключить микрофон")
    hears(visitor)
    hears(anna, VISITOR)
    act(anna, "Включить микрофон")
    hears(visitor, ANNA)
    # A consultation by the keyboard: the two agents hear each other, the customer waits with music.
    anna.keyboard.press("Alt+Shift+D")
    choose(anna, "Борис", "Консультация")
    phone(boris).get_by_role("button", name="Ответить").click()
    hears(boris, ANNA)
    hears(anna, BORIS)
    hears(visitor, music=True)
    # The colleague sees the case, then gets the call.
    act(anna, "Показать запрос коллеге")
    expect(boris.locator(".panel:not([hidden]) .case")).to_be_visible()
    act(anna, "Соединить их и выйти")
    hears(boris, VISITOR)
    hears(visitor, BORIS)
    expect(phone(anna)).to_be_hidden()
    boris.keyboard.press("Alt+Q")
    expect(visitor.get_by_text("Звонок завершён")).to_be_visible()
    expect(phone(boris)).to_be_hidden()
    house.no_call_is_open()
    # Wrap-up of who had it last.
    expect(boris.locator(".state-button")).to_contain_text("Постобработка")
    boris.locator(".focus-finish").click()
    boris.locator("#finish").get_by_role("button", name="Закрыть обращение").click()
    expect(boris.locator(".state-button")).not_to_contain_text("Постобработка")


@pytest.mark.feature("V-04")
def test_a_colleague_is_added_removed_and_given_the_call(pages, house: SoftphoneHouse):
    boris = house.desk(pages, "boris", BORIS)
    visitor, anna = answered(house, pages)
    # In one step: all three hear the two others.
    anna.keyboard.press("Alt+Shift+C")
    choose(anna, "Борис", "Добавить в разговор")
    phone(boris).get_by_role("button", name="Ответить").click()
    hears(visitor, ANNA, BORIS)
    hears(anna, VISITOR, BORIS)
    hears(boris, VISITOR, ANNA)
    expect(phone(anna).get_by_role("list", name="Участники").get_by_role("listitem")).to_have_count(2)
    assert not axe.violations(anna)
    act(anna, "Убрать из разговора: Борис Мельников")
    expect(phone(boris)).to_be_hidden()
    hears(visitor, ANNA)
    # Passed on without asking.
    anna.keyboard.press("Alt+Shift+B")
    choose(anna, "Борис", "Перевести сразу")
    expect(phone(anna)).to_be_hidden()
    boris.get_by_role("button", name="Ответить").or_(boris.get_by_role("button", name="Принять")).first.click()
    hears(boris, VISITOR)
    hears(visitor, BORIS)
    # The customer leaves.
    visitor.get_by_role("button", name="Положить трубку").click()
    expect(phone(boris)).to_be_hidden()
    house.no_call_is_open()


@pytest.mark.feature("V-01")
def test_a_call_outlives_a_reload_and_ends_with_the_customers_browser(pages, house: SoftphoneHouse):
    visitor, anna = answered(house, pages)
    hears(visitor, ANNA)
    anna.reload()
    expect(phone(anna)).to_have_attribute("data-sound", "up")
    hears(visitor, ANNA)
    hears(anna, VISITOR)
    visitor.page.close()
    expect(phone(anna)).to_be_hidden()
    house.no_call_is_open()


@pytest.mark.feature("V-03")
def test_an_agent_calls_a_colleague_from_the_telephone_page(pages, house: SoftphoneHouse):
    anna, boris = house.desk(pages, "anna", ANNA), house.desk(pages, "boris", BORIS)
    anna.locator("[data-tab='/voice/phone']").first.click()
    page = anna.locator("okno-phone")
    expect(page).to_be_visible()
    for key in "12,#":
        page.get_by_role("button", name=key).first.click()
    expect(page.get_by_label("Номер")).to_have_value("12,#")
