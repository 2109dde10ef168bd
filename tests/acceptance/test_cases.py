"""C-01, C-02, C-03 and C-11 in real browsers: the case form, its history, follow-ups, notes with mentions, drafts."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.support import axe
from tests.support.browser import Pages
from tests.support.case_house import CaseHouse, take
from tests.support.shift_house import ShiftHouse
from tests.support.waiting import wait_until

SUBJECT = "Не пробивается чек"
OTHER = "Касса снова молчит"
ASKED = "Пожалуйста, выберите статус разговора и заполните требуемые поля"
SCRIPT = "<script>alert(1)</script>"


def with_form(service_id: int) -> None:
    from core import case_catalogue, services

    case_catalogue.add_field(service_id, "serial", "Serial number", "Серийный номер", required=True)
    case_catalogue.add_field(None, "until", "Until", "Срок", type="date", position=1)
    case_catalogue.add_field(None, "site", "Site", "Сайт", type="url", position=2)
    case_catalogue.add_category(None, "refund", "Refund", "Возврат")
    # The dialog stays open for as long as the test needs: a wrap-up of a second would close the letter by itself.
    services.update_service(service_id, wrap_up_seconds=600)
    services.add_disposition(service_id, "solved", "Solved", "Решено")
    services.add_disposition(service_id, "spam", "Spam", "Спам", position=-1)


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.feature("C-01", "C-03")
def test_a_case_is_filled_in_by_two_agents_linked_closed_and_followed_up(shift: ShiftHouse, pages: Pages) -> None:
    pages.allow(
        r"422|ERR_INTERNET_DISCONNECTED|ERR_NETWORK|htmx:(sendError|afterRequest)"
    )  # the refusals and the lost line that the test provokes
    house = CaseHouse(shift, with_form)
    url = house.served.url
    house.letter(OTHER)
    original = house.letter(SUBJECT)
    anna = house.at_desk(pages.open(), "anna")
    wait_until(lambda: shift.rows("SELECT count(*) FROM interaction") == [(2,)], what="both letters")
    take(anna, url, SUBJECT)
    case_id = house.case_id(SUBJECT)
    boris = house.at_desk(pages.open(), "boris")
    boris.goto(f"{url}/cases/{case_id}")

    # the subject in place; a script in it stays text, for the colleague at once
    head = anna.locator(".case-head")
    head.hover()
    head.get_by_role("button", name="Изменить тему").click()
    anna.locator(".subject-input").fill(f"{SUBJECT} {SCRIPT}")
    anna.keyboard.press("Enter")
    expect(boris.get_by_role("heading", name=f"{SUBJECT} {SCRIPT}")).to_be_visible()

    # facts by keyboard, fields as typed; the colleague's page follows
    head.locator("summary[aria-label^='Приоритет']").focus()
    anna.keyboard.press("Enter")
    anna.keyboard.press("ArrowDown")
    anna.keyboard.press("Enter")
    expect(boris.locator(".case-head")).to_contain_text("Критический приоритет")
    anna.get_by_label("Категория").select_option("refund")
    serial = anna.get_by_label(re.compile("Серийный номер"))
    serial.fill("АБ-17")
    expect(anna.locator("[data-form-state]")).to_contain_text("сохранено")
    expect(boris.get_by_label(re.compile("Серийный номер"))).to_have_value("АБ-17")
    expect(boris.get_by_label("Категория")).to_have_value("refund")

    # what does not fit is said beside the field
    anna.get_by_label("Сайт").fill("javascript:alert(1)")
    anna.get_by_label("Сайт").press("Enter")
    expect(anna.locator("[data-field-key=site] .case-field-error")).to_contain_text("http")
    anna.get_by_label("Сайт").press("Escape")

    # both write into one field: the slower one is told, and nothing is overwritten
    boris_field = boris.get_by_label(re.compile("Серийный номер"))
    anna.context.set_offline(True)
    serial.fill("ДЕ-19")
    boris_field.fill("ВГ-18")
    boris_field.press("Enter")
    wait_until(lambda: "18" in str(shift.rows(f'SELECT fields FROM "case" WHERE id = {case_id}')), what="Boris's value")
    anna.context.set_offline(False)
    expect(anna.locator("[data-field-key=serial] .case-field-error")).to_contain_text("ВГ-18")
    expect(serial).to_have_value("ДЕ-19")
    serial.press("Enter")
    expect(boris_field).to_have_value("ДЕ-19")
    serial.fill("")
    serial.press("Enter")
    wait_until(lambda: shift.rows(f'SELECT fields FROM "case" WHERE id = {case_id}')[0][0] in ({}, "{}"), what="empty")

    # an organisation that is not there yet, with a misprint in its tax number
    anna.locator(".case-organisation summary").click()
    anna.get_by_label("Название или ИНН").fill("ООО «Ромашка»")
    anna.get_by_label("ИНН", exact=True).fill("7707083894")
    anna.get_by_role("button", name="Добавить организацию").click()
    expect(anna.locator(".toast").filter(has_text="опечатки")).to_be_visible()
    expect(boris.locator(".case-form")).to_contain_text("ООО «Ромашка»")

    # flags: worth an article; a duplicate of the other one, found by its words and seen from there too
    anna.get_by_role("button", name="Кандидат в знания").click()
    expect(head).to_contain_text("Кандидат в знания")
    anna.locator(".case-flags").get_by_role("button", name="Дубликат").click()
    dialog = anna.locator("#task")
    dialog.get_by_role("searchbox").fill("Касса")
    expect(dialog.locator(".link-found")).to_contain_text(OTHER)
    expect(dialog.locator("input[name=other]:checked")).to_have_count(1)
    dialog.get_by_role("button", name="Связать").click()
    expect(dialog).to_be_hidden()
    expect(anna.locator(".case-links")).to_contain_text("дубликат этого")
    other_id = house.case_id(OTHER)
    boris.goto(f"{url}/cases/{other_id}")
    expect(boris.locator(".case-links")).to_contain_text("его дубликат")
    assert axe.violations(anna) == []

    # closing asks for the disposition and for the required field, and takes it in the same dialog; spam stands last
    anna.locator(".case-actions").get_by_role("button", name="Завершить").click()
    finish = anna.locator("#finish")
    expect(finish.locator(".outcome-line").last).to_contain_text("Спам")
    finish.get_by_label("Найти статус…").fill("реш")
    anna.keyboard.press("ArrowDown")
    anna.keyboard.press("Enter")
    expect(finish.locator(".form-error")).to_contain_text(f"{ASKED}: «Серийный номер»")
    expect(finish.get_by_label(re.compile("Серийный номер"))).to_be_focused()
    finish.get_by_label(re.compile("Серийный номер")).fill("ЖЗ-20")
    finish.get_by_role("button", name="Закрыть обращение").click()
    expect(finish).to_be_hidden()
    wait_until(lambda: shift.rows(f'SELECT status FROM "case" WHERE id = {case_id}') == [("closed",)], what="closed")

    # an answer to the closed case opens a follow-up, linked both ways
    house.letter(f"Re: {SUBJECT}", "Снова то же", In_Reply_To=original, References=original)
    wait_until(lambda: shift.rows(f'SELECT id FROM "case" WHERE follow_up_of_id = {case_id}'), what="the follow-up")
    later = shift.rows(f'SELECT id, number FROM "case" WHERE follow_up_of_id = {case_id}')[0]
    boris.goto(f"{url}/cases/{case_id}")
    expect(boris.locator(".case:visible .case-links")).to_contain_text(f"Продолжен в № {later[1]}")
    expect(boris.locator(".case:visible .timeline")).to_contain_text(f"№ {later[1]}")
    boris.goto(f"{url}/cases/{later[0]}")
    boris.locator(".case-links a").filter(has_text="Продолжает").click()
    expect(boris.get_by_role("heading", name=SUBJECT)).to_be_visible()


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.feature("C-02", "C-11")
def test_notes_mentions_files_drafts_and_both_views_of_the_history(shift: ShiftHouse, pages: Pages) -> None:
    house = CaseHouse(shift)
    url = house.served.url
    house.letter(SUBJECT)
    anna = house.at_desk(pages.open(permissions=["clipboard-read", "clipboard-write"]), "anna")
    take(anna, url, SUBJECT)
    case_id = house.case_id(SUBJECT)
    boris = house.at_desk(pages.open(), "boris")

    # a note with a file and a mention completed from a list
    anna.get_by_role("tab", name="Заметка").click()
    note = anna.get_by_label("Заметка", exact=True)
    note.fill(f"{SCRIPT} глянь, ")
    note.press_sequentially("@бор")
    expect(anna.get_by_role("option", name="Борис Мельников")).to_be_visible()
    note.press("Enter")
    expect(note).to_have_value(f"{SCRIPT} глянь, @boris ")
    anna.locator(".compose-note input[type=file]").set_input_files(
        {"name": "снимок.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\n" + b"0" * 64}
    )
    expect(anna.locator(".compose-note .file")).to_contain_text("снимок.png")
    anna.get_by_role("button", name="Добавить заметку").click()
    entry = anna.locator(".message-note")
    expect(entry).to_contain_text(f"{SCRIPT} глянь, @boris")
    expect(entry).to_contain_text("снимок.png")
    expect(anna.locator(".watchers")).to_contain_text("Борис Мельников")
    told = shift.rows(
        "SELECT n.kind, n.url FROM notification n JOIN \"user\" u ON u.id = n.user_id WHERE u.login = 'boris'"
    )
    assert [kind for kind, _url in told] == ["case.mention"]

    # the mention leads to the very entry; a link to it can be copied
    boris.goto(url + told[0][1])
    expect(boris.locator(".message-note.pointed")).to_contain_text("глянь")
    entry.hover()
    entry.get_by_role("button", name="Скопировать ссылку на эту запись").click()
    assert anna.evaluate("navigator.clipboard.readText()") == url + told[0][1]

    # a note is put right by another one
    entry.hover()
    entry.get_by_role("button", name="Исправить другой заметкой").click()
    note.fill("Глянь до пятницы")
    anna.get_by_role("button", name="Добавить заметку").click()
    expect(boris.locator(".message-note").last).to_contain_text("Исправление")

    # a draft survives a reload with its copy, subject and file, though the text was typed a moment ago
    anna.get_by_role("tab", name="Ответ").click()
    anna.get_by_role("button", name="Копии").click()
    anna.locator("input[name=cc]").fill("шеф@example.org")
    anna.locator(".compose-reply input[type=file]").set_input_files(
        {"name": "ответ.txt", "mimeType": "text/plain", "buffer": b"1"}
    )
    expect(anna.locator(".compose-reply .file")).to_contain_text("ответ.txt")
    anna.locator(".editor-root").click()
    anna.keyboard.type("Здравствуйте")
    expect(anna.locator("[data-draft-state]")).to_contain_text(re.compile(r"сохранено \d\d:\d\d"))
    anna.keyboard.type(", Анна!")
    anna.reload()
    expect(anna.locator(".editor-root")).to_contain_text("Здравствуйте, Анна!")
    expect(anna.locator("input[name=cc]")).to_have_value("шеф@example.org")
    expect(anna.locator(".compose-reply .file")).to_contain_text("ответ.txt")

    # a file that is too large is refused in words before it is sent
    anna.locator(".compose-reply input[type=file]").set_input_files(
        {"name": "фильм.mp4", "mimeType": "video/mp4", "buffer": b"0" * (11 << 20)}
    )
    expect(anna.locator(".toast").filter(has_text="больше 10 МБ")).to_be_visible()

    # the contact writes meanwhile: the draft says that it is older
    house.letter(f"Re: {SUBJECT}", "Ещё одно", In_Reply_To=_first_letter(shift), References=_first_letter(shift))
    expect(anna.locator("[data-old-draft]")).to_be_visible()

    # both views: what was said, and also who took it and whose draft waits
    expect(boris.locator(".timeline")).not_to_contain_text("взят")
    boris.goto(f"{url}/cases/{case_id}?view=events")
    expect(boris.locator(".timeline")).to_contain_text("Анна Соколова")
    expect(boris.locator(".timeline")).to_contain_text("глянь")
    expect(boris.locator(".case-drafts")).to_contain_text("Черновик ответа: Анна Соколова")

    anna.get_by_role("button", name="Отправить", exact=True).click()
    sent = anna.locator(".message-out").last
    expect(sent).to_contain_text("Здравствуйте, Анна!")
    expect(sent).to_contain_text("ответ.txt")
    expect(sent).to_contain_text("шеф@example.org")
    expect(anna.locator(".editor-root")).to_have_text("")


def _first_letter(shift: ShiftHouse) -> str:
    return str(shift.rows("SELECT external_id FROM message ORDER BY id LIMIT 1")[0][0])


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.feature("C-02")
def test_a_long_case_opens_at_its_end_and_is_walked_to_its_beginning(shift: ShiftHouse, pages: Pages) -> None:
    house = CaseHouse(shift)
    url = house.served.url
    house.letter(SUBJECT)
    anna = house.at_desk(pages.open(), "anna")
    take(anna, url, SUBJECT)
    case_id = house.case_id(SUBJECT)
    with house.opened():
        from core import timeline
        from core.db import transaction

        with transaction():
            for number in range(500):
                timeline.write(case_id, "note", text=f"Запись {number:03}")
    anna.goto(f"{url}/cases/{case_id}")
    expect(anna.locator(".entry")).to_have_count(40)
    expect(anna.locator(".entry").last).to_contain_text("Запись 499")
    expect(anna.locator(".entry").last).to_be_in_viewport()

    # upwards they come by themselves, and what is in view stays there
    anna.locator(".case-scroll").evaluate("element => (element.scrollTop = 200)")
    expect(anna.get_by_text("Запись 430")).to_be_attached()
    anna.get_by_role("button", name="К первой записи").click()
    expect(anna.get_by_text("Запись 000")).to_be_in_viewport()
    anna.get_by_role("button", name="К последней записи").click()
    expect(anna.get_by_text("Запись 499")).to_be_in_viewport()
    middle = shift.rows(f"SELECT id FROM timeline_entry WHERE case_id = {case_id} ORDER BY id LIMIT 1 OFFSET 250")[0][0]
    anna.goto(f"{url}/queue")
    anna.goto(f"{url}/cases/{case_id}#entry-{middle}")
    expect(anna.locator(f"#entry-{middle}")).to_be_in_viewport()
