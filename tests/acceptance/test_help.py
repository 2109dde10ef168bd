"""The help screen by role and team, and a problem reported with the browser's log."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.support.browser import Pages
from tests.support.shift_house import PASSWORD, ShiftHouse

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def add_boss(shift: ShiftHouse) -> None:
    """An administrator beside the agents."""
    from core import directory
    from core.app import create_app
    from core.db import db

    with create_app(shift.home).app_context():
        directory.add_user("boss", "Босс", password=PASSWORD, roles=["admin"], language="ru")
        db.session.remove()
        db.engine.dispose()


@pytest.mark.feature("D-14")
def test_documents_reach_their_readers_and_a_report_reaches_the_administrator(shift: ShiftHouse, pages: Pages) -> None:
    pages.allow(r"404|TypeError: token=|422")
    shift.furnish()
    add_boss(shift)
    shift.start()
    boss = shift.sign_in(pages.open(), "boss")

    # two documents: a text for agents of the team, an address for supervisors
    boss.goto(f"{shift.url}/admin/help/new")
    boss.get_by_label("Название по-русски").fill("Как закрыть запрос")
    boss.get_by_label("Название по-английски").fill("How to close a case")
    boss.get_by_label("Адрес", exact=True).fill("javascript:alert(1)")
    boss.get_by_role("button", name="Сохранить").click()
    expect(boss.get_by_text("Укажите адрес вида https://example.com/page или /kb.")).to_be_visible()
    boss.get_by_label("Адрес", exact=True).fill("")
    boss.get_by_label("Текст на русском").fill("# Шаги\n\n1. Выберите статус\n\n<script>alert(1)</script>")
    boss.get_by_label("Для роли").select_option("agent")
    boss.get_by_label("Для группы").select_option("first")
    boss.get_by_role("button", name="Сохранить").click()
    expect(boss.get_by_text("Документ добавлен")).to_be_visible()
    boss.goto(f"{shift.url}/admin/help/new")
    boss.get_by_label("Название по-русски").fill("Памятка супервизора")
    boss.get_by_label("Название по-английски").fill("For supervisors")
    boss.get_by_label("Адрес", exact=True).fill("https://example.com/guide")
    boss.get_by_label("Для роли").select_option("supervisor")
    boss.get_by_role("button", name="Сохранить").click()
    expect(boss.locator("table")).to_contain_text("Памятка супервизора")

    elena = shift.sign_in(pages.open(), "elena")
    elena.goto(f"{shift.url}/help")
    link = elena.get_by_role("link", name="Памятка супервизора")
    expect(link).to_have_attribute("target", "_blank")
    expect(elena.get_by_text("Как закрыть запрос")).to_have_count(0)

    anna = shift.sign_in(pages.open(), "anna")
    anna.locator(".status-help").click()
    expect(anna.get_by_text("Памятка супервизора")).to_have_count(0)
    expect(anna.get_by_text("версия")).to_be_visible()
    anna.get_by_role("button", name="Клавиатура", exact=True).click()
    expect(anna.locator("dialog[open]")).to_be_visible()
    anna.keyboard.press("Escape")
    anna.get_by_role("link", name="Как закрыть запрос").click()
    expect(anna.locator(".prose h1")).to_have_text("Шаги")
    assert anna.locator(".prose script").count() == 0

    # the problem: the log is shown before it goes, secrets masked
    boss.goto(shift.url)
    anna.evaluate("console.warn('TypeError: token=abc123 password: hunter2')")
    anna.evaluate("fetch('/nowhere?api_key=s3cr3t')")
    anna.locator(".tab").filter(has_text="Справка").click()
    anna.get_by_role("button", name="Сообщить о проблеме").click()
    dialog = anna.locator("#task")
    dialog.locator("summary").click()
    log = dialog.locator("[data-problem-log]")
    expect(log).to_contain_text("TypeError: token=•••")
    expect(log).to_contain_text("/nowhere?api_key=•••")
    expect(log).not_to_contain_text("hunter2")
    dialog.get_by_label("Что случилось?").fill("Пропала кнопка «Отправить»")
    dialog.get_by_role("button", name="Отправить").click()
    expect(anna.locator("#toasts")).to_contain_text("Администраторы получили ваше сообщение")

    # the administrator is told, reads it with the log, closes it
    expect(boss.locator("[data-bell-count]")).to_have_text("1")
    boss.locator("#bell").click()
    boss.locator(".notice-title").first.click()
    expect(boss.get_by_text("Пропала кнопка «Отправить»")).to_be_visible()
    expect(boss.locator(".report-log")).to_contain_text("/nowhere?api_key=•••")
    boss.get_by_role("button", name="Закрыть сообщение").click()
    expect(boss.get_by_text("Сообщений нет")).to_be_visible()
