"""Voice beside the call itself, in browsers: menus tried, messages recorded, voicemail and recordings heard, calls registered, lines."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from core.own_settings import formatted
from tests.support.axe import violations
from tests.support.browser import Pages
from tests.support.voice_admin_house import CALLERS, VoiceAdminHouse, browser, house, talk
from tests.support.waiting import wait_until

__all__ = ["browser", "house"]
SECONDS = "element => element.querySelector('audio').currentTime"
MENU = """\
title: {ru: Проверочное меню, en: Test menu}
numbers: ["+78000000009"]
start: hello
steps:
  hello: {type: say, text: Здравствуйте!, next: choice}
  choice: {type: digits, text: Поддержка — 1, options: {"1": agent, "2": back}, otherwise: left, tries: 2}
  agent: {type: queue, service: support}
  back: {type: callback, service: cards}
  left: {type: voicemail, service: support}
"""


def player(place: Page | Locator) -> Locator:
    """The first player of a place, once it is drawn."""
    found = place.locator("okno-sound.sound-ready").first
    expect(found.locator(".sound-wave path").first).to_be_attached()
    return found


def at(sound: Locator, seconds: int) -> None:
    """Wait until it stands there."""
    wait_until(lambda: abs(sound.evaluate(SECONDS) - seconds) < 1.5, what=f"a player at {seconds} s")


@pytest.mark.feature("V-08")
def test_an_administrator_writes_a_menu_and_calls_it_in_the_simulator(house: VoiceAdminHouse, pages: Pages) -> None:
    root = house.sign_in(pages, "root")
    root.goto(f"{house.url}/admin/voice-menus")
    root.get_by_role("link", name="Новое меню").first.click()
    root.get_by_label("Ключ").fill("check")
    text = root.get_by_label("Меню как данные")
    pages.allow("422")
    text.fill(MENU.replace("service: cards", "service: nowhere"))
    root.get_by_role("button", name="Сохранить").click()
    expect(root.locator("#about-document")).to_contain_text("back.service: «nowhere» не существует")
    text.fill(MENU)
    root.get_by_role("button", name="Сохранить").click()
    expect(root.get_by_text("Новые звонки пойдут по этому меню")).to_be_visible()
    expect(root.locator("#step-choice")).to_contain_text("Ждёт нажатия")
    assert violations(root) == []
    root.get_by_role("link", name="Попробовать").click()
    talked = root.get_by_role("log")
    expect(talked).to_contain_text("Поддержка — 1")
    root.locator(".voice-pad").get_by_role("button", name="7").click()
    expect(talked.locator(".voice-talk-caller")).to_have_text(["7"])
    root.get_by_role("button", name="Ничего не нажимать").click()
    expect(talked).to_contain_text("Оставляет сообщение для «support»")
    expect(root.locator(".voice-pad button").first).to_be_disabled()
    root.get_by_role("button", name="Позвонить заново").click()
    root.locator(".voice-pad").get_by_role("button", name="2").click()
    expect(talked).to_contain_text("Заказывает обратный звонок: «cards»")
    assert violations(root) == []


@pytest.mark.feature("V-05")
def test_an_agent_records_a_message_and_takes_it_as_greeting(house: VoiceAdminHouse, pages: Pages) -> None:
    anna = house.sign_in(pages, "anna")
    anna.goto(f"{house.url}/settings")
    card = anna.locator("#set-voice-messages")
    card.get_by_label("Название").fill("Моё приветствие")
    card.get_by_role("button", name="Записать").click()
    expect(card.locator(".sound-level")).to_be_visible()
    wait_until(lambda: card.locator(".sound-level").evaluate("meter => meter.value > 0"), what="a level")
    card.get_by_role("button", name="Остановить").click()
    expect(card.locator(".sound-preview")).to_be_visible()
    card.get_by_role("button", name="Добавить сообщение").click()
    expect(card.get_by_text("Сообщение добавлено")).to_be_visible()
    player(card)
    assert violations(anna) == []
    card.get_by_label("Приветствие при ответе").select_option(label="Моё приветствие")
    card.get_by_role("button", name="Сохранить").click()
    expect(card.get_by_text("Сохранено")).to_be_visible()
    assert house.rows("SELECT m.title FROM voice_choice c JOIN voice_message m ON m.id = c.greeting_id") == [
        ("Моё приветствие",)
    ]


@pytest.mark.feature("V-05")
def test_central_messages_are_sent_as_files(house: VoiceAdminHouse, pages: Pages, tmp_path) -> None:
    elena = house.sign_in(pages, "root")
    elena.goto(f"{house.url}/admin/voice-messages")
    elena.get_by_label("Название").fill("Часы работы")
    elena.get_by_label("Ключ").fill("hours")
    elena.get_by_label("Звуковой файл").set_input_files(talk(tmp_path / "hours.wav", 3, 1))
    elena.get_by_role("button", name="Добавить сообщение").click()
    expect(elena.get_by_text("Сообщение добавлено")).to_be_visible()
    sound = player(elena)
    sound.get_by_role("button", name="Слушать").click()
    expect(sound.get_by_role("button", name="Пауза")).to_be_visible()
    assert violations(elena) == []


@pytest.mark.feature("V-09")
def test_voicemail_is_heard_by_the_keys_of_a_telephone(house: VoiceAdminHouse, pages: Pages) -> None:
    anna = house.sign_in(pages, "anna")
    anna.goto(f"{house.url}/voice/voicemail")
    row = anna.locator("#voicemail-1")
    expect(row).to_contain_text("Клиент 1")
    expect(row.locator(".dot")).to_be_visible()
    assert violations(anna) == []
    sound = player(row)
    sound.get_by_role("button", name="Слушать").click()
    expect(row.locator(".dot")).to_have_count(0)
    track = sound.get_by_role("slider")
    track.focus()
    anna.keyboard.press("5")
    expect(sound.get_by_role("button", name="Слушать")).to_be_visible()
    for key, seconds in (("0", 0), ("3", 30), ("4", 20), ("6", 30), ("1", 0)):
        anna.keyboard.press(key)
        at(sound, seconds)
    assert house.rows("SELECT count(*) FROM voicemail WHERE heard_at IS NOT NULL") == [(1,)]
    [(recipients, raw)] = house.rows("SELECT recipients, raw FROM email_caught")
    assert "anna@okno.example" in recipients and b"audio/ogg" in raw


@pytest.mark.feature("V-09")
def test_a_box_and_forwarding_are_set_up_by_the_agent(house: VoiceAdminHouse, pages: Pages, tmp_path) -> None:
    boris = house.sign_in(pages, "boris")
    boris.goto(f"{house.url}/settings")
    box = boris.locator("#set-voice-box")
    for name in ("В офисе", "В отпуске", "Ночью"):
        box.get_by_label("Название").fill(name)
        box.get_by_label("Звуковой файл").set_input_files(talk(tmp_path / "greeting.wav", 2, len(name)))
        box.get_by_role("button", name="Добавить приветствие").click()
        expect(box.locator("li").filter(has_text=name)).to_contain_text("слышат звонящие")
    expect(box.get_by_role("button", name="Добавить приветствие")).to_have_count(0)
    box.locator("li").filter(has_text="В офисе").get_by_role("button", name="Использовать").click()
    expect(box.locator("li").filter(has_text="В офисе")).to_contain_text("слышат звонящие")
    card = boris.locator("#set-voice-forwarding")
    card.get_by_label("Когда я не отвечаю").check()
    card.locator("#voice-no_answer-number").fill("позвоните")
    card.get_by_role("button", name="Сохранить").click()
    expect(card.locator(".error")).to_be_visible()
    card.locator("#voice-no_answer-number").fill("+7 495 000-00-01")
    card.get_by_role("button", name="Сохранить").click()
    expect(card.get_by_text("Сохранено")).to_be_visible()
    assert house.rows("SELECT occasion, number, seconds FROM voice_forwarding") == [("no_answer", "+74950000001", 20)]


@pytest.mark.feature("V-07")
def test_recordings_are_heard_in_the_case_with_their_waveform_by_who_may(house: VoiceAdminHouse, pages: Pages) -> None:
    elena = house.sign_in(pages, "elena")
    elena.goto(f"{house.url}/voice/recordings")
    expect(elena.locator("okno-sound.sound-ready")).to_have_count(2)
    expect(elena.locator(".sound-gap")).to_have_count(1)
    assert violations(elena) == []
    [(case_id,)] = house.rows("SELECT case_id FROM voice_call WHERE key = 'seed0'")
    elena.goto(f"{house.url}/cases/{case_id}")
    sound = player(elena.locator(".panel:visible"))
    assert violations(elena) == []
    sound.get_by_role("button", name="Слушать").click()
    wait_until(lambda: sound.evaluate(SECONDS) > 0.3, what="a recording that plays")
    sound.get_by_role("slider").focus()
    elena.keyboard.press("End")
    assert house.rows("SELECT count(*) FROM audit WHERE action = 'voice.recording.heard'")[0][0] >= 1
    anna = house.sign_in(pages, "anna")
    pages.allow("403")
    anna.goto(f"{house.url}/cases/{case_id}")
    expect(anna.locator(".panel:visible").get_by_text(formatted(CALLERS[0])).first).to_be_visible()
    expect(anna.locator("okno-sound")).to_have_count(0)
    assert anna.request.get(f"{house.url}/voice/recordings/1").status == 403


@pytest.mark.feature("V-11")
def test_calls_are_registered_by_number_and_from_the_list_and_counted(house: VoiceAdminHouse, pages: Pages) -> None:
    anna = house.sign_in(pages, "anna")
    anna.goto(f"{house.url}/voice/registration")
    rows = anna.locator("tbody tr")
    expect(rows).to_have_count(4)
    assert violations(anna) == []
    [(number,)] = house.rows('SELECT number FROM "case" ORDER BY id LIMIT 1')
    rows.first.get_by_role("button", name="Привязать").click()
    rows.first.get_by_placeholder("Номер запроса").fill("999999")
    rows.first.get_by_role("button", name="Привязать", exact=True).click()
    expect(rows.first.get_by_role("alert")).to_contain_text("Нет запроса")
    rows.first.get_by_placeholder("Номер запроса").fill(number)
    rows.first.get_by_role("button", name="Привязать", exact=True).click()
    expect(rows.first).to_contain_text("зарегистрирован")
    [(call_id, case_id)] = house.rows("SELECT id, case_id FROM voice_call WHERE key = 'seed1'")
    anna.goto(f"{house.url}/voice/registration?find={call_id}")
    expect(rows).to_have_count(1)
    anna.goto(f"{house.url}/cases/{case_id}")
    panel = anna.locator(".panel:visible .voice-registered")
    expect(panel).to_contain_text("не зарегистрирован")
    panel.get_by_text("Привязать к запросу").click()
    panel.get_by_role("button", name="К этому запросу").click()
    expect(panel).to_contain_text("Зарегистрирован в запросе")
    elena = house.sign_in(pages, "elena")
    elena.goto(f"{house.url}/voice/registration/report?by=agent")
    expect(elena.locator("tbody tr").filter(has_text="Анна Соколова")).to_contain_text(re.compile(r"4\s*2\s*2"))
    expect(elena.locator("tbody tr").filter(has_text="Всего")).to_contain_text(re.compile(r"6\s*2\s*4"))
    assert violations(elena) == []
    with elena.expect_download() as download:
        elena.get_by_role("link", name="CSV").click()
    assert "Анна Соколова,4,2,50" in download.value.path().read_text("utf-8-sig")
    elena.get_by_label("Строки отчёта").select_option("team")
    expect(elena.locator("tbody tr").filter(has_text="Отдел карт")).to_contain_text(re.compile(r"2\s*0\s*2"))


@pytest.mark.feature("V-12")
def test_lines_are_kept_and_found_by_product(house: VoiceAdminHouse, pages: Pages) -> None:
    root = house.sign_in(pages, "root")
    root.goto(f"{house.url}/admin/voice-lines/new")
    for label, value in (
        ("Ключ", "cards"),
        ("Название по-русски", "Блокировка карт"),
        ("Название по-английски", "Cards"),
        ("Продукт", "Карты"),
        ("Номер", "200"),
        ("Когда обращаться", "Утеря и кража"),
    ):
        root.get_by_label(label).fill(value)
    root.get_by_label("Отдел карт").check()
    assert violations(root) == []
    root.get_by_role("button", name="Сохранить").click()
    expect(root.locator("tbody tr")).to_contain_text("Блокировка карт")
    anna = house.sign_in(pages, "anna")
    anna.goto(f"{house.url}/voice/lines?q=карты")
    expect(anna.locator("tbody tr")).to_have_count(1)
    expect(anna.locator("tbody tr")).to_contain_text("не ваша группа")
    assert anna.request.get(f"{house.url}/voice/lines.json").json() == {"lines": []}
    boris = house.sign_in(pages, "boris", size="phone")
    assert [one["number"] for one in boris.request.get(f"{house.url}/voice/lines.json").json()["lines"]] == ["200"]
    boris.goto(f"{house.url}/voice/lines")
    expect(boris.get_by_text("Утеря и кража")).to_be_visible()
    assert boris.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(boris) == []
