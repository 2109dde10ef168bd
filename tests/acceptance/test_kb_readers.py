"""The help centre as a customer sees it; ratings, comments, candidates and reports at the desk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support import axe
from tests.support.browser import Pages
from tests.support.kb_house import KnowledgeHouse
from tests.support.okno_process import DemoTemplate, Okno, Served
from tests.support.places import find_free_port
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory, demo_template: DemoTemplate) -> Iterator[Served]:
    """One demo centre for all tests of the module."""
    folder = tmp_path_factory.mktemp("readers")
    home = folder / "home"
    home.mkdir()
    demo_template.copy(home)
    port, smtp_port, log = find_free_port(), find_free_port(), folder / "okno.log"
    ports = {"OKNO_WEB_PORT": str(port), "OKNO_EMAIL_SMTP_PORT": str(smtp_port)}
    okno = Okno(home)
    served = Served(okno, okno.start("run", "--demo", log=log, env=ports), f"http://127.0.0.1:{port}", smtp_port, log)
    served.wait_until_ready()
    yield served
    assert served.stop() == 0, served.output()


def signed_in(pages: Pages, centre: Served, login: str) -> Page:
    """The desk of a demo account; one that is signed in elsewhere is taken over."""
    # The session of the test before may still be there, and is told so.
    pages.allow("409")
    return KnowledgeHouse(centre).sign_in(pages.open(), login)


def words_of(page: Page) -> Locator:
    return page.locator("#main")


@pytest.mark.feature("K-12")
def test_a_customer_searches_reads_and_says_whether_it_helped(centre: Served, pages: Pages) -> None:
    page = pages.open(f"{centre.url}/help-centre", java_script_enabled=False)
    expect(page.get_by_role("heading", level=1)).to_have_text("Чем помочь?")
    page.get_by_role("searchbox").fill("рутокен пин")
    # The public index is built by the worker a moment after the start.
    wait_until(lambda: _found(page), 40)
    expect(page.locator("mark").first).to_be_visible()
    page.locator(".found a").filter(has_text="8010006B").first.click()
    expect(page).to_have_url(re.compile(r"/help-centre/ru/articles/1001-"))
    expect(words_of(page)).to_contain_text("звёздочки скрывают опечатку")
    for inside in ("Для экспертов", "SCARD_W_WRONG_CHV", "Почтовый ответ", "$("):
        expect(words_of(page)).not_to_contain_text(inside)
    page.get_by_role("button", name="Нет").click()
    expect(page.get_by_role("heading", name="Спасибо!")).to_be_visible()
    page.get_by_role("textbox", name=re.compile("Чего не хватает")).fill("Нет картинки <b>окна</b>")
    page.get_by_role("button", name="Отправить").click()
    expect(page.get_by_role("heading", name="мы передали это автору")).to_be_visible()
    page.locator(".tongues a").click()
    expect(page).to_have_url(re.compile(r"/help-centre/en$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("How can we help?")


def _found(page: Page) -> bool:
    page.get_by_role("button", name="Найти").click()
    return page.locator("mark").count() > 0 and page.locator(".found a").filter(has_text="8010006B").count() > 0


@pytest.mark.feature("K-12")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_its_pages_are_accessible_and_fit_a_phone(centre: Served, pages: Pages, scheme: str) -> None:
    pages.allow("404")
    page = pages.open(color_scheme=scheme, size="phone")
    for path in ("ru", "en/articles/5101", "ru/articles/1001", "ru/search?q=qwerty", "ru/nowhere"):
        page.goto(f"{centre.url}/help-centre/{path}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert axe.violations(page) == [], path


@pytest.mark.feature("K-10")
def test_a_comment_reaches_the_editor_and_the_answer_its_author(centre: Served, pages: Pages) -> None:
    agent = signed_in(pages, centre, "a.sokolova")
    agent.goto(f"{centre.url}/kb/articles/1002")
    block = agent.locator(".kb-feedback:not(.kb-feedback-brief)")
    block.get_by_role("button", name=re.compile("^Помогла")).click()
    expect(block.get_by_role("button", name=re.compile("^Помогла"))).to_have_attribute("aria-pressed", "true")
    block.get_by_role("button", name=re.compile("^Не помогла")).click()
    expect(block.get_by_role("button", name=re.compile("^Не помогла 1"))).to_have_attribute("aria-pressed", "true")
    expect(block.get_by_role("button", name=re.compile("^Помогла"))).to_have_text("Помогла")
    block.get_by_label("Комментарий автору").fill("Добавьте, где взять ПУК-код")
    block.get_by_role("button", name="Отправить автору").click()
    expect(block.locator(".kb-comment")).to_contain_text("ПУК-код")

    editor = signed_in(pages, centre, "v.tikhonova")
    editor.goto(f"{centre.url}/kb/feedback")
    card = editor.locator(".kb-reader-card").filter(has_text="ПУК-код")
    card.get_by_label("Ответ").fill("Дополнили, спасибо")
    card.get_by_role("button", name="Ответить и закрыть").click()
    expect(card).to_have_count(0)
    agent.reload()
    expect(agent.locator(".kb-comment-answer").first).to_contain_text("Дополнили, спасибо")

    editor.goto(f"{centre.url}/kb/reports/unhelpful")
    row = editor.locator(".table tr").filter(has_text="1002")
    expect(row.locator("td").nth(1)).to_have_text("1")
    with editor.expect_download() as saved:
        editor.get_by_role("link", name="CSV").click()
    table = Path(saved.value.path()).read_text("utf-8-sig")
    assert "1002" in table


@pytest.mark.feature("K-10")
def test_a_case_becomes_a_candidate_a_draft_and_an_article(centre: Served, pages: Pages) -> None:
    agent = signed_in(pages, centre, "e.orlova")
    agent.goto(f"{centre.url}/cases?scope=all")
    address = agent.locator("a[data-tab^='/cases/']").first.get_attribute("href")
    agent.goto(f"{centre.url}{address}")
    block = agent.locator(".kb-candidate").first
    block.get_by_text("Предложить в базу знаний").click()
    block.get_by_label("Пометка для редакторов").fill("Спрашивают каждую неделю")
    block.get_by_role("button", name="Предложить").click()
    expect(agent.locator(".kb-candidate").first).to_contain_text("ждёт редакторов")

    editor = signed_in(pages, centre, "v.tikhonova")
    editor.goto(f"{centre.url}/kb/candidates")
    card = editor.locator(".kb-reader-card").filter(has_text="каждую неделю")
    card.locator("[name=folder_id]").select_option(index=3)
    card.get_by_role("button", name="Создать черновик").click()
    expect(card).to_have_count(0)
    editor.goto(f"{centre.url}/kb/candidates?state=drafted")
    link = editor.locator(".kb-reader-card a[href^='/kb/articles/']").first
    number = re.search(r"\d+", link.get_attribute("href") or "").group(0)  # type: ignore[union-attr]
    assert centre.okno("kb", "show", number, "--json").json()["data"]["status"] == "draft"
    agent.reload()
    expect(agent.locator(".kb-candidate").first).to_contain_text("статья пишется")
