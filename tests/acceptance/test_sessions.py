"""Signing in and out as people meet it: by force, by a closed tab, with work in hand, after the session has ended."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Pages
from tests.support.letters import letter
from tests.support.mail_house import deliver, listens
from tests.support.shift_house import PASSWORD, ShiftHouse, choose
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow]
OVER = "#session-over"


def take_letter(page: Page, house: ShiftHouse) -> None:
    """A letter comes in and is taken from the group queue."""
    assert house.served is not None
    wait_until(lambda: listens(house.served.smtp_port), 30, "the SMTP listener")
    deliver(house.served.smtp_port, letter(message_id="<one@example.org>"))
    wait_until(lambda: house.rows("SELECT 1 FROM interaction WHERE channel = 'email'"), 30, "the letter's case")
    page.goto(f"{house.url}/queue")
    page.get_by_role("button", name="Взять").first.click()
    expect(page.locator(".state-button")).to_contain_text("Занят")


@pytest.mark.feature("D-09")
def test_signing_in_elsewhere_asks_ends_the_other_session_with_a_message_and_can_be_taken_back(
    shift: ShiftHouse, pages: Pages
) -> None:
    pages.allow(r"401|409|422")
    shift.furnish()
    shift.start()
    first = shift.sign_in(pages.open(), "anna")
    choose(first, "not_ready", "lunch")
    expect(first.locator(".state-button")).to_contain_text("Обед")

    second = pages.open()
    shift.type_password(second, "anna")
    expect(second.get_by_role("heading", name="Войти принудительно?")).to_be_visible()
    expect(second.locator(".elsewhere li")).to_contain_text(re.compile(r"Chrome \d+, Linux"))
    expect(second.locator(".elsewhere li")).to_contain_text("127.0.0.1")
    expect(first.locator(OVER)).to_be_hidden()
    second.get_by_role("button", name="Войти здесь").click()
    expect(second.locator(".state-button")).to_contain_text("Обед")

    # The old browser says what happened, keeps its page and enters again in place, which ends the new one.
    expect(first.locator(OVER)).to_contain_text("Вы вошли в другом браузере")
    expect(first.locator(OVER)).to_contain_text("127.0.0.1")
    # However long the password takes: a refused stream is no lost connection.
    first.wait_for_timeout(3000)
    expect(first.locator("#link-line")).to_be_hidden()
    first.locator("#again-password").fill("wrong")
    first.keyboard.press("Enter")
    expect(first.locator(f"{OVER} [data-form-error]")).to_contain_text("Неверный логин или пароль")
    first.locator("#again-password").fill(PASSWORD)
    first.keyboard.press("Enter")
    expect(first.locator(OVER)).to_be_hidden()
    expect(second.locator(OVER)).to_contain_text("Вы вошли в другом браузере")
    choose(first, "ready")
    expect(first.locator(".state-button")).to_contain_text("Готов")
    assert shift.rows("SELECT count(*) FROM sign_in WHERE ended_at IS NULL") == [(1,)]


@pytest.mark.feature("D-09")
def test_a_second_tab_of_the_same_browser_is_the_same_session(shift: ShiftHouse, pages: Pages) -> None:
    shift.furnish()
    shift.start(routing_grace_seconds="3")
    context = pages.context()
    first = shift.sign_in(pages.open(context=context), "anna")
    second = pages.open(f"{shift.url}/queue", context)
    expect(second.locator(".state-button")).to_be_visible()
    first.close()
    choose(second, "ready")
    # The first tab's end has been noticed once the second one has had time to be missed, if it were.
    wait_until(lambda: shift.rows("SELECT 1 FROM presence WHERE state = 'ready' AND seen_at > since"), 20)
    expect(second.locator(".state-button")).to_contain_text("Готов")
    assert shift.rows("SELECT count(*) FROM sign_in WHERE left_at IS NOT NULL OR ended_at IS NOT NULL") == [(0,)]


@pytest.mark.feature("D-09")
def test_a_closed_tab_signs_out_after_the_grace_and_gives_its_chat_back(shift: ShiftHouse, pages: Pages) -> None:
    shift.furnish()
    shift.start(routing_grace_seconds="4")
    context = pages.context()
    page = shift.sign_in(pages.open(context=context), "anna")
    shift.chat()
    page.goto(f"{shift.url}/queue")
    page.get_by_role("button", name="Взять").first.click()
    expect(page.locator(".state-button")).to_contain_text("Занят")
    page.close(run_before_unload=True)
    wait_until(lambda: shift.state_of("anna") == "offline", 40, "signing off")
    assert shift.rows("SELECT ended_why FROM sign_in") == [("tab_closed",)]
    assert shift.rows("SELECT state, agent_id FROM interaction") == [("queued", None)]
    again = pages.open(f"{shift.url}/", context)
    expect(again.locator("#password")).to_be_visible()


@pytest.mark.feature("D-09")
def test_coming_back_within_the_grace_loses_neither_state_nor_work_nor_text(shift: ShiftHouse, pages: Pages) -> None:
    shift.furnish()
    shift.start()
    context = pages.context()
    page = shift.sign_in(pages.open(context=context), "anna")
    take_letter(page, shift)
    page.locator("okno-editor [contenteditable]").first.click()
    page.keyboard.type("Почти готовый ответ")
    wait_until(lambda: shift.rows("SELECT 1 FROM draft WHERE body_html LIKE '%готовый%'"), 15, "the draft")
    choose(page, "not_ready", "lunch")
    expect(page.locator(".state-button")).to_contain_text("Обед")
    page.close(run_before_unload=True)
    wait_until(lambda: shift.rows("SELECT 1 FROM sign_in WHERE left_at IS NOT NULL"), 10, "the page's good-bye")
    again = pages.open(f"{shift.url}/", context)
    expect(again.locator(".state-button")).to_contain_text("Занят")
    expect(again.locator(".state-button")).to_contain_text("Обед")
    again.locator(".active-line").first.click()
    expect(again.locator("okno-editor [contenteditable]").first).to_contain_text("Почти готовый ответ")
    assert shift.rows("SELECT count(*) FROM presence_change WHERE after = 'offline'") == [(0,)]


@pytest.mark.feature("D-09")
def test_signing_out_with_a_chat_is_refused_by_name_and_letters_stay_as_drafts(shift: ShiftHouse, pages: Pages) -> None:
    shift.furnish()
    shift.start()
    page = shift.sign_in(pages.open(), "anna")
    take_letter(page, shift)
    page.locator("okno-editor [contenteditable]").first.click()
    page.keyboard.type("Начатый ответ")
    wait_until(lambda: shift.rows("SELECT 1 FROM draft WHERE body_html LIKE '%Начатый ответ%'"), 30, "the draft")
    shift.chat(name="Пётр Сидоров")
    page.goto(f"{shift.url}/queue")
    page.get_by_role("button", name="Взять").first.click()
    expect(page.locator(".active-line")).to_have_count(2)

    leave = page.locator("#leave")
    page.locator("#user-menu summary").click()
    page.locator('form[action$="/sign-out"] button').first.click()
    expect(leave).to_contain_text("Идёт разговор")
    expect(leave).to_contain_text("Пётр Сидоров")
    expect(leave.locator('form[action$="/sign-out"]')).to_have_count(0)
    leave.get_by_role("button", name="Продолжить работу").click()
    refused = page.evaluate(
        """() => fetch("/sign-out", {method: "POST", headers: {Accept: "application/json",
        "X-CSRF-Token": document.querySelector("meta[name=csrf-token]").content}}).then((a) => a.json())"""
    )
    pages.allow(r"422")
    assert refused["error"]["code"] == "live-in-hand" and "Пётр Сидоров" in refused["error"]["text"]

    shift.change("UPDATE interaction SET state = 'closed' WHERE channel = 'chat'")
    page.locator("#user-menu summary").click()
    page.locator('form[action$="/sign-out"] button').first.click()
    expect(leave).to_contain_text("1 незавершённое письмо останется в вашей персональной очереди")
    expect(leave).to_contain_text("1 начатый ответ сохранён как черновик")
    leave.get_by_role("button", name="Выйти").click()
    expect(page.locator("#password")).to_be_visible()
    assert shift.state_of("anna") == "offline"
    agent = "SELECT u.login, i.state FROM interaction i JOIN \"user\" u ON u.id = i.agent_id WHERE i.channel = 'email'"
    assert shift.rows(agent) == [("anna", "active")]
    shift.sign_in(page, "anna")
    page.locator(".active-line").first.click()
    expect(page.locator("okno-editor [contenteditable]").first).to_contain_text("Начатый ответ")


@pytest.mark.feature("D-09")
def test_a_session_that_expires_is_entered_again_in_place_and_keeps_what_is_typed(
    shift: ShiftHouse, pages: Pages
) -> None:
    pages.allow(r"401")
    shift.furnish()
    shift.start()
    page = shift.sign_in(pages.open(), "anna")
    take_letter(page, shift)
    editor = page.locator("okno-editor [contenteditable]").first
    editor.click()
    page.keyboard.type("До ")
    wait_until(lambda: shift.rows("SELECT 1 FROM draft WHERE body_html LIKE '%До%'"), 20, "the first words")
    shift.change("UPDATE sign_in SET created_at = '2020-01-01 00:00:00'")
    page.keyboard.type("конца")
    expect(page.locator(OVER)).to_contain_text("Время сеанса истекло")
    page.locator("#again-password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(OVER)).to_be_hidden()
    expect(editor).to_contain_text("До конца")
    wait_until(lambda: shift.rows("SELECT 1 FROM draft WHERE body_html LIKE '%конца%'"), 20, "the draft")


@pytest.mark.feature("D-09", "D-16")
def test_the_sign_in_page_checks_the_connection_and_says_when_the_network_is_not_allowed(
    shift: ShiftHouse, pages: Pages
) -> None:
    pages.allow(r"403|401")
    shift.furnish(start_url="/queue")
    shift.start(web_allowed_networks="127.0.0.0/8")
    page = pages.open(f"{shift.url}/sign-in")
    expect(page.locator("#link-check")).to_contain_text("Сервер отвечает")
    shift.type_password(page, "anna")
    expect(page).to_have_url(f"{shift.url}/queue")
    page.close()
    assert shift.served is not None
    shift.served.stop()
    shift.start(web_allowed_networks="192.0.2.0/24, 2001:db8::/32")
    page = pages.open()
    shift.type_password(page, "anna")
    expect(page.locator("#sign-in-error")).to_contain_text("Входить с адреса 127.0.0.1 запрещено")
