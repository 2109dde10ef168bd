"""The directory at two desks: found, pinned, ordered, seen to be busy, written to, dialled."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser import Pages
from tests.support.shift_house import ShiftHouse, choose

pytestmark = [pytest.mark.browser, pytest.mark.slow]
CONTACTS = (
    ("Ирина Крылова", "irina@customer.example", "+79161234567"),
    ("Олег Ёлкин", "oleg@customer.example", "+442079460958"),
)


def fill_book(shift: ShiftHouse) -> None:
    """Contacts of an organisation, and forty-nine favourites of Anna's."""
    from core.app import create_app
    from core.db import db, transaction
    from core.model import Contact, ContactAddress, Favourite, Organisation, User

    app = create_app(shift.home)
    with app.app_context():
        with transaction():
            works = Organisation(name="ООО «Ромашка»", tax_id="7701234567")
            for name, email, phone in CONTACTS:
                contact = Contact(name=name, organisation=works)
                contact.addresses += [
                    ContactAddress(kind="email", value=email),
                    ContactAddress(kind="phone", value=phone),
                ]
                db.session.add(contact)
            others = [Contact(name=f"Прочий {number:02}") for number in range(49)]
            db.session.add_all(others)
            db.session.flush()
            anna = db.session.scalars(db.select(User.id).where(User.login == "anna")).one()
            db.session.add_all(
                Favourite(user_id=anna, kind="contact", object_id=contact.id, position=place)
                for place, contact in enumerate(others, 10)
            )
        db.session.remove()
        db.engine.dispose()


def entry(page: Page, name: str) -> Locator:
    return page.locator(".book-entry").filter(has_text=name).first


def group(page: Page, name: str) -> None:
    page.locator(".directory-groups a").filter(has_text=name).click()


@pytest.mark.feature("D-05", "E-09")
def test_colleagues_and_contacts_are_found_pinned_and_reached(shift: ShiftHouse, pages: Pages) -> None:
    pages.allow(r"422")  # the fifty-first favourite, the wrong address
    shift.furnish()
    fill_book(shift)
    shift.start()
    anna = shift.sign_in(pages.open(permissions=["clipboard-read", "clipboard-write"]), "anna")
    boris = shift.sign_in(pages.open(), "boris")
    anna.locator("a.function[href='/directory']").click()
    expect(anna.get_by_role("heading", name="Каталог", exact=True)).to_be_visible()
    expect(anna.locator(".book-team").first).to_have_text("Первая линия")

    # presence as it changes at the other desk, without a reload
    state = anna.locator(".book-entry").filter(has_text="Борис Мельников").locator(".presence")
    expect(state).to_contain_text("Не беспокоить")
    choose(boris, "ready")
    expect(state).to_contain_text("На месте")
    shift.chat()
    boris.locator("dialog.offer [data-accept]").click()
    expect(state).to_contain_text("Занят: чат")
    expect(state.locator(".presence-channel")).to_be_visible()
    choose(boris, "not_ready", "away")

    # search: the wrong layout, parts of words, a number in another format; what was found is marked
    words = anna.get_by_role("searchbox", name="Поиск по каталогу")
    for text, name, marked in (
        ("rhsk", "Ирина Крылова", "Крыл"),
        ("8 (916) 123", "Ирина Крылова", "916 123"),
        ("елк", "Олег Ёлкин", "Ёлк"),
        ("мельн", "Борис Мельников", "Мельн"),
    ):
        words.fill(text)
        expect(entry(anna, name)).to_be_visible()
        expect(anna.locator(".book-entry mark").first).to_have_text(marked)
    words.fill("ромашка")
    entry(anna, "7701234567").locator(".book-name").click()
    expect(anna.locator(".directory-of")).to_contain_text("ООО «Ромашка»")
    expect(anna.locator(".book-entry")).to_have_count(2)

    # the keyboard: down into the list, up again into the search
    anna.get_by_role("searchbox", name="Поиск по каталогу").press("ArrowDown")
    expect(anna.locator(".book-name").first).to_be_focused()
    anna.keyboard.press("ArrowUp")
    expect(anna.get_by_role("searchbox", name="Поиск по каталогу")).to_be_focused()

    # favourites: the fiftieth fits, the fifty-first is refused in words
    entry(anna, "Ирина Крылова").hover()
    anna.get_by_role("button", name="В избранном: Ирина Крылова").click()
    expect(anna.get_by_role("button", name="В избранном: Ирина Крылова")).to_have_attribute("aria-pressed", "true")
    entry(anna, "Олег Ёлкин").hover()
    anna.get_by_role("button", name="В избранном: Олег Ёлкин").click()
    expect(anna.locator("#toasts")).to_contain_text("В избранном не больше 50 записей")
    expect(anna.get_by_role("button", name="В избранном: Олег Ёлкин")).to_have_attribute("aria-pressed", "false")

    # their order by the buttons and by dragging, kept over a reload
    group(anna, "Избранное")
    names = anna.locator(".book-name")
    expect(names).to_have_count(50)
    expect(names.last).to_have_text("Ирина Крылова")
    names.last.hover()
    with anna.expect_response(re.compile("/directory/arrange")):
        anna.get_by_role("button", name="Выше: Ирина Крылова").click()
    expect(names.nth(48)).to_have_text("Ирина Крылова")
    grip = anna.locator(".book-entry").filter(has_text="Ирина Крылова")
    with anna.expect_response(re.compile("/directory/arrange")):
        grip.drag_to(anna.locator(".book-entry").filter(has_text="Прочий 40"))
    expect(names.nth(40)).to_have_text("Ирина Крылова")
    anna.reload()
    expect(names.nth(40)).to_have_text("Ирина Крылова")

    # the dial pad: formats and pasted text, letters named, whose number it is; no telephone channel, so no call
    anna.locator("details.dial > summary").click()
    number = anna.get_by_label("Номер", exact=True)
    number.fill("позвони +7 (916) 123-45-67")
    expect(number).to_have_value("+79161234567")
    expect(anna.locator("#dial-known")).to_have_text("Только цифры, +, * и #")
    anna.locator("[data-dial-back]").click()
    anna.locator(".dial-key[data-key='7']").click()
    expect(anna.locator("#dial-known")).to_have_text("+7 916 123-45-67 · Ирина Крылова")
    expect(anna.get_by_role("button", name="Позвонить")).to_have_count(0)
    anna.keyboard.press("Escape")

    # a letter from the entry: the address is there, a wrong one is named, a case opens in the agent's hands
    anna.get_by_role("button", name="Написать письмо", exact=True).click()
    dialog = anna.locator("#task")
    to = dialog.get_by_label("Кому")
    to.press_sequentially("кры")
    expect(dialog.locator("datalist option").first).to_have_attribute("value", "irina@customer.example")
    to.fill("не адрес")
    dialog.get_by_role("button", name="Открыть запрос").click()
    expect(dialog.locator("[data-form-error]")).to_contain_text("не похоже на адрес почты")
    to.fill("irina@customer.example")
    dialog.get_by_label("Тема").fill("Ваш договор готов")
    dialog.get_by_role("button", name="Открыть запрос").click()
    expect(anna.get_by_role("heading", name="Ваш договор готов")).to_be_visible()
    expect(anna.locator(".state-button")).to_contain_text("Занят")
    editor = anna.locator(".panel:not([hidden]) okno-editor [contenteditable]").first
    editor.click()
    anna.keyboard.type("Здравствуйте, договор во вложении.")
    anna.keyboard.press("Control+Enter")
    expect(anna.locator(".timeline")).to_contain_text("договор во вложении")

    # recents: with direction, in hand
    anna.goto(f"{shift.url}/directory?group=recents")
    recent = anna.locator(".book-entry").first
    expect(recent).to_contain_text("Ирина Крылова")
    expect(recent.locator(".book-out")).to_be_visible()
    expect(recent).to_contain_text("в работе")
