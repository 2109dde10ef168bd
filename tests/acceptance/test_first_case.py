"""The first hour of a newcomer: a real letter becomes a case, is answered with an article, closes, and comes back."""

from __future__ import annotations

import re
import smtplib
import sqlite3
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Pages
from tests.support.okno_process import Served

PASSWORD = "okno-demo"
CUSTOMER = "petr.sidorov@customer.example"
SUBJECT = "Не подписывается отчёт, ошибка 0x8010006B"


def send_letter(
    port: int, subject: str = SUBJECT, text: str = "Здравствуйте! Ошибка 0x8010006B при подписании.", **headers: str
) -> str:
    """A real letter with an attachment to the embedded listener; returns its Message-ID."""
    letter = EmailMessage()
    letter["From"] = f"Пётр Сидоров <{CUSTOMER}>"
    letter["To"] = "support@okno.example"
    letter["Subject"] = subject
    letter["Message-ID"] = make_msgid(domain="customer.example")
    for name, value in headers.items():
        letter[name.replace("_", "-")] = value
    letter.set_content(text)
    letter.add_attachment(b"%PDF-1.4 snapshot", maintype="application", subtype="pdf", filename="Снимок ошибки.pdf")
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as server:
        server.send_message(letter)
    return str(letter["Message-ID"])


def sign_in(page: Page, served: Served, login: str) -> None:
    page.goto(f"{served.url}/sign-in")
    page.fill("#login", login)
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".state-button")).to_be_visible()


def choose_ready(page: Page) -> None:
    page.locator(".state-button").click()
    page.locator("form:has(input[name=state][value=ready]) button").click()


def asked(served: Served, question: str, *values: object) -> list[tuple]:
    """What the centre's data base says, read beside it."""
    connection = sqlite3.connect(f"file:{served.okno.home / 'okno.db'}?mode=ro", uri=True)
    try:
        return connection.execute(question, values).fetchall()
    finally:
        connection.close()


@pytest.fixture
def centre(serve: Callable[..., Served]) -> Served:
    return serve("--demo")


def take_case(page: Page, served: Served, subject: str = SUBJECT) -> str:
    """Take the case with ``subject`` from the group queue and return its number."""
    page.locator("a[href='/queue'], [data-tab='/queue']").first.click()
    row = page.locator("tr, .queue-row, [role=row]").filter(has_text=subject).first
    expect(row).to_be_visible()
    row.get_by_role("button", name=re.compile("Взять|Take")).click()
    heading = page.get_by_role("heading", name=subject)
    expect(heading).to_be_visible()
    return str(asked(served, 'SELECT number FROM "case" WHERE subject = ?', subject)[0][0])


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.feature("D-01", "D-07", "D-08", "E-01", "E-03", "E-05", "K-03", "K-04", "K-05", "W-01", "R-04")
def test_a_letter_is_offered_answered_with_an_article_closed_and_its_answer_comes_back(
    centre: Served, pages: Pages
) -> None:
    pages.allow(r"422")  # the browser itself reports the refusal that the test provokes
    page = pages.open(locale="ru")
    sign_in(page, centre, "a.sokolova")
    page.locator("a[href='/queue'], [data-tab='/queue']").first.click()
    expect(page.get_by_role("heading", name="Групповая очередь")).to_be_visible()

    # 2: the letter is a case within moments, on the page without a reload
    original = send_letter(centre.smtp_port)
    expect(page.get_by_text(SUBJECT).first).to_be_visible()
    number = asked(centre, 'SELECT number FROM "case" WHERE subject = ?', SUBJECT)[0][0]
    with_priority = 'UPDATE interaction SET priority = 1000 WHERE case_id = (SELECT id FROM "case" WHERE number = ?)'
    connection = sqlite3.connect(centre.okno.home / "okno.db", timeout=10)
    connection.execute(with_priority, (number,))
    connection.commit()
    connection.close()

    # 3: ready, offered to this one agent, accepted
    choose_ready(page)
    offer = page.locator("dialog.offer")
    expect(offer).to_be_visible()
    expect(offer).to_contain_text("Пётр Сидоров")
    expect(offer).to_contain_text(CUSTOMER)
    expect(offer).to_contain_text(number)
    offer.locator("[data-accept]").click()
    expect(page.get_by_role("heading", name=SUBJECT)).to_be_visible()
    expect(page.locator(".state-button")).to_contain_text("Занят")
    expect(page.get_by_text("Снимок ошибки.pdf").first).to_be_visible()
    expect(page.get_by_role("heading", name="Сроки")).to_be_visible()

    # the article: found by inflected words in the wrong keyboard layout, used in the answer with variables filled in
    expect(page.get_by_text("Подходит к этому запросу")).to_be_visible()
    words = page.locator(".kb-search .kb-words")
    words.fill("ytghfdbkmysq gby")
    expect(page.locator(".kb-list mark").first).to_be_visible()
    words.fill("0x8010006B")
    page.locator(".kb-list [data-kb-open='1001']").first.click()
    page.get_by_role("tab", name="Почтовый ответ").click()
    page.locator("[data-kb-use]").click()
    editor = page.locator("okno-editor [contenteditable]").first
    expect(editor).to_contain_text("Пётр")
    expect(editor).to_contain_text(number)
    expect(editor).to_contain_text("Анна")
    expect(editor).not_to_contain_text("$(")

    page.locator("form.compose-reply button[type=submit][value='']").click()
    expect(page.locator(".entry, article, .message").filter(has_text="ПИН").first).to_be_visible()

    # the disposition is required, and refused in the words of the requirement until it is chosen
    page.locator("[data-opens=finish]").first.click()
    dialog = page.locator("#finish")
    dialog.locator("button[type=submit]").click()
    expect(dialog).to_contain_text("Пожалуйста, выберите статус разговора и заполните требуемые поля")
    dialog.get_by_text("Ошибка устранена").click()
    dialog.locator("button[type=submit]").click()
    expect(dialog).to_be_hidden()
    expect(page.locator(".state-button")).to_contain_text(re.compile("Готов|Предложение"))
    assert asked(centre, 'SELECT status FROM "case" WHERE number = ?', number) == [("closed",)]
    runs = asked(
        centre,
        'SELECT r.state, r.step_index FROM workflow_run r JOIN "case" c ON c.id = r.case_id WHERE c.number = ?',
        number,
    )
    assert runs and runs[0][0] == "waiting"

    # the customer sees the acknowledgement and the answer, threaded, on the demo's mailbox page
    mailbox = pages.open(f"{centre.url}/mailbox", locale="ru")
    answer = mailbox.locator(".mailbox-row").filter(has_text=CUSTOMER)
    for _ in range(80):  # an answer can be called back for some seconds before it leaves
        if answer.count() == 2:
            break
        mailbox.reload()
    expect(answer).to_have_count(2)
    answer.first.click()
    expect(mailbox.locator(".mailbox-letter")).to_contain_text(original)
    expect(mailbox.locator(".mailbox-letter h2")).to_contain_text(re.compile(r"\[Okno #[0-9A-Z]{10}\]"))
    expect(mailbox.locator(".mailbox-text")).to_contain_text("Пётр")

    # 4: an answer to the closed case opens a linked follow-up
    mailbox.fill(".mailbox-write textarea", "Спасибо, но ошибка вернулась.")
    mailbox.locator(".mailbox-write button[type=submit]").click()
    expect(mailbox.get_by_text("Письмо уже в центре")).to_be_visible()
    follow_up = 'SELECT f.number FROM "case" f JOIN "case" c ON f.follow_up_of_id = c.id WHERE c.number = ?'
    for _ in range(50):
        if asked(centre, follow_up, number):
            break
        mailbox.reload()
    assert asked(centre, follow_up, number)


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.feature("W-01")
def test_the_scheduled_survey_survives_a_restart(serve: Callable[..., Served], pages: Pages) -> None:
    first = serve("--demo")
    page = pages.open(locale="en", context=None)
    sign_in(page, first, "e.orlova")
    send_letter(first.smtp_port, "Survey please")
    take_case(page, first, "Survey please")
    page.locator("[data-opens=finish]").first.click()
    page.locator("#finish").get_by_text("Error fixed").click()
    page.locator("#finish button[type=submit]").click()
    expect(page.locator("#finish")).to_be_hidden()
    question = "SELECT id, state, step_index, due_at FROM workflow_run"
    page.close()
    for _ in range(100):
        before = asked(first, question)
        if before and before[0][2] == 1:
            break
        first.okno("--version")
    first.kill()
    second = serve()
    assert asked(second, question) == before
    assert before[0][1] == "waiting"


def test_the_demo_home_can_be_served_again_without_loading_twice(serve: Callable[..., Served]) -> None:
    first = serve("--demo", fresh=True)
    count = asked(first, 'SELECT count(*) FROM "case"')
    assert first.stop() == 0
    second = serve("--demo")
    assert asked(second, 'SELECT count(*) FROM "case"') == count
    assert Path(second.okno.home / "okno.db").exists()
