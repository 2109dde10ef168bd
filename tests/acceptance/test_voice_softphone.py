"""Calls with real browsers on both sides and the real switch between them: what each side hears is measured, tone by tone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Frame, Page, expect

from tests.support import axe
from tests.support.browser import Pages
from tests.support.softphone_house import (
    AGENT,
    COLLEAGUE,
    INTERNAL,
    SUPERVISOR,
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


def answered(house: SoftphoneHouse, pages: Pages, login: str) -> tuple[Frame, Page]:
    """A visitor calls, the agent takes the call; gives the visitor's frame and the agent's desk."""
    house.nobody_is_ready()
    desk = house.desk(pages, login, AGENT, ready=True)
    visitor = house.visitor(pages)
    desk.locator("dialog.offer").get_by_role("button", name="Принять").click()
    expect(phone(desk)).to_have_attribute("data-sound", "up")
    expect(visitor.locator("[data-status]")).to_contain_text("С вами говорит")
    return visitor, desk


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


@pytest.mark.feature("V-01", "V-02", "V-04", "D-11")
def test_a_customer_is_held_while_a_colleague_is_consulted_who_then_takes_over(pages, house: SoftphoneHouse):
    boris = house.desk(pages, "boris", COLLEAGUE)
    visitor, anna = answered(house, pages, "anna")
    hears(visitor, AGENT)
    hears(anna, VISITOR)
    # Held: music instead of the agent, and the agent hears nothing.
    act(anna, "Поставить на удержание")
    expect(visitor.locator("[data-status]")).to_contain_text("на удержании")
    hears(visitor, music=True)
    hears(anna)
    act(anna, "Снять с удержания")
    hears(visitor, AGENT)
    # Muted: the agent still hears.
    act(anna, "Выключить микрофон")
    hears(visitor)
    hears(anna, VISITOR)
    act(anna, "Включить микрофон")
    # A consultation by the keyboard: the two agents hear each other, the customer waits with music.
    anna.keyboard.press("Alt+Shift+D")
    choose(anna, "Борис", "Консультация")
    boris.keyboard.press("Alt+A")
    hears(boris, AGENT)
    hears(anna, COLLEAGUE)
    hears(visitor, music=True)
    # The colleague sees the case, then gets the call.
    act(anna, "Показать запрос коллеге")
    expect(boris.locator(".panel:not([hidden]) .case")).to_be_visible()
    act(anna, "Соединить их и выйти")
    hears(boris, VISITOR)
    hears(visitor, COLLEAGUE)
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


@pytest.mark.feature("V-04", "D-11")
def test_a_colleague_is_added_removed_and_given_the_call(pages, house: SoftphoneHouse):
    gleb = house.desk(pages, "gleb", COLLEAGUE)
    visitor, vera = answered(house, pages, "vera")
    # In one step: all three hear the two others.
    vera.keyboard.press("Alt+Shift+C")
    choose(vera, "Глеб", "Добавить в разговор")
    phone(gleb).get_by_role("button", name="Ответить").click()
    hears(visitor, AGENT, COLLEAGUE)
    hears(vera, VISITOR, COLLEAGUE)
    hears(gleb, VISITOR, AGENT)
    expect(phone(vera).get_by_role("list", name="Участники").get_by_role("listitem")).to_have_count(2)
    assert not axe.violations(vera)
    act(vera, "Убрать из разговора: Глеб Туманов")
    expect(phone(gleb)).to_be_hidden()
    hears(visitor, AGENT)
    # Passed on without asking: only to whom could take it.
    vera.keyboard.press("Alt+Shift+B")
    dialog = vera.locator("#task")
    dialog.get_by_role("searchbox").fill("Глеб")
    dialog.locator("[data-voice-list] .picker-option").filter(has_text="Глеб").first.click()
    pages.allow("422")
    dialog.get_by_role("button", name="Перевести сразу").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Глеб Туманов сейчас не может принять обращение")
    house.set_ready(gleb)
    dialog.get_by_role("button", name="Перевести сразу").click()
    expect(phone(vera)).to_be_hidden()
    gleb.locator("dialog.offer").get_by_role("button", name="Принять").click()
    hears(gleb, VISITOR)
    hears(visitor, COLLEAGUE)
    # The customer leaves.
    visitor.get_by_role("button", name="Положить трубку").click()
    expect(phone(gleb)).to_be_hidden()
    house.no_call_is_open()


@pytest.mark.feature("V-01")
def test_a_call_outlives_a_reload_and_ends_with_the_customers_browser(pages, house: SoftphoneHouse):
    visitor, dina = answered(house, pages, "dina")
    hears(visitor, AGENT)
    dina.reload()
    expect(phone(dina)).to_have_attribute("data-sound", "up")
    hears(visitor, AGENT)
    hears(dina, VISITOR)
    visitor.page.close()
    expect(phone(dina)).to_be_hidden()
    house.no_call_is_open()


@pytest.mark.feature("V-03")
def test_an_agent_calls_a_colleague_and_a_forbidden_number_is_refused(pages, house: SoftphoneHouse):
    zoya, egor = house.desk(pages, "zoya", COLLEAGUE), house.desk(pages, "egor", AGENT)
    egor.locator("[data-tab='/voice/phone']").first.click()
    page = egor.locator("okno-phone")
    for key in "12,#":
        page.get_by_role("button", name=key).first.click()
    expect(page.get_by_label("Номер")).to_have_value("12,#")
    # A direction that the house forbids.
    page.get_by_label("Номер").fill("+881 000-00-00")
    pages.allow("422")
    page.get_by_role("button", name="Позвонить").click()
    expect(egor.locator(".toast").filter(has_text="Исходящие вызовы не разрешены")).to_be_visible()
    # A colleague by the internal number.
    page.get_by_label("Номер").fill(INTERNAL)
    page.get_by_role("button", name="Позвонить").click()
    expect(phone(egor)).to_contain_text("Вызываем…")
    phone(zoya).get_by_role("button", name="Ответить").click()
    hears(zoya, AGENT)
    hears(egor, COLLEAGUE)
    phone(zoya).get_by_role("button", name="Положить трубку").click()
    expect(phone(egor)).to_be_hidden()
    # It stands among the recent calls.
    egor.reload()
    expect(page.locator(".phone-list").first).to_contain_text("Зоя Кравец")


@pytest.mark.feature("V-04")
def test_a_supervisor_listens_whispers_and_joins_in(pages, house: SoftphoneHouse):
    visitor, ivan = answered(house, pages, "ivan")
    elena = house.desk(pages, "elena", SUPERVISOR)
    elena.locator("[data-tab='/voice/live']").first.click()
    row = elena.locator("okno-live-calls tr").filter(has_text="Иван Рыбаков")
    row.get_by_role("button", name="Слушать").click()
    hears(elena, VISITOR, AGENT)
    hears(ivan, VISITOR)
    row.get_by_role("button", name="Подсказывать").click()
    hears(ivan, VISITOR, SUPERVISOR)
    hears(visitor, AGENT)
    row.get_by_role("button", name="Вступить").click()
    hears(visitor, AGENT, SUPERVISOR)
    expect(row.get_by_role("button", name="Вступить")).to_have_attribute("aria-pressed", "true")
    row.get_by_role("button", name="Вступить").click()
    expect(phone(elena)).to_be_hidden()
    hears(visitor, AGENT)
    assert not axe.violations(elena)


@pytest.mark.feature("V-01")
def test_microphone_and_loudspeaker_are_chosen_and_tried_in_the_settings(pages, house: SoftphoneHouse):
    egor = house.desk(pages, "egor", AGENT)
    egor.goto(f"{house.url}/settings")
    panel = egor.locator("okno-voice-devices")
    panel.get_by_role("button", name="Проверить микрофон").click()
    expect(panel.get_by_role("status")).to_contain_text("полоска покажет громкость")
    level = panel.locator("[data-level]")
    wait_until(lambda: float(level.evaluate("bar => bar.style.getPropertyValue('--level') || 0")) > 0.3, what="a level")
    expect(panel.get_by_label("Микрофон").locator("option")).not_to_have_count(1)
    panel.get_by_role("button", name="Остановить").click()
    panel.get_by_role("checkbox").uncheck()
    egor.reload()
    expect(egor.locator("okno-voice-devices").get_by_role("checkbox")).not_to_be_checked()
