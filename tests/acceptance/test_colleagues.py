"""Chats between colleagues at the desk: two browsers, one house."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.axe import violations
from tests.support.browser import Pages
from tests.support.kb_house import KnowledgeHouse, house  # noqa: F401 -- a fixture

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(autouse=True)
def sessions_of_the_test_before(pages: Pages) -> None:
    pages.allow("409")


def shown(page: Page) -> Locator:
    return page.locator(".panel:not([hidden])")


def counter(page: Page) -> Locator:
    return page.locator(".functions > a[data-tab='/chats'] .counter")


def chats(page: Page) -> Page:
    """The page «Чаты», by the function bar."""
    page.locator(".functions > a[data-tab='/chats']").click()
    expect(shown(page).locator(".chats-rail")).to_be_visible()
    return page


def open_room(page: Page, name: str) -> None:
    shown(page).locator(".chat-line").filter(has_text=name).click()
    expect(shown(page).locator(".chat-head h2")).to_have_text(name)


def say(page: Page, text: str) -> None:
    field = shown(page).locator(".chat-text")
    field.fill(text)
    field.press("Enter")
    expect(post(page, text)).to_be_visible()
    expect(field).to_have_value("")


def post(page: Page, text: str) -> Locator:
    return shown(page).locator(".chat-post").filter(has_text=text)


def new_group(page: Page, name: str, *people: str) -> None:
    chats(page)
    page.get_by_role("button", name="Новая группа").click()
    dialog = page.locator("dialog#task")
    dialog.get_by_label("Название группы").fill(name)
    for person in people:
        dialog.get_by_label("Люди").first.fill(person.split()[0].lower())
        dialog.locator(".chat-person", has_text=person).locator("input").check()
    dialog.get_by_role("button", name="Создать группу").click()
    expect(shown(page).locator(".chat-head h2")).to_have_text(name)


@pytest.mark.feature("I-01")
def test_a_chat_begins_in_the_directory_and_is_counted_until_it_is_read(house: KnowledgeHouse, pages: Pages):  # noqa: F811
    igor, olga = house.sign_in(pages.open(), "i.voronin"), house.sign_in(pages.open(), "o.zaitseva")
    igor.locator("[data-tab='/directory']").first.click()
    shown(igor).locator(".book-entry", has_text="Ольга Зайцева").get_by_label("Написать в чат").click()
    say(igor, "Оля, возьмёшь клиента со вторым сертификатом?")
    expect(igor).to_have_url(f"{house.url}/chats?room={house.rows('SELECT max(id) FROM colleagues_room')[0][0]}")
    expect(counter(olga)).to_have_text("1")
    expect(olga.locator(".toast", has_text="Оля, возьмёшь клиента")).to_be_visible()
    again = olga.context.new_page()
    again.goto(f"{house.url}/")
    expect(counter(again)).to_have_text("1")
    chats(olga)
    expect(olga.locator("#tabs .tab", has_text="Чаты (1)")).to_be_visible()
    open_room(olga, "Игорь Воронин")
    expect(post(olga, "со вторым сертификатом")).to_have_count(1)
    # Read in one tab is read in all.
    expect(counter(olga)).to_have_text("")
    expect(counter(again)).to_have_text("")
    expect(olga.locator("#tabs .tab", has_text="Чаты (")).to_have_count(0)
    say(olga, "Возьму")
    expect(post(igor, "Возьму")).to_have_count(1)
    olga.reload()
    expect(post(olga, "Возьму")).to_have_count(1)
    expect(post(olga, "со вторым сертификатом")).to_have_count(1)


@pytest.mark.feature("I-01")
def test_files_search_stars_and_mentions(house: KnowledgeHouse, pages: Pages):  # noqa: F811
    igor, nata = house.sign_in(pages.open(), "i.voronin"), house.sign_in(pages.open(), "n.belova")
    new_group(igor, "Стенд", "Наталья Белова")
    shown(igor).locator("[data-chat-files]").set_input_files(
        [
            {"name": "схема.png", "mimeType": "image/png", "buffer": _picture(house)},
            {"name": "журнал.txt", "mimeType": "text/plain", "buffer": "ошибка 8010006B".encode()},
        ]
    )
    expect(shown(igor).locator(".chat-picked li")).to_have_count(2)
    field = shown(igor).locator(".chat-text")
    field.press_sequentially("Квитанции пришли, @n.bel")
    igor.locator(".mention-list li", has_text="Наталья Белова").wait_for()
    field.press("Enter")
    expect(field).to_have_value("Квитанции пришли, @n.belova ")
    field.press("Enter")
    expect(post(igor, "Квитанции пришли").locator(".pictures img")).to_be_visible()
    expect(nata.locator("#bell .counter, .bell .counter").first).not_to_have_text("")
    chats(nata)
    open_room(nata, "Стенд")
    message = post(nata, "Квитанции пришли")
    expect(message.locator(".mention")).to_have_text("@n.belova")
    with nata.expect_download() as download:
        message.get_by_role("link", name="журнал.txt").click(modifiers=["Alt"])
    assert download.value.path().read_text() == "ошибка 8010006B"
    message.hover()
    message.get_by_label("Отметить звёздочкой").click()
    expect(message.get_by_label("Отметить звёздочкой")).to_have_attribute("aria-pressed", "true")
    search = shown(nata).get_by_role("searchbox", name="Поиск в чатах")
    search.fill("квитанцию")
    search.press("Enter")
    expect(shown(nata).locator(".chat-found mark")).to_have_text("Квитанции")
    shown(nata).locator(".chat-found a").first.click()
    expect(shown(nata).locator(".chat-post-wanted")).to_contain_text("Квитанции пришли")
    shown(nata).get_by_label("Отмеченные сообщения").click()
    shown(nata).locator(".chat-found a").filter(has_text="Квитанции").click()
    expect(shown(nata).locator(".chat-post-wanted")).to_contain_text("Квитанции пришли")
    assert violations(nata) == []


def _picture(house: KnowledgeHouse) -> bytes:  # noqa: F811
    import io

    from PIL import Image

    held = io.BytesIO()
    Image.new("RGB", (320, 200), "#2b5fc7").save(held, "PNG")
    return held.getvalue()


@pytest.mark.feature("I-02")
def test_the_life_of_a_group(house: KnowledgeHouse, pages: Pages):  # noqa: F811
    igor, olga = house.sign_in(pages.open(), "i.voronin"), house.sign_in(pages.open(), "o.zaitseva")
    new_group(igor, "Ночная смена", "Ольга Зайцева")
    say(igor, "Всем доброй ночи")
    chats(olga)
    open_room(olga, "Ночная смена")
    # Any member adds, only the organiser removes.
    shown(olga).get_by_role("button", name="Добавить людей").click()
    olga.locator("dialog#task .chat-person", has_text="Наталья Белова").locator("input").check()
    olga.locator("dialog#task").get_by_role("button", name="Добавить", exact=True).click()
    expect(shown(igor).locator(".chat-event", has_text="Наталья Белова")).to_be_visible()
    expect(shown(igor).locator(".chat-head p")).to_have_text("3 участника")
    shown(olga).get_by_role("button", name="Участники").click()
    expect(olga.locator("dialog#task").get_by_label("Удалить из чата: Наталья Белова")).to_have_count(0)
    olga.locator("dialog#task").get_by_role("button", name="Выйти из чата").click()
    expect(shown(olga).get_by_text("Вы вышли из этого чата.")).to_be_visible()
    shown(igor).get_by_role("button", name="Участники").click()
    igor.locator("dialog#task").get_by_label("Удалить из чата: Наталья Белова").click()
    expect(shown(igor).locator(".chat-head p")).to_have_text("1 участник")
    say(igor, "Пока без Ольги")
    expect(post(olga, "Пока без Ольги")).to_have_count(0)
    shown(olga).get_by_role("button", name="Вернуться").click()
    expect(post(olga, "Пока без Ольги")).to_be_visible()
    say(olga, "Я снова здесь")
    expect(post(igor, "Я снова здесь")).to_have_count(1)
    shown(igor).get_by_role("button", name="Участники").click()
    igor.locator("dialog#task").get_by_role("button", name="Выйти и закрыть чат").click()
    expect(shown(olga).get_by_text("Чат закрыт. Историю можно читать.")).to_be_visible()
    expect(shown(olga).locator(".chat-text")).to_have_count(0)
    expect(post(olga, "Всем доброй ночи")).to_be_visible()


@pytest.mark.feature("I-01")
def test_a_supervisor_tells_the_whole_team(house: KnowledgeHouse, pages: Pages):  # noqa: F811
    chief, igor = house.sign_in(pages.open(), "e.orlova"), house.sign_in(pages.open(), "i.voronin")
    chats(igor)
    expect(shown(igor).get_by_role("button", name="Сообщить всей группе")).to_have_count(0)
    chats(chief)
    chief.get_by_role("button", name="Сообщить всей группе").click()
    dialog = chief.locator("dialog#task")
    team = house.rows("SELECT id FROM team WHERE key = 'experts'")[0][0]
    dialog.get_by_label("Кому").select_option(str(team))
    dialog.get_by_label("Сообщение").fill("В 15:00 собрание у доски")
    dialog.get_by_role("button", name="Отправить всем").click()
    expect(post(chief, "В 15:00 собрание")).to_be_visible()
    expect(igor.locator(".toast", has_text="В 15:00 собрание")).to_be_visible()
    open_room(igor, "Екатерина Орлова")
    expect(shown(igor).locator(".chat-text")).to_have_count(0)
    shown(igor).get_by_role("link", name="Ответить: Екатерина Орлова").click()
    say(igor, "Буду")
    expect(shown(chief).locator(".chat-line").filter(has_text="Буду").locator(".counter")).to_have_text("1")
