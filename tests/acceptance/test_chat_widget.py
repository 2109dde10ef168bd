"""The widget on a customer's site, another origin than the centre; agents answer at the desk."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.support import axe, kb_house
from tests.support.browser import Pages
from tests.support.kb_house import KnowledgeHouse, editor, send_button
from tests.support.visitor_site import visitor_site
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow]
house = kb_house.house
WORDS = "okno-chat .log li[data-id]:not(.notice) .bubble"


@pytest.fixture(scope="module")
def shop(house: KnowledgeHouse) -> Iterator[str]:
    """A site with the demo widget."""
    with visitor_site(house.url, "demo") as address:
        yield address


def begin(page: Page, address: str, name: str = "Мария") -> None:
    """Open the chat and answer its questions."""
    page.goto(address)
    page.get_by_role("button", name="Открыть чат").click()
    page.get_by_label("Ваше имя").fill(name)
    page.get_by_role("button", name="Начать чат").click()


def say(page: Page, text: str) -> None:
    page.get_by_label("Ваше сообщение").fill(text)
    page.keyboard.press("Enter")


def answer(desk: Page, text: str) -> None:
    editor(desk).fill(text)
    send_button(desk).click()


def picture() -> bytes:
    kept = io.BytesIO()
    Image.new("RGB", (320, 200), (200, 60, 40)).save(kept, "PNG")
    return kept.getvalue()


def bomb() -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("big.txt", b"0" * (60 << 20))
    return kept.getvalue()


@pytest.mark.feature("T-01")
@pytest.mark.feature("T-07")
def test_a_visitor_of_another_site_is_served_from_the_questions_to_the_rating(
    house: KnowledgeHouse,
    shop: str,
    pages: Pages,
) -> None:
    pages.allow("422")
    page = pages.open(shop)
    page.get_by_role("button", name="Открыть чат").click()
    page.get_by_role("button", name="Начать чат").click()
    expect(page.get_by_text("Заполните это поле")).to_be_visible()
    page.get_by_label("Ваша почта").fill("not an address")
    page.get_by_label("Ваше имя").fill("Мария")
    page.get_by_role("button", name="Начать чат").click()
    expect(page.get_by_text("Это не похоже на адрес почты")).to_be_visible()
    page.get_by_label("Ваша почта").fill("maria@customer.example")
    page.get_by_role("button", name="Начать чат").click()
    say(page, "Виджет на чужом сайте")
    expect(page.locator("okno-chat .state")).to_contain_text(re.compile(r"Вы \d+-й в очереди"))

    page.evaluate("history.pushState({}, '', '/basket'); document.title = 'Корзина'")
    asked = "SELECT url, title, told FROM chat_visit ORDER BY seen_at DESC LIMIT 1"
    wait_until(lambda: house.rows(asked)[0][1] == "Корзина")
    url, _, told = house.rows(asked)[0]
    assert url == f"{shop}/basket"
    assert "maria@customer.example" in told

    desk = house.sign_in(pages.open(), "a.sokolova")
    house.take(desk, "Виджет на чужом сайте")
    expect(page.locator("okno-chat .state")).to_contain_text("С вами")
    page.get_by_role("button", name="Закрыть чат").click()
    answer(desk, "Здравствуйте, смотрите https://shop.example/help")
    expect(page.get_by_role("button", name=re.compile("непрочитанные сообщения: 1"))).to_be_visible()
    page.get_by_role("button", name=re.compile("Открыть чат")).click()
    expect(page.locator("okno-chat .theirs .bubble a")).to_have_attribute("href", "https://shop.example/help")
    read = (
        "SELECT visitor_read_id FROM chat_reading JOIN message ON message.id = visitor_read_id WHERE author = 'agent'"
    )
    wait_until(lambda: house.rows(read))

    page.get_by_role("button", name="Эмодзи").click()
    page.get_by_role("button", name="👍").click()
    page.keyboard.press("Enter")
    expect(page.locator(WORDS).last).to_have_text("👍")
    chosen = page.locator("okno-chat input[type=file]")
    chosen.set_input_files([{"name": "экран.png", "mimeType": "image/png", "buffer": picture()}])
    page.get_by_role("button", name="Отправить").click()
    shown = page.locator("okno-chat .mine .picture img")
    wait_until(lambda: shown.count() and shown.evaluate("image => image.naturalWidth") == 320)
    shown.click()
    expect(page.get_by_role("dialog", name="экран.png")).to_be_visible()
    page.keyboard.press("Escape")
    chosen.set_input_files([{"name": "все.zip", "mimeType": "application/zip", "buffer": bomb()}])
    page.get_by_role("button", name="Отправить").click()
    expect(page.locator("okno-chat .alert")).to_contain_text("распаковывается")
    page.get_by_role("button", name="Убрать: все.zip").click()
    chosen.set_input_files([{"name": "вирус.exe", "mimeType": "application/pdf", "buffer": b"MZ"}])
    expect(page.locator("okno-chat .alert")).to_contain_text("такие файлы не принимаются")

    page.get_by_role("button", name="Завершить чат").click()
    page.get_by_role("button", name="Завершить", exact=True).click()
    page.get_by_label("4 из 5").check(force=True)
    page.get_by_label("Что можно сделать лучше?").fill("Побыстрее <b>бы</b>")
    page.locator("okno-chat .rating").get_by_role("button", name="Отправить").click()
    expect(page.get_by_text("Спасибо за оценку")).to_be_visible()
    assert house.rows("SELECT score, comment FROM chat_rating") == [(4, "Побыстрее <b>бы</b>")]


@pytest.mark.feature("T-13")
def test_two_tabs_of_a_visitor_and_a_reload_show_one_conversation_once_and_in_order(
    house: KnowledgeHouse,
    shop: str,
    pages: Pages,
) -> None:
    context = pages.context()
    first, second = pages.open(context=context), pages.open(context=context)
    begin(first, shop)
    say(first, "раз")
    expect(first.locator(WORDS)).to_have_count(1)
    second.goto(f"{shop}/other")
    # The chat that was open on one page is open on the next.
    expect(second.locator(WORDS)).to_have_text(["раз"])
    say(second, "два")
    say(first, "три")
    for page in (first, second):
        expect(page.locator(WORDS)).to_have_count(3)
    stored = [row[0] for row in house.rows("SELECT body_text FROM message ORDER BY id DESC LIMIT 3")][::-1]
    for page in (first, second):
        assert page.locator(WORDS).all_inner_texts() == stored
    first.close()
    context.set_offline(True)
    say(second, "без связи")
    expect(second.locator("okno-chat .alert")).to_contain_text("Нет связи")
    pages.allow("ERR_INTERNET_DISCONNECTED")
    context.set_offline(False)
    expect(second.locator("okno-chat .unsent")).to_have_count(0, timeout=30_000)
    second.reload()
    expect(second.locator(WORDS)).to_have_text([*stored, "без связи"])


@pytest.mark.feature("T-01")
def test_blocked_storage_takes_nothing_but_the_memory_of_the_chat(
    house: KnowledgeHouse,
    shop: str,
    pages: Pages,
) -> None:
    page = pages.open()
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError') }})"
    )
    begin(page, shop)
    say(page, "без хранилища")
    expect(page.locator(WORDS)).to_have_text(["без хранилища"])
    expect(page.locator("okno-chat .unsent")).to_have_count(0)


@pytest.mark.feature("T-01")
@pytest.mark.parametrize(("scheme", "size"), [("light", "desk"), ("dark", "phone")])
def test_it_is_accessible_and_worked_by_keyboard(
    house: KnowledgeHouse,
    shop: str,
    pages: Pages,
    scheme: str,
    size: str,
) -> None:
    page = pages.open(shop, color_scheme=scheme, size=size)
    launcher = page.get_by_role("button", name="Открыть чат")
    expect(launcher).to_be_visible()
    assert axe.violations(page) == []
    launcher.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Ваше имя")).to_be_focused()
    assert axe.violations(page) == []
    page.keyboard.type("Мария")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Ваше сообщение")).to_be_focused()
    page.keyboard.type("С клавиатуры")
    page.keyboard.press("Enter")
    expect(page.locator(WORDS)).to_have_text(["С клавиатуры"])
    page.get_by_role("button", name="Эмодзи").press("Enter")
    assert axe.violations(page) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Эмодзи")).to_be_focused()
    page.keyboard.press("Escape")
    expect(launcher).to_be_focused()
    page.get_by_role("button", name="Открыть чат").press("Enter")
    page.get_by_role("button", name="Завершить чат").click()
    page.get_by_role("button", name="Завершить", exact=True).click()
    expect(page.locator("okno-chat .state")).to_contain_text("Чат завершён")


@pytest.mark.feature("T-01")
def test_an_administrator_makes_a_widget_that_only_its_site_may_carry(
    house: KnowledgeHouse,
    pages: Pages,
) -> None:
    pages.allow("422")
    admin = house.sign_in(pages.open(), "admin")
    admin.goto(f"{house.url}/admin/chat-widgets/new")
    admin.get_by_label("Ключ").fill("boutique")
    admin.get_by_label("Название по-русски").fill("Бутик на связи")
    admin.get_by_label("Цвет").fill("#ffd54a")
    admin.get_by_label("Форма вместо чата").select_option("agents")
    admin.get_by_label("На каких сайтах разрешён").fill("https://boutique.example")
    admin.get_by_role("button", name="Сохранить").click()
    expect(admin.locator(".command code")).to_contain_text('data-entry="boutique"')
    assert axe.violations(admin) == []
    with visitor_site(house.url, "boutique") as stranger:
        page = pages.open(stranger)
        with page.expect_console_message(lambda said: "не разрешён" in said.text):
            page.reload()
        assert page.locator("okno-chat").count() == 0
        changed = house.served.okno("chat-widgets", "set", "boutique", "--origin", stranger, "--offline", "never")
        assert changed.code == 0, changed.stderr
        # Settings are looked up anew within two seconds.
        wait_until(lambda: page.reload() and _carried(page))
        page.get_by_role("button", name="Открыть чат").click()
        expect(page.get_by_role("dialog", name="Бутик на связи")).to_be_visible()
        assert axe.violations(page) == []


def _carried(page: Page) -> bool:
    page.wait_for_load_state("networkidle")
    return page.locator("okno-chat").count() == 1


@pytest.mark.feature("T-01")
def test_when_nobody_is_there_a_form_becomes_a_case_answered_by_mail(
    house: KnowledgeHouse,
    pages: Pages,
) -> None:
    for command in (
        ("services", "add", "night", "--title", "Night"),
        ("services", "entries", "night", "email:night@okno.example"),
        ("chat-widgets", "add", "night", "--service", "night", "--offline", "agents"),
    ):
        done = house.served.okno(*command)
        assert done.code == 0, done.stderr
    with visitor_site(house.url, "night") as site:
        page = pages.open(site)
        page.get_by_role("button", name="Открыть чат").click()
        page.get_by_label("Ваша почта").fill("night@customer.example")
        page.get_by_label("Ваше сообщение").fill("Пишу ночью, ответьте на почту")
        page.get_by_role("button", name="Отправить").click()
        expect(page.get_by_text("Спасибо, ваше сообщение получено.")).to_be_visible()
    asked = "SELECT channel, address FROM interaction JOIN message ON message.interaction_id = interaction.id WHERE body_text = ?"
    assert house.rows(asked, "Пишу ночью, ответьте на почту") == [("email", "night@customer.example")]
