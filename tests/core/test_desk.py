"""The desk's pages over HTTP: what they show, to whom, at how many queries, and what its commands answer."""

from __future__ import annotations

import json
import re

import pytest
from flask import g

from core import assignment, directory
from core.db import db, transaction
from core.events import log as events
from core.model import Case, Draft, Interaction, Message, Service
from core.web import desk_queries
from core.web.case_texts import linked, parted, reply_subject

FRAGMENT = {"HX-Request": "true"}


class Browser:
    """A signed-in client that sends the token with every command."""

    def __init__(self, app, login):
        self.client = app.test_client()
        page = self.client.get("/sign-in").text
        self.token = re.search(r'name="csrf-token" content="([^"]+)"', page).group(1)
        self.post("/sign-in", login=login, password="correct horse")
        self.token = re.search(r'name="csrf-token" content="([^"]+)"', self.get("/", fragment=False).text).group(1)

    @staticmethod
    def forget():
        """The test's own application context is open around the requests, so what one request has cached must go."""
        for name in ("okno_user", "okno_frame", "okno_granted", "csrf"):
            g.pop(name, None)
        db.session.rollback()

    def get(self, url, fragment=True):
        self.forget()
        return self.client.get(url, headers=FRAGMENT if fragment else {})

    def post(self, url, **values):
        self.forget()
        return self.client.post(url, data=values, headers={"X-CSRF-Token": self.token, **FRAGMENT})


@pytest.fixture
def desk(centre):
    """``anna`` at her desk; her session is opened last, so that the context stays the test's own."""
    directory.ensure_roles()
    for user_id in centre.agents:
        directory.set_roles(user_id, ["agent"])
        directory.set_password(user_id, "correct horse")
    return Browser(centre.app, "anna")


def test_a_browser_gets_the_whole_desk_and_a_fragment_only_the_panel(desk):
    whole, piece = desk.get("/queue", fragment=False).text, desk.get("/queue").text
    assert 'id="status"' in whole and 'id="actives"' in whole and 'data-refresh="queue"' in whole
    assert "<html" not in piece and 'data-refresh="queue"' in piece


def test_opening_the_desk_signs_the_agent_on(desk, centre):
    from core import presence

    assert presence.of(centre.agents[0]).state == presence.NOT_READY


@pytest.mark.parametrize("url", ["/queue", "/cases?scope=all", "/desk/around", "/"])
def test_pages_ask_the_data_base_as_often_for_thirty_rows_as_for_three(desk, centre, count_queries, url):
    def asked():
        with count_queries() as seen:
            assert desk.get(url).status_code == 200
        return seen.count

    for number in range(3):
        centre.mail(f"c{number}@example.org")
    few = asked()
    for number in range(3, 30):
        centre.mail(f"c{number}@example.org")
    assert asked() == few


def test_what_happens_after_the_rows_are_read_is_told_by_the_stream(desk, monkeypatch):
    read = desk_queries.queue_page

    def reads_and_is_overtaken(*args, **named):
        page = read(*args, **named)
        with db.engine.begin() as connection:
            found.append(events.bounds(connection)[1])
        with transaction():
            events.publish("desk", "queue.changed", {})
        return page

    found = []
    monkeypatch.setattr(desk_queries, "queue_page", reads_and_is_overtaken)
    page = desk.get("/queue", fragment=False).text
    assert int(re.search(r'data-after="(\d+)"', page)[1]) <= found[0]


def test_a_case_of_another_team_is_neither_shown_nor_listed(desk, centre):
    centre.mail(subject="Чужое")
    with transaction():
        other = Service(key="other", title_en="Other", title_ru="Другой")
        db.session.add(other)
        db.session.flush()
        for row in (db.session.scalars(db.select(Case)).one(), db.session.scalars(db.select(Interaction)).one()):
            row.service_id = other.id
    case_id = db.session.scalars(db.select(Case.id)).one()
    assert desk.get(f"/cases/{case_id}").status_code == 403
    assert "Чужое" not in desk.get("/queue").text + desk.get("/cases?scope=all").text


def test_an_offer_is_shown_and_accepting_it_opens_the_case(desk, centre):
    centre.mail(subject="Не открывается")
    centre.ready(centre.agents[0])
    assert assignment.route_due() == 1
    offer = centre.open_offers()[0]
    assert "Не открывается" in desk.get("/desk/offers").text
    answer = desk.post(f"/offers/{offer.id}/accept")
    assert answer.status_code == 204
    assert json.loads(answer.headers["HX-Trigger"])["okno:open"]["url"] == f"/cases/{offer.interaction.case_id}"
    assert "data-mine" in desk.get(f"/cases/{offer.interaction.case_id}").text


def test_a_draft_is_kept_shown_again_and_gone_once_sent(desk, centre):
    interaction_id = centre.taken(centre.agents[0])
    case_id = db.session.get(Interaction, interaction_id).case_id
    assert desk.post(f"/cases/{case_id}/draft", kind="reply", html="<div>Почти готово</div>").status_code == 200
    assert "Почти готово" in desk.get(f"/cases/{case_id}").text
    answer = desk.post(f"/interactions/{interaction_id}/reply", html="<div>Готово</div>")
    assert answer.status_code == 204, answer.headers
    assert db.session.scalars(db.select(Draft)).all() == []


def test_closing_without_the_required_disposition_says_which_words(desk, centre):
    interaction_id = centre.taken(centre.agents[0])
    assert "Решено" in desk.post(f"/interactions/{interaction_id}/finish?lang=ru").text
    refused = desk.post(f"/interactions/{interaction_id}/complete?lang=ru")
    assert refused.status_code == 422
    assert "выберите статус разговора" in json.loads(refused.headers["HX-Trigger"])["toast"]["text"]
    assert desk.post(f"/interactions/{interaction_id}/complete", disposition=centre.solved_id).status_code == 204


def test_a_letter_is_served_as_a_page_in_which_nothing_runs(desk, centre):
    centre.mail()
    with transaction():
        message = db.session.scalars(db.select(Message)).first()
        message.body_html = "<p>Здравствуйте</p>"
        message_id = message.id
    answer = desk.get(f"/messages/{message_id}/body", fragment=False)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "sandbox" in policy and "allow-scripts" not in policy
    assert "Здравствуйте" in answer.text


def test_a_page_key_continues_where_the_page_before_ended(desk, centre):
    for number in range(60):
        centre.mail(f"c{number}@example.org", subject=f"Письмо {number:03}")
    first = desk.get("/queue").text
    following = re.search(r'hx-get="(/queue\?after=[^"]+)"', first).group(1).replace("&amp;", "&")
    shown = [set(re.findall(r"Письмо \d{3}", text)) for text in (first, desk.get(following).text)]
    assert len(shown[0]) == 50 and len(shown[1]) == 10 and not shown[0] & shown[1]


@pytest.mark.parametrize(
    ("text", "fresh", "quoted"),
    [
        ("Спасибо!\n\n> Раздел 2 пуст\n> всегда", "Спасибо!", "> Раздел 2 пуст\n> всегда"),
        ("Да\n\nOn Mon, 2 Nov 2026 Anna wrote:\n> ok", "Да", "On Mon, 2 Nov 2026 Anna wrote:\n> ok"),
        ("> вопрос\nответ под ним", "> вопрос\nответ под ним", ""),
        ("Без цитаты", "Без цитаты", ""),
    ],
)
def test_quoted_text_is_parted_from_what_is_new(text, fresh, quoted):
    assert parted(text) == (fresh, quoted)


def test_links_in_plain_text_are_made_and_everything_else_is_escaped():
    html = linked("см. https://okno.example/a?b=1. <script>")
    assert 'href="https://okno.example/a?b=1"' in html and "&lt;script&gt;" in html


def test_an_answer_keeps_a_single_re():
    assert reply_subject("RE: Re[2]: Отв: Счёт") == "Re: Счёт"
