"""A call over a bad line, from the banner to the supervisor's report: what was measured, what the agent said, how it was wrapped up."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.own_settings import formatted
from tests.support.axe import violations
from tests.support.browser import Pages
from tests.support.softphone_house import AGENT, COLLEAGUE, SUPERVISOR, SoftphoneHouse, browser, house, phone
from tests.support.waiting import wait_until

__all__ = ["browser", "house"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]

FIGURES = {"loss_percent": 42.5, "jitter_ms": 185, "rtt_ms": 640}
BANNER = "Плохая связь: потери 42,5 %, джиттер 185 мс."
REPORT = """async ([key, figures]) => {
  const { post } = await import("/voice/static/softphone/server.js");
  await post(`calls/${key}/quality`, figures);
}"""

CALL = """async (user) => {
  const { post } = await import("/voice/static/softphone/server.js");
  await post("calls", { user_id: user });
}"""


def add_a_good_call(home: Path) -> str:
    """A call of Boris over a good line; gives its number."""
    from core.app import create_app
    from core.clock import now
    from core.db import db, transaction
    from core.model import User
    from plugins.voice.models.calls import VoiceCall, VoiceLeg

    app = create_app(home, check_schema=False)
    with app.app_context():
        at = now() - timedelta(minutes=5)
        with transaction():
            boris = db.session.scalars(db.select(User).where(User.login == "boris")).one()
            times = {"started_at": at, "answered_at": at, "ended_at": at + timedelta(seconds=65)}
            call = VoiceCall(key="good", direction="in", state="ended", agent_id=boris.id, talk_seconds=65, **times)
            call.from_number = "+74950000001"
            db.session.add(call)
            db.session.flush()
            measured = {"loss_percent": 0.0, "jitter_ms": 2.0, "rtt_ms": 20.0, "worst_loss": 0.1, "worst_jitter": 4.0}
            leg = VoiceLeg(key="good", call_id=call.id, kind="agent", user_id=boris.id, state="left", **measured)
            leg.joined_at = leg.left_at = at
            db.session.add(leg)
        db.session.remove()
        db.engine.dispose()
    return "+74950000001"


def measure(desk: Page, key: str) -> None:
    """The page reports figures over the limits until it has warned: one look over them is not enough, and good looks come between."""

    def warned() -> bool:
        desk.evaluate(REPORT, [key, FIGURES])
        return BANNER in phone(desk).inner_text()

    wait_until(warned, what="the banner")


@pytest.mark.feature("V-06")
def test_a_bad_line_is_warned_of_told_wrapped_up_and_found_by_the_supervisor(
    pages: Pages, house: SoftphoneHouse, tmp_path: Path
) -> None:
    good = add_a_good_call(house.served.okno.home)
    anna = house.desk(pages, "anna", AGENT, ready=True)
    house.visitor(pages)
    anna.locator("dialog.offer").get_by_role("button", name="Принять").click()
    expect(phone(anna)).to_have_attribute("data-sound", "up")
    [(call_id, key, case_id)] = house.rows("SELECT id, key, case_id FROM voice_call WHERE ended_at IS NULL")
    measure(anna, key)

    # During the call, by the keyboard alone: two presses.
    beside = anna.locator(".panel:not([hidden]) .voice-sound")
    beside.get_by_text("Сообщить о плохом звуке").focus()
    anna.keyboard.press("Enter")
    anna.keyboard.press("Tab")
    anna.keyboard.press("Enter")
    expect(beside).to_contain_text("Вы: Звук прерывался")
    expect(beside.get_by_label("Комментарий")).to_be_focused()
    assert house.rows("SELECT fault FROM voice_sound_report WHERE call_id = ?", call_id) == [("choppy",)]

    # In wrap-up it is another thing, with words; news of the case do not take away what is being typed.
    anna.keyboard.press("Alt+Q")
    expect(phone(anna)).to_be_hidden()
    expect(anna.locator(".state-button")).to_contain_text("Постобработка")
    if not beside.locator("details").evaluate("details => details.open"):
        beside.get_by_text("Изменить или пояснить").click()
    beside.get_by_role("button", name="Эхо").click()
    expect(beside).to_contain_text("Вы: Эхо")
    comment = beside.get_by_label("Комментарий")
    expect(comment).to_be_focused()
    anna.keyboard.type("клиент слышал себя")
    with anna.expect_response(f"**/cases/{case_id}/fresh?*"):
        anna.evaluate("async id => (await import('/static/js/refresh.js')).freshCase(id)", case_id)
    expect(comment).to_be_focused()
    anna.keyboard.press("Enter")
    expect(beside).to_contain_text("Вы: Эхо — клиент слышал себя")
    assert not violations(anna)

    # The outcome with a comment: the customer is to be called back, so the case stays open, waiting.
    anna.locator(".focus-finish").click()
    finish = anna.locator("#finish")
    finish.get_by_text("Нужно перезвонить").click()
    finish.get_by_label("Комментарий").fill("Завтра в десять, с городского")
    finish.get_by_role("button", name="Закрыть обращение").click()
    expect(anna.locator(".state-button")).not_to_contain_text("Постобработка")
    timeline = anna.locator(".panel:not([hidden]) .timeline")
    expect(timeline).to_contain_text(
        "Обращение закрыто: Нужно перезвонить · Анна Соколова — Завтра в десять, с городского"
    )
    waiting = "SELECT 1 FROM \"case\" WHERE id = ? AND status = 'pending'"
    wait_until(lambda: house.rows(waiting, case_id), what="a case that waits for the follow-up")
    anna.locator(".panel:not([hidden])").get_by_role("link", name="События").click()
    expect(anna.locator(".panel:not([hidden]) .timeline")).to_contain_text("плохой звук. Эхо — клиент слышал себя")

    # The supervisor.
    elena = house.desk(pages, "elena", SUPERVISOR)
    elena.locator("[data-tab='/voice/registration']").first.click()
    elena.get_by_role("link", name="Качество связи").click()
    row = elena.locator(".voice-table tr").filter(has_text="Анна Соколова")
    expect(row).to_contain_text("42,5 % · 185 мс")
    expect(row.locator(".voice-verdict")).to_contain_text("Плохая связь")
    expect(row.locator(".voice-verdict")).to_contain_text("Эхо — клиент слышал себя")
    expect(elena.locator(".voice-table")).to_contain_text(formatted(good))
    assert not violations(elena)
    elena.get_by_label("Только плохие").check()
    expect(elena.locator(".voice-table")).not_to_contain_text(formatted(good))
    expect(row).to_be_visible()
    with elena.expect_download() as kept:
        elena.get_by_role("link", name="CSV").click()
    kept.value.save_as(tmp_path / "calls.csv")
    written = (tmp_path / "calls.csv").read_text("utf-8-sig")
    assert f"\n{call_id}," in written and "да,42.5,185.0," in written and good not in written
    assert "Анна Соколова: Эхо — клиент слышал себя" in written
    elena.get_by_label("Строки отчёта").select_option("agent")
    expect(elena.locator(".voice-table tr").filter(has_text="Анна Соколова")).to_contain_text("100 %")
    assert not violations(elena)
    elena.get_by_role("link", name="Анна Соколова").click()
    expect(row).to_contain_text("Плохая связь")


@pytest.mark.feature("V-06")
def test_colleagues_say_how_their_call_sounded_at_the_page_of_the_telephone(
    pages: Pages, house: SoftphoneHouse
) -> None:
    anna = house.desk(pages, "anna", AGENT)
    boris = house.desk(pages, "boris", COLLEAGUE)
    [(boris_id,)] = house.rows("SELECT id FROM user WHERE login = 'boris'")
    anna.evaluate(CALL, boris_id)
    phone(boris).get_by_role("button", name="Ответить").click()
    for page in (anna, boris):
        expect(phone(page)).to_have_attribute("data-sound", "up")
    anna.keyboard.press("Alt+Q")
    house.no_call_is_open()
    for page, colleague, fault in ((anna, "Борис", "Эхо"), (boris, "Анна", "Задержка")):
        page.locator("[data-tab='/voice/phone']").first.click()
        row = page.locator("okno-phone .phone-list li").filter(has_text=colleague).first
        row.get_by_text("Сообщить о плохом звуке").focus()
        page.keyboard.press("Enter")
        row.get_by_role("button", name=fault).press("Enter")
        expect(row).to_contain_text(f"Вы: {fault}")
        assert not violations(page)
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    told = (
        "SELECT fault FROM voice_sound_report JOIN voice_call ON voice_call.id = call_id WHERE direction = 'internal'"
    )
    assert sorted(house.rows(told)) == [("delay",), ("echo",)]
