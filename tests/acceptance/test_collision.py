"""C-11: two agents have one case open, see each other, and do not answer twice unawares."""

from __future__ import annotations

import pytest
from playwright.sync_api import Route, expect

from tests.support.browser import Pages
from tests.support.case_house import CaseHouse, take
from tests.support.shift_house import ShiftHouse

SUBJECT = "Не приходит счёт"


def with_long_wrap_up(service_id: int) -> None:
    from core import services

    services.update_service(service_id, disposition_required=True, wrap_up_seconds=600)


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.feature("C-11")
def test_two_agents_in_one_case_see_each_other_and_an_overtaken_answer_is_asked_about(
    shift: ShiftHouse, pages: Pages
) -> None:
    pages.allow(r"422")  # the answer that was overtaken
    house = CaseHouse(shift, with_long_wrap_up)
    url = house.served.url
    original = house.letter(SUBJECT)
    anna = house.at_desk(pages.open(), "anna")
    take(anna, url, SUBJECT)
    case_id = house.case_id(SUBJECT)
    boris = house.at_desk(pages.open(), "boris")
    boris.goto(f"{url}/cases/{case_id}")

    # by name, both ways; stronger while somebody writes
    expect(anna.locator(".case-viewers:visible")).to_contain_text("Борис Мельников тоже открыл(а) запрос")
    expect(boris.locator(".case-viewers:visible")).to_contain_text("Анна Соколова тоже открыл(а) запрос")
    anna.locator(".editor-root").click()
    anna.keyboard.type("Счёт отправим")
    expect(boris.locator(".case-viewers:visible")).to_contain_text("Анна Соколова пишет ответ…")

    # Anna goes on to wrap-up; the contact writes again, and Boris takes that and answers
    anna.locator(".case-actions:visible").get_by_role("button", name="Завершить").click()
    anna.locator("#finish").get_by_role("button", name="Позже").click()
    house.letter(f"Re: {SUBJECT}", "И акт", In_Reply_To=original, References=original)
    late: list[Route] = []
    boris.route("**/editor.js*", lambda route: late.append(route))
    boris.locator(".case-actions:visible").get_by_role("button", name="Взять").click()
    expect(boris.locator(".compose-reply")).to_be_visible()
    # the editor comes while he writes already: no letter is lost, and he writes on
    boris.locator(".editor-root").click()
    boris.keyboard.type("Счёт и ")
    expect(boris.locator(".editor-bar")).to_have_count(0)
    late[0].continue_()
    expect(boris.locator(".editor-bar")).to_be_visible()
    boris.keyboard.type("акт отправлены")
    boris.get_by_role("button", name="Отправить", exact=True).click()
    expect(boris.locator(".message-out")).to_contain_text("Счёт и акт отправлены")

    # her answer is held back: look first, then send it all the same
    expect(anna.locator(".editor-root:visible")).to_contain_text("Счёт отправим")
    anna.get_by_role("button", name="Отправить", exact=True).click()
    warning = anna.locator("[data-overtaken]:visible")
    expect(warning).to_contain_text("Пока вы писали, ответил(а) Борис Мельников")
    warning.get_by_role("button", name="Показать").click()
    expect(anna.locator(".message-out").filter(has_text="Счёт и акт отправлены")).to_be_in_viewport()
    expect(anna.locator(".editor-root:visible")).to_contain_text("Счёт отправим")
    warning.get_by_role("button", name="Отправить всё равно").click()
    expect(boris.locator(".message-out").last).to_contain_text("Счёт отправим")

    # sent before the editor has come: it goes as it was written
    with boris.expect_request("**/editor.js*"):
        boris.reload()
    boris.locator(".editor-root").fill("Добавлю чек")
    boris.get_by_role("button", name="Отправить", exact=True).click()
    late[1].continue_()
    expect(anna.locator(".message-out").last).to_contain_text("Добавлю чек")
    expect(boris.locator(".editor-root")).to_have_text("")

    # who leaves is gone
    boris.goto(f"{url}/queue")
    expect(anna.locator(".case-viewers")).to_have_text("")
