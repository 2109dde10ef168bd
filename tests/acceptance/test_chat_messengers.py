"""People in Telegram and agents at the desk; the bot that comes before an agent. Run by the real processes."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.support.browser import Pages
from tests.support.kb_house import editor, send_button
from tests.support.messenger_house import MessengerHouse, messenger_house  # noqa: F401 -- the fixture
from tests.support.visitor_site import visitor_site
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow]
HERE = ".panel:not([hidden])"


def picture(colour: tuple[int, int, int]) -> bytes:
    kept = io.BytesIO()
    Image.new("RGB", (320, 200), colour).save(kept, "JPEG")
    return kept.getvalue()


def answer(desk: Page, text: str) -> None:
    editor(desk).fill(text)
    send_button(desk).click()


@pytest.mark.feature("T-02")
def test_a_person_in_telegram_is_served_at_the_desk_like_anybody(messenger_house: MessengerHouse, pages: Pages) -> None:  # noqa: F811
    house, api = messenger_house, messenger_house.api
    first = api.write("Акты из Телеграма не открываются")
    for number, colour in enumerate(((200, 60, 40), (40, 120, 200))):
        caption = {"caption": "Вот снимки"} if number == 0 else {}
        api.write(photo=api.photo(picture(colour), f"A{number}"), media_group_id="album", **caption)
    wait_until(
        lambda: (
            len(
                house.rows(
                    "SELECT 1 FROM attachment JOIN message ON message.id = message_id WHERE source_key LIKE 'telegram:%'"
                )
            )
            == 2
        )
    )

    desk = house.sign_in(pages.open(), "a.sokolova")
    house.take(desk, "Акты из Телеграма не открываются")
    expect(desk.locator(f"{HERE} .pictures img")).to_have_count(2)
    wait_until(lambda: desk.locator(f"{HERE} .pictures img").first.evaluate("image => image.naturalWidth") == 320)
    api.update(edited_message={**first["message"], "text": "Акты и счета не открываются", "edit_date": 1_780_000_100})
    expect(desk.locator(HERE).get_by_text("Акты и счета не открываются")).to_be_visible()
    expect(desk.locator(HERE).get_by_text("Исправлено клиентом")).to_be_visible()

    answer(desk, "Здравствуйте! Уже смотрим.")
    wait_until(lambda: api.texts == ["Здравствуйте! Уже смотрим."])
    expect(desk.locator(f"{HERE} .message-out .bubble-foot")).to_contain_text("Отправлено")


@pytest.mark.feature("T-02")
def test_what_is_written_while_the_centre_is_killed_comes_once_and_in_order(messenger_house: MessengerHouse) -> None:  # noqa: F811
    house, api = messenger_house, messenger_house.api
    said = [f"до сбоя {number}" for number in range(20)]
    for text in said:
        api.write(text, chat_id=777)
    house.served.kill()
    late = [f"во время сбоя {number}" for number in range(20)]
    for text in late:
        api.write(text, chat_id=777)
    house.start()
    stored = "SELECT body_text FROM message WHERE source_key LIKE 'telegram:%:777:%' ORDER BY id"
    wait_until(lambda: len(house.rows(stored)) >= 40)
    api.write("после", chat_id=777)
    wait_until(lambda: house.rows(stored)[-1] == ("после",))
    assert [text for (text,) in house.rows(stored)] == [*said, *late, "после"]


@pytest.mark.feature("T-04")
def test_the_bot_offers_articles_to_a_visitor_and_hands_over_to_an_agent(
    messenger_house: MessengerHouse,  # noqa: F811
    pages: Pages,
) -> None:
    house = messenger_house
    pages.allow("409")  # the agent's session of the test before is still there
    told = json.loads(house.command("bot", "set", "support", "--on", "--greeting-ru", "Я помощник Таволги.", "--json"))
    assert told["data"]["active"] is True
    # The rule is on the shelf of the web process for two seconds at most.
    with visitor_site(house.url, "demo") as shop:
        visitor = pages.open(shop)
        visitor.get_by_role("button", name="Открыть чат").click()
        visitor.get_by_label("Ваше имя").fill("Мария")
        visitor.get_by_role("button", name="Начать чат").click()
        wait_until(lambda: "support" in house.command("bot", "list"))
        visitor.get_by_label("Ваше сообщение").fill("Забыла пароль от личного кабинета")
        visitor.keyboard.press("Enter")
        said = visitor.locator("okno-chat li.theirs .bubble").first
        expect(said).to_contain_text("Я помощник Таволги.")
        expect(said.locator("a").first).to_have_attribute(
            "href", f"{house.url}/help-centre/ru/articles/1451-forgot-password"
        )
        no = visitor.locator("okno-chat .quick").get_by_role("button", name="Нет, не помогло")
        expect(visitor.locator("okno-chat .quick").get_by_role("button", name="Позвать оператора")).to_be_visible()

        desk = house.sign_in(pages.open(), "a.sokolova")
        no.click()
        expect(visitor.locator("okno-chat .quick")).to_have_count(0)
        expect(visitor.locator("okno-chat li.theirs .bubble").last).to_contain_text("Вам ответит оператор")
        house.take(desk, "Забыла пароль от личного кабинета")
        expect(desk.locator(f"{HERE} .message-bot")).to_have_count(2)
        (why,) = house.rows("SELECT data FROM timeline_entry WHERE kind = 'bot.handed_over'")
        assert json.loads(why[0])["title_ru"] == "Статьи не помогли"
        answer(desk, "Здравствуйте, помогу с паролем")
        expect(visitor.locator("okno-chat li.theirs .bubble").last).to_contain_text("помогу с паролем")
