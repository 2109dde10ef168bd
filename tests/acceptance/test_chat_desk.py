"""Agents at their desks in chats with visitors, in real browsers beside one served demo centre."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser import Pages
from tests.support.kb_house import KnowledgeHouse, editor, house, send_button
from tests.support.waiting import wait_until

__all__ = ["house"]
CASE = ".panel:not([hidden]) .case"


@dataclass
class Visitor:
    """A visitor's page, by its requests."""

    house: KnowledgeHouse
    text: str
    name: str = "Мария Иванова"
    token: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self.token = self.house.chat(self.text, self.name)

    def say(self, text: str) -> None:
        self.house.chat(text, self.name, self.token)

    def post(self, path: str, **body: Any) -> Any:
        return self.house._post(path, body, self.token)

    def look(self) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Accept-Language": "ru"}
        asked = urllib.request.Request(f"{self.house.url}/chat/messages", headers=headers)
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return json.loads(answer.read())

    def read(self) -> list[tuple[str, str]]:
        """(author, text) of what there is, in order."""
        return [(one["author"], one["text"]) for one in self.look()["messages"]]

    def waits_for(self, author: str, text: str) -> None:
        wait_until(lambda: any(who == author and text in said for who, said in self.read()))


def desk(house: KnowledgeHouse, pages: Pages, login: str = "a.sokolova") -> Page:
    # The session of the test before is still there; who is taken out of a case of another group sees no more of it.
    pages.allow(r"/sign-in: .* 409 ")
    pages.allow(r"/cases/\d+: .* 403 ")
    return house.sign_in(pages.open(context=pages.context()), login)


def write(page: Page, text: str) -> None:
    editor(page).click()
    page.keyboard.type(text)


def reload_case(page: Page, case_id: int) -> Locator:
    page.goto(f"{page.url.split('/', 3)[0]}//{page.url.split('/', 3)[2]}/cases/{case_id}")
    return page.locator(CASE)


def interaction_of(house: KnowledgeHouse, case_id: int) -> int:
    return int(house.rows("SELECT id FROM interaction WHERE case_id = ? ORDER BY id LIMIT 1", case_id)[0][0])


@pytest.mark.feature("T-03")
def test_two_chats_have_focus_unread_and_a_bar_that_turns_orange_at_the_services_time(house, pages):
    first, second = Visitor(house, "Первый чат у стола"), Visitor(house, "Второй чат у стола", "Олег")
    page = desk(house, pages)
    one = house.take(page, "Первый чат у стола")
    two = house.take(page, "Второй чат у стола")
    service = house.rows('SELECT s.key FROM "case" c JOIN service s ON s.id = c.service_id WHERE c.id = ?', one)[0][0]
    house.served.okno("chat-rules", service, "--answer-seconds", "5")
    first.say("Есть кто?")
    line = page.locator(f"#active-{interaction_of(house, one)}")
    expect(line.locator(".counter")).to_contain_text("1")
    expect(page.locator("#focus")).to_have_attribute("data-case", str(two))
    line.locator("a").click()
    expect(page.locator("#focus")).to_have_attribute("data-case", str(one))
    expect(line.locator(".counter")).to_have_text("")
    expect(page.locator("#focus .focus-timer time")).to_be_visible()
    waits = page.locator("#focus .focus-waits time")
    expect(waits).to_have_attribute("data-warn-after", "5")
    expect(waits).to_have_attribute("data-late", "", timeout=15_000)
    orange = page.evaluate(
        "() => getComputedStyle(document.querySelector('#focus .focus-waits time'), '::after').transform"
    )
    assert orange == "matrix(1, 0, 0, 1, 0, 0)"
    write(page, "Да, слушаю")
    page.keyboard.press("Enter")
    first.waits_for("agent", "Да, слушаю")
    expect(page.locator("#focus .focus-waits")).to_have_count(0)
    assert second.read() == [("contact", "Второй чат у стола")]


@pytest.mark.feature("T-04")
def test_the_visitors_page_is_shown_and_kept_up_to_date_with_typing_and_read_marks(house, pages):
    visitor = Visitor(house, "Смотрю на страницу")
    visitor.post("/chat/page", url="https://shop.example/one", title="Первая страница", screen="1440x900")
    page = desk(house, pages)
    house.take(page, "Смотрю на страницу")
    panel = page.locator(f"{CASE} .visitor")
    expect(panel.get_by_role("link", name="Первая страница")).to_have_attribute("href", "https://shop.example/one")
    expect(panel).to_contain_text("1440x900")
    visitor.post("/chat/page", url="javascript:alert(1)", title="Вторая страница")
    expect(panel).to_contain_text("Вторая страница")
    expect(panel.get_by_role("link", name="Вторая страница")).to_have_count(0)
    visitor.post("/chat/typing")
    expect(page.locator(f"{CASE} [data-typing]")).to_contain_text("пишет")
    write(page, "Вижу вас")
    page.keyboard.press("Enter")
    mine = page.locator(f"{CASE} .message-out")
    expect(mine).to_contain_text("Отправлено")
    visitor.post("/chat/read", up_to=visitor.look()["messages"][-1]["id"])
    expect(mine).to_contain_text("Прочитано")
    seen = "SELECT agent_read_id FROM chat_reading WHERE agent_read_id > 0 AND visitor_read_id > agent_read_id"
    wait_until(lambda: house.rows(seen))


@pytest.mark.feature("T-05")
def test_a_reply_written_by_a_supervisor_is_found_by_slash_and_sent_with_the_names_filled_in(house, pages):
    boss = desk(house, pages, "e.orlova")
    boss.goto(f"{house.url}/chat/canned/all")
    boss.locator("summary", has_text="Разделы").click()
    boss.get_by_label("Новый раздел").fill("Доставка")
    boss.locator("#canned-whose-section").select_option("all")
    boss.get_by_role("button", name="Добавить раздел").click()
    expect(boss.locator("#canned-section-reply")).to_contain_text("Доставка")
    boss.locator("#canned-title").fill("Сроки доставки")
    boss.locator(".canned-editor [contenteditable]").click()
    boss.keyboard.type("Здравствуйте, %F! Это %AF, доставим за три дня.")
    boss.locator("#canned-whose-reply").select_option("all")
    boss.locator("#canned-section-reply").select_option(label="Доставка")
    boss.get_by_role("button", name="Сохранить").click()
    expect(boss.locator(".canned-replies")).to_contain_text("Доставка")
    expect(boss.locator(".canned-one").filter(has_text="Сроки доставки")).to_be_visible()

    visitor = Visitor(house, "Когда привезёте?")
    page = desk(house, pages)
    house.take(page, "Когда привезёте?")
    write(page, "/дост")
    option = page.get_by_role("option", name="Сроки доставки")
    expect(option).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(editor(page)).to_have_text(re.compile(r"^Здравствуйте, Мария! Это .+, доставим за три дня\.$"))
    expect(page.get_by_role("listbox")).to_have_count(0)
    page.keyboard.press("Enter")
    visitor.waits_for("agent", "Здравствуйте, Мария! Это")


@pytest.mark.feature("T-06")
def test_a_silent_visitor_is_warned_and_the_chat_closed_as_the_service_says_and_both_sides_see_it(house, pages):
    visitor = Visitor(house, "Сейчас замолчу")
    page = desk(house, pages)
    case_id = house.take(page, "Сейчас замолчу")
    service = house.rows('SELECT s.key FROM "case" c JOIN service s ON s.id = c.service_id WHERE c.id = ?', case_id)[0][
        0
    ]
    admin = desk(house, pages, "admin")
    admin.goto(f"{house.url}/admin/services/{service}")
    admin.get_by_label("Предупредить о молчании через, с").fill("5")
    admin.get_by_label("Закрыть после предупреждения через, с").fill("5")
    admin.get_by_label("Предупреждение по-русски").fill("Вы ещё с нами?")
    admin.get_by_label("Слова при закрытии по-русски").fill("Закрываем чат.")
    rules = admin.locator("form").filter(has=admin.locator("#chat-warn_seconds"))
    rules.get_by_role("button", name="Сохранить").click()
    expect(admin.get_by_text("Начатые разговоры идут по новым правилам")).to_be_visible()
    write(page, "Уточните номер заказа")
    page.keyboard.press("Enter")
    visitor.waits_for("system", "Вы ещё с нами?")
    expect(page.locator(f"{CASE} .message-bot", has_text="Вы ещё с нами?")).to_be_visible()
    visitor.waits_for("system", "Закрываем чат.")
    expect(page.locator(f"{CASE} .message-bot", has_text="Закрываем чат.")).to_be_visible()
    expect(page.locator(f'{CASE}[data-state="wrap_up"]')).to_be_visible()
    assert visitor.look()["state"] == "ended"
    house.served.okno("chat-rules", service, "--close-seconds", "0")
    house.served.okno("chat-rules", service, "--warn-seconds", "0")


@pytest.mark.feature("T-07")
def test_an_agents_picture_reaches_the_visitor(house, pages):
    visitor = Visitor(house, "Пришлите схему")
    page = desk(house, pages)
    house.take(page, "Пришлите схему")
    picture = bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d4944415478da63fccf5001000385018080a0b3b20000000049454e44ae426082"
    )
    drop = """([form, bytes]) => {
      const files = new DataTransfer();
      files.items.add(new File([new Uint8Array(bytes)], 'схема.png', { type: 'image/png' }));
      form.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: files }));
    }"""
    form = page.locator(f"{CASE} .compose-reply")
    page.evaluate(drop, [form.element_handle(), list(picture)])
    expect(form.locator("[data-files]")).to_contain_text("схема.png")
    send_button(page).click()
    expect(page.locator(f"{CASE} .message-out .pictures img")).to_be_visible()
    wait_until(lambda: visitor.look()["messages"][-1]["files"])
    sent = visitor.look()["messages"][-1]["files"][0]
    assert sent["name"] == "схема.png"


@pytest.mark.feature("T-08")
def test_a_colleague_is_invited_joins_writes_is_taken_out_and_the_owner_leaves_it_to_the_next(house, pages):
    visitor = Visitor(house, "Нужен ещё один")
    anna, jack = desk(house, pages), desk(house, pages, "j.harris")
    case_id = house.take(anna, "Нужен ещё один")

    def invite() -> None:
        anna.locator(f"{CASE} .case-head").get_by_role("button", name="Пригласить").click()
        anna.locator("#invite-targets label", has_text="Harris").click()
        anna.locator("#task").get_by_role("button", name="Пригласить").click()
        expect(anna.locator(f"{CASE} .company-asked")).to_contain_text("Harris")

    invite()
    reload_case(jack, case_id)
    jack.locator(".company-invitation").get_by_role("button", name="Join").or_(
        jack.locator(".company-invitation").get_by_role("button", name="Присоединиться")
    ).click()
    expect(jack.locator(f"{CASE}[data-writes]")).to_be_visible()
    expect(jack.locator(f"#active-{interaction_of(house, case_id)}")).to_be_visible()
    visitor.waits_for("system", "присоединяется к разговору")
    write(jack, "Я тоже здесь")
    jack.keyboard.press("Enter")
    visitor.waits_for("agent", "Я тоже здесь")
    expect(anna.locator(f"{CASE} .message-out")).to_contain_text("Я тоже здесь")
    anna.locator(f"{CASE} .company-one", has_text="Harris").get_by_role("button").click()
    expect(jack.locator(f"{CASE}[data-writes]")).to_have_count(0)
    visitor.waits_for("system", "покидает разговор")
    invite()
    jack.locator(".company-invitation .btn-primary").click()
    expect(jack.locator(f"{CASE}[data-writes]")).to_be_visible()
    anna.locator(f"{CASE} .company").get_by_role("button", name="Покинуть разговор").click()
    expect(jack.locator(f"{CASE}[data-mine]")).to_be_visible()
    expect(anna.locator(f"{CASE}[data-writes]")).to_have_count(0)
    owner = "SELECT u.login FROM interaction i JOIN user u ON u.id = i.agent_id WHERE i.case_id = ?"
    assert house.rows(owner, case_id) == [("j.harris",)]
    assert [text for who, text in visitor.read() if who == "system"][-1].endswith("покидает разговор")


@pytest.mark.feature("T-09")
def test_slash_ban_ends_the_chat_refuses_the_contact_and_an_administrator_lifts_it(house, pages):
    visitor = Visitor(house, "Вы все жулики")
    page = desk(house, pages)
    house.take(page, "Вы все жулики")
    write(page, "/ban грубит")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Заблокировать контакт")
    expect(dialog.get_by_label("Причина")).to_have_value("грубит")
    dialog.get_by_role("button", name="Заблокировать контакт").click()
    expect(page.locator(f'{CASE}[data-state="wrap_up"]')).to_be_visible()
    assert visitor.look()["state"] == "ended"
    with pytest.raises(urllib.error.HTTPError) as refusal:
        visitor.say("Ещё и ещё")
    assert json.loads(refusal.value.read())["error"]["code"] == "banned"
    assert all("/ban" not in text for _, text in visitor.read())
    admin = desk(house, pages, "admin")
    admin.goto(f"{house.url}/admin/bans")
    row = admin.locator("tr", has_text="грубит")
    expect(row).to_contain_text("Мария Иванова")
    row.get_by_role("button", name="Снять блокировку").click()
    expect(admin.get_by_text("Никто не заблокирован")).to_be_visible()
    admin.goto(f"{house.url}/admin/audit")
    expect(admin.locator("main, .page").first).to_contain_text("contact.unban")
    visitor.say("Простите")


@pytest.mark.feature("T-10")
def test_a_case_is_made_from_a_chat_and_the_transcript_goes_by_email(house, pages):
    visitor = Visitor(house, "Два вопроса сразу")
    page = desk(house, pages)
    case_id = house.take(page, "Два вопроса сразу")
    write(page, "Отвечаю на первый")
    page.keyboard.press("Enter")
    visitor.waits_for("agent", "Отвечаю на первый")
    panel = page.locator(f"{CASE} .visitor")
    panel.get_by_role("button", name="Отправить переписку").click()
    page.get_by_label("Адрес электронной почты").fill("maria@customer.example")
    page.locator("#task").get_by_role("button", name="Отправить").click()
    expect(page.locator(".toast", has_text="Переписка отправляется")).to_be_visible()
    letters = "SELECT m.body_text, m.subject FROM message m JOIN interaction i ON i.id = m.interaction_id WHERE m.case_id = ? AND i.channel = 'email'"
    wait_until(lambda: house.rows(letters, case_id))
    text, subject = house.rows(letters, case_id)[0]
    assert "Отвечаю на первый" in text and "Два вопроса сразу" in text and subject.startswith("Ваша переписка")
    assert house.rows("SELECT count(*) FROM outbox WHERE kind = 'email.send'")[0][0] >= 1
    panel.get_by_role("button", name="Новый запрос").click()
    page.locator("#task").get_by_label("Тема").fill("Второй вопрос отдельно")
    page.locator("#task").get_by_role("button", name="Открыть запрос").click()
    expect(page.locator(CASE).get_by_role("heading", name="Второй вопрос отдельно")).to_be_visible()
    expect(page.locator(f"{CASE} .message-note")).to_contain_text("Отвечаю на первый")
    expect(page.locator(f"{CASE} .case-links")).to_contain_text("Два вопроса сразу")
