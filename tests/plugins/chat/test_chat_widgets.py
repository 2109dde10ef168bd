"""Widgets and what visitors' browsers may do: sites, files, marks, places in the queue, ratings, the form."""

from __future__ import annotations

import gzip
import io
import json
import zipfile

import pytest

from core import assignment, clock
from core.contracts import FileIn, Rejected
from core.db import db
from core.model import Attachment, Case, Interaction, Message, StoredFile
from core.schemas import Invalid
from plugins.chat import conversations, reading
from plugins.chat.desk import ending
from plugins.chat.media import call_rules
from plugins.chat.media.call_rules import Rule
from plugins.chat.models import Rating, Visit, Widget
from plugins.chat.visitor import incoming_files, leaving, queue_news, widget_page, widgets

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (64).to_bytes(4) + (48).to_bytes(4) + b"\x08\x06\x00\x00\x00"
LAZY = ("call.js", "cobrowse.js", "peer.js", "devices.js")


def rows(model: type) -> list:
    return list(db.session.scalars(db.select(model).execution_options(populate_existing=True)))


def archive(size: int) -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.txt", b"0" * size)
    return kept.getvalue()


def sent(visit, files, text="", id="files-0001"):
    form = {
        "message": json.dumps({"id": id, "text": text}),
        "files": [(io.BytesIO(body), name) for name, body in files],
    }
    return visit.client.post("/chat/messages", data=form, headers=visit.headers)


@pytest.mark.feature("T-01")
def test_what_a_site_loads_at_once_is_less_than_30_kb_gzipped(app):
    parts = [path for path in widget_page.FOLDER.iterdir() if path.name not in LAZY]
    assert sum(len(gzip.compress(path.read_bytes(), 9)) for path in parts) < 30 * 1024
    answer = app.test_client().get("/chat/widget.js")
    assert widget_page.version() in answer.text
    module = app.test_client().get(f"/chat/widget/{widget_page.version()}/main.js")
    assert module.headers["Access-Control-Allow-Origin"] == "*"
    assert "immutable" in module.headers["Cache-Control"]
    assert app.test_client().get(f"/chat/widget/{widget_page.version()}/../../hooks.py").status_code == 404


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.exe", b"MZ", "file-type-refused"),
        ("a.pdf", b"MZ\x90", "file-type-refused"),
        ("a.png", b"<svg onload=alert(1)>", "file-type-refused"),
        ("a.svg", b"<svg/>", "file-type-refused"),
        ("a.html", b"<script>", "file-type-refused"),
        ("a", b"x", "file-type-refused"),
        ("a.zip", b"PK\x03\x04rest", "file-type-refused"),
        ("a.zip", archive(30 << 20), "archive-bomb"),
        ("a.docx", archive(30 << 20), "archive-bomb"),
        ("a.png", PNG[:16] + (15_000).to_bytes(4) + (15_000).to_bytes(4) + PNG[24:], "picture-too-large"),
        ("a.txt", b"", "visitor-file-empty"),
        ("a.txt", b"0" * ((10 << 20) + 1), "visitor-file-large"),
    ],
)
def test_files_that_do_harm_are_refused_and_nothing_is_kept(centre, name, content, code):
    answer = sent(centre.visit(), [(name, content)])
    assert answer.status_code == 422
    assert answer.json["error"]["code"] == code
    assert rows(Message) == rows(StoredFile) == []


@pytest.mark.feature("T-07")
def test_ten_files_go_in_one_message_once_and_pictures_are_shown(centre):
    visit = centre.visit()
    files = [(f"снимок {number}.png", PNG) for number in range(9)] + [("../../док<умент>.zip", archive(1000))]
    first, again = sent(visit, files), sent(visit, files)
    assert first.status_code == 201
    assert [one["name"] for one in again.json["message"]["files"]] == [
        one["name"] for one in first.json["message"]["files"]
    ]
    assert len(rows(Attachment)) == 10
    assert rows(Interaction)[0].case.subject
    shown, kept = first.json["message"]["files"][0], first.json["message"]["files"][-1]
    assert (shown["picture"], kept["picture"], kept["name"]) == (True, False, "док_умент_.zip")
    picture, other = visit.client.get(shown["url"]), visit.client.get(kept["url"])
    assert (picture.mimetype, other.mimetype) == ("image/png", "application/octet-stream")
    assert "attachment" in other.headers["Content-Disposition"]
    assert visit.client.get(shown["url"][:-2]).status_code == 404
    too_many = sent(visit, [(f"{number}.txt", b"x") for number in range(11)], id="files-0002")
    assert too_many.json["error"]["code"] == "files-too-many"


def test_a_widget_answers_the_sites_it_is_open_to(centre):
    widgets.add_widget(
        "demo", "support", origins=["Shop.example", "http://localhost:8000"], texts={"greeting": {"ru": "Привет"}}
    )
    visit, client = centre.visit(), centre.app.test_client()
    assert rows(Widget)[0].origins == ["https://shop.example", "http://localhost:8000"]
    seen = {
        origin: client.get("/chat/widgets/demo?lang=ru", headers={"Origin": origin, "Accept": "application/json"})
        for origin in ("https://shop.example", "https://evil.example", "http://localhost")
    }
    assert [answer.status_code for answer in seen.values()] == [200, 422, 200]
    assert seen["https://evil.example"].json["error"]["code"] == "origin-refused"
    assert seen["https://evil.example"].headers["Access-Control-Allow-Origin"] == "*"
    assert seen["https://shop.example"].json["words"]["greeting"] == "Привет"
    begun = client.post("/chat/session", json={"entry": "demo"}, headers={"Origin": "https://evil.example"})
    assert begun.json["error"]["code"] == "origin-refused"
    visit.token = client.post("/chat/session", json={"entry": "demo"}).json["token"]
    refused = client.get("/chat/messages", headers={**visit.headers, "Origin": "https://evil.example"})
    assert refused.json["error"]["code"] == "origin-refused"
    before = client.options("/chat/messages", headers={"Origin": "https://shop.example"})
    assert "authorization" in before.headers["Access-Control-Allow-Headers"]


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"key": "Не ключ"}, "key"),
        ({"key": "a", "colour": "red"}, "colour"),
        ({"key": "a", "origins": ["javascript:alert(1)"]}, "origins"),
        ({"key": "a", "fields": [{"kind": "name", "title_en": "A"}, {"kind": "name", "title_en": "B"}]}, "fields"),
        ({"key": "a", "texts": {"unknown": {"en": "x"}}}, "texts"),
        ({"key": "a", "features": {"unknown": True}}, "features"),
    ],
)
def test_a_widget_that_cannot_be_says_which_value_is_wrong(centre, values, name):
    with pytest.raises(Invalid) as wrong:
        widgets.add_widget(**values)
    assert list(wrong.value.errors) == [name]


def test_words_on_a_colour_can_be_read():
    assert [widget_page.on_colour(colour) for colour in ("#ffd54a", "#2b5fc7", "#ffffff", "#000000")] == [
        widget_page.DARK,
        widget_page.LIGHT,
        widget_page.DARK,
        widget_page.LIGHT,
    ]


@pytest.mark.feature("T-01")
def test_visitors_hear_their_place_and_how_long_it_may_take(centre):
    visits = [centre.visit() for _ in range(4)]
    with clock.at(clock.now()):
        for visit in visits:
            visit.say("Помогите")
        assert [visit.look()["position"] for visit in visits] == [1, 2, 3, 4]
        assert visits[0].look()["wait_seconds"] is None
        assert (queue_news.tell_due(), queue_news.tell_due()) == (4, 0)
        centre.accept()
        assert queue_news.tell_due() == 3
    assert [visit.look()["position"] for visit in visits] == [0, 1, 2, 3]


def test_who_gets_an_agent_while_places_are_counted_is_not_told_to_wait(centre, monkeypatch):
    visit = centre.visit()
    visit.say("Помогите")
    counted = queue_news._standing

    def taken_meanwhile(waiting):
        found = counted(waiting)
        db.session.rollback()
        centre.accept()
        return found

    monkeypatch.setattr(queue_news, "_standing", taken_meanwhile)
    assert queue_news.tell_due() == 0
    address = rows(Interaction)[0].address
    heard = centre.heard(f"session:chat-{address}")
    told = [json.loads(payload)["state"] for type, payload in heard if type == "chat.state"]
    assert told[-1] == "active"


def test_marks_move_forward_only_and_only_within_the_conversation(centre):
    visit, other = centre.visit(), centre.visit()
    visit.say("раз")
    other.say("чужое")
    interaction_id = centre.accept()
    interaction = db.session.get_one(Interaction, interaction_id)
    mine, foreign = (message.id for message in rows(Message)[:2])
    assert [reading.by_agent(interaction, number) for number in (mine, mine, foreign, 10**9)] == [
        True,
        False,
        False,
        False,
    ]
    assert visit.look()["read_up_to"] == mine
    assert visit.client.post("/chat/read", json={"up_to": mine}, headers=visit.headers).status_code == 200
    assert visit.client.post("/chat/typing", json={}, headers=visit.headers).status_code == 200
    heard = [type for type, _ in centre.heard(f"user:{centre.agent_id}")]
    assert {"chat.read", "chat.typing"} <= set(heard)


@pytest.mark.feature("T-01")
def test_a_conversation_is_rated_when_it_is_over_and_once(centre):
    visit = centre.visit()
    rate = lambda score: visit.client.post("/chat/rating", json={"score": score}, headers=visit.headers)  # noqa: E731
    assert rate(5).json["error"]["code"] == "nothing-to-rate"
    visit.say("Помогите")
    assert rate(5).json["error"]["code"] == "nothing-to-rate"
    ending.end(centre.accept(), centre.agent_id)
    assert visit.look()["rateable"] is True
    assert rate(6).json["error"]["code"] == "rating-range"
    assert [rate(score).status_code for score in (2, 4)] == [200, 200]
    assert [row.score for row in rows(Rating)] == [4]


def test_a_visitor_ends_what_waits_and_what_is_held(centre):
    visit = centre.visit()
    visit.say("Не дождусь")
    for _ in range(2):
        assert visit.client.post("/chat/end", json={}, headers=visit.headers).status_code == 200
    assert (rows(Interaction)[0].state, visit.look()["state"]) == ("closed", "ended")
    visit.say("Снова")
    interaction_id = centre.accept()
    visit.client.post("/chat/end", json={}, headers=visit.headers)
    assert db.session.get_one(Interaction, interaction_id, populate_existing=True).state == "wrap_up"
    with pytest.raises(Rejected):
        assignment.abandon(interaction_id)


def test_the_page_and_the_answers_are_kept_with_the_visit(centre):
    visit = centre.visit()
    visit.say(
        "Привет", told={"name": "Пётр", "email": "p@customer.example", "x" * 99: "y"}, page="https://shop.example/"
    )
    for title in ("Корзина", "Корзина", "Оплата\u202e\x00"):
        facts = {"url": "https://shop.example/pay", "title": title, "referrer": "https://search.example"}
        assert visit.client.post("/chat/page", json=facts, headers=visit.headers).status_code == 200
    (seen,) = rows(Visit)
    assert (seen.title, seen.told["email"], seen.referrer) == ("Оплата", "p@customer.example", "https://search.example")
    assert [page["title"] for page in seen.pages] == ["", "Корзина", "Оплата"]


def test_the_desk_shows_answers_under_the_questions_as_they_are_asked(centre):
    from plugins.chat.desk import visitors

    asked = {"kind": "text", "title_en": "Order", "title_ru": "Заказ", "required": False}
    widgets.add_widget("demo", "support", fields=[asked])
    visit = centre.visit()
    visit.token = visit.client.post("/chat/session", json={"entry": "demo"}).json["token"]
    visit.say("Где посылка?", told={"text1": "1042", "colour": "red"})
    (seen,) = rows(Visit)
    assert visitors.told_by(seen, "ru") == [("Заказ", "1042"), ("colour", "red")]
    assert visitors.told_by(seen, "en")[0] == ("Order", "1042")


@pytest.mark.parametrize(
    ("rule", "labels"),
    [
        (Rule(), ["Позвонить", "Показать эту страницу оператору"]),
        (Rule(audio=False, video=False), ["", "Показать эту страницу оператору"]),
        (Rule(audio=False, cobrowse=False), ["Позвонить", ""]),
    ],
)
def test_the_widget_has_buttons_for_what_its_service_allows_and_hears_all_else(centre, rule, labels):
    call_rules.set_rule("support", rule)
    widget = widgets.add_widget("demo", "support")
    told = widget_page.settings(widget, "ru")["extensions"]
    assert [one["label"] for one in told] == labels
    # A service that the chat is passed on to may call all the same.
    assert [one["events"] for one in told] == [["chat.call"], ["chat.cobrowse"]]


@pytest.mark.feature("T-01")
def test_the_form_stands_in_when_the_service_is_closed_or_empty_and_makes_one_case(centre):
    widget = widgets.add_widget("demo", "support", offline="agents")
    assert leaving.is_offline(widget)
    centre.visit().say("есть кто")
    centre.accept()
    assert not leaving.is_offline(widget)
    visit = centre.visit()
    body = {"id": "form-0001", "text": "Ответьте на почту", "email": "night@customer.example"}
    for _ in range(2):
        assert visit.client.post("/chat/offline", json=body, headers=visit.headers).status_code == 201
    assert sum(case.subject == "Ответьте на почту" for case in rows(Case)) == 1
    wrong = visit.client.post("/chat/offline", json={**body, "id": "form-0002", "email": "x"}, headers=visit.headers)
    assert wrong.json["error"]["code"] == "email-missing"


def test_more_new_visitors_than_an_office_has_are_told_to_wait(centre):
    client = centre.app.test_client()
    codes = [client.post("/chat/session", json={}).status_code for _ in range(125)]
    assert codes.count(200) == 120
    assert set(codes) == {200, 422}


def test_names_of_files_lose_what_could_mislead():
    assert incoming_files.clean_name("C:\\a\\b/счёт\u202egpj.exe") == "счёт_gpj.exe"
    checked = incoming_files.clean_name
    assert (checked("..."), len(checked("я" * 300 + ".pdf"))) == ("file", incoming_files.NAME_MOST)
    assert FileIn("a", "b", b"").name == "a"


def test_the_first_read_of_a_conversation_costs_the_same_for_many_messages(centre, count_queries):
    visit = centre.visit()
    visit.say("раз")
    address = rows(Interaction)[0].address
    with count_queries() as few:
        conversations.messages(address)
    for number in range(5):
        visit.say(f"ещё {number}")
    with count_queries() as many:
        conversations.messages(address)
    assert many.count == few.count
