"""R-07 in two browsers: an agent asks the experts from a case, an expert answers, the answer is in the case."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.acceptance.test_first_case import choose_ready, send_letter, sign_in
from tests.support.browser import Pages
from tests.support.okno_process import Served

SUBJECT = "Не открывается отчёт после обновления"


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.feature("R-07")
def test_an_expert_answers_a_ping_into_the_case(serve: Callable[..., Served], pages: Pages) -> None:
    pages.allow(r"422")  # the refusal that the test provokes
    centre = serve("--demo")
    agent = pages.open(locale="ru")
    sign_in(agent, centre, "a.sokolova")
    send_letter(centre.smtp_port, SUBJECT)
    agent.locator("a[href='/queue']").first.click()
    row = agent.locator("tr").filter(has_text=SUBJECT)
    row.get_by_role("button", name="Взять").click()
    expect(agent.get_by_role("heading", name=SUBJECT)).to_be_visible()

    expert = pages.open(locale="ru")
    sign_in(expert, centre, "e.orlova")

    # a required field is asked for by its name, and what was typed stays
    agent.get_by_role("button", name="Спросить коллегу").click()
    dialog = agent.locator("#task")
    dialog.locator(".ping-target").filter(has_text="Эксперт").first.click()
    dialog.get_by_label("Вопрос").fill("Почему не открывается отчёт?")
    dialog.get_by_role("button", name="Отправить вопрос").click()
    expect(dialog.locator(".form-error")).to_contain_text("Сначала заполните")
    for field in dialog.locator(".ping-fields:not([hidden]) input").all():
        field.fill("5.2.1")
    expect(dialog.get_by_label("Вопрос")).to_have_value("Почему не открывается отчёт?")
    dialog.get_by_role("button", name="Отправить вопрос").click()
    expect(dialog).to_be_hidden()
    expect(agent.locator(".ping-panel .badge").first).to_have_text(re.compile("Ждёт"))

    # it reaches the expert's list by itself; taken, answered
    expert.locator("a.function[href='/pings']").click()
    expert.locator("a.cell-title").filter(has_text="Почему не открывается отчёт?").click()
    expect(expert.locator(".ping-values")).to_contain_text("5.2.1")
    expert.get_by_role("button", name="Беру на себя").click()
    expect(agent.locator(".ping-panel .badge").first).to_have_text(re.compile("Готовят ответ"))
    expert.locator("textarea[name=answer]").fill("Переустановите компонент подписи.")
    expert.get_by_role("button", name="Отправить ответ").click()
    expect(expert.locator(".ping-answer")).to_contain_text("Переустановите компонент подписи.")

    # the answer is in the asker's case without a reload, and in the figures of the supervisor
    expect(agent.locator(".timeline")).to_contain_text("Переустановите компонент подписи.")
    expect(agent.locator(".ping-panel .badge").first).to_have_text(re.compile("Отвечено"))
    expert.goto(f"{centre.url}/pings?box=figures&span=today")
    expect(expert.locator("tbody tr").filter(has_text="100 %")).to_have_count(1)


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.feature("R-07")
def test_half_an_answer_survives_a_reload_and_a_withdrawn_question_says_so(
    serve: Callable[..., Served], pages: Pages
) -> None:
    pages.allow(r"422")
    centre = serve("--demo")
    agent, boss = pages.open(locale="en"), pages.open(locale="en")
    sign_in(agent, centre, "j.harris")
    choose_ready(agent)
    agent.locator("dialog.offer [data-accept]").click()
    agent.get_by_role("button", name="Ask a colleague").click()
    dialog = agent.locator("#task")
    dialog.locator(".ping-target").filter(has_text="Supervisor").first.click()
    dialog.get_by_label("Question").fill("May I refund?")
    dialog.get_by_role("button", name="Send the question").click()
    expect(dialog).to_be_hidden()

    sign_in(boss, centre, "s.brennan")
    boss.goto(f"{centre.url}/pings")
    boss.locator("a.cell-title").filter(has_text="May I refund?").click()
    with boss.expect_response(lambda answer: answer.url.endswith("/draft")):
        boss.locator("textarea[name=answer]").fill("Yes, but only")
    boss.reload()
    expect(boss.locator("textarea[name=answer]")).to_have_value("Yes, but only")

    agent.locator(".ping-item").first.click()
    agent.get_by_role("button", name="Withdraw the question").click()
    expect(boss.locator(".ping .badge").first).to_have_text("Withdrawn")
