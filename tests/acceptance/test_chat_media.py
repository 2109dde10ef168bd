"""Calls and shown pages with a real browser on each side: the desk, and a shop on another origin that carries the widget."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.chat_media_house import MediaHouse, browser, expect_picture, house, talks
from tests.support.waiting import wait_until

__all__ = ["browser", "house"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]

DOCK = "#call-dock"
WIDGET_SOUND = "document.querySelector('okno-chat').shadowRoot.querySelector('.call audio')"
DESK_SOUND = "document.querySelector('#call-dock .call-far')"


def chat(pages, house: MediaHouse, subject: str) -> tuple[Page, Page]:
    """A visitor and the agent who has taken the chat; gives the desk and the shop."""
    # The session of the test before is still there, and scripts of a shown page are refused aloud.
    pages.allow("/sign-in: .* 409 ")
    pages.allow("Blocked script execution in .*/chat/pages/")
    shop, desk = pages.open(), pages.open()
    house.visit(shop, subject)
    house.sign_in(desk, "a.sokolova")
    house.take(desk, subject)
    expect(shop.get_by_role("dialog").locator(".state")).to_contain_text("С вами")
    return desk, shop


def end_calls(house: MediaHouse) -> None:
    wait_until(lambda: not house.rows("SELECT 1 FROM chat_call WHERE ended_at IS NULL"), what="calls that have ended")


@pytest.mark.feature("T-11")
def test_an_agent_calls_with_video_and_the_visitor_answers_with_sound_only(pages, house: MediaHouse):
    house.set_rule()
    desk, shop = chat(pages, house, "Видеозвонок от оператора")
    desk.get_by_role("button", name="Видеозвонок").first.click()
    panel = shop.get_by_role("dialog")
    expect(panel.get_by_text("Вам звонит оператор по видео")).to_be_visible()
    panel.get_by_role("button", name="Ответить", exact=True).click()
    expect(panel.get_by_text("Идёт разговор")).to_be_visible()
    expect_picture(shop, panel.locator(".call-views video:not(.own)"))
    # One-sided video: the visitor is heard and not seen.
    dock = desk.locator(DOCK)
    expect(dock.locator("[data-call-since]")).to_be_visible()
    expect(dock).not_to_have_attribute("data-far", "")
    assert talks(shop, WIDGET_SOUND) and talks(desk, DESK_SOUND)
    # The visitor's camera comes later, and goes again; a microphone that is off is shown to the other side.
    panel.get_by_role("button", name="Включить камеру").click()
    expect_picture(desk, dock.locator(".call-far"))
    panel.get_by_role("button", name="Выключить камеру").click()
    expect(dock).not_to_have_attribute("data-far", "")
    panel.get_by_role("button", name="Выключить микрофон").click()
    expect(dock).to_have_attribute("data-far-muted", "")
    dock.get_by_role("button", name="Положить трубку").click()
    expect(panel.get_by_text("Звонок завершён")).to_be_visible()
    expect(dock).to_be_hidden()
    said = house.rows("SELECT data FROM timeline_entry WHERE kind = 'chat.call' ORDER BY id DESC LIMIT 1")[0][0]
    assert re.search(r"Видеозвонок, \d+:\d\d", said.encode().decode("unicode_escape") if "\\u" in said else said)


@pytest.mark.feature("T-11")
@pytest.mark.parametrize("late", ["desk", "shop"])
def test_a_page_that_is_answered_late_hears_what_came_before_its_answer(pages, house: MediaHouse, late: str):
    house.set_rule()
    desk, shop = chat(pages, house, f"Медленная сеть, {late}")

    def hold(route: Route) -> None:
        # The other page has been told and has sent its offer long before this one knows that it takes part.
        answer = route.fetch()
        page.wait_for_timeout(3_000)
        route.fulfill(response=answer)

    page = desk if late == "desk" else shop
    page.route("**/join", hold)
    panel = shop.get_by_role("dialog")
    panel.get_by_role("button", name="Позвонить", exact=True).click()
    panel.get_by_role("button", name="Позвонить голосом").click()
    dock = desk.locator(DOCK)
    dock.get_by_role("button", name="Ответить").click()
    expect(dock.locator("[data-call-since]")).to_be_visible()
    expect(panel.get_by_text("Идёт разговор")).to_be_visible()
    wait_until(lambda: talks(desk, DESK_SOUND), what="the visitor's voice")
    wait_until(lambda: talks(shop, WIDGET_SOUND), what="the agent's voice")
    panel.get_by_role("button", name="Завершить", exact=True).click()
    expect(dock).to_be_hidden()
    end_calls(house)


@pytest.mark.feature("T-11")
def test_an_agent_without_a_microphone_hears_the_visitor(pages, house: MediaHouse):
    house.set_rule()
    desk, shop = chat(pages, house, "Оператор без микрофона")
    absent = (
        "() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotFoundError')) }"
    )
    desk.evaluate(absent)
    panel = shop.get_by_role("dialog")
    panel.get_by_role("button", name="Позвонить", exact=True).click()
    panel.get_by_role("button", name="Позвонить голосом").click()
    dock = desk.locator(DOCK)
    dock.get_by_role("button", name="Ответить").click()
    expect(panel.get_by_text("Микрофон оператора выключен")).to_be_visible()
    wait_until(lambda: talks(desk, DESK_SOUND), what="the visitor's voice")
    panel.get_by_role("button", name="Завершить", exact=True).click()
    expect(dock).to_be_hidden()
    end_calls(house)


@pytest.mark.feature("T-11")
def test_a_call_goes_on_after_the_visitor_loads_the_page_again(pages, house: MediaHouse):
    house.set_rule()
    desk, shop = chat(pages, house, "Звонок посетителя")
    heard = "(window.heard = [], document.addEventListener('okno:ring', ({ detail }) => window.heard.push(detail.on)))"
    desk.evaluate(heard)
    panel = shop.get_by_role("dialog")
    panel.get_by_role("button", name="Позвонить", exact=True).click()
    panel.get_by_role("button", name="Позвонить голосом").click()
    dock = desk.locator(DOCK)
    expect(dock.get_by_text("Звонит посетитель")).to_be_visible()
    assert desk.evaluate("window.heard") == [True]
    dock.get_by_role("button", name="Ответить").click()
    expect(dock.locator("[data-call-since]")).to_be_visible()
    # It rings until it is answered.
    assert not desk.evaluate("window.heard.at(-1)")
    shop.reload()
    shop.get_by_role("button", name="Вернуться в звонок").click()
    expect(shop.get_by_text("Идёт разговор")).to_be_visible()
    wait_until(lambda: talks(desk, DESK_SOUND), what="the visitor's voice after the reload")
    shop.get_by_role("dialog").get_by_role("button", name="Завершить", exact=True).click()
    expect(dock).to_be_hidden()
    end_calls(house)


@pytest.mark.feature("T-11")
def test_a_recorded_call_needs_consent_and_both_voices_are_kept_with_the_case(pages, house: MediaHouse):
    house.set_rule(recorded=True)
    desk, shop = chat(pages, house, "Звонок с записью")
    desk.get_by_role("button", name="Позвонить").first.click()
    panel = shop.get_by_role("dialog")
    answer = panel.get_by_role("button", name="Ответить", exact=True)
    expect(answer).to_be_disabled()
    panel.get_by_label("Звонок записывается. Я согласен.").check()
    answer.click()
    expect(panel.get_by_text("Звонок записывается", exact=True)).to_be_visible()
    expect(desk.locator(DOCK)).to_have_attribute("data-records", "")
    wait_until(lambda: house.rows("SELECT 1 FROM chat_recording WHERE size > 0"), what="the first piece")
    assert talks(shop, WIDGET_SOUND) and talks(desk, DESK_SOUND)
    panel.get_by_role("button", name="Завершить", exact=True).click()
    wait_until(lambda: house.rows("SELECT 1 FROM chat_recording WHERE state = 'done'"), what="the whole recording")
    recording = house.rows("SELECT id FROM chat_recording WHERE state = 'done'")[0][0]
    loudest = desk.evaluate(
        """async (url) => {
          const bytes = await (await fetch(url)).arrayBuffer();
          const sound = await new OfflineAudioContext(2, 48000, 48000).decodeAudioData(bytes);
          const loudest = (side) => sound.getChannelData(side).reduce((most, now) => Math.max(most, Math.abs(now)), 0);
          return [sound.numberOfChannels, loudest(0), loudest(1)];
        }""",
        f"/chat/recordings/{recording}",
    )
    assert loudest[0] == 2 and min(loudest[1:]) > 0.02
    note = desk.locator(".panel:not([hidden]) .message-note")
    expect(note).to_contain_text(re.compile(r"Запись: Аудиозвонок, \d+:\d\d"))
    expect(note.get_by_role("link", name=re.compile(r"запись-.*\.webm"))).to_be_visible()
    house.set_rule()


@pytest.mark.feature("T-12")
def test_a_visitor_shows_the_page_and_secrets_stay_in_it(pages, house: MediaHouse):
    house.set_rule()
    desk, shop = chat(pages, house, "Посмотрите на страницу")
    sent: list[str] = []
    shop.on("request", lambda request: sent.append(request.post_data or "") if "/pieces" in request.url else None)
    panel = shop.get_by_role("dialog")
    panel.get_by_role("button", name="Показать эту страницу оператору").click()
    panel.get_by_role("button", name="Показать страницу").click()
    desk.locator(".call-card").get_by_role("button", name="Посмотреть").click()
    expect(panel.get_by_text("Оператор видит эту страницу")).to_be_visible()
    view = desk.frame_locator("okno-shown-page iframe").frame_locator("iframe")
    expect(view.locator("#hello")).to_have_text("Добро пожаловать в магазин")
    # What changes is seen at once; what is typed, and whatever the page does with it, is not.
    shop.evaluate("document.getElementById('hello').textContent = 'Корзина: три товара'")
    expect(view.locator("#hello")).to_have_text("Корзина: три товара")
    shop.fill("#password", "s3cret-pass")
    shop.fill("#card", "4111111111111111")
    shop.fill("#about", "личное сообщение")
    shop.fill("#city", "Пермь")
    shop.evaluate("document.getElementById('preview').textContent = `Карта ${document.getElementById('card').value}`")
    shop.evaluate("document.getElementById('masked').textContent = 'Баланс 99 456 рублей'")
    expect(view.locator("#preview")).to_have_text("Карта ••••••")
    expect(view.locator("#city")).to_have_value("Пермь")
    expect(view.locator("#about")).to_have_value("••••••")
    expect(view.locator("#masked")).to_have_count(0)
    everything = "".join(sent)
    assert "Корзина" in everything
    for secret in ("s3cret-pass", "4111", "личное", "Иванов", "77 123", "99 456", "hidden-token", "черновик"):
        assert secret not in everything
    # Nothing of the page runs at the desk.
    assert desk.evaluate("window.stolen") is None
    _points(desk, shop)
    desk.get_by_role("button", name="Прекратить просмотр").click()
    expect(panel.get_by_text("Страница больше не показывается")).to_be_visible()
    expect(desk.locator("okno-shown-page").get_by_text("Страница больше не показывается")).to_be_visible()
    assert house.rows("SELECT count(*) FROM chat_cobrowse_piece") == [(0,)]


def _points(desk: Page, shop: Page) -> None:
    """Each side sees the pointer of the other."""
    frame = desk.frame_locator("okno-shown-page iframe")
    mark = shop.locator("#mark").bounding_box()
    assert mark is not None
    shop.mouse.move(mark["x"] + 5, mark["y"] + 5)
    expect(frame.locator(".replayer-mouse")).to_be_visible()
    scale = float(frame.locator(".replayer-wrapper").get_attribute("data-scale") or 1)
    frame.locator("#view").hover(position={"x": 310 * scale, "y": 410 * scale})
    pointer = shop.locator("okno-pointer")

    def near() -> bool:
        x, y = (pointer.get_attribute("data-at") or "-1,-1").split(",")
        return abs(float(x) - 310) < 4 and abs(float(y) - 410) < 4

    wait_until(near, what="the agent's pointer over the visitor's page")


@pytest.mark.feature("T-12")
def test_a_shown_page_goes_on_over_a_reload_and_the_visitor_ends_it(pages, house: MediaHouse):
    house.set_rule()
    desk, shop = chat(pages, house, "Показ через перезагрузку")
    panel = shop.get_by_role("dialog")
    panel.get_by_role("button", name="Показать эту страницу оператору").click()
    panel.get_by_role("button", name="Показать страницу").click()
    desk.locator(".call-card").get_by_role("button", name="Посмотреть").click()
    view = desk.frame_locator("okno-shown-page iframe").frame_locator("iframe")
    expect(view.locator("#hello")).to_be_visible()
    shop.goto(f"{house.site}/next")
    shop.evaluate("document.getElementById('hello').textContent = 'Следующая страница'")
    expect(view.locator("#hello")).to_have_text("Следующая страница")
    shop.get_by_role("button", name="Прекратить показ").click()
    expect(desk.locator("okno-shown-page").get_by_text("Страница больше не показывается")).to_be_visible()
    # Without the visitor's wish there is nothing to begin it with at the desk.
    expect(desk.get_by_role("button", name=re.compile("страницу"))).to_have_count(0)
