"""What people set for themselves at their desk, and where it shows."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.core.test_own_settings import SVG, png
from tests.support.browser import Pages
from tests.support.shift_house import PASSWORD, ShiftHouse

pytestmark = [pytest.mark.browser, pytest.mark.slow]
MAKE_PICTURE = """async () => {
  const canvas = Object.assign(document.createElement('canvas'), {width: 300, height: 200});
  canvas.getContext('2d').fillRect(0, 0, 150, 200);
  const blob = await new Promise((done) => canvas.toBlob(done, 'image/png'));
  return [...new Uint8Array(await blob.arrayBuffer())];
}"""


def card(page: Page, key: str) -> Locator:
    return page.locator(f"#set-{key}")


def save(page: Page, key: str) -> None:
    with page.expect_response(re.compile(f"/settings/{key}")):
        page.locator(f"#set-{key}").get_by_role("button", name="Сохранить").click()


@pytest.mark.feature("D-15")
def test_settings_are_checked_kept_and_shown(shift: ShiftHouse, pages: Pages) -> None:
    pages.allow(r"401|403|422")  # refusals that the test provokes, and the ended session
    shift.furnish()
    shift.start()
    anna = shift.sign_in(pages.open(), "anna")
    boris = shift.sign_in(pages.open(), "boris")
    anna.goto(f"{shift.url}/settings")

    # an agent's name is the administrator's; the rest is one's own
    expect(anna.get_by_text("Имя меняет администратор.")).to_be_visible()
    anna.get_by_label("Псевдоним в чате").fill("н" * 10_000)
    anna.get_by_label("Телефон").fill("звоните вечером")
    save(anna, "profile")
    expect(card(anna, "profile")).to_contain_text("Не больше 80 знаков, здесь 10000")
    expect(card(anna, "profile")).to_contain_text("не похоже на номер телефона")
    anna.get_by_label("Псевдоним в чате").fill("Аня")
    anna.get_by_label("Телефон").fill("8 916 123 45 67")
    save(anna, "profile")
    expect(anna.get_by_label("Телефон")).to_have_value("+7 916 123-45-67")

    # a time zone nobody knows is named; a real one moves all times of the page
    anna.get_by_label("Часовой пояс").fill("Europe/Moskau")
    save(anna, "place")
    expect(card(anna, "place")).to_contain_text("Часовой пояс «Europe/Moskau» неизвестен")
    before = anna.locator("#set-sign_ins .book-sub").inner_text()
    anna.get_by_label("Часовой пояс").fill("Pacific/Kiritimati")
    save(anna, "place")
    anna.reload()
    expect(anna.locator("#set-sign_ins .book-sub")).not_to_have_text(before)

    # letters
    anna.get_by_label("Шрифт писем").select_option("Verdana")
    anna.get_by_label("По умолчанию отвечать всем").check()
    save(anna, "letters")
    anna.reload()
    expect(anna.get_by_label("Шрифт писем")).to_have_value("Verdana")
    expect(anna.get_by_label("По умолчанию отвечать всем")).to_be_checked()

    # the photo: refused by content, cut square, seen by the colleague
    file = anna.locator("[data-photo-file]")
    file.set_input_files({"name": "photo.png", "mimeType": "image/png", "buffer": SVG})
    expect(anna.locator("[data-photo-error]")).to_contain_text("не картинка")
    token = anna.locator("meta[name=csrf-token]").get_attribute("content") or ""
    for content, words in (
        (SVG, "Такой файл не показать"),
        (png(padding=3 << 20), "больше 2 МБ"),
        (png(9000, 9000), "от 32 до 4096"),
    ):
        answer = anna.request.post(
            f"{shift.url}/settings/photo",
            headers={"X-CSRF-Token": token, "Accept": "application/json"},
            multipart={"photo": {"name": "p.png", "mimeType": "image/png", "buffer": content}},
        )
        assert answer.status == 422
        assert words in answer.json()["error"]["text"]
    picture = bytes(anna.evaluate(MAKE_PICTURE))
    file.set_input_files({"name": "photo.png", "mimeType": "image/png", "buffer": picture})
    shown = anna.locator("#set-photo .avatar img")
    expect(shown).to_be_visible()
    assert anna.evaluate(
        "async () => { const image = document.querySelector('#set-photo img'); await image.decode(); return [image.naturalWidth, image.naturalHeight]; }"
    ) == [320, 320]
    served = anna.request.get(shift.url + str(shown.get_attribute("src")))
    assert "immutable" in served.headers["cache-control"]
    assert served.headers["content-type"] == "image/jpeg"
    expect(anna.locator(".user-button img")).to_be_visible()
    boris.goto(f"{shift.url}/directory")
    expect(boris.locator(".book-entry").filter(has_text="Анна Соколова").locator("img")).to_be_visible()
    expect(boris.locator(".book-entry").filter(has_text="Анна Соколова")).to_contain_text("+7 916 123-45-67")

    # the start page and a pinned tab; the theme and the language at once
    anna.get_by_label("Стартовая страница").select_option("/queue")
    anna.get_by_label("Закреплённая вкладка").select_option("/directory")
    save(anna, "desk")
    expect(anna.locator("#toasts")).to_contain_text("Сохранено")
    anna.get_by_label("Тема", exact=True).select_option("dark")
    card(anna, "looks").get_by_role("button", name="Сохранить и обновить").click()
    expect(anna.locator("html[data-theme=dark]")).to_be_attached()
    tab = anna.locator(".tab").filter(has_text="Каталог")
    expect(tab).to_be_visible()
    expect(tab.locator(".tab-close")).to_have_count(0)

    # the password: the old one proves who asks
    for old, new, again, words in (
        ("не он", "новый пароль 1", "новый пароль 1", "Текущий пароль указан неверно"),
        (PASSWORD, "новый пароль 1", "другой пароль", "Пароли не совпадают"),
        (PASSWORD, "мало", "мало", "от 8 до 200 знаков"),
    ):
        anna.get_by_label("Текущий пароль").fill(old)
        anna.get_by_label("Новый пароль", exact=True).fill(new)
        anna.get_by_label("Новый пароль ещё раз").fill(again)
        anna.get_by_role("button", name="Сменить пароль").click()
        expect(card(anna, "password")).to_contain_text(words)
    anna.get_by_label("Текущий пароль").fill(PASSWORD)
    anna.get_by_label("Новый пароль", exact=True).fill("новый пароль 1")
    anna.get_by_label("Новый пароль ещё раз").fill("новый пароль 1")
    anna.get_by_role("button", name="Сменить пароль").click()
    expect(anna.locator("#toasts")).to_contain_text("Пароль изменён")
    expect(anna.locator("#set-sign_ins")).to_contain_text("Этот браузер")

    # from elsewhere the new password opens the start page chosen here
    other = pages.open()
    shift.type_password(other, "anna", PASSWORD)
    expect(other.get_by_text("Неверный логин или пароль")).to_be_visible()
    anna.locator("#user-menu summary").click()
    anna.get_by_role("button", name="Выйти").click()
    expect(anna).to_have_url(re.compile("/sign-in"))
    shift.type_password(other, "anna", "новый пароль 1")
    expect(other).to_have_url(re.compile("/queue"))


@pytest.mark.feature("D-15")
def test_a_supervisor_changes_the_own_name_and_plugins_add_sections(shift: ShiftHouse, pages: Pages) -> None:
    shift.furnish()
    shift.start()
    elena = shift.sign_in(pages.open(), "elena")
    elena.goto(f"{shift.url}/settings")
    elena.get_by_label("Фамилия").fill("Соловьёва")
    save(elena, "names")
    expect(elena.locator("#toasts")).to_contain_text("Сохранено")
    expect(elena.locator(".user-button")).to_have_attribute("title", "Елена Соловьёва")
    expect(elena.locator("#set-email-addresses")).to_contain_text("support@okno.example")
    expect(elena.locator(".settings-nav")).to_contain_text("Адреса ваших писем")
    elena.locator(".settings-nav a").filter(has_text="Пароль").click()
    expect(elena.get_by_label("Текущий пароль")).to_be_in_viewport()
