"""What an agent presses during a call, in a browser and mostly without a mouse: going between two, keys, recording, messages, telephones."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import APIResponse, Locator, Page, Route, expect

from plugins.voice.sounds.sound_files import RATE, as_wav
from tests.support import axe
from tests.support.browser import Pages
from tests.support.outside_telephones import CUSTOMER, OUTSIDE, Outside, heard
from tests.support.softphone_house import (
    AGENT,
    COLLEAGUE,
    INTERNAL,
    VISITOR,
    SoftphoneHouse,
    browser,
    hears,
    phone,
    served_house,
)
from tests.support.tone_parties import tone
from tests.support.waiting import wait_until

pytest.importorskip("pjsua2", reason="the extra sip is not installed")
__all__ = ["browser"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]
MESSAGE = COLLEAGUE
OWN_NUMBER = "+79000000001"
NOBODY = "+74950000009"
CALL = """async (number) => {
  const { post } = await import("/voice/static/softphone/server.js");
  await post("calls", { number });
}"""
INVITE = """async ([key, number]) => {
  const { post } = await import("/voice/static/softphone/server.js");
  await post(`calls/${key}/conference`, { target: { number } });
}"""


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    made = Outside()
    yield made
    made.close()


@pytest.fixture(scope="module")
def house(migrated_templates, tmp_path_factory, outside: Outside) -> Iterator[SoftphoneHouse]:
    folder = tmp_path_factory.mktemp("controls")
    with served_house(migrated_templates, folder, environment=outside.environment) as made:
        add_messages(made)
        yield made


def add_messages(house: SoftphoneHouse) -> None:
    """A long message for everybody, and a short one that Egor leaves on answering machines; a service that records nothing."""
    from core import services
    from core.app import create_app
    from core.db import db
    from core.model import User
    from plugins.voice.messages import operations as messages

    app = create_app(house.served.okno.home, check_schema=False)
    with app.app_context():
        services.add_service("sales", "Sales", "Продажи", teams=["first"], offer_seconds=60)
        messages.add("Часы работы", as_wav(tone(MESSAGE, 60, RATE)), owner_id=None)
        short = messages.add("Перезвоните нам", as_wav(tone(MESSAGE, 6, RATE)), owner_id=None)
        egor_id = db.session.scalars(db.select(User.id).where(User.login == "egor")).one()
        messages.choose(egor_id, greeting_id=None, machine_id=short.id)
        db.session.remove()
        db.engine.dispose()


def button(page: Page, name: str) -> Locator:
    """What can be pressed at the softphone, by its name."""
    return phone(page).get_by_role("button", name=name, exact=True)


def press(page: Page, name: str) -> None:
    """Without a mouse."""
    button(page, name).focus()
    page.keyboard.press("Enter")


def choose(page: Page, keys: str, name: str, how: str) -> None:
    """Open the window of whom to reach by its keys and reach a colleague."""
    page.keyboard.press(keys)
    dialog = page.locator("#task")
    dialog.get_by_role("searchbox").fill(name)
    dialog.locator("[data-voice-list] .picker-option").filter(has_text=name).first.click()
    dialog.get_by_role("button", name=how).click()
    expect(dialog).to_be_hidden()


def open_messages(page: Page) -> Locator:
    menu = phone(page).locator("[data-messages]")
    menu.locator("summary").focus()
    page.keyboard.press("Enter")
    return menu


FOCUSED = """() => {
  const element = document.activeElement;
  return element && element !== document.body && element.checkVisibility() ? element.ariaLabel || element.textContent.trim() : "";
}"""


@pytest.mark.feature("V-01", "V-04", "D-11")
def test_a_whole_call_goes_without_a_mouse_and_the_focus_is_never_lost(pages: Pages, house: SoftphoneHouse):
    house.nobody_is_ready()
    boris, anna = house.desk(pages, "boris", COLLEAGUE), house.desk(pages, "anna", AGENT)
    anna.keyboard.press("Alt+R")
    expect(anna.locator(".state-button")).to_have_class(re.compile("state-good"))
    visitor = house.visitor(pages)
    expect(anna.locator("dialog.offer")).to_be_visible()
    anna.wait_for_function("() => Date.now() - document.querySelector('dialog.offer')?.dataset.shownAt > 700")
    anna.keyboard.press("Alt+A")
    hears(visitor, AGENT)
    said = phone(anna).locator("[data-said]")
    expect(said).to_contain_text("Пётр: Разговор")
    # Hold and microphone by their keys.
    anna.keyboard.press("Alt+Shift+O")
    hears(visitor, music=True)
    expect(said).to_contain_text("На удержании")
    anna.keyboard.press("Alt+Shift+O")
    hears(visitor, AGENT)
    anna.keyboard.press("Alt+Shift+M")
    hears(visitor)
    anna.keyboard.press("Alt+Shift+M")
    hears(visitor, AGENT)
    # Whom to consult: typed, found, taken with Enter.
    anna.keyboard.press("Alt+Shift+D")
    dialog = anna.locator("#task")
    expect(dialog.get_by_role("searchbox")).to_be_focused()
    anna.keyboard.type("Борис")
    expect(dialog.locator("[data-voice-list] .picker-option")).to_have_count(1)
    anna.keyboard.press("ArrowDown")
    expect(dialog.get_by_role("radio")).to_be_focused()
    anna.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    # Answered by the button: what takes its place has the focus.
    press(boris, "Ответить")
    expect(button(boris, "Удержать")).to_be_focused()
    hears(boris, AGENT)
    # The keys act on whoever one talks to: the colleague.
    anna.keyboard.press("Alt+Shift+M")
    hears(boris)
    anna.keyboard.press("Alt+Shift+M")
    hears(boris, AGENT)
    expect(button(anna, "Положить трубку")).to_be_hidden()
    press(anna, "Соединить и выйти")
    hears(boris, VISITOR)
    expect(phone(anna)).to_be_hidden()
    wait_until(lambda: anna.evaluate(FOCUSED), what="a focus at the desk of who left")
    # Hung up by the button: the outcome is next.
    press(boris, "Положить трубку")
    expect(visitor.get_by_text("Звонок завершён")).to_be_visible()
    expect(boris.locator(".state-button")).to_contain_text("Постобработка")
    wait_until(lambda: boris.evaluate(FOCUSED), what="a focus behind the call")
    boris.keyboard.press("f")
    finish = boris.locator("#finish")
    finish.get_by_role("button", name="Закрыть обращение").focus()
    boris.keyboard.press("Enter")
    expect(boris.locator(".state-button")).not_to_contain_text("Постобработка")
    house.no_call_is_open()


@pytest.mark.feature("V-04", "D-11")
def test_an_agent_goes_between_two_joins_them_and_ends_it_for_all_by_the_keyboard(pages: Pages, house: SoftphoneHouse):
    boris, anna = house.desk(pages, "boris", COLLEAGUE), house.desk(pages, "anna", AGENT, ready=True)
    visitor = house.visitor(pages)
    expect(anna.locator("dialog.offer")).to_be_visible()
    anna.wait_for_function("() => Date.now() - document.querySelector('dialog.offer')?.dataset.shownAt > 700")
    anna.keyboard.press("Alt+A")
    hears(visitor, AGENT)
    choose(anna, "Alt+Shift+D", "Борис", "Консультация")
    expect(button(boris, "Ответить")).to_be_visible()
    boris.keyboard.press("Alt+A")
    hears(boris, AGENT)
    # To the customer and back: whoever one does not talk to hears nothing of it.
    first, second = (
        phone(anna).locator("span[data-state]").first,
        phone(anna).locator("[data-consult] span[data-state]"),
    )
    expect(first).to_have_text("На удержании, идёт консультация")
    press(anna, "К клиенту")
    expect(first).to_have_text("Разговор")
    expect(second).to_have_text("На удержании")
    hears(visitor, AGENT)
    hears(anna, VISITOR)
    hears(boris)
    assert not axe.violations(anna)
    press(anna, "К коллеге")
    expect(second).to_have_text("Разговор")
    hears(anna, COLLEAGUE)
    hears(visitor, music=True)
    # All three.
    press(anna, "Вместе")
    expect(first).to_have_text("Конференция")
    hears(visitor, AGENT, COLLEAGUE)
    hears(anna, VISITOR, COLLEAGUE)
    hears(boris, VISITOR, AGENT)
    # One leaves and is asked in again; then it is over for all.
    press(boris, "Выйти")
    expect(phone(boris)).to_be_hidden()
    hears(visitor, AGENT)
    choose(anna, "Alt+Shift+C", "Борис", "Добавить в разговор")
    expect(button(boris, "Ответить")).to_be_visible()
    boris.keyboard.press("Alt+A")
    hears(visitor, AGENT, COLLEAGUE)
    press(anna, "Завершить для всех")
    expect(visitor.get_by_text("Звонок завершён")).to_be_visible()
    for page in (anna, boris):
        expect(phone(page)).to_be_hidden()
    house.no_call_is_open()


@pytest.mark.feature("V-03", "V-05", "V-07", "D-11")
def test_an_agent_dials_through_a_menu_presses_keys_records_and_leaves_a_message(
    pages: Pages, house: SoftphoneHouse, outside: Outside
):
    egor = house.desk(pages, "egor", AGENT)
    egor.locator("[data-tab='/voice/phone']").first.click()
    page = egor.locator("okno-phone:defined")
    number = page.get_by_label("Номер")
    number.fill("+7 495 111-22-33")
    for key in ",4,2#":
        page.get_by_role("button", name=key, exact=True).click()
    expect(number).to_have_value(f"{CUSTOMER},4,2#")
    number.press("Enter")
    hears(egor, OUTSIDE)
    telephone = outside.telephone(CUSTOMER)
    assert telephone is not None
    wait_until(lambda: heard(telephone) == {AGENT}, what="the agent")
    wait_until(lambda: telephone.digits == "42#", what="the keys behind commas")
    # Keys in the call: pressed, then typed faster than any answer comes, in the order of typing.
    press(egor, "Клавиши")
    pad = phone(egor).locator("[data-pad]")
    pad.get_by_role("button", name="7", exact=True).click()
    egor.keyboard.type("5*0#19")
    expect(pad.locator("output")).to_have_text("75*0#19")
    wait_until(lambda: telephone.digits == "42#75*0#19", what="the keys pressed in the call")
    egor.keyboard.press("Escape")
    expect(pad).to_be_hidden()
    # The recording: on, off for card data, on again.
    mark = phone(egor).locator("[data-recording]")
    press(egor, "Запись")
    expect(mark).to_be_visible()
    press(egor, "Запись")
    expect(mark).to_have_text("Запись на паузе")
    assert house.rows("SELECT paused_at IS NOT NULL FROM voice_recording") == [(1,)]
    press(egor, "Запись")
    expect(mark).to_have_text("Запись")
    assert house.rows("SELECT paused_at IS NULL, json_array_length(pauses) FROM voice_recording") == [(1, 1)]
    # A message into the call, heard by both, and stopped.
    open_messages(egor).get_by_role("button", name="Часы работы").press("Enter")
    wait_until(lambda: heard(telephone) == {AGENT, MESSAGE}, what="the agent and the message")
    hears(egor, OUTSIDE, MESSAGE)
    open_messages(egor).get_by_role("button", name="Остановить сообщение").press("Enter")
    hears(egor, OUTSIDE)
    # An answering machine: the agent is free at once, the machine hears the message to its end.
    open_messages(egor).get_by_role("button", name="Оставить сообщение и завершить").press("Enter")
    expect(phone(egor)).to_be_hidden()
    wait_until(lambda: heard(telephone) == {MESSAGE}, what="the message alone")
    wait_until(lambda: telephone.state == "ended", what="the end behind the message")
    house.no_call_is_open()
    assert house.rows("SELECT cause FROM voice_call WHERE direction = 'out'") == [("normal",)]
    # A number that nobody has: the agent is told, and an answer that comes after the end brings no call back.
    egor.locator("[data-tab='/voice/phone']").first.click()
    late: list[tuple[Route, APIResponse]] = []
    egor.route("**/voice/calls", lambda route: late.append((route, route.fetch())))
    number.fill("+7 495 000-00-09")
    number.press("Enter")
    expect(egor.locator(".toast").filter(has_text="Звонок не состоялся")).to_be_visible()
    expect(page).to_have_attribute("aria-busy", "true")
    for route, answer in late:
        route.fulfill(response=answer)
    expect(page).to_have_attribute("aria-busy", "false")
    expect(phone(egor)).to_be_hidden()
    expect(phone(egor)).to_have_attribute("data-sound", "off")


@pytest.mark.feature("V-04")
def test_an_agent_is_told_that_a_number_called_into_the_talk_is_not_reached(
    pages: Pages, house: SoftphoneHouse, outside: Outside
):
    egor = house.desk(pages, "egor", AGENT)
    egor.evaluate(CALL, CUSTOMER)
    hears(egor, OUTSIDE)
    [(key,)] = house.rows("SELECT key FROM voice_call WHERE ended_at IS NULL")
    egor.evaluate(INVITE, [key, NOBODY])
    expect(egor.locator(".toast").filter(has_text=f"{NOBODY}: ")).to_be_visible()
    hears(egor, OUTSIDE)
    egor.keyboard.press("Alt+Q")
    expect(phone(egor)).to_be_hidden()
    house.no_call_is_open()


def connect(page: Page, house: SoftphoneHouse) -> Locator:
    """The agent's own settings of the telephone."""
    page.goto(f"{house.url}/settings")
    return page.locator("form.voice-connection")


def save(page: Page, form: Locator) -> None:
    form.get_by_role("button", name="Сохранить").click()
    expect(page.locator(".toast").filter(has_text="Сохранено")).to_be_visible()


@pytest.mark.feature("V-01", "V-02")
def test_calls_are_taken_without_a_press_with_another_microphone_and_at_a_telephone_outside(
    pages: Pages, house: SoftphoneHouse, outside: Outside
):
    house.nobody_is_ready()
    ivan = house.desk(pages, "ivan", AGENT, ready=True)
    form = connect(ivan, house)
    form.get_by_label("Отвечать на звонки автоматически").check()
    save(ivan, form)
    visitor = house.visitor(pages)
    expect(visitor.locator("[data-status]")).to_contain_text("С вами говорит Иван")
    hears(visitor, AGENT)
    # Another microphone in the middle of the call.
    ivan.evaluate("tone => (window.otherMicrophone = tone)", COLLEAGUE)
    press(ivan, "Микрофон и динамик")
    microphone = ivan.locator("okno-voice-devices").get_by_label("Микрофон")
    expect(microphone.locator("option")).not_to_have_count(1)
    microphone.select_option(index=1)
    hears(visitor, COLLEAGUE)
    hears(ivan, VISITOR)
    ivan.keyboard.press("Alt+Q")
    expect(phone(ivan)).to_be_hidden()
    ivan.locator(".focus-finish").click()
    ivan.locator("#finish").get_by_role("button", name="Закрыть обращение").click()
    expect(ivan.locator(".state-button")).not_to_contain_text("Постобработка")
    house.no_call_is_open()
    # A telephone outside: it rings, is picked up, talks, and is hung up by the desk.
    outside.exchange.does[OWN_NUMBER] = ("ring", COLLEAGUE)
    form = connect(ivan, house)
    form.get_by_label("Телефонный номер").check()
    form.get_by_label("Номер или адрес SIP").fill("+7 900 000-00-01")
    save(ivan, form)
    if "state-good" not in (ivan.locator(".state-button").get_attribute("class") or ""):
        house.set_ready(ivan)
    visitor = house.visitor(pages, "Мария")
    expect(phone(ivan)).to_contain_text(re.compile(rf"Звонит ваш телефон \{OWN_NUMBER}: снимите трубку"))
    ringing = wait_until(lambda: outside.telephone(OWN_NUMBER, "new"), what="the agent's telephone")
    outside.pick_up(ringing)
    wait_until(lambda: heard(ringing) == {VISITOR}, what="the customer in the agent's telephone")
    hears(visitor, COLLEAGUE)
    expect(phone(ivan)).not_to_contain_text("снимите трубку")
    ivan.keyboard.press("Alt+Q")
    wait_until(lambda: ringing.state == "ended", what="the end at the agent's telephone")
    expect(phone(ivan)).to_be_hidden()
    house.no_call_is_open()


@pytest.mark.feature("V-02", "V-07")
def test_a_colleagues_call_is_taken_without_a_press_and_is_not_recorded(pages: Pages, house: SoftphoneHouse):
    house.nobody_is_ready()
    zoya, elena = house.desk(pages, "zoya", COLLEAGUE), house.desk(pages, "elena", AGENT)
    form = connect(zoya, house)
    form.get_by_label("Отвечать на звонки автоматически").check()
    save(zoya, form)
    elena.locator("[data-tab='/voice/phone']").first.click()
    page = elena.locator("okno-phone:defined")
    page.get_by_label("Номер").fill(INTERNAL)
    page.get_by_label("Номер").press("Enter")
    hears(elena, COLLEAGUE)
    hears(zoya, AGENT)
    for desk in (elena, zoya):
        expect(button(desk, "Удержать")).to_be_visible()
        expect(phone(desk).locator("[data-act=record]")).to_be_hidden()
    elena.keyboard.press("Alt+Q")
    for desk in (elena, zoya):
        expect(phone(desk)).to_be_hidden()
    # A service that records nothing says so at the dimmed key.
    page.get_by_label("От имени сервиса").select_option(label="Продажи")
    page.get_by_label("Номер").fill(CUSTOMER)
    page.get_by_label("Номер").press("Enter")
    hears(elena, OUTSIDE)
    why = "Этот сервис не записывает звонки"
    expect(button(elena, "Запись")).to_have_attribute("title", why)
    press(elena, "Запись")
    expect(elena.locator(".toast").filter(has_text=why)).to_be_visible()
    assert house.rows(
        "SELECT COUNT(*) FROM voice_recording WHERE service_id = (SELECT id FROM service WHERE key = 'sales')"
    ) == [(0,)]
    elena.keyboard.press("Alt+Q")
    expect(phone(elena)).to_be_hidden()
    house.no_call_is_open()
