"""What anybody may send to the address of callers' pages: none of it is an error of ours, and none of it stays."""

from __future__ import annotations

import pytest

from core.db import db
from plugins.voice.models.calls import VoiceCall
from tests.support.call_house import NUMBER, SDP, shared_house


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


@pytest.mark.parametrize("body", [b'{"digits": "\\ud800"}', b'{"number": "\\ud800"}', b"[]", b'{"on": {}}'])
@pytest.mark.parametrize("what", ["dtmf", "callback", "mute", "hangup", "\ud83d\ude00"])
def test_commands_of_rubbish_are_refused(house, what, body):
    client = house.app.test_client()
    made = client.post("/voice/visitor/calls", json={"entry": NUMBER, "sdp": SDP}).json
    proof = {"Authorization": f"Bearer {made['token']}"}
    path = f"/voice/visitor/calls/{made['key']}/{'%F0%9F%98%80' if len(what) == 2 else what}"
    answer = client.post(path, data=body, content_type="application/json", headers=proof)
    assert answer.status_code in (200, 422), answer.data


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "\xff", "é"])
def test_a_token_that_is_none_opens_nothing(house, token):
    client = house.app.test_client()
    key = client.post("/voice/visitor/calls", json={"entry": NUMBER, "sdp": SDP}).json["key"]
    other = client.post("/voice/visitor/calls", json={"entry": NUMBER, "sdp": SDP}).json["token"]
    for said in (token, other):
        answer = client.post(f"/voice/visitor/calls/{key}/hangup", headers={"Authorization": f"Bearer {said}"})
        assert answer.status_code == 401
    assert house.call(key).ended_at is None
