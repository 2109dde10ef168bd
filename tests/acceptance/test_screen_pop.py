"""D-06: what a service opens when its interaction is accepted, with the interaction's fields filled in."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.support.browser import Pages
from tests.support.case_house import CaseHouse, take
from tests.support.shift_house import ShiftHouse

SUBJECT = "Где мой заказ & счёт?"


def with_pops(service_id: int) -> None:
    from core import case_catalogue, screen_pops

    case_catalogue.add_field(None, "order", "Order", "Заказ")
    common = {"service_id": service_id, "position": 1}
    script = "<h3>Приветствие</h3><p>Здравствуйте, $(from.name)!</p><h3>Вопрос</h3><p>О чём «$(case.subject)»?</p>"
    screen_pops.add_pop(kind="script", title_en="Script", title_ru="Сценарий", template=script, **common)
    address = "https://crm.example/find?mail=$(from.emailAddress)&about=$(case.subject)"
    screen_pops.add_pop(kind="url", title_en="CRM", title_ru="CRM", template=address, embed=False, **common)
    screen_pops.add_pop(
        kind="url", title_en="Map", title_ru="Карта", template="https://map.example/$(case.number)", **common
    )
    screen_pops.add_pop(kind="form", title_en="Order", title_ru="Анкета", template="order", **common)


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.feature("D-06")
def test_the_tabs_of_a_service_open_with_the_interactions_fields(shift: ShiftHouse, pages: Pages) -> None:
    pages.allow(r"map\.example")  # there is no such host
    house = CaseHouse(shift, with_pops)
    url = house.served.url
    house.letter(SUBJECT)
    anna = house.at_desk(pages.open(), "anna")
    take(anna, url, SUBJECT)
    case_id = house.case_id(SUBJECT)
    tabs = anna.locator("#tabs .tab")
    for title in ("Сценарий", "CRM", "Карта", "Анкета"):
        expect(tabs.filter(has_text=title)).to_have_count(1)

    tabs.filter(has_text="Сценарий").click()
    script = anna.locator(".pop-script:visible")
    expect(script).to_contain_text("Здравствуйте, Анна Петрова!")
    expect(script.locator(".pop-step")).to_have_count(2)
    expect(script).to_contain_text(f"О чём «{SUBJECT}»?")

    # in an address the variables are percent-encoded; a page that cannot be framed is a link
    tabs.filter(has_text="CRM").click()
    link = anna.locator(".pop-url:visible a.pop-card")
    asked = "mail=anna%40example.org&about=%D0%93%D0%B4%D0%B5%20%D0%BC%D0%BE%D0%B9%20%D0%B7%D0%B0%D0%BA%D0%B0%D0%B7%20%26%20"
    expect(link).to_have_attribute("href", f"https://crm.example/find?{asked}%D1%81%D1%87%D1%91%D1%82%3F")
    assert link.get_attribute("rel") == "noopener noreferrer"

    # the other one lies in a sandbox, in a page whose policy names its origin alone
    tabs.filter(has_text="Карта").click()
    frame = anna.locator(".pop-url:visible iframe.pop-frame")
    answer = anna.request.get(url + str(frame.get_attribute("src")))
    policy = answer.headers["content-security-policy"]
    assert "frame-src https://map.example;" in policy and "default-src 'none'" in policy
    number = shift.rows(f'SELECT number FROM "case" WHERE id = {case_id}')[0][0]
    assert f'src="https://map.example/{number}" sandbox=' in answer.text()

    # a part of the case's form, saved as typed
    tabs.filter(has_text="Анкета").click()
    anna.locator(".pop-form:visible").get_by_label("Заказ").fill("З-100")
    anna.locator(".pop-form:visible").get_by_label("Заказ").press("Enter")
    tabs.filter(has_text=SUBJECT[:8]).first.click()
    expect(anna.locator(".case:visible .case-parts").get_by_label("Заказ")).to_have_value("З-100")

    # the contact's card opens from the photo
    anna.locator(".case:visible .message-in .avatar-link").first.click()
    expect(anna.get_by_role("heading", name="Анна Петрова")).to_be_visible()
