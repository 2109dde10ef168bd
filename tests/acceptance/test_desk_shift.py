"""The desk for a whole shift: lost connections, hundreds of events, many tabs; in a real browser."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from tests.support.applications import MigratedTemplates
from tests.support.browser import Pages
from tests.support.desk_work import editor, take, write
from tests.support.okno_process import Served
from tests.support.shift_house import ShiftHouse
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LINE = "#link-line"


@pytest.fixture
def house(home: Path, serve: Callable[..., Served], migrated_templates: MigratedTemplates) -> ShiftHouse:
    """Anna, Boris and Elena with a service for letters and chats, on SQLite; not started yet."""
    house = ShiftHouse(home, serve, migrated_templates)
    house.furnish()
    # Long enough for a busy machine to choose an outcome in.
    house.change("UPDATE service SET wrap_up_seconds = 60")
    return house


@pytest.mark.feature("D-01")
def test_the_desk_lives_through_a_restart_of_the_server_and_a_reload(house: ShiftHouse, pages: Pages) -> None:
    pages.allow(r"ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET|ERR_SOCKET")
    served = house.start()
    anna = house.sign_in(pages.open(), "anna")
    write(house, "Письмо перед обрывом")
    take(anna, "Письмо перед обрывом")
    editor(anna).click()
    anna.keyboard.type("Набрано до обрыва. ")
    expect(anna.locator(".panel:not([hidden]) [data-draft-state]")).not_to_have_text("")

    served.kill()
    expect(anna.locator(LINE)).to_be_visible()
    expect(anna.locator(LINE)).to_have_text("Восстанавливаем связь…")
    anna.keyboard.type("Набрано без связи.")
    anna.keyboard.press("Control+Enter")
    expect(anna.locator(".toast").filter(has_text="Нет связи")).to_be_visible()
    expect(editor(anna)).to_have_text("Набрано до обрыва. Набрано без связи.")
    assert anna.evaluate("() => document.querySelector('#link-line').offsetHeight") < 40

    environment = {"OKNO_WEB_PORT": served.url.rpartition(":")[2], "OKNO_EMAIL_SMTP_PORT": str(served.smtp_port)}
    served.process = served.okno.start("run", log=served.log, env=environment)
    served.wait_until_ready()
    expect(anna.locator(LINE)).to_be_hidden(timeout=30_000)
    expect(editor(anna)).to_have_text("Набрано до обрыва. Набрано без связи.")
    write(house, "Письмо после обрыва")
    anna.locator("[data-tab='/queue']").first.click()
    expect(anna.locator("tr").filter(has_text="Письмо после обрыва")).to_be_visible()
    anna.locator(".tab").filter(has_text="Письмо перед").click()
    expect(editor(anna)).to_have_text("Набрано до обрыва. Набрано без связи.")
    wait_until(lambda: house.rows("SELECT body_html FROM draft WHERE body_html LIKE '%без связи%'"))

    titles = anna.locator(".tab .tab-name").all_text_contents()
    anna.reload()
    expect(anna.locator(".tab")).to_have_count(len(titles))
    expect(anna.locator(".tab[aria-selected=true]")).to_contain_text("Письмо перед обрывом")
    expect(anna.locator("#focus")).to_contain_text("Пётр Сидоров")
    expect(editor(anna)).to_have_text("Набрано до обрыва. Набрано без связи.")
    anna.locator(".panel:not([hidden]) .compose-reply button[type=submit][value='']").click()
    expect(editor(anna)).to_have_text("")
    wait_until(lambda: house.rows("SELECT 1 FROM message WHERE direction = 'out' AND body_text LIKE '%без связи%'"))


@pytest.mark.feature("D-01")
def test_what_happens_while_a_page_is_on_its_way_is_on_it(house: ShiftHouse, pages: Pages) -> None:
    house.start()
    anna = house.sign_in(pages.open(), "anna")

    def late(route: Route) -> None:
        answer = route.fetch()
        write(house, "Письмо, пока очередь в пути")
        # Time for the news of it to reach the desk before the older page does.
        time.sleep(1.5)
        route.fulfill(response=answer)

    anna.route("**/queue", late, times=1)
    anna.locator("[data-tab='/queue']").first.click()
    expect(anna.locator("tr").filter(has_text="Письмо, пока очередь в пути")).to_be_visible()
    expect(anna.locator(".function[href='/queue'] .counter")).to_have_text("1")


@pytest.mark.feature("D-01", "C-01")
def test_a_reply_typed_while_its_panel_is_fetched_anew_stays_whole(house: ShiftHouse, pages: Pages) -> None:
    house.start()
    anna = house.sign_in(pages.open(), "anna")
    write(house, "Письмо под правкой")
    take(anna, "Письмо под правкой")
    path = house.rows("SELECT '/cases/' || id FROM \"case\"")[0][0]
    anna.route(f"**{path}", lambda route: anna.wait_for_timeout(150) or route.continue_())
    reload = "path => import('/static/js/tabs.js').then((tabs) => tabs.reload(path))"
    editor(anna).click()
    written = ""
    for turn, pause in enumerate((0, 40, 400, 690, 750)):
        before = anna.locator("[data-composer]").element_handle()
        anna.keyboard.type(f"{turn}a ")
        anna.wait_for_timeout(pause)
        anna.evaluate(reload, path)
        anna.keyboard.type(f"{turn}b ")
        assert before is not None
        before.wait_for_element_state("hidden")
        written += f"{turn}a {turn}b "
        expect(editor(anna)).to_have_text(written.strip())
        expect(editor(anna)).to_be_focused()
    wait_until(lambda: house.rows(f"SELECT 1 FROM draft WHERE body_html LIKE '%{written.strip()}%'"))
    anna.reload()
    expect(editor(anna)).to_have_text(written.strip())


@pytest.mark.feature("D-01")
def test_hundreds_of_events_and_thirty_tabs_leave_the_page_as_small_as_it_was(house: ShiftHouse, pages: Pages) -> None:
    house.start()
    anna = house.sign_in(pages.open(), "anna")
    client = anna.context.new_cdp_session(anna)
    write(house, "Письмо на смену")
    take(anna, "Письмо на смену")
    number = house.rows('SELECT id FROM "case"')[0][0]

    def size() -> dict[str, int]:
        client.send("HeapProfiler.collectGarbage")
        counted = client.send("Memory.getDOMCounters")
        return {"nodes": counted["nodes"], "listeners": counted["jsEventListeners"]}

    def shift_of_work() -> None:
        for page in range(30):
            anna.evaluate(
                "url => document.dispatchEvent(new CustomEvent('okno:open', {detail: {url}}))", f"/search?q={page}"
            )
            anna.evaluate(
                "url => document.dispatchEvent(new CustomEvent('okno:open', {detail: {url}}))", f"/directory?q={page}"
            )
            anna.keyboard.press("Alt+w")
        anna.evaluate(
            """number => { for (let i = 0; i < 400; i++) {
                 document.dispatchEvent(new CustomEvent("okno:around"));
                 document.dispatchEvent(new CustomEvent("okno:fresh", {detail: {case_id: number}}));
               } }""",
            number,
        )
        anna.locator(".tab").filter(has_text="Письмо на смену").click()
        expect(anna.get_by_role("heading", name="Письмо на смену")).to_be_visible()

    shift_of_work()
    before = size()
    for _ in range(3):
        shift_of_work()
    after = size()
    assert after["nodes"] < 1.3 * before["nodes"] + 500, (before, after)
    assert after["listeners"] < 1.3 * before["listeners"] + 100, (before, after)
    assert anna.locator(".panel").count() <= 9


@pytest.mark.feature("D-01")
def test_many_tabs_keep_their_place_while_only_some_are_in_the_page(house: ShiftHouse, pages: Pages) -> None:
    house.start()
    anna = house.sign_in(pages.open(), "anna")
    for number in range(14):
        write(house, f"Письмо {number}")
    expect(anna.locator("[data-tab='/queue'] .counter").first).to_have_text("14")
    for case, subject in house.rows('SELECT id, subject FROM "case" ORDER BY id'):
        anna.evaluate("url => document.dispatchEvent(new CustomEvent('okno:open', {detail: {url}}))", f"/cases/{case}")
        expect(anna.get_by_role("heading", name=subject, exact=True)).to_be_visible()
    expect(anna.locator("#tabs .tab")).to_have_count(15)
    expect(anna.locator(".panel")).to_have_count(8)
    anna.locator("#tabs .tab").filter(has_text=re.compile("Письмо 0")).click()
    expect(anna.get_by_role("heading", name="Письмо 0", exact=True)).to_be_visible()
    assert anna.locator(".panel").count() == 8
