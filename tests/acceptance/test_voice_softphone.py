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

REPORT = """async ([key, figures]) => {
  const { post } = await import("/voice/static/softphone/server.js");
  await post(`calls/${key}/quality`, figures);
}"""


def answered(house: SoftphoneHouse, pages: Pages, login: str, *, shop: bool = False) -> tuple[Frame, Page]:
    """A visitor calls, the agent takes the call; gives the visitor's frame and the agent's desk."""
    house.nobody_is_ready()
    desk = house.desk(pages, login, AGENT, ready=True)
    visitor = house.visitor(pages, shop=shop)
    desk.locator("dialog.offer").get_by_role("button", name="Принять").click()
    expect(phone(desk)).to_have_attribute("data-sound", "up")
    expect(visitor.locator("[data-status]")).to_contain_text("С вами говорит")
    return visitor, desk


def act(page: Page, name: str) -> None:
    """Press a button of the softphone by what it does."""
    phone(page).get_by_role("button", name=name, exact=True).click()


def pick(page: Page, name: str, how: str) -> None:
    """In the dialog of whom to reach: type the name, choose it, press the button."""
    dialog = page.locator("#task")
    dialog.get_by_role("searchbox").fill(name)
    dialog.locator("[data-voice-list] .picker-option").filter(has_text=name).first.click()
    dialog.get_by_role("button", name=how).click()


def choose(page: Page, name: str, how: str) -> None:
    """The same, and the dialog is done with."""
    pick(page, name, how)
    expect(page.locator("#task")).to_be_hidden()


@pytest.mark.feature("V-01", "V-02", "V-04", "D-11")
def test_a_customer_is_held_met_by_two_passed_on_and_wrapped_up(pages, house: SoftphoneHouse):
    boris = house.desk(pages, "boris", COLLEAGUE)
    visitor, anna = answered(house, pages, "anna")
    hears(visitor, AGENT)
    hears(anna, VISITOR)
    # What only the machine knows a caller from a page by is nowhere at the desk.
    expect(anna.locator("#focus")).to_be_visible()
    expect(anna.locator("#desk")).not_to_contain_text("site-")
    # Held: music instead of the agent, and the agent hears nothing.
    act(anna, "Удержать")
    expect(visitor.locator("[data-status]")).to_contain_text("на удержании")
    hears(visitor, music=True)
    hears(anna)
    act(anna, "Вернуть")
    hears(visitor, AGENT)
    # Muted: the agent still hears.
    act(anna, "Микрофон")
    hears(visitor)
    hears(anna, VISITOR)
    act(anna, "Включить")
    # One window for all three ways, with the lines that may be consulted and whatever number is typed.
    anna.keyboard.press("Alt+Shift+T")
    dialog = anna.locator("#task")
    expect(dialog.locator("[data-voice-do]")).to_have_count(3)
    expect(dialog.locator(".picker-option").filter(has_text="Бухгалтерия")).to_be_visible()
    dialog.get_by_role("searchbox").fill("+7 495 123")
    expect(dialog.locator("[data-voice-number]")).to_contain_text("+7 495 123")
    dialog.get_by_role("button", name="Закрыть").click()
    # A conference in one step, by the keyboard: all three hear the two others.
    anna.keyboard.press("Alt+Shift+C")
    choose(anna, "Борис", "Добавить в разговор")
    expect(phone(boris).get_by_role("button", name="Ответить")).to_be_visible()
    boris.keyboard.press("Alt+A")
    hears(visitor, AGENT, COLLEAGUE)
    hears(anna, VISITOR, COLLEAGUE)
    hears(boris, VISITOR, AGENT)
    expect(phone(anna).get_by_role("list", name="Участники").get_by_role("listitem")).to_have_count(2)
    assert not axe.violations(anna)
    act(anna, "Убрать из разговора: Борис Мельников")
    expect(phone(boris)).to_be_hidden()
    # Passing on at once is for who could take it; Boris has not set himself ready.
    pages.allow("422")
    anna.keyboard.press("Alt+Shift+B")
    pick(anna, "Борис", "Перевести сразу")
    expect(dialog.get_by_role("alert")).to_contain_text("Борис Мельников сейчас не может принять обращение")
    dialog.get_by_role("button", name="Закрыть").click()
    # A consultation: the two agents hear each other, the customer waits with music; the colleague sees the case.
    anna.keyboard.press("Alt+Shift+D")
    choose(anna, "Борис", "Консультация")
    phone(boris).get_by_role("button", name="Ответить").click()
    hears(boris, AGENT)
    hears(anna, COLLEAGUE)
    hears(visitor, music=True)
    act(anna, "Показать запрос")
    expect(boris.locator(".panel:not([hidden]) .case")).to_be_visible()
    act(anna, "Соединить и выйти")
    hears(boris, VISITOR)
    hears(visitor, COLLEAGUE)
    expect(phone(anna)).to_be_hidden()
    # And back without asking.
    boris.keyboard.press("Alt+Shift+B")
    choose(boris, "Анна", "Перевести сразу")
    anna.locator("dialog.offer").get_by_role("button", name="Принять").click()
    hears(anna, VISITOR)
    hears(visitor, AGENT)
    expect(phone(boris)).to_be_hidden()
    anna.keyboard.press("Alt+Q")
    expect(visitor.get_by_text("Звонок завершён")).to_be_visible()
    expect(phone(anna)).to_be_hidden()
    house.no_call_is_open()
    # Wrap-up of who had it last.
    expect(anna.locator(".state-button")).to_contain_text("Постобработка")
    anna.locator(".focus-finish").click()
    anna.locator("#finish").get_by_role("button", name="Закрыть обращение").click()
    expect(anna.locator(".state-button")).not_to_contain_text("Постобработка")


@pytest.mark.feature("V-01", "V-04")
def test_a_supervisor_takes_part_and_the_call_outlives_the_agents_tab_but_not_the_customers(
    pages, house: SoftphoneHouse
):
    visitor, ivan = answered(house, pages, "ivan", shop=True)
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
    assert not axe.violations(elena)
    expect(row.get_by_role("button", name="Вступить")).to_have_attribute("aria-pressed", "true")
    row.get_by_role("button", name="Вступить").click()
    expect(phone(elena)).to_be_hidden()
    # Another tab shows the call without its sound, and takes the sound over when the first one is closed.
    other = pages.open(f"{house.url}/", ivan.context)
    expect(phone(other)).to_have_attribute("data-sound", "elsewhere")
    expect(phone(other)).to_contain_text("Звук — в другой вкладке этого браузера.")
    ivan.close()
    expect(phone(other)).to_have_attribute("data-sound", "up")
    hears(visitor, AGENT)
    hears(other, VISITOR)
    other.reload()
    expect(phone(other)).to_have_attribute("data-sound", "up")
    hears(visitor, AGENT)
    visitor.page.close()
    expect(phone(other)).to_be_hidden()
    house.no_call_is_open()


def try_devices(page: Page, house: SoftphoneHouse) -> None:
    """The choice and the test of the microphone, in the agent's own settings."""
    page.goto(f"{house.url}/settings")
    panel = page.locator("okno-voice-devices")
    panel.get_by_role("button", name="Проверить микрофон").click()
    expect(panel.get_by_role("status")).to_contain_text("полоска покажет громкость")
    level = panel.locator("[data-level]")
    wait_until(lambda: float(level.evaluate("bar => bar.style.getPropertyValue('--level') || 0")) > 0.3, what="a level")
    expect(panel.get_by_label("Микрофон").locator("option")).not_to_have_count(1)
    panel.get_by_role("button", name="Остановить").click()
    panel.get_by_role("checkbox").uncheck()
    page.reload()
    expect(page.locator("okno-voice-devices").get_by_role("checkbox")).not_to_be_checked()


@pytest.mark.feature("V-01", "V-03")
def test_an_agent_tries_the_microphone_calls_a_colleague_and_is_refused_a_forbidden_number(
    pages, house: SoftphoneHouse
):
    zoya, egor = house.desk(pages, "zoya", COLLEAGUE, denied=True), house.desk(pages, "egor", AGENT)
    try_devices(egor, house)
    egor.locator("[data-tab='/voice/phone']").first.click()
    page = egor.locator("okno-phone")
    for key in "12,#":
        page.get_by_role("button", name=key).first.click()
    expect(page.get_by_label("Номер")).to_have_value("12,#")
    # A direction that the house forbids.
    page.get_by_label("Номер").fill("+881 000-00-00")
    pages.allow("422")
    page.get_by_role("button", name="Позвонить", exact=True).click()
    expect(egor.locator(".toast").filter(has_text="Исходящие вызовы не разрешены")).to_be_visible()
    # A colleague by the internal number.
    page.get_by_label("Номер").fill(INTERNAL)
    page.get_by_role("button", name="Позвонить", exact=True).click()
    expect(phone(egor)).to_contain_text("Вызываем…")
    phone(zoya).get_by_role("button", name="Ответить").click()
    # Without a microphone one still hears; the page says what to do, and goes on from there.
    hears(zoya, AGENT)
    expect(phone(zoya)).to_contain_text("Браузеру не разрешён микрофон: вас не слышно.")
    hears(egor)
    zoya.evaluate("() => (window.microphoneAllowed = true)")
    act(zoya, "Что сделать")
    act(zoya, "Повторить")
    hears(egor, COLLEAGUE)
    expect(phone(zoya)).not_to_contain_text("Браузеру не разрешён микрофон")
    # Figures over the limits are told; those of a call are kept with it.
    key = house.rows("SELECT key FROM voice_call WHERE direction = 'internal' AND ended_at IS NULL")[0][0]
    for _ in range(2):
        egor.evaluate(REPORT, [key, {"loss_percent": 4.5, "jitter_ms": 31, "rtt_ms": 80}])
    expect(phone(egor)).to_contain_text("Плохая связь: потери 4,5 %, джиттер 31 мс.")
    assert house.rows("SELECT 1 FROM voice_leg WHERE worst_loss >= 4.5 AND worst_jitter >= 31")
    phone(zoya).get_by_role("button", name="Положить трубку").click()
    expect(phone(egor)).to_be_hidden()
    # It stands among the recent calls.
    egor.reload()
    expect(page.locator(".phone-list").first).to_contain_text("Зоя Кравец")
