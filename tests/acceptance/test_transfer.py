"""E-07 and R-06: a letter is passed to a colleague with a note, and moves between support lines with its history."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.support import axe
from tests.support.browser import Pages
from tests.support.case_house import CaseHouse, take
from tests.support.shift_house import ShiftHouse
from tests.support.waiting import wait_until

SUBJECT = "Сложный вопрос"


def with_lines(service_id: int) -> None:
    from core.db import db, transaction
    from core.model import SupportLine

    with transaction():
        for number, title in ((1, "Первая линия"), (2, "Эксперты")):
            db.session.add(SupportLine(service_id=service_id, number=number, title_en=f"Line {number}", title_ru=title))


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.feature("R-06", "E-07")
def test_a_case_goes_to_a_colleague_and_up_and_down_the_lines(shift: ShiftHouse, pages: Pages) -> None:
    pages.allow(r"422")  # passing on without a choice
    house = CaseHouse(shift, with_lines)
    url = house.served.url
    house.letter(SUBJECT)
    anna = house.at_desk(pages.open(), "anna")
    take(anna, url, SUBJECT)
    case_id = house.case_id(SUBJECT)
    boris = house.at_desk(pages.open(), "boris")

    # nobody chosen is said in words; typing narrows, arrows choose, the note goes along
    anna.locator(".case-actions").get_by_role("button", name="Передать").click()
    dialog = anna.locator("#task")
    dialog.get_by_role("button", name="Передать").click()
    expect(dialog.locator(".form-error")).to_contain_text("Выберите, кому передать")
    assert axe.violations(anna) == []
    dialog.get_by_role("searchbox").fill("мельник")
    expect(dialog.locator(".outcome-line:visible")).to_have_count(1)
    dialog.get_by_role("searchbox").press("ArrowDown")
    dialog.get_by_label("Заметка для того, кто примет").fill("Нужен твой опыт")
    dialog.get_by_role("button", name="Передать").click()
    expect(dialog).to_be_hidden()
    wait_until(
        lambda: (
            shift.rows(
                f'SELECT u.login FROM interaction i JOIN "user" u ON u.id = i.agent_id WHERE i.case_id = {case_id}'
            )
            == [("boris",)]
        ),
        what="Boris has it",
    )
    boris.goto(f"{url}/cases/{case_id}")
    expect(boris.locator(".compose-reply")).to_be_visible()
    boris.goto(f"{url}/cases/{case_id}?view=events")
    expect(boris.locator(".timeline")).to_contain_text("Нужен твой опыт")

    # up to the experts and back, each time into that line's queue
    boris.get_by_role("button", name="На 2-ю линию").click()
    expect(boris.locator(".case-facts")).to_contain_text("Эксперты")
    wait_until(
        lambda: shift.rows(f"SELECT state, line FROM interaction WHERE case_id = {case_id}") == [("queued", 2)],
        what="waiting on line 2",
    )
    boris.locator(".case-actions").get_by_role("button", name="Взять").click()
    boris.get_by_role("button", name="Вернуть на 1-ю линию").click()
    expect(boris.locator(".case-facts")).to_contain_text("Первая линия")
    stays = shift.rows(f"SELECT line FROM line_stay WHERE case_id = {case_id} ORDER BY id")
    assert [line for (line,) in stays][-2:] == [2, 1]
