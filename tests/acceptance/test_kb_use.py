"""Articles at work: used, sent, linked, pinned, suggested; by agents, a supervisor, an editor and an administrator."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Pages
from tests.support.kb_house import KnowledgeHouse, editor, house, send_button
from tests.support.waiting import wait_until

__all__ = ["house"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]
KB = "#side-kb"
NUMBER_OF = 'SELECT number FROM "case" WHERE id = ?'


@pytest.fixture(autouse=True)
def _earlier_session(pages: Pages) -> None:
    """Signing in says 409 where the session of the test before is still there."""
    pages.allow("409")


def open_article(page: Page, number: int) -> None:
    """Find it by number in the panel and open it."""
    page.locator(f"{KB} .kb-words").fill(str(number))
    page.locator(f"{KB} .kb-exact[data-kb-item='{number}'] .kb-exact-title").click()
    expect(page.locator(f"{KB} .kb-article[data-kb-number='{number}']")).to_be_visible()


def close_article(page: Page) -> None:
    page.locator(f"{KB} [data-kb-back]").click()
    page.locator(f"{KB} .kb-words").fill("")
    expect(page.locator(f"{KB} [data-kb-favourites]")).to_be_visible()


def select_text(page: Page, selector: str, text: str) -> None:
    """Select ``text`` inside an element as a mouse would."""
    page.evaluate(
        """([selector, text]) => {
          const walker = document.createTreeWalker(document.querySelector(selector), NodeFilter.SHOW_TEXT);
          while (walker.nextNode()) {
            const at = walker.currentNode.data.indexOf(text);
            if (at < 0) continue;
            const range = document.createRange();
            range.setStart(walker.currentNode, at);
            range.setEnd(walker.currentNode, at + text.length);
            getSelection().removeAllRanges();
            getSelection().addRange(range);
            walker.currentNode.parentElement.dispatchEvent(new MouseEvent("mouseup", { bubbles: true }));
            return;
          }
          throw new Error(`no «${text}» in ${selector}`);
        }""",
        [selector, text],
    )


@pytest.mark.feature("K-04", "K-05")
def test_a_part_goes_to_the_cursor_and_what_is_not_filled_in_is_asked_for(house: KnowledgeHouse, pages: Pages) -> None:
    page = house.sign_in(pages.open(), "a.sokolova")
    house.write("Использую часть статьи", name="")
    case_id = house.take(page, "Использую часть статьи")
    open_article(page, 1001)
    expect(page.locator(f"{KB} .kb-part:not([hidden]) .kb-missing")).to_contain_text("$(from.name)")

    editor(page).click()
    page.keyboard.type("Начало и конец")
    for _ in range(len(" и конец")):
        page.keyboard.press("ArrowLeft")
    page.locator(f"{KB} [data-kb-section='solution']").click()
    button = page.locator(f"{KB} [data-kb-use-selected]")
    expect(button).to_be_disabled()
    select_text(page, f"{KB} [data-kb-part='solution'] [data-kb-text]", "ПИН-код")
    expect(button).to_be_enabled()
    button.click()
    expect(editor(page)).to_have_text(re.compile(r"НачалоПИН-код\s*и конец"))

    page.locator(f"{KB} [data-kb-section='reply']").click()
    editor(page).click()
    page.keyboard.press("Control+End")
    page.locator(f"{KB} [data-kb-use]").click()
    expect(editor(page)).to_contain_text("Здравствуйте, $(from.name)")
    hint = page.locator(".panel:not([hidden]) [data-unfilled]")
    expect(hint).to_contain_text("$(from.name)")
    assert page.evaluate("() => CSS.highlights.get('unfilled').size") == 1

    send_button(page).click()
    dialog = page.locator("dialog[open]").filter(has_text="Заполните перед отправкой")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Отмена").click()
    assert not house.rows("SELECT 1 FROM message WHERE case_id = ? AND author = 'agent'", case_id)
    send_button(page).click()
    dialog.locator("input").fill("Пётр Ильич")
    dialog.get_by_role("button", name="Отправить").click()
    expect(editor(page)).to_have_text("")
    sent = "SELECT id, body_text FROM message WHERE case_id = ? AND author = 'agent'"
    wait_until(lambda: house.rows(sent, case_id))
    message_id, text = house.rows(sent, case_id)[0]
    assert "Здравствуйте, Пётр Ильич!" in text and "$(" not in text
    assert str(house.rows(NUMBER_OF, case_id)[0][0]) in text
    assert house.rows("SELECT DISTINCT message_id FROM kb_use WHERE case_id = ?", case_id) == [(message_id,)]


@pytest.mark.feature("K-04", "K-06")
def test_a_chat_begins_with_the_services_article_and_another_is_sent_at_once(
    house: KnowledgeHouse, pages: Pages
) -> None:
    admin = house.sign_in(pages.open(), "admin")
    admin.goto(f"{house.url}/admin/services/support")
    card = admin.locator("section.card").filter(has_text="Статья, с которой начинаются ответы")
    card.locator("[name=number]").fill("999")
    card.locator("[name=channel][id]").select_option("chat")
    card.get_by_role("button", name="Назначить").click()
    expect(card).to_contain_text("Такой статьи нет")
    card.locator("[name=number]").fill("1451")
    card.locator("[name=channel][id]").select_option("chat")
    card.get_by_role("button", name="Назначить").click()
    expect(card).to_contain_text("№1451")
    shown = house.served.okno("kb", "default", "support", "--json").json()["data"]
    assert [(row["channel"], row["article"], row["usable"]) for row in shown] == [("chat", 1451, True)]

    page = house.sign_in(pages.open(), "d.melnikov")
    house.chat("Забыла пароль от кабинета")
    case_id = house.take(page, "Забыла пароль от кабинета")
    expect(editor(page)).to_contain_text("Здравствуйте, Мария")
    expect(editor(page)).not_to_contain_text("$(")
    expect(page.locator(".panel:not([hidden]) [data-draft-state]")).to_contain_text("сохранено")

    # Emptied by the agent it stays empty, though the page is opened anew.
    editor(page).click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    wait_until(lambda: not house.rows("SELECT 1 FROM draft WHERE case_id = ?", case_id))
    page.reload()
    expect(editor(page)).to_be_visible()
    expect(editor(page)).to_have_text("")

    page.locator(f"{KB} .kb-words").fill("1452")
    page.locator(f"{KB} .kb-exact [data-kb-menu]").click()
    page.get_by_role("menuitem", name="Отправить сразу").click()
    said = "SELECT body_text FROM message WHERE case_id = ? AND author = 'agent'"
    wait_until(lambda: house.rows(said, case_id))
    assert "Здравствуйте, Мария" in house.rows(said, case_id)[0][0]
    tied = "SELECT count(*) FROM kb_use WHERE case_id = ? AND message_id IS NOT NULL"
    assert house.rows(tied, case_id) == [(1,)]


@pytest.mark.feature("K-07")
def test_favourites_of_ones_own_and_of_the_team(house: KnowledgeHouse, pages: Pages) -> None:
    page = house.sign_in(pages.open(), "a.sokolova")
    house.write("Письмо об избранном")
    case_id = house.take(page, "Письмо об избранном")
    page.locator(f"{KB} .kb-words").fill("ошибка подписи")
    line = page.locator(f"{KB} .kb-list .kb-line[data-kb-open='1002']").first
    line.focus()
    page.keyboard.press("Shift+F10")
    menu = page.get_by_role("menu")
    expect(menu.get_by_role("menuitem").first).to_be_focused()
    page.keyboard.press("End")
    expect(menu.get_by_role("menuitem", name="Новая папка…")).to_be_focused()
    page.keyboard.press("Enter")
    dialog = page.locator("#task")
    dialog.locator("[name=title]").fill("Мои ответы")
    dialog.get_by_role("button", name="Сохранить").click()
    expect(dialog).to_be_hidden()
    page.locator(f"{KB} .kb-words").fill("")
    mine = page.locator(f"{KB} .kb-set").filter(has=page.locator(".kb-set-title", has_text="Мои ответы"))
    expect(mine.locator(".kb-pinned")).to_have_count(1)

    # By a right click from another folder, then order by keys and by the mouse.
    often = page.locator(f"{KB} .kb-set").filter(has=page.locator(".kb-set-title", has_text="Подпись: чаще всего"))
    often.locator("[data-kb-item='1004'] .kb-pinned").click(button="right")
    page.get_by_role("menuitemcheckbox", name="Мои ответы").click()
    expect(mine.locator("[data-kb-item]").last).to_have_attribute("data-kb-item", "1004")
    mine.locator("[data-kb-item='1004'] .kb-pinned").focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(mine.locator("[data-kb-item]").first).to_have_attribute("data-kb-item", "1004")
    kept = """SELECT a.number FROM kb_pin p JOIN kb_favourite_set s ON s.id = p.set_id
              JOIN kb_article a ON a.id = p.article_id WHERE s.title = 'Мои ответы' ORDER BY p.position"""
    wait_until(lambda: house.rows(kept) == [(1004,), (1002,)])
    # The list may be drawn anew while the mouse is down.
    often.locator("[data-kb-item='1053'] .kb-pinned").drag_to(mine.locator("[data-kb-item='1002'] .kb-pinned"))
    wait_until(lambda: (1053,) in house.rows(kept))
    expect(often.locator("[data-kb-item='1053']")).to_have_count(0)

    # One click links it to the case, one uses it.
    item = mine.locator("[data-kb-item='1002']")
    item.hover()
    item.locator("[data-kb-quick='link']").click()
    wait_until(lambda: house.rows("SELECT 1 FROM kb_case_article WHERE case_id = ?", case_id))
    item.hover()
    item.locator("[data-kb-quick='use']").click()
    expect(editor(page)).to_contain_text("Пётр Сидоров")

    # The team's are there to read and use; its supervisor keeps them.
    team = page.locator(f"{KB} .kb-set").filter(has=page.locator(".kb-set-title", has_text="Ответы первой линии"))
    expect(team.locator("[data-kb-item='1601']")).to_have_count(1)
    assert team.get_attribute("data-kb-may-edit") is None
    boss = house.sign_in(pages.open(), "e.orlova")
    shared = boss.locator(f"{KB} .kb-set").filter(has=boss.locator(".kb-set-title", has_text="Ответы первой линии"))
    shared.locator("[data-kb-item='1601'] .kb-pinned").click(button="right")
    boss.get_by_role("menuitemcheckbox", name="Ответы первой линии").click()
    expect(shared.locator("[data-kb-item='1601']")).to_have_count(0)
    page.reload()
    expect(team.locator("[data-kb-item='1602']")).to_have_count(1)
    expect(team.locator("[data-kb-item='1601']")).to_have_count(0)


@pytest.mark.feature("K-08")
def test_links_show_a_preview_maps_are_walked_and_broken_links_are_told(house: KnowledgeHouse, pages: Pages) -> None:
    page = house.sign_in(pages.open(), "v.tikhonova")
    page.locator(f"{KB} .kb-words").fill("1690")
    page.locator(f"{KB} .kb-exact-title").click()
    tree = page.locator(f"{KB} .kb-map").first
    expect(tree).to_contain_text("Программа называет код ошибки")
    link = tree.locator("a[data-kb-article='1001']")
    link.hover()
    card = page.locator(".kb-preview")
    expect(card).to_contain_text("Ошибка 0x8010006B")
    page.keyboard.press("Escape")
    expect(card).to_have_count(0)
    link.click()
    expect(page.locator(f"{KB} .kb-article[data-kb-number='1001']")).to_be_visible()

    page.goto(f"{house.url}/kb/articles/1001")
    expect(page.get_by_role("heading", name="На неё ссылаются")).to_be_visible()
    expect(page.locator(".kb-titles a[data-kb-article='1690']").first).to_be_visible()
    page.goto(f"{house.url}/kb/reports/links")
    expect(page.get_by_role("heading", name="Битые ссылки")).to_be_visible()
    pages.allow("403")
    agent = house.sign_in(pages.open(), "a.sokolova")
    assert agent.goto(f"{house.url}/kb/reports/links").status == 403  # type: ignore[union-attr]


@pytest.mark.feature("K-09")
def test_suggestions_follow_the_customer_and_selected_text_is_searched(house: KnowledgeHouse, pages: Pages) -> None:
    page = house.sign_in(pages.open(), "o.zaitseva")
    token = house.chat("Здравствуйте, есть вопрос по счетам")
    house.take(page, "Здравствуйте, есть вопрос по счетам")
    suggested = page.locator(f"{KB} [data-kb-suggested]")
    expect(suggested).to_contain_text("Подходит к этому запросу")
    expect(suggested.locator("[data-kb-open='1002']")).to_have_count(0)
    house.chat("ПИН-код носителя заблокирован, ошибка 0x8010006C", token=token)
    expect(suggested.locator("[data-kb-open='1002']")).to_have_count(1)

    words = ".panel:not([hidden]) .message-in:last-of-type .words"
    expect(page.locator(words).last).to_contain_text("0x8010006C")
    select_text(page, ".panel:not([hidden]) .timeline", "носителя заблокирован")
    page.locator(".kb-find-selected").click()
    expect(page.locator(f"{KB} .kb-words")).to_have_value("носителя заблокирован")
    expect(page.locator(f"{KB} .kb-list [data-kb-open='1002']").first).to_be_visible()
    select_text(page, ".panel:not([hidden]) .timeline", "0x8010006C")
    page.keyboard.press("Alt+k")
    expect(page.locator(f"{KB} .kb-words")).to_have_value("0x8010006C")


@pytest.mark.feature("C-08", "K-05")
def test_an_article_is_linked_in_one_action_and_the_case_takes_its_title(house: KnowledgeHouse, pages: Pages) -> None:
    page = house.sign_in(pages.open(), "t.gareev")
    house.write("Ничего не понятно")
    case_id = house.take(page, "Ничего не понятно")
    number = str(house.rows(NUMBER_OF, case_id)[0][0])
    open_article(page, 1201)
    page.locator(f"{KB} [data-kb-link-state]").click()
    aside = page.locator(f"[data-kb-case-articles='{case_id}']")
    expect(aside).to_contain_text("№ 1201")
    product = 'SELECT fields FROM "case" WHERE id = ?'
    assert '"product": "reporting"' in house.rows(product, case_id)[0][0]
    aside.get_by_role("button", name="Взять название как тему запроса").click()
    title = house.rows("SELECT title FROM kb_article WHERE number = 1201")[0][0]
    expect(page.get_by_role("heading", name=title).first).to_be_visible()
    assert house.rows("SELECT kind FROM timeline_entry WHERE case_id = ? AND kind LIKE 'kb.%'", case_id) == [
        ("kb.linked",)
    ]

    # As the contact of this case would read it.
    page.locator(f"{KB} .kb-bar [title='Как увидит клиент']").click()
    expect(page.locator("#task")).to_contain_text("Пётр Сидоров")
    page.keyboard.press("Escape")

    reader = pages.open(f"{house.url}/kb/articles/1201", context=page.context)
    cases = reader.locator(".kb-cases")
    expect(cases).to_contain_text(number)
    reader.close()
    aside.get_by_role("button", name="Убрать связь с запросом").click()
    expect(aside).not_to_contain_text("№ 1201")
    wait_until(lambda: not house.rows("SELECT 1 FROM kb_case_article WHERE case_id = ?", case_id))
