"""What anybody may send, from a page or over a line: none of it is an error of ours, and none of it stays."""

from __future__ import annotations

import pytest

from core.db import db
from core.telephony import LegView
from plugins.voice.models.calls import VoiceCall
from tests.support.call_house import CALLER, NUMBER, SDP, shared_house


@pytest.fixture(scope="module")
def centre(tmp_path_factory, migrated_templates):
    yield from shared_house(tmp_path_factory.mktemp("rubbish"), migrated_templates)


@pytest.fixture
def house(centre, monkeypatch):
    monkeypatch.setitem(centre.app.extensions["okno"].config.values, "voice.visitor_calls", 0)
    yield centre
    centre.clear()


@pytest.mark.parametrize(
    "body",
    [
        b'{"sdp": "\\ud800"}',
        b'{"sdp": "v=0", "name": "\\ud800 Anna"}',
        b'{"sdp": "v=0", "name": "Anna\\u0000"}',
        b'{"sdp": "v=0", "entry": "\\udfff"}',
        b'{"sdp": "v=0", "number": "+7 495 \\ud800"}',
        b'{"sdp": "v=0", "language": "\\ud800"}',
        b'{"sdp": ["v=0"]}',
        b'{"sdp": ""}',
        b"[1, 2]",
        b"null",
        b"no JSON",
        b'{"a":' * 5000,
        b"\xff\xfe",
    ],
)
def test_rubbish_is_refused_or_understood_and_never_breaks(house, body):
    answer = house.app.test_client().post("/voice/visitor/calls", data=body, content_type="application/json")
    assert answer.status_code in (200, 400, 413, 422), answer.data
    house.voice.pump()
    kept = db.session.scalars(db.select(VoiceCall.name)).all()
    assert all("\x00" not in name and name.isprintable() for name in kept)
    assert len(house.live_legs()) == len(kept)


def test_commands_of_rubbish_are_refused(house):
    client = house.app.test_client()
    made = client.post("/voice/visitor/calls", json={"entry": NUMBER, "sdp": SDP}).json
    proof = {"Authorization": f"Bearer {made['token']}"}
    for what in ("dtmf", "callback", "mute", "%F0%9F%98%80", "hangup"):
        for body in (b'{"digits": "\\ud800"}', b'{"number": "\\ud800"}', b"[]", b'{"on": {}}'):
            path = f"/voice/visitor/calls/{made['key']}/{what}"
            answer = client.post(path, data=body, content_type="application/json", headers=proof)
            assert answer.status_code in (200, 422), (what, body, answer.data)


def test_a_token_that_is_none_opens_nothing(house):
    client = house.app.test_client()
    key, other = (client.post("/voice/visitor/calls", json={"entry": NUMBER, "sdp": SDP}).json for _ in range(2))
    for said in ("", "x", "a.b.c", "\xff", "é", other["token"]):
        headers = {"Authorization": f"Bearer {said}"}
        assert client.post(f"/voice/visitor/calls/{key['key']}/hangup", headers=headers).status_code == 401
    assert house.call(key["key"]).ended_at is None


def test_callers_never_take_the_lines_on_which_they_are_answered(house):
    """All lines full of people who wait would be a centre where nobody can ever be answered."""
    client, most = house.app.test_client(), house.voice.driver.abilities.most_legs
    statuses = [
        client.post("/voice/visitor/calls", json={"entry": NUMBER, "sdp": SDP}).status_code for _ in range(most)
    ]
    assert statuses.count(200) == most - most // 3 and set(statuses) == {200, 422}
    assert house.browser("anna")


def test_a_name_and_a_number_of_a_line_are_kept_without_what_cannot_be_shown(house):
    data = {"address": "+7495\x001234567", "to": "+78000000001", "name": "Ма\x00рия\r\n" + "я" * 5000, "headers": {}}
    house.voice.driver.legs["in-1"] = LegView("in-1", "sip", "in", "ringing")
    house.voice.driver.tell("leg.incoming", leg="in-1", data=data)
    house.voice.pump()
    call = db.session.scalars(db.select(VoiceCall).where(VoiceCall.customer_leg == "in-1")).one()
    assert (call.from_number, call.name[:6], len(call.name)) == (CALLER, "Марияя", 80)
