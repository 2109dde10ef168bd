"""K-03 and K-13 through the desk and the command line: finding, narrowing, words of editors, the report, the second engine."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.test_first_case import sign_in
from tests.support.axe import violations
from tests.support.browser import Pages
from tests.support.okno_process import Served
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def editor(serve: Callable[..., Served], pages: Pages) -> Page:
    """An editor's desk in a fresh demo centre."""
    pages.allow(r"422|409|400")  # refusals that tests provoke
    centre = serve("--demo")
    page = pages.open(locale="ru")
    sign_in(page, centre, "v.tikhonova")
    return page


def search(panel: Locator, text: str) -> Locator:
    """The results of the panel for ``text``."""
    panel.locator(".kb-words").fill(text)
    found = panel.locator("[data-kb-found]")
    expect(found).to_have_attribute("data-kb-found", text)
    return found


def count(found: Locator) -> int:
    return int(found.get_attribute("data-kb-hits") or 0)


@pytest.mark.feature("K-03")
def test_the_search_finds_narrows_and_learns_words(editor: Page) -> None:
    page = editor
    panel = page.locator("#side-kb")

    # forms, layout, typing errors, codes, phrases, operators
    expect(search(panel, "сертификатов").locator(".kb-line-title mark").first).to_have_text(re.compile("[Сс]ертификат"))
    expect(search(panel, "cthnbabrfn")).to_contain_text("сертификат")
    expect(search(panel, "сертефикат")).to_contain_text("сертификат")
    expect(search(panel, "8010006b").locator(".kb-line").first).to_contain_text("1001")
    expect(search(panel, '"набор ключей не существует"').locator(".kb-line").first).to_contain_text("1052")
    wide, both = count(search(panel, "токен отзыв")), count(search(panel, "токен AND отзыв"))
    without = count(search(panel, "токен NOT отзыв"))
    assert 0 < both < wide and 0 < without < wide
    expect(search(panel, "number:1006").locator(".kb-line").first).to_contain_text("1006")

    # facets with counts narrow, everywhere widens; what only a tag led to stands apart
    found = search(panel, "носитель")
    expect(found.get_by_role("heading", name="Найдено в тегах")).to_be_visible()
    chip = found.locator(".kb-chip").first
    name, number = chip.inner_text().split("\n")[0], int(chip.locator(".num").inner_text())
    chip.click()
    expect(panel.locator("[data-kb-hits]")).to_have_attribute("data-kb-hits", str(number))
    expect(panel.locator(".kb-chip[aria-pressed=true]")).to_contain_text(name)
    assert count(search(panel, "носителя")) <= number, "narrowing stays while the words change"
    panel.get_by_role("button", name="Искать везде").click()
    expect(panel.locator(".kb-chip[aria-pressed=true]")).to_have_count(0)
    panel.locator(".kb-facet-more > summary").click()
    expect(panel.get_by_role("group", name="Продукты").locator(".kb-chip").first).to_be_visible()

    # nothing found: the editor makes a synonym, and it is in force for everybody without indexing
    nothing = search(panel, "свисток")
    expect(nothing).to_contain_text("Ничего не найдено")
    panel.locator(".kb-words").press("Enter")
    nothing.get_by_role("link", name="Добавить синоним").click()
    words = page.get_by_label("Новая группа синонимов")
    expect(words).to_have_value("свисток, ")
    words.fill("свисток, и")
    words.press("Enter")
    expect(page.locator(".toast").filter(has_text="нет слова")).to_be_visible()
    words.fill("свисток, носитель")
    words.press("Enter")
    expect(page.get_by_label("Группа синонимов: свисток")).to_be_visible()

    def found_by_synonym() -> bool:
        search(panel, "сертификат")
        return count(search(panel, "свистки")) > 0

    wait_until(found_by_synonym, what="the synonym is in force")

    # the report tells what was searched in vain; a hit that is opened counts
    with page.expect_response("**/kb/searches"):
        panel.locator(".kb-line").first.click()
    page.goto(page.url.split("/kb")[0].rstrip("/") + "/kb/reports/searches")
    vain = page.locator(".card").filter(has=page.get_by_role("heading", name="Без результата"))
    expect(vain).to_contain_text("свисток")
    expect(vain.get_by_role("link", name="Написать статью")).to_be_visible()
    often = page.locator(".card").filter(has=page.get_by_role("heading", name="Самые частые"))
    expect(often.locator("tr").filter(has_text="свистки").locator("td").nth(3)).to_have_text("1")
    assert violations(page) == []


@pytest.mark.feature("K-03", "K-13")
def test_a_rebuild_is_followed_on_the_page_while_searching_goes_on(editor: Page) -> None:
    page = editor
    page.goto(page.url.split("/kb")[0].rstrip("/") + "/kb/search-words")
    page.get_by_role("button", name="Построить заново").click()
    expect(page.locator("[data-kb-index-state=building]")).to_be_visible()
    expect(search(page.locator("#side-kb"), "сертификат").locator(".kb-line").first).to_be_visible()
    expect(page.locator("[data-kb-index-state=ready]")).to_be_visible(timeout=20_000)
    expect(page.locator("[data-kb-index-state]")).to_contain_text("Индекс актуален")
    assert violations(page) == []


@pytest.mark.feature("K-13")
def test_one_setting_changes_the_engine_and_the_old_index_answers_meanwhile(
    serve: Callable[..., Served], pages: Pages
) -> None:
    centre = serve("--demo", env={"OKNO_SEARCH_BACKEND": "tantivy"})
    page = pages.open(locale="ru")
    sign_in(page, centre, "a.sokolova")
    found = search(page.locator("#side-kb"), "сертификаты")
    expect(found.locator(".kb-line-title mark").first).to_be_visible()
    expect(found.locator(".kb-chip").first).to_be_visible()
    index = centre.okno.home / "index"
    wait_until(lambda: any(index.glob("articles-tantivy-v*/CURRENT")), what="tantivy has its index")
    wait_until(lambda: not any(index.glob("articles-whoosh-v*")), what="the other engine's is gone")
    expect(search(page.locator("#side-kb"), "сертификатом").locator(".kb-line").first).to_be_visible()

    # whatever is put in, an answer comes, and soon
    for text in (
        "ы" * 10_000,
        "(" * 5_000,
        "***",
        '"незакрытая',
        "'; DROP TABLE kb_article; --",
        "(a+)+$",
        "tag:",
        "\\%_",
    ):
        answer = page.request.get(f"{centre.url}/kb/panel/results", params={"q": text}, timeout=10_000)
        assert answer.status == 200, text[:20]
        assert "data-kb-found" in answer.text()
        assert len(answer.text()) < 100_000
