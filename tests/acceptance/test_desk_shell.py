"""The desk: its frame, offers beside typed text, keys, a phone; in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from tests.support.applications import MigratedTemplates
from tests.support.browser import Pages
from tests.support.desk_work import OFFER, accept, editor, take, write
from tests.support.okno_process import Served
from tests.support.shift_house import ShiftHouse, choose
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow]
MANY = '{"email": {"push": 3, "limit": 9}, "chat": {"push": 3, "limit": 9}}'
BY_HAND = '{"email": {"push": 0, "limit": 9}, "chat": {"push": 0, "limit": 9}}'


@pytest.fixture
def house(home: Path, serve: Callable[..., Served], migrated_templates: MigratedTemplates) -> ShiftHouse:
    """Anna, Boris and Elena with a service for letters and chats, on SQLite; not started yet."""
    house = ShiftHouse(home, serve, migrated_templates)
    house.furnish()
    # Long enough for a busy machine to choose an outcome in.
    house.change("UPDATE service SET wrap_up_seconds = 60")
    return house


# --- the frame ---------------------------------------------------------------------------------------


@pytest.mark.feature("D-02", "D-03", "D-10")
def test_bars_and_home_show_what_is_in_hand_and_count_what_was_done(house: ShiftHouse, pages: Pages) -> None:
    house.change(f"UPDATE team SET capacity = '{BY_HAND}'")
    house.start()
    anna = house.sign_in(pages.open(), "anna")
    boris = house.sign_in(pages.open(), "boris")
    expect(anna.locator("#focus")).to_contain_text("Нет обращения в работе")
    labels = anna.locator("#functions > a.function .function-label")
    expect(labels.first).to_have_text("Главная")
    assert {"Очередь", "Каталог", "Мои запросы", "Контакты и поиск"} <= set(labels.all_text_contents())
    assert "Документы" not in labels.all_text_contents() and "Календарь" not in labels.all_text_contents()

    write(house, "Акт сверки за май", file=True)
    expect(anna.locator("[data-tab='/queue'] .counter").first).to_have_text("1")
    take(anna, "Акт сверки за май")
    focus = anna.locator("#focus")
    expect(focus).to_contain_text("Пётр Сидоров")
    expect(focus).to_contain_text("petr@customer.example")
    expect(focus.locator(".focus-timer time")).to_have_text(re.compile(r"^\d+:\d\d$"))
    expect(boris.locator("[data-tab='/queue'] .counter").first).to_have_text("")

    # The photo opens the contact card, the function bar the documents of the case in focus.
    focus.locator(".focus-photo").click()
    expect(anna.get_by_role("heading", name="Пётр Сидоров")).to_be_visible()
    anna.get_by_role("link", name="Документы").first.click()
    expect(anna.get_by_role("link", name=re.compile("Акт сверки.pdf"))).to_be_visible()

    # What is closed is counted, without a reload, for the agent and in the team's rank.
    anna.locator("#focus [data-opens=finish]").click()
    anna.locator("#finish button[type=submit]").click()
    expect(anna.locator("#finish")).to_be_hidden()
    numbers = anna.locator("#indicators .indicator-value")
    expect(numbers.nth(0)).to_have_text("100 %")
    expect(numbers.nth(1)).to_have_text("1")
    expect(numbers.nth(2)).to_have_text("1/3")
    expect(boris.locator("#indicators .indicator-value").nth(2)).to_have_text("2/3")

    # The service is the viewer's choice and stays it.
    anna.locator(".indicators-button").click()
    anna.locator("#indicators").get_by_role("button", name=re.compile("^Поддержка")).click()
    expect(anna.locator(".indicators-button")).to_have_attribute("title", re.compile("Поддержка"))
    anna.reload()
    expect(anna.locator(".indicators-button")).to_have_attribute("title", re.compile("Поддержка"))

    # Home: the day's work against the team's, the break, the newest messages.
    anna.locator("[data-tab='/']").first.click()
    expect(anna.locator("#tile-handled .tile-number")).to_have_text("1")
    expect(anna.locator("#tile-handled .tile-note")).to_have_text("в среднем по группе 0,3")
    expect(anna.locator("#tile-time .tile-number")).to_have_text(re.compile("[сч]|мин"))
    expect(anna.locator("#tile-break .tile-note")).to_have_text(re.compile("осталось 1 ч"))
    expect(anna.locator("#home-outcomes")).to_contain_text("Без статуса")

    with anna.context.expect_page() as opened:
        anna.get_by_role("link", name="Табло").click()
    wall = opened.value
    row = wall.get_by_role("row", name=re.compile("Поддержка"))
    expect(row).to_contain_text("100 %")
    write(house, "Ещё одно письмо")
    expect(row.locator("td").first).to_have_text("1")


@pytest.mark.feature("D-04")
def test_interactions_in_hand_are_switched_by_keys_and_show_what_is_new(house: ShiftHouse, pages: Pages) -> None:
    house.change(f"UPDATE team SET capacity = '{BY_HAND}'")
    house.start(desk_answer_seconds="1")
    anna = house.sign_in(pages.open(), "anna")
    for subject in ("Первое письмо", "Второе письмо"):
        write(house, subject)
        take(anna, subject)
    lines = anna.locator(".active-line")
    expect(lines).to_have_count(2)
    expect(lines.first).to_contain_text("Второе письмо")
    expect(lines.first).to_have_attribute("aria-current", "true")
    assert lines.evaluate_all("lines => lines.map(line => line.tabIndex)") == [0, -1]

    anna.keyboard.press("Alt+ArrowDown")
    expect(anna.get_by_role("heading", name="Первое письмо")).to_be_visible()
    expect(lines.nth(1)).to_have_attribute("aria-current", "true")
    expect(anna.locator("#focus")).to_have_attribute("data-interaction", lines.nth(1).get_attribute("data-focus") or "")
    anna.keyboard.press("k")
    expect(anna.get_by_role("heading", name="Второе письмо")).to_be_visible()
    lines.first.focus()
    anna.keyboard.press("ArrowDown")
    expect(lines.nth(1)).to_be_focused()
    anna.keyboard.press("Enter")
    expect(anna.get_by_role("heading", name="Первое письмо")).to_be_visible()

    # A chat that is not in view: what is unread and how long the visitor waits for an answer, orange in the end.
    house.chat("Вы здесь?")
    anna.locator("[data-tab='/queue']").first.click()
    anna.locator("tr").filter(has_text="Вы здесь?").get_by_role("button", name="Взять").click()
    expect(lines).to_have_count(3)
    anna.keyboard.press("Alt+ArrowDown")
    chat = lines.first
    expect(chat.locator(".active-waits")).to_have_attribute("data-late", "")
    expect(chat.locator(".active-time")).to_have_text(re.compile(r"^\d+:\d\d$"))

    # One whose contact is served waits for its outcome and looks like it.
    anna.locator("#focus [data-opens=finish]").click()
    expect(anna.locator(".active-line.active-wrap")).to_contain_text("Постобработка")


# --- offers ------------------------------------------------------------------------------------------


@pytest.mark.feature("D-07")
def test_an_offer_never_takes_the_keys_of_who_is_typing(house: ShiftHouse, pages: Pages) -> None:
    house.change(f"UPDATE team SET capacity = '{MANY}'")
    house.change("UPDATE service SET offer_seconds = 60")
    house.start()
    anna = house.sign_in(pages.open(), "anna")
    accept(anna, house, "Первое письмо")
    editor(anna).click()
    anna.keyboard.type("Здравст")
    write(house, "Срочное письмо")
    offer = anna.locator(OFFER)
    expect(offer).to_be_visible()
    anna.keyboard.type("вуйте!")
    anna.keyboard.press("Enter")
    anna.keyboard.press("Space")
    anna.keyboard.press("Escape")
    anna.keyboard.type("Уже смотрю.")
    expect(editor(anna)).to_have_text(re.compile("Здравствуйте!.*Уже смотрю.", re.DOTALL))
    expect(offer).to_be_visible()
    for text in ("Письмо", "Поддержка", "Срочное письмо", "Пётр Сидоров", "petr@customer.example"):
        expect(offer).to_contain_text(text)
    expect(offer.locator("[data-left]")).to_have_text(re.compile(r"^[45]\d$|^60$"))

    # The same over a dialog in which a comment is being written: the offer can be answered, the comment stays.
    anna.locator("#focus [data-opens=finish]").click()
    comment = anna.locator("#finish textarea")
    comment.click()
    anna.keyboard.type("почти готово")
    expect(offer).to_be_visible()
    offer.locator("[data-reject]").click()
    expect(offer).to_have_count(0)
    expect(comment).to_have_value("почти готово")
    expect(anna.locator(".state-button")).to_be_visible()
    anna.keyboard.press("Escape")
    expect(anna.locator("#finish")).to_be_hidden()


@pytest.mark.feature("D-07", "D-11")
def test_offers_come_one_after_another_and_are_answered_by_keys(house: ShiftHouse, pages: Pages) -> None:
    house.change(f"UPDATE team SET capacity = '{MANY}'")
    house.change("UPDATE service SET offer_seconds = 60")
    house.start(routing_after_reject="ready")
    anna = house.sign_in(pages.open(), "anna")
    for subject in ("Письмо раз", "Письмо два", "Письмо три"):
        write(house, subject)
    expect(anna.locator("[data-tab='/queue'] .counter").first).to_have_text("3")
    anna.keyboard.press("Alt+r")

    # Who is not typing has the focus on it, and Enter accepts; not in the moment in which it appears.
    offer = anna.locator(OFFER)
    expect(offer.locator("[data-accept]")).to_be_focused()
    settled = "() => Date.now() - document.querySelector('dialog.offer').dataset.shownAt > 700"
    wait_until(lambda: anna.evaluate(settled))
    anna.keyboard.press("Enter")
    expect(anna.get_by_role("heading", name="Письмо раз")).to_be_visible()

    # Postponed into the personal queue; rejected back to the group's from where text is written.
    expect(offer).to_contain_text("Письмо два")
    offer.locator("[data-postpone]").click()
    expect(offer).to_contain_text("Письмо три")
    editor(anna).click()
    wait_until(lambda: anna.evaluate(settled))
    anna.keyboard.press("Alt+x")
    expect(offer).to_have_count(0)
    outcomes = house.rows("SELECT outcome FROM offer ORDER BY outcome")
    assert [row[0] for row in outcomes] == ["accepted", "accepted", "rejected"]
    said = house.rows("SELECT count(*) FROM timeline_entry WHERE kind = 'interaction.postponed'")
    assert said == [(1,)]


@pytest.mark.feature("D-07", "T-03")
def test_a_chat_opens_in_the_background_and_one_not_answered_tells_why(shift: ShiftHouse, pages: Pages) -> None:
    both = {"email": {"push": 3, "limit": 9}, "chat": {"push": 3, "limit": 9}}
    shift.furnish(offer_seconds=10, capacity=both, mix=[["email", "chat"]])
    shift.start()
    anna = shift.sign_in(pages.open(permissions=["notifications"]), "anna")
    accept(anna, shift, "Первое письмо")
    shift.chat("Можно вопрос?")
    offer = anna.locator(OFFER)
    expect(offer).to_contain_text("Можно вопрос?")
    offer.get_by_role("button", name="Открыть в фоне").click()
    expect(anna.locator(".active-line")).to_have_count(2)
    expect(anna.get_by_role("heading", name="Первое письмо")).to_be_visible()
    expect(anna.locator("#tabs .tab")).to_have_count(3)

    write(shift, "Второе письмо")
    expect(offer).to_contain_text("Второе письмо")
    expect(offer).to_have_count(0)
    expect(anna.locator("#state-banner")).to_contain_text("Вы не ответили вовремя")


# --- keys --------------------------------------------------------------------------------------------


@pytest.mark.feature("D-11")
def test_everything_has_a_key_and_no_key_disturbs_typing(house: ShiftHouse, pages: Pages) -> None:
    house.start()
    page = house.sign_in(pages.open(), "anna")
    write(house, "Письмо для клавиш")
    state = page.locator(".state-button")

    page.keyboard.press("?")
    sheet = page.locator("#keys")
    expect(sheet).to_be_visible()
    for keys, words in (("Alt Shift T", "Перевод или конференция"), ("Alt Q", "Положить трубку"), ("Ctrl K", "Поиск")):
        line = sheet.locator("dt").filter(has_text=re.compile(f"^{words}$")).locator("xpath=following-sibling::dd[1]")
        expect(line).to_contain_text(keys)
    page.keyboard.press("Alt+r")
    expect(state).to_contain_text("Не готов")
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()

    page.keyboard.press("g")
    page.keyboard.press("q")
    expect(page.get_by_role("heading", name="Групповая очередь")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("c")
    expect(page.get_by_role("heading", name="Запросы")).to_be_visible()
    page.keyboard.press("Alt+ArrowLeft")
    expect(page.get_by_role("heading", name="Групповая очередь")).to_be_visible()
    page.keyboard.press("Alt+ArrowRight")
    page.keyboard.press("Alt+w")
    expect(page.locator(".tab")).to_have_count(2)

    for keys in ("Control+k", "/"):
        page.keyboard.press(keys)
        expect(page.locator("#search-box input")).to_be_focused()
        page.keyboard.type("кgjr?")
        expect(page.locator("#search-box input")).to_have_value("кgjr?")
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
        expect(page.locator("#search-box")).to_be_hidden()
        page.locator("#search-box input").evaluate("field => (field.value = '')")

    # A case from the queue, an answer, the outcome, without the mouse.
    row = page.locator("tr[data-row]").first
    row.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#preview")).to_be_visible()
    page.locator("#preview").get_by_role("button", name="Взять").press("Enter")
    expect(page.get_by_role("heading", name="Письмо для клавиш")).to_be_visible()
    expect(page.locator("#preview")).to_be_hidden()
    expect(editor(page)).to_be_visible()
    page.keyboard.press("n")
    note = page.locator(".panel:not([hidden]) .compose-note textarea")
    expect(note).to_be_focused()
    page.keyboard.type("заметка: jkfgrn?/")
    expect(note).to_have_value("заметка: jkfgrn?/")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".message-note")).to_contain_text("заметка: jkfgrn?/")
    page.locator(".case-scroll:visible").focus()
    page.keyboard.press("r")
    expect(editor(page)).to_be_focused()
    page.keyboard.type("Готово.")
    page.keyboard.press("Control+Shift+Enter")
    expect(page.locator("#finish")).to_be_visible()
    # Whoever goes round with Tab stays in the dialog.
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "() => !!document.activeElement.closest('#finish') || document.activeElement === document.body"
        )
    page.locator("#finish textarea").focus()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#finish")).to_be_hidden()
    expect(state).to_contain_text("Готов")


@pytest.mark.feature("D-11")
def test_whoever_has_no_mouse_reaches_every_part_by_skip_links(house: ShiftHouse, pages: Pages) -> None:
    house.start()
    page = house.sign_in(pages.open(), "anna")
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Перейти к содержимому")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "main"
    page.locator(".state-button").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("() => document.activeElement.matches('#state-menu .menu-item')")
    page.keyboard.press("Escape")
    expect(page.locator(".state-button")).to_be_focused()


@pytest.mark.feature("D-01")
@pytest.mark.parametrize("size", ["phone"])
def test_on_a_phone_one_reads_answers_and_changes_the_state(house: ShiftHouse, pages: Pages, size: str) -> None:
    house.start()
    write(house, "Письмо в дороге")
    page = house.sign_in(pages.open(size=size, has_touch=True), "anna")
    page.locator("#functions").get_by_role("link", name="Очередь").click()
    page.get_by_role("button", name="Взять").first.click()
    expect(page.get_by_role("heading", name="Письмо в дороге")).to_be_visible()
    letter = page.frame_locator(".panel:not([hidden]) okno-letter iframe")
    expect(letter.locator("body")).to_contain_text("Отчёт не подписывается")
    editor(page).click()
    page.keyboard.type("Отвечаю с телефона.")
    page.locator(".panel:not([hidden]) .compose-reply button[type=submit][value='']").click()
    expect(page.locator(".message-out")).to_contain_text("Отвечаю с телефона.")
    page.locator("[data-shows-active]").click()
    expect(page.locator(".active-line")).to_contain_text("Письмо в дороге")
    page.locator("[data-shows-active]").click()
    page.locator(".case-actions [data-opens=finish]:visible").click()
    page.locator("#finish button[type=submit]").click()
    expect(page.locator("#finish")).to_be_hidden()
    choose(page, "not_ready", "lunch")
    expect(page.locator(".state-button")).to_contain_text("Обед")
    overflow = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0


# --- presses that come before the scripts ------------------------------------------------------------


@pytest.mark.feature("D-10")
def test_what_is_pressed_before_the_scripts_have_come_is_done_when_they_have(house: ShiftHouse, pages: Pages) -> None:
    house.change(f"UPDATE team SET capacity = '{BY_HAND}'")
    house.start()
    anna = house.sign_in(pages.open(), "anna")
    write(house, "Счёт за июнь")
    wait_until(lambda: house.rows("SELECT 1 FROM interaction WHERE state = 'queued'"), what="the letter")
    held: list[Route] = []
    anna.route("**/js/app.js*", lambda route: held.append(route))
    anna.goto(f"{house.url}/queue", wait_until="commit")
    row = anna.locator("tr").filter(has_text="Счёт за июнь")
    row.get_by_role("button", name="Взять").click()
    wait_until(lambda: held, what="the script that is held back")
    assert house.rows("SELECT state FROM interaction") == [("queued",)]
    held[0].continue_()
    expect(anna.get_by_role("heading", name="Счёт за июнь")).to_be_visible()
    assert house.rows("SELECT state FROM interaction") == [("active",)]
