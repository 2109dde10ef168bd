"""K-01, K-02: editors write articles in a browser; two at once lose nothing; folders and lists are kept in order."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser import Pages
from tests.support.kb_house import KnowledgeHouse, house
from tests.support.waiting import wait_until

__all__ = ["house"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]
COLOUR = "SELECT status, title FROM kb_article WHERE number = ?"


def shown(page: Page, selector: str) -> Locator:
    """In the tab that is open."""
    return page.locator(f".panel:not([hidden]) {selector}")


def begin(page: Page, url: str) -> Page:
    """Open the editor and wait until one can write."""
    page.goto(url)
    expect(shown(page, ".kb-editing[data-ready]")).to_be_visible()
    return page


def part(page: Page, name: str) -> Locator:
    return shown(page, f".ProseMirror[aria-label='{name}']")


def tool(page: Page, name: str) -> None:
    shown(page, f"[data-tool='{name}']").click()


def saved(page: Page) -> None:
    expect(shown(page, ".kb-edit-state")).to_contain_text("Сохранено в")


def png(width: int, height: int) -> bytes:
    """A picture of so many pixels by its header; its data are nearly nothing."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\x00" * 16)), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.fixture(autouse=True)
def _earlier_session(pages: Pages) -> None:
    """Signing in says 409 where the session of the test before is still there."""
    pages.allow("409")


@pytest.fixture
def editor(house: KnowledgeHouse, pages: Pages) -> Page:
    return house.sign_in(pages.open(), "v.tikhonova")


@pytest.mark.feature("K-01", "K-02")
def test_an_article_is_written_with_all_that_belongs_to_it(
    house: KnowledgeHouse, editor: Page, pages: Pages, tmp_path: Path
) -> None:
    begin(editor, f"{house.url}/kb/articles/new")
    shown(editor, ".kb-edit-name").fill("Как сменить ПИН-код")
    shown(editor, "#kb-folder").select_option(label="— Электронная подпись")
    part(editor, "Общее решение").click()
    editor.keyboard.type("Откройте панель ")
    tool(editor, "bold")
    editor.keyboard.type("Рутокен")
    tool(editor, "bold")
    editor.keyboard.press("Enter")
    editor.keyboard.type("/табл")
    editor.keyboard.press("Enter")
    editor.keyboard.type("Модель")
    editor.keyboard.press("Tab")
    editor.keyboard.type("ПИН")
    tool(editor, "row-after")
    picture = tmp_path / "окно.png"
    picture.write_bytes(png(40, 30))
    part(editor, "Почтовый ответ").click()
    shown(editor, ".kb-toolbar summary:has-text('Выноска')").click()
    tool(editor, "callout-warning")
    editor.keyboard.type("Здравствуйте, ")
    shown(editor, "summary:has-text('Переменная')").click()
    shown(editor, "[data-variable='from.name']").click()
    shown(editor, "[data-pick-picture]").set_input_files(picture)
    expect(part(editor, "Почтовый ответ").locator("img[src]")).to_have_attribute("src", re.compile(r"^/kb/files/\d+/"))
    shown(editor, "[data-add-section='experts']").click()
    editor.keyboard.type("Журнал: ")
    tool(editor, "code")
    editor.keyboard.type("pcscd -f")
    shown(editor, "#kb-chips-tags").fill("пин-код")
    editor.keyboard.press("Enter")
    shown(editor, "#kb-chips-keywords").fill("поменять пин")
    editor.keyboard.press("Enter")
    shown(editor, "#kb-question").fill("Где сменить ПИН?")
    shown(editor, "#kb-notes").fill("Проверено на версии 4.9")
    shown(editor, "#kb-owner").select_option(label="Вера Тихонова")
    shown(editor, "#kb-review-at").fill("2031-05-01")
    attached = tmp_path / "памятка.pdf"
    attached.write_bytes(b"%PDF-1.4 memo")
    shown(editor, "[data-attach]").set_input_files(attached)
    expect(shown(editor, "[data-file-list]")).to_contain_text("памятка.pdf")
    # sections move by keyboard
    grip = shown(editor, "[data-section='experts'] [data-grip]")
    grip.focus()
    editor.keyboard.press("ArrowUp")
    saved(editor)
    shown(editor, "[data-act='publish']").click()
    article = shown(editor, ".kb-article")
    expect(article.locator("h1")).to_have_text("Как сменить ПИН-код")
    expect(article.locator(".card-head h2")).to_have_text(["Общее решение", "Для экспертов", "Почтовый ответ"])
    expect(article.locator("[data-kb-part='solution'] strong")).to_have_text("Рутокен")
    expect(article.locator("[data-kb-part='solution'] th")).to_have_text(["Модель", "ПИН", ""])
    expect(article.locator(".callout-warning")).to_contain_text("Здравствуйте,")
    expect(article.locator("[data-kb-part='experts'] code")).to_have_text("pcscd -f")
    about = article.locator(".kb-about")
    for words in ("памятка.pdf", "Вера Тихонова", "поменять пин", "Проверено на версии 4.9", "1 мая 2031"):
        expect(about).to_contain_text(words)
    assert article.locator("img").evaluate(
        "image => image.complete && image.naturalWidth > 0 || image.src.includes('/kb/files/')"
    )
    # one who may not edit sees the picture, but no way to edit
    agent = house.sign_in(pages.open(), "a.sokolova")
    agent.goto(editor.url)
    expect(shown(agent, ".kb-article h1")).to_have_text("Как сменить ПИН-код")
    expect(shown(agent, ".kb-article").get_by_role("link", name="Изменить")).to_have_count(0)


@pytest.mark.feature("K-02")
def test_two_editors_at_once_lose_nothing(house: KnowledgeHouse, editor: Page, pages: Pages) -> None:
    pages.allow(r"423|409")
    url = f"{house.url}/kb/articles/1002/edit"
    begin(editor, url)
    part(editor, "Общее решение").click()
    editor.keyboard.press("Control+Home")
    editor.keyboard.type("Первая пишет. ")
    saved(editor)
    other = begin(house.sign_in(pages.open(), "admin"), url)
    # the second is told who edits, and may read what is being written
    expect(shown(other, "[data-locked]")).to_contain_text("Статью правит Вера Тихонова")
    expect(part(other, "Общее решение")).to_contain_text("Первая пишет.")
    expect(part(other, "Общее решение")).to_have_attribute("contenteditable", "false")
    shown(other, "[data-take-over]").click()
    expect(part(other, "Общее решение")).to_have_attribute("contenteditable", "true")
    # the first is told at once and keeps the text
    expect(shown(editor, "[data-locked]")).to_contain_text("взял(а) правку себе")
    expect(part(editor, "Общее решение")).to_contain_text("Первая пишет.")
    expect(shown(editor, "[data-copy-all]")).to_be_visible()
    part(other, "Общее решение").click()
    other.keyboard.press("Control+Home")
    other.keyboard.type("Второй дополнил. ")
    saved(other)
    shown(other, "[data-act='publish']").click()
    expect(shown(other, ".kb-article")).to_contain_text("Второй дополнил. Первая пишет.")


@pytest.mark.feature("K-02")
def test_review_later_versions_and_going_back(house: KnowledgeHouse, editor: Page, pages: Pages) -> None:
    begin(editor, f"{house.url}/kb/articles/1003/edit")
    before = part(editor, "Общее решение").inner_text().splitlines()[0]
    part(editor, "Общее решение").click()
    editor.keyboard.press("Control+Home")
    editor.keyboard.type("Новость! ")
    saved(editor)
    editor.get_by_role("button", name="На проверку…").click()
    editor.locator("#kb-review-note").fill("Посмотрите начало")
    editor.locator("#kb-review [data-act='review']").click()
    expect(shown(editor, ".kb-article")).to_contain_text("Правка ждёт проверки")
    # readers still see what was published
    expect(shown(editor, "[data-kb-part='solution']")).not_to_contain_text("Новость!")
    reviewer = house.sign_in(pages.open(), "admin")
    reviewer.goto(f"{house.url}/kb?list=review")
    expect(shown(reviewer, ".kb-many")).to_contain_text("№1003")
    reviewer.goto(f"{house.url}/kb/articles/1003")
    expect(shown(reviewer, ".kb-article .banner").first).to_contain_text("Посмотрите начало")
    shown(reviewer, ".kb-article").get_by_role("button", name="Опубликовать").click()
    expect(shown(reviewer, "[data-kb-part='solution']")).to_contain_text("Новость!")
    reviewer.goto(f"{house.url}/kb/articles/1003/history")
    expect(shown(reviewer, ".kb-versions > li").first).to_contain_text("Текст")
    expect(shown(reviewer, "[data-kb-diff] ins").first).to_contain_text("Новость!")
    reviewer.on("dialog", lambda dialog: dialog.accept())
    shown(reviewer, ".kb-versions > li").last.get_by_role("button", name="Восстановить").click()
    confirm = reviewer.locator("dialog[open]")
    if confirm.count():
        confirm.locator(".btn-primary, .btn-danger").first.click()
    expect(shown(reviewer, "[data-kb-part='solution']")).to_contain_text(before)
    expect(shown(reviewer, "[data-kb-part='solution']")).not_to_contain_text("Новость!")
    # a later publication waits for its time
    begin(reviewer, f"{house.url}/kb/articles/1003/edit")
    shown(reviewer, ".kb-edit-name").fill("Название на завтра")
    saved(reviewer)
    shown(reviewer, ".kb-edit-head .menu > summary[aria-label='Ещё']").click()
    reviewer.get_by_role("button", name="Опубликовать позже…").click()
    reviewer.locator("#kb-publish-at").fill("2031-05-01T09:00")
    reviewer.locator("#kb-later [data-act='schedule']").click()
    expect(shown(reviewer, ".kb-article")).to_contain_text("Выйдет сама")
    assert house.rows(COLOUR, 1003)[0][1] != "Название на завтра"


@pytest.mark.feature("K-02")
def test_what_is_wrong_is_told_and_the_text_stays(
    house: KnowledgeHouse, editor: Page, pages: Pages, tmp_path: Path
) -> None:
    pages.allow(r"422")
    begin(editor, f"{house.url}/kb/articles/1004/edit")
    # an image bomb and a file that is no picture
    bomb, fake = tmp_path / "bomb.png", tmp_path / "x.png"
    bomb.write_bytes(png(60_000, 60_000))
    fake.write_bytes(b"<svg onload='alert(1)'/>")
    shown(editor, "[data-pick-picture]").set_input_files(bomb)
    expect(editor.locator(".toast-bad").last).to_contain_text("60000 × 60000 точек")
    shown(editor, "[data-pick-picture]").set_input_files(fake)
    expect(editor.locator(".toast-bad").last).to_contain_text("не показать картинкой")
    # what is pasted brings no scripts, styles or foreign pictures
    paste(
        editor,
        part(editor, "Общее решение"),
        "<p style='font-weight:bold' onclick='x()'>Жирный</p><script>x()</script><img src='data:x'>",
    )
    expect(part(editor, "Общее решение").locator("strong", has_text="Жирный")).to_be_visible()
    assert "onclick" not in part(editor, "Общее решение").inner_html()
    saved(editor)
    # 5 MB of text: the named error, nothing is published, the text stays
    shown(editor, "#kb-notes").evaluate(
        "field => { field.value = 'note '.repeat(1_000_000); field.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    expect(shown(editor, "[data-size]")).to_have_text("Превышен лимит в 512 КБ на статью в Базе знаний")
    shown(editor, "[data-act='publish']").click()
    expect(shown(editor, "[data-error]")).to_have_text("Превышен лимит в 512 КБ на статью в Базе знаний")
    assert shown(editor, "#kb-notes").evaluate("field => field.value.length") == 5_000_000
    assert house.rows("SELECT length(notes) < 1000 FROM kb_article WHERE number = 1004") == [(1,)]
    shown(editor, ".kb-edit-head .menu > summary[aria-label='Ещё']").click()
    editor.get_by_role("button", name="Отменить правку…").click()
    editor.locator("#kb-discard [data-discard]").click()
    expect(shown(editor, ".kb-article h1")).to_be_visible()
    assert house.rows(
        "SELECT count(*) FROM kb_working_copy WHERE article_id = (SELECT id FROM kb_article WHERE number = 1004)"
    ) == [(0,)]


PASTE = """(box, html) => {
  const data = new DataTransfer();
  data.setData("text/html", html);
  data.setData("text/plain", "x");
  box.focus();
  box.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}"""


def paste(page: Page, box: Locator, html: str) -> None:
    box.click()
    box.evaluate(PASTE, html)


@pytest.mark.feature("K-01")
def test_folders_are_made_moved_and_removed_and_articles_changed_together(house: KnowledgeHouse, editor: Page) -> None:
    editor.goto(f"{house.url}/kb")
    shown(editor, "").get_by_role("button", name="Новый раздел").click()
    editor.get_by_label("Название по-русски").fill("Праздники")
    editor.get_by_role("button", name="Создать раздел").click()
    here = shown(editor, ".kb-branch[aria-current]")
    expect(here).to_contain_text("Праздники")
    folder_id = re.search(r"folder=(\d+)", editor.url)[1]  # type: ignore[index]
    # two articles are ticked and moved together
    signature = house.rows("SELECT id FROM kb_folder WHERE title_ru = 'Электронная подпись'")[0][0]
    editor.goto(f"{house.url}/kb?folder={signature}")
    for number in (1005, 1006):
        shown(editor, f".kb-many-row:has-text('№{number}') input").check()
    editor.locator("[name=act]:visible").select_option("move")
    shown(editor, "[name=folder_id]").select_option(folder_id)
    shown(editor, ".kb-many").get_by_role("button", name="Применить").click()
    expect(editor.locator(".toast").filter(has_text="Перемещено статей: 2.")).to_be_visible()
    # a folder is dragged into another one
    source = shown(editor, f"[data-kb-drag='folder'][data-kb-id='{folder_id}']")
    target = shown(editor, f"[data-kb-drag='folder'][data-kb-id='{signature}']")
    source.drag_to(target, target_position={"x": 60, "y": 20})
    parent = "SELECT parent_id FROM kb_folder WHERE id = ?"
    wait_until(lambda: house.rows(parent, folder_id) == [(signature,)])
    # what is in use is removed only with a place for what it holds
    editor.goto(f"{house.url}/kb?folder={folder_id}")
    shown(editor, "").get_by_role("button", name="Переименовать, переместить, удалить…").click()
    expect(editor.locator("#kb-folder-dialog")).to_contain_text("В разделе статей: 2")
    editor.get_by_label("Переместить содержимое в").select_option(str(signature))
    editor.get_by_role("button", name="Удалить раздел").click()
    wait_until(lambda: house.rows("SELECT count(*) FROM kb_folder WHERE id = ?", folder_id) == [(0,)])
    expect(here).to_contain_text("Электронная подпись")
    expect(shown(editor, ".kb-many-row:has-text('№1005')")).to_be_visible()
