"""The pages of the features as requests: what they show, to whom, and what a form does."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from sqlalchemy import select

from core import storage
from core.clock import now
from core.db import db, transaction
from core.model import User
from core.own_settings import formatted
from plugins.voice.lines import directory
from plugins.voice.menus import operations as menus
from plugins.voice.messages import operations as messages
from plugins.voice.messages.rules import rule_of
from plugins.voice.models.messages import VoiceMessage
from plugins.voice.models.recordings import CallRecording
from plugins.voice.recordings import library
from plugins.voice.registration import links
from plugins.voice.sounds import speech
from plugins.voice.voicemail import boxes, forwarding, messages_left
from plugins.voice.voicemail.boxes import Whose
from tests.support.voice_features_house import NUMBER, FeaturesHouse, beep

MENU = {
    "numbers": [NUMBER],
    "steps": {
        "hello": {"type": "say", "text": "Здравствуйте!", "next": "ask"},
        "ask": {"type": "digits", "text": "Поддержка — 1", "options": {"1": "agent"}, "otherwise": "agent"},
        "agent": {"type": "queue", "service": "support"},
    },
}


@pytest.fixture
def house(features: FeaturesHouse) -> FeaturesHouse:
    return features


def text(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status, answer.get_data(as_text=True)[-2000:]
    return answer.get_data(as_text=True)


def sound(name: str = "hello.wav") -> tuple[io.BytesIO, str]:
    return io.BytesIO(beep()), name


def test_an_internal_number_in_the_directory_reaches_the_colleague(house):
    with transaction():
        db.session.get_one(User, house.users["boris"]).phone = "207"
    answer = house.post("anna", "/directory/begin", {"channel": "voice", "address": " 207 "})
    assert answer.status_code == 204
    assert f"/voice/phone?user={house.users['boris']}" in answer.headers["HX-Trigger"]
    for nobody in ("208", "+74951112233"):
        assert house.post("anna", "/directory/begin", {"channel": "voice", "address": nobody}).status_code == 422


@pytest.mark.parametrize(
    ("login", "url", "status"),
    [
        ("anna", "/voice/callbacks", 200),
        ("vera", "/voice/callbacks?state=done", 200),
        ("anna", "/voice/voicemail", 200),
        ("anna", "/voice/registration", 200),
        ("anna", "/voice/registration/report", 403),
        ("anna", "/voice/recordings", 403),
        ("anna", "/voice/lines", 200),
        ("anna", "/voice/messages", 200),
        ("anna", "/voice/box", 200),
        ("anna", "/voice/box?service=support", 403),
        ("anna", "/voice/forwarding", 200),
        ("anna", "/admin/voice-messages", 403),
        ("vera", "/voice/registration/report", 200),
        ("vera", "/voice/registration/report?by=supervisor", 200),
        ("vera", "/voice/recordings", 200),
        ("vera", "/admin/voice-menus", 403),
        ("root", "/admin/voice-menus", 200),
        ("root", "/admin/voice-menus/new", 200),
        ("root", "/admin/voice-messages", 200),
        ("root", "/admin/voice-lines", 200),
        ("root", "/admin/voice-lines/new", 200),
        ("root", "/voice/rules?service=support", 200),
        ("root", "/voice/box?service=support", 200),
    ],
)
def test_pages_are_for_those_who_may(house, login, url, status):
    assert house.client(login).get(url).status_code == status


def test_a_menu_is_written_shown_exported_and_tried(house):
    page = text(
        house.post("root", "/admin/voice-menus/new", {"key": "main", "document": "steps: [", "active": "1"}), 422
    )
    assert "Строка 1" in page
    saved = house.post(
        "root", "/admin/voice-menus/new", {"key": "main", "document": menus.as_yaml(MENU), "active": "1"}
    )
    assert saved.status_code == 303
    page = text(house.client("root").get("/admin/voice-menus/main"))
    assert "Здравствуйте!" in page and "step-agent" in page
    version = re.search(r'name="version" value="(\d+)"', page).group(1)
    document = menus.as_yaml({**MENU, "title": "Другое"})
    assert house.post("root", "/admin/voice-menus/main", {"document": document, "version": version}).status_code == 303
    stale = text(house.post("root", "/admin/voice-menus/main", {"document": document, "version": version}), 422)
    assert "кто-то другой" in stale
    exported = house.client("root").get("/admin/voice-menus/main.yaml")
    assert menus.from_yaml(exported.get_data(as_text=True)) == menus.get_menu("main").document
    page = text(house.client("root").get("/admin/voice-menus/main/try"))
    state = json.loads(re.search(r'name="state" value="([^"]*)"', page).group(1).replace("&#34;", '"'))
    assert state["step"] == "ask"
    form = {"state": json.dumps(state), "lines": "[]", "key": "1"}
    talked = text(house.post("root", "/admin/voice-menus/main/try", form))
    assert "В очередь сервиса «support»" in talked and "disabled" in talked
    assert "disabled" in text(house.post("root", "/admin/voice-menus/main/try", {"state": "{}", "key": "1"}))
    assert house.post("root", "/admin/voice-menus/main/remove").status_code == 303
    assert house.client("root").get("/admin/voice-menus/main").status_code == 404


def test_menus_whose_texts_nobody_speaks_say_so(house, tmp_path, monkeypatch):
    monkeypatch.setattr(speech, "DEFAULT", "no-such-program-here")
    menus.save_menu("main", MENU)
    root = house.client("root")
    for url in ("/admin/voice-menus", "/admin/voice-menus/main"):
        page = text(root.get(url))
        assert "нет программы, которая произносит тексты" in page and "сигнал" in page, url
    assert "сигнал вместо текста" in page
    assert "не озвучено текстов: " in text(root.get("/admin/voice-menus"))
    # A program that is there and has failed is another thing.
    script = tmp_path / "speak"
    script.write_text("#!/bin/sh\nexit 1\n")
    script.chmod(0o755)
    monkeypatch.setattr(speech, "DEFAULT", str(script))
    page = text(root.get("/admin/voice-menus/main"))
    assert "Ещё не озвучено: «" in page and "нет программы" not in page
    script.write_text(f"#!/bin/sh\ncat {house.wav(tmp_path)}\n")
    for menu_text, language in menus.spoken_texts():
        assert speech.spoken(menu_text, language)
    assert "сигнал" not in text(root.get("/admin/voice-menus/main")) + text(root.get("/admin/voice-menus"))


def test_an_agent_keeps_own_messages_in_the_settings(house):
    assert "Нет звука" not in text(house.client("anna").get("/voice/messages"))
    assert "Запишите звук" in text(house.post("anna", "/voice/messages", {"title": "Приветствие"}))
    told = text(house.post("anna", "/voice/messages", {"title": "Приветствие", "sound": sound()}))
    assert "Сообщение добавлено" in told and "okno-sound" in told
    row = db.session.scalars(select(VoiceMessage)).one()
    heard = house.client("anna").get(f"/voice/messages/{row.id}/sound", headers={"Range": "bytes=0-3"})
    assert (heard.status_code, heard.get_data(), heard.mimetype) == (206, b"RIFF", "audio/wav")
    assert house.client("boris").get(f"/voice/messages/{row.id}/sound").status_code == 404
    assert "selected" in text(house.post("anna", "/voice/messages/choice", {"greeting_id": str(row.id)}))
    assert messages.greeting_sound(house.users["anna"])
    assert "нет" in text(house.post("boris", f"/voice/messages/{row.id}/remove"))
    assert "Удалено" in text(house.post("anna", f"/voice/messages/{row.id}/remove"))


def test_a_box_and_forwarding_are_set_up_in_the_settings(house):
    assert "Приветствие добавлено" in text(house.post("anna", "/voice/box/greetings", {"title": "Я", "sound": sound()}))
    wrong = text(house.post("anna", "/voice/box", {"active": "1", "email": "nobody", "email_as": "link"}))
    assert 'value="nobody"' in wrong and "не похоже" in wrong
    text(house.post("anna", "/voice/box", {"active": "1", "email": "a@example.org", "email_as": "attachment"}))
    box = boxes.active_box(Whose(user_id=house.users["anna"]))
    assert (box.email, box.email_as, len(box.greetings)) == ("a@example.org", "attachment", 1)
    place = f"/voice/box/greetings/{box.greetings[0].id}"
    assert house.client("anna").get(f"{place}/sound").status_code == 200
    assert house.client("boris").get(f"{place}/sound").status_code == 404
    text(house.post("root", "/voice/box/greetings", {"service": "support", "sound": sound()}))
    assert boxes.box_of(Whose(service_id=house.services["support"])).greetings[0].active
    form = {"busy_number": "102", "busy_active": "1", "no_answer_number": "oops", "no_answer_seconds": "20"}
    assert "aria-invalid" in text(house.post("anna", "/voice/forwarding", form))
    text(house.post("anna", "/voice/forwarding", {**form, "no_answer_number": ""}))
    assert forwarding.course_of(house.users["anna"], "busy").number == "102"


def test_voicemail_is_listened_to_and_removed(house, tmp_path):
    box = boxes.ensure_box(Whose(user_id=house.users["anna"]))
    row = messages_left.keep(box.id, "v1", str(house.wav(tmp_path)), number="+74951112233", name="<b>Иван</b>")
    messages_left.encode_due()
    page = text(house.client("anna").get("/voice/voicemail"))
    assert "&lt;b&gt;Иван" in page and f"/voice/voicemail/{row.id}/heard" in page
    assert house.client("anna").get(f"/voice/voicemail/{row.id}").status_code == 200
    assert house.client("boris").get(f"/voice/voicemail/{row.id}").status_code == 404
    assert house.client("boris").get(f"/voice/voicemail/{row.id}/sound").status_code == 404
    assert house.client("anna").get(f"/voice/voicemail/{row.id}/sound").get_data().startswith(b"OggS")
    assert house.post("anna", f"/voice/voicemail/{row.id}/heard").status_code == 204
    assert "/heard" not in text(house.client("anna").get("/voice/voicemail"))
    assert house.post("anna", f"/voice/voicemail/{row.id}/remove").status_code == 200
    assert messages_left.page(house.users["anna"]) == []


def test_recordings_are_heard_by_who_may_and_that_is_written_down(house, tmp_path):
    from core.audit import entries

    call = house.call()
    row = library.begin(call, "r1", house.users["anna"])
    library.done("r1", str(house.wav(tmp_path)), 2)
    library.encode_due()
    assert "okno-sound" in text(house.client("vera").get("/voice/recordings"))
    assert "okno-sound" in text(house.client("vera").get(f"/voice/recordings/case?case={call.case_id}"))
    assert house.client("anna").get(f"/voice/recordings/{row.id}").status_code == 403
    assert house.client("vera").get(f"/voice/recordings/{row.id}").get_data().startswith(b"OggS")
    assert [entry.action for entry in entries(object_type="voice_recording")] == ["voice.recording.heard"]
    assert house.post("vera", f"/voice/recordings/{row.id}/remove").status_code == 403
    sha256 = db.session.get_one(CallRecording, row.id, populate_existing=True).sha256
    assert house.post("root", f"/voice/recordings/{row.id}/remove").status_code == 200
    assert not storage.path(sha256).exists()
    assert house.client("vera").get(f"/voice/recordings/{row.id}").status_code == 404


def test_calls_are_linked_from_the_list_and_beside_the_case(house):
    first, second, foreign = house.call(), house.call(), house.call("boris")
    case = house.case("Возврат")
    page = text(house.client("anna").get("/voice/registration"))
    assert formatted(first.from_number) in page and formatted(foreign.from_number) not in page
    assert formatted(foreign.from_number) in text(house.client("vera").get("/voice/registration"))
    assert formatted(second.from_number) in text(house.client("anna").get(f"/voice/registration?find={second.id}"))
    assert "Такого звонка нет" in text(house.client("anna").get(f"/voice/registration?find={foreign.id}"))
    assert house.client("anna").get(f"/voice/registration/calls/{foreign.id}").status_code == 404
    row = f"/voice/registration/calls/{first.id}"
    assert 'name="number"' in text(house.client("anna").get(row))
    assert "Нет запроса" in text(house.post("anna", row, {"number": "123456"}))
    assert "зарегистрирован" in text(house.post("anna", row, {"number": case.number}))
    beside = f"/voice/registration/case/{second.id}?case={second.case_id}"
    assert case.number in text(house.post("anna", beside, {"number": case.number}))
    assert {call.id for call in links.calls_of_case(case.id)} == {first.id, second.id}
    assert "не зарегистрирован" in text(house.post("anna", beside.replace("?", "/unlink?")))
    csv = house.client("vera").get("/voice/registration/calls.csv").get_data(as_text=True)
    assert foreign.from_number in csv and f"\n{first.id}," not in csv
    assert "Первая линия,2,1,50" in house.client("vera").get("/voice/registration/report.csv").get_data(as_text=True)


def test_days_are_the_viewers_and_nonsense_is_a_week(house):
    house.call(at=now())
    today = now().date().isoformat()
    assert house.client("vera").get(f"/voice/registration/report?from={today}&until=x&by=y&team=z").status_code == 200
    assert house.client("vera").get("/voice/registration?from=9999-12-31&until=0001-01-01").status_code == 200
    assert house.client("vera").get("/voice/recordings?from=0001-01-01&until=9999-12-31").status_code == 200


def test_the_rule_of_a_service_is_set_on_its_page(house):
    message = messages.add("Запись", beep(), owner_id=None)
    form = {
        "service": "support",
        "record": "always",
        "consent_id": str(message.id),
        "keep_days": "30",
        "voicemail_seconds": "x",
    }
    assert "aria-invalid" in text(house.post("root", "/voice/rules", form))
    assert "Сохранено" in text(house.post("root", "/voice/rules", {**form, "voicemail_seconds": "90", "callback": "1"}))
    rule = rule_of(house.services["support"])
    assert (rule.record, rule.consent_id, rule.keep_days, rule.voicemail_seconds) == ("always", message.id, 30, 90)


def test_lines_are_kept_and_picked(house):
    form = {"key": "cards", "title_ru": "Карты", "title_en": "Cards", "product": "Карты", "number": "200", "teams": "second", "active": "1"}  # fmt: skip
    assert "aria-invalid" in text(house.post("root", "/admin/voice-lines/new", {**form, "number": "?"}), 422)
    assert house.post("root", "/admin/voice-lines/new", form).status_code == 303
    assert "уже есть" in text(house.post("root", "/admin/voice-lines/new", form), 422)
    assert house.post("root", "/admin/voice-lines/cards", {**form, "note": "Блокировка"}).status_code == 303
    assert "Блокировка" in text(house.client("anna").get("/voice/lines"))
    assert house.client("anna").get("/voice/lines.json").get_json() == {"lines": []}
    picked = house.client("boris").get("/voice/lines.json?q=карт").get_json()["lines"]
    assert [(one["number"], one["title"]) for one in picked] == [("200", "Карты")]
    assert "Карты" in text(house.client("root").get("/admin/voice-lines"))
    assert house.post("root", "/admin/voice-lines/cards/remove").status_code == 303
    assert directory.list_lines() == []
