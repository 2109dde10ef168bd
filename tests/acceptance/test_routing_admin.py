"""An administrator sets skills, hours, capacity and overflow in a browser, and agents' browsers show the effect at once."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import make_msgid
from zoneinfo import ZoneInfo

import pytest
import yaml
from playwright.sync_api import Page, expect

from tests.acceptance.test_first_case import choose_ready, sign_in
from tests.support.browser import Pages
from tests.support.okno_process import Served

PASSWORD = "okno-demo"
SETUP = {
    "okno_config": 1,
    "teams": [
        {"key": "vip", "title_ru": "Группа VIP", "title_en": "VIP team", "after_sign_in": "not_ready"},
        {"key": "reserve", "title_ru": "Резерв", "title_en": "Reserve"},
    ],
    "services": [
        {
            "key": "reserve",
            "title_ru": "Резервный сервис",
            "title_en": "Reserve",
            "teams": [{"team": "reserve"}],
        },
        {
            "key": "vip",
            "title_ru": "Особые клиенты",
            "title_en": "Special customers",
            "offer_seconds": 120,
            "teams": [{"team": "vip"}],
            "entries": [{"channel": "email", "address": "vip@okno.example"}],
        },
    ],
}
AGENTS = {"v.low": "vip", "v.high": "vip", "v.spare": "reserve"}


@pytest.fixture
def centre(serve: Callable[..., Served]) -> Served:
    """The demo centre with a service of its own for three agents who do nothing else."""
    served = serve("--demo")
    assert served.okno("config", "import", "-", input=yaml.safe_dump(SETUP, allow_unicode=True)).code == 0
    for login, team in AGENTS.items():
        words = ("users", "add", login, "--first-name", login, "--team", team, "--role", "agent", "--password-stdin")
        assert served.okno(*words, input=f"{PASSWORD}\n").code == 0
    return served


def send(served: Served, subject: str) -> None:
    letter = EmailMessage()
    letter["From"], letter["To"] = "Пётр Сидоров <petr@customer.example>", "vip@okno.example"
    letter["Subject"], letter["Message-ID"] = subject, make_msgid(domain="customer.example")
    letter.set_content("Здравствуйте!")
    with smtplib.SMTP("127.0.0.1", served.smtp_port, timeout=10) as server:
        server.send_message(letter)


def admin_page(page: Page, served: Served, path: str) -> None:
    page.goto(f"{served.url}/admin{path}")


def save(page: Page) -> None:
    page.locator(".setup-foot .btn-primary").click()
    expect(page.locator(".banner-good")).to_be_visible()


def closed_now() -> str:
    """The weekday three days ahead: the only one with hours."""
    moment = datetime.now(ZoneInfo("Europe/Moscow")) + timedelta(days=3)
    return ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[moment.weekday()]


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.feature("R-01", "R-02", "R-03")
def test_what_an_administrator_sets_agents_feel_at_once(centre: Served, pages: Pages) -> None:
    boss = pages.open(locale="ru")
    boss.goto(f"{centre.url}/sign-in")
    boss.fill("#login", "admin")
    boss.fill("#password", PASSWORD)
    boss.keyboard.press("Enter")
    expect(boss.locator(".state-button, .admin-brand").first).to_be_visible()

    # Навыки: a new one, levels by keyboard alone
    admin_page(boss, centre, "/skills?team=vip")
    boss.get_by_role("button", name="Новый навык").click()
    dialog = boss.locator("#new-skill")
    for name, value in (("key", "vip"), ("title_ru", "Особый подход"), ("title_en", "Special care")):
        dialog.locator(f"[name={name}]").fill(value)
    dialog.get_by_role("button", name="Добавить навык").click()
    expect(boss.locator(".banner-good")).to_be_visible()
    admin_page(boss, centre, "/skills?team=vip")
    boss.get_by_label("v.high: Особый подход").focus()
    boss.keyboard.type("5")
    boss.keyboard.press("ArrowDown")
    boss.keyboard.type("2")
    boss.keyboard.press("Enter")
    expect(boss.get_by_label("v.low: Особый подход")).to_have_value("2")
    expect(boss.get_by_label("v.high: Особый подход")).to_have_value("5")

    # Часы: open on one day only, which is not today
    admin_page(boss, centre, "/calendars/new")
    for name, value in (("key", "seldom"), ("title_ru", "Редко"), ("title_en", "Seldom")):
        boss.locator(f"[name={name}]").fill(value)
    for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun"):
        boss.locator(f"[name={day}]").fill("09:00-18:00" if day == closed_now() else "")
    boss.get_by_role("button", name="Сохранить").click()
    expect(boss.locator(".banner-good")).to_be_visible()
    admin_page(boss, centre, "/services/vip")
    boss.locator("[name=calendar_key]").select_option("seldom")
    boss.locator("[name='skills-0-skill']").select_option("vip")
    boss.locator("[name='skills-0-level']").fill("3")
    save(boss)

    # two agents are ready, one knows too little
    low, high, spare = (pages.open(locale="ru") for _login in AGENTS)
    for page, login in zip((low, high, spare), AGENTS, strict=True):
        sign_in(page, centre, login)
        choose_ready(page)
        expect(page.locator(".state-button")).to_contain_text("Готов")
    send(centre, "Первое особое письмо")
    admin_page(boss, centre, "/services/vip/route?channel=email")
    expect(boss.locator(".banner-warn")).to_contain_text("обращение ждёт открытия")
    expect(boss.locator(".route-who")).to_contain_text("v.high")
    expect(high.locator("dialog.offer")).to_be_hidden()

    # open again: the one with the skill gets it, the page says why the other does not
    admin_page(boss, centre, "/services/vip")
    boss.locator("[name=calendar_key]").select_option("")
    save(boss)
    expect(high.locator("dialog.offer")).to_contain_text("Первое особое письмо")
    expect(low.locator("dialog.offer")).to_be_hidden()
    high.locator("dialog.offer [data-accept]").click()
    expect(high.locator(".state-button")).to_contain_text("Занят")
    admin_page(boss, centre, "/services/vip/route?channel=email")
    expect(boss.locator(".route-who")).to_contain_text("навык «Особый подход»: 2 из 3; не хватит никогда")
    expect(boss.locator(".route-who")).to_contain_text("занят: Письмо 1 из 1")

    # capacity: two letters at once
    send(centre, "Второе особое письмо")
    admin_page(boss, centre, "/teams/vip")
    boss.locator("[name='push:email']").fill("2")
    save(boss)
    expect(boss.locator(".meaning")).to_contain_text("Письмо: до 2 сразу")
    expect(high.locator("dialog.offer")).to_contain_text("Второе особое письмо")
    high.locator("dialog.offer [data-accept]").click()

    # overflow: what nobody has room for goes to the reserve
    admin_page(boss, centre, "/services/vip")
    boss.locator("[name=overflow_service]").select_option("reserve")
    boss.locator("[name=overflow_seconds]").fill("1")
    save(boss)
    send(centre, "Третье особое письмо")
    expect(spare.locator("dialog.offer")).to_contain_text("Третье особое письмо")
    expect(low.locator("dialog.offer")).to_be_hidden()


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.feature("R-01", "R-06")
def test_wrong_input_is_explained_where_it_stands(serve: Callable[..., Served], pages: Pages) -> None:
    centre = serve("--demo")
    pages.allow("422")
    boss = pages.open(locale="ru")
    boss.goto(f"{centre.url}/sign-in")
    boss.fill("#login", "admin")
    boss.fill("#password", PASSWORD)
    boss.keyboard.press("Enter")
    expect(boss.locator(".state-button, .admin-brand").first).to_be_visible()

    # two lines with one number; then two good ones, which the page gives back
    admin_page(boss, centre, "/services/support/lines")
    rows = (("1", "1-я линия", "Line 1", "15m", "4h"), ("1", "Эксперты", "Experts", "1h", ""))
    for place, row in enumerate(rows):
        for name, value in zip(("number", "title_ru", "title_en", "take", "solve"), row, strict=True):
            boss.locator(f"[name='lines-{place}-{name}']").fill(value)
    boss.locator(".setup-foot .btn-primary").click()
    expect(boss.get_by_role("alert").last).to_contain_text("Две линии с одним номером: 1")
    boss.locator("[name='lines-1-number']").fill("2")
    save(boss)
    expect(boss.locator("[name='lines-1-take']")).to_have_value("1h")

    # an overflow in a circle: ЭДО overflows to support already
    admin_page(boss, centre, "/services/support")
    boss.locator("[name=overflow_service]").select_option("edo")
    boss.locator("[name=overflow_seconds]").fill("60")
    boss.locator(".setup-foot .btn-primary").click()
    expect(boss.get_by_text("идёт по кругу: support → edo → support")).to_be_visible()

    # hours that services keep cannot be removed
    admin_page(boss, centre, "/calendars/moscow")
    boss.get_by_role("button", name="Удалить").click()
    expect(boss.locator(".banner-bad")).to_contain_text("По этому календарю работают сервисы")
