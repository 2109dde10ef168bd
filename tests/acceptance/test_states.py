"""An agent's states as they are met at the desk: chosen, coming by themselves, decided by a supervisor."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.support.browser import Pages
from tests.support.shift_house import ShiftHouse, choose
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow]
BANNER = "#state-banner"


@pytest.mark.feature("D-08")
def test_a_chat_from_offer_to_the_end_of_wrap_up_with_a_pause_asked_for_meanwhile(
    shift: ShiftHouse, pages: Pages
) -> None:
    shift.furnish(offer_seconds=5)
    shift.start()
    page = shift.sign_in(pages.open(), "anna")
    button = page.locator(".state-button")
    expect(button).to_contain_text("Не готов")
    expect(button).to_contain_text("Только вошёл")

    # Nobody answers: the reason is shown, and the banner tells why and offers the way back.
    page.keyboard.press("Alt+r")
    expect(button).to_contain_text("Готов")
    shift.chat()
    expect(page.locator("dialog.offer")).to_be_visible()
    expect(button).to_contain_text("Предложение")
    expect(page.locator(BANNER)).to_contain_text("Вы не ответили вовремя: №")
    expect(button).to_contain_text("Не ответил")
    shift.change("UPDATE offer SET ended_at = '2020-01-01 00:00:00'")
    shift.change("UPDATE service SET offer_seconds = 60")
    page.locator(BANNER).get_by_role("button", name="Готов").click()

    # Accepted; a pause is asked for, taken back, asked for again; it comes when wrap-up ends by itself.
    page.locator("dialog.offer [data-accept]").click()
    expect(button).to_contain_text("Занят")
    choose(page, "not_ready", "lunch")
    expect(button).to_contain_text("Обед")
    page.locator(".state-button").click()
    page.locator("[data-cancel-next]").click()
    expect(button).not_to_contain_text("Обед")
    choose(page, "not_ready", "lunch")
    expect(button).to_contain_text("Обед")
    page.locator("[data-opens=finish]").first.click()
    expect(button).to_contain_text("Не готов")
    expect(button).to_contain_text("Обед")
    history = shift.rows("SELECT after, reason, cause FROM presence_change ORDER BY id")
    assert [tuple(row) for row in history] == [
        ("not_ready", "signed_in", "sign_on"),
        ("ready", "", "agent"),
        ("ringing", "", "offer"),
        ("not_ready", "no_answer", "no_answer"),
        ("ready", "", "agent"),
        ("ringing", "", "offer"),
        ("busy", "", "accepted"),
        ("wrap_up", "", "finished"),
        ("not_ready", "lunch", "asked"),
    ]


@pytest.mark.feature("D-08", "R-02")
def test_the_team_decides_what_follows_signing_in_a_rejection_and_work(shift: ShiftHouse, pages: Pages) -> None:
    shift.furnish(after_sign_in="ready", after_reject="ready", after_work="not_ready")
    shift.start()
    page = shift.sign_in(pages.open(), "anna")
    button = page.locator(".state-button")
    expect(button).to_contain_text("Готов")
    shift.chat()
    page.locator("dialog.offer [data-reject]").click()
    expect(page.locator("dialog.offer")).to_have_count(0)
    expect(page.locator("#state-menu")).to_have_attribute("data-state", "ready")
    page.goto(f"{shift.url}/queue")
    page.get_by_role("button", name="Взять").first.click()
    expect(button).to_contain_text("Занят")
    page.locator("[data-opens=finish]").first.click()
    expect(page.locator("#state-menu")).to_have_attribute("data-state", "not_ready")


@pytest.mark.feature("D-08")
def test_who_leaves_the_desk_is_away_and_says_i_am_here(shift: ShiftHouse, pages: Pages) -> None:
    shift.furnish(after_sign_in="ready")
    shift.start()
    page = shift.sign_in(pages.open(), "anna")
    expect(page.locator("#state-menu")).to_have_attribute("data-state", "ready")
    shift.change("UPDATE presence SET active_at = '2020-01-01 00:00:00'")
    expect(page.locator(BANNER)).to_contain_text("Похоже, вы отошли")
    expect(page.locator(".state-button")).to_contain_text("Отошёл")
    page.locator(BANNER).get_by_role("button", name="Я здесь").click()
    expect(page.locator("#state-menu")).to_have_attribute("data-state", "ready")
    expect(page.locator(f"{BANNER} .banner")).to_have_count(0)
    fresh = "SELECT 1 FROM presence WHERE active_at > '2025-01-01 00:00:00'"
    wait_until(lambda: shift.rows(fresh), 10, "the sign of a person")


@pytest.mark.feature("D-08")
def test_a_supervisor_watches_the_agents_live_and_forces_their_states(shift: ShiftHouse, pages: Pages) -> None:
    pages.allow(r"401")
    shift.furnish(after_sign_in="ready")
    shift.start()
    agent = shift.sign_in(pages.open(), "anna")
    boss = shift.sign_in(pages.open(), "elena")
    boss.get_by_role("link", name="Операторы").first.click()
    row = boss.locator("tr[data-agent]").filter(has_text="Анна Соколова")
    expect(row).to_have_attribute("data-state", "ready")
    expect(boss.locator("tr[data-agent]").filter(has_text="Борис")).to_have_attribute("data-state", "offline")
    expect(row.locator(".day-bar rect.day-ready")).not_to_have_count(0)

    def force(reason: str) -> None:
        row.locator("details.menu summary").click()
        row.locator(f"form:has(input[name=reason][value={reason}]) button").click()

    force("training")
    expect(row).to_have_attribute("data-state", "not_ready")
    expect(row).to_contain_text("Обучение")
    expect(agent.locator(BANNER)).to_contain_text("Супервизор Е. Орлова перевёл вас в состояние «Обучение»")
    agent.locator(BANNER).get_by_role("button", name="Готов").click()
    expect(row).to_have_attribute("data-state", "ready")

    row.locator("details.menu summary").click()
    row.get_by_role("button", name="Завершить сеанс…").click()
    boss.locator("#agent-out .btn-danger").click()
    expect(agent.locator("#session-over")).to_contain_text("Супервизор завершил ваш сеанс")
    expect(row).to_have_attribute("data-state", "offline")
    told = shift.rows("SELECT kind FROM notification ORDER BY id")
    assert [kind for (kind,) in told] == ["state.forced"] * 2
