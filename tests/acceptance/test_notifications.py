"""A call for help reaches the supervisor's bell and list; who comes is seen by the agent; all of it without a reload."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.support.browser import Pages
from tests.support.shift_house import ShiftHouse, choose
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.feature("D-12", "D-13")
def test_an_agent_calls_for_help_and_sees_who_comes(shift: ShiftHouse, pages: Pages) -> None:
    shift.furnish()
    shift.start()
    elena = shift.sign_in(pages.open(), "elena")
    anna = shift.sign_in(pages.open(), "anna")
    boris = shift.sign_in(pages.open(), "boris")
    choose(anna, "ready")
    shift.chat()
    anna.locator("dialog.offer [data-accept]").click()
    expect(anna.locator(".state-button")).to_contain_text("Занят")

    # asked for, with words; the line shows the flag
    anna.get_by_role("button", name="Позвать на помощь").click()
    anna.get_by_label("В чём дело?").fill("Клиент требует старшего")
    anna.locator("#task").get_by_role("button", name="Позвать на помощь").click()
    expect(anna.locator("#task")).to_be_hidden()
    expect(anna.locator(".active-help")).to_be_visible()
    expect(anna.get_by_role("button", name="Помощь запрошена")).to_be_visible()

    # only the supervisor is told: the counter, a toast, the words in the panel, a link to the list
    expect(elena.locator("[data-bell-count]")).to_have_text("1")
    expect(elena.locator("#toasts")).to_contain_text("Анна Соколова просит помощи по запросу №")
    expect(boris.locator("[data-bell-count]")).to_have_text("")
    elena.locator("#bell").click()
    notice = elena.locator(".notice").first
    expect(notice).to_contain_text("Клиент требует старшего")
    expect(elena.locator(".notice-day h3").first).to_have_text("Сегодня")
    elena.keyboard.press("ArrowDown")
    elena.keyboard.press("Enter")
    expect(elena.get_by_role("heading", name="Зовут на помощь")).to_be_visible()
    expect(elena.locator("[data-bell-count]")).to_have_text("")
    line = elena.locator(".book-entry").filter(has_text="Анна Соколова")
    expect(line).to_contain_text("«Клиент требует старшего»")

    # somebody comes: the agent sees who
    line.get_by_role("button", name="Иду помочь").click()
    expect(elena.locator(".case")).to_be_visible()
    expect(anna.locator("#toasts")).to_contain_text("Елена Орлова идёт на помощь")
    expect(anna.locator("[data-bell-count]")).to_have_text("1")
    anna.get_by_role("button", name="Помощь идёт").click()
    expect(anna.locator("#task")).to_contain_text("На помощь идёт Елена Орлова")
    anna.locator("#task").get_by_role("button", name="Помощь больше не нужна").click()
    expect(anna.locator(".active-help")).to_have_count(0)

    # unread ones by themselves, one marked, all marked
    anna.locator("#bell").click()
    anna.get_by_role("button", name="Непрочитанные").click()
    expect(anna.locator(".notice-new")).to_have_count(1)
    anna.locator(".notice-new").get_by_role("button", name="Отметить прочитанным").click()
    expect(anna.locator("#notices")).to_contain_text("Всё прочитано")
    expect(anna.locator("[data-bell-count]")).to_have_text("")
    anna.keyboard.press("Escape")
    expect(anna.locator("#notices")).to_be_hidden()


@pytest.mark.feature("D-13")
def test_a_notification_shows_on_the_desktop_when_permitted(shift: ShiftHouse, pages: Pages) -> None:
    shift.furnish()
    shift.start()
    context = pages.context(permissions=["notifications"])
    context.add_init_script(
        "window.shown = []; window.Notification = class { static permission = 'granted';"
        " constructor(title, options) { window.shown.push([title, options.body]); } };"
        " document.hasFocus = () => false;"
    )
    elena = shift.sign_in(pages.open(context=context), "elena")
    anna = shift.sign_in(pages.open(), "anna")
    choose(anna, "ready")
    shift.chat()
    anna.locator("dialog.offer [data-accept]").click()
    anna.get_by_role("button", name="Позвать на помощь").click()
    anna.locator("#task").get_by_role("button", name="Позвать на помощь").click()
    expect(elena.locator("[data-bell-count]")).to_have_text("1")
    # The policy of the pages forbids what wait_for_function needs.
    wait_until(lambda: elena.evaluate("window.shown.length"), 15, "the notification")
    assert "Анна Соколова просит помощи" in elena.evaluate("window.shown[0][0]")

    # forbidden in the settings: the bell rings, the desktop stays quiet
    elena.goto(f"{shift.url}/settings")
    elena.get_by_label("Уведомления на рабочем столе").uncheck()
    elena.locator("#set-sounds").get_by_role("button", name="Сохранить").click()
    expect(elena.locator("#toasts")).to_contain_text("Сохранено")
    anna.get_by_role("button", name="Помощь запрошена").click()
    anna.locator("#task").get_by_role("button", name="Помощь больше не нужна").click()
    anna.get_by_role("button", name="Позвать на помощь").click()
    anna.locator("#task").get_by_role("button", name="Позвать на помощь").click()
    expect(elena.locator("[data-bell-count]")).to_have_text("2")
    assert elena.evaluate("window.shown.length") == 0
