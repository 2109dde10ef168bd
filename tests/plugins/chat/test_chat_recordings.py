"""Recordings of calls: with consent only, in pieces that may come twice, complete as a note of the case."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core import clock, storage
from core.contracts import Rejected
from core.db import db
from core.model import Interaction, NoteFile, Service, TimelineEntry
from plugins.chat.media import call_rules, calls, ice, recordings
from plugins.chat.media.call_rules import Rule
from plugins.chat.media.calls import Party
from plugins.chat.models import Recording


@pytest.fixture
def held(centre):
    """A recorded call that the visitor has agreed to; gives the call and the agent."""
    visit = centre.visit()
    visit.say("Позвоните мне")
    interaction_id = centre.accept()
    visitor = Party("visitor", visitor_id=db.session.get_one(Interaction, interaction_id).address)
    agent = Party("agent", user_id=centre.agent_id)
    call_rules.set_rule(db.session.scalars(db.select(Service.key)).one(), Rule(recorded=True))
    call = calls.offer(interaction_id, agent, "audio")
    with pytest.raises(Rejected) as refusal:
        calls.answer(call.id, visitor)
    assert refusal.value.code == "call-consent"
    with pytest.raises(Rejected) as refusal:
        recordings.begin(call.id, agent, "audio/webm")
    assert refusal.value.code == "recording-not-allowed"
    calls.answer(call.id, visitor, consented=True)
    return call, agent


def test_pieces_are_written_once_and_the_whole_is_a_note_of_the_case(held):
    call, agent = held
    row = recordings.begin(call.id, agent, "audio/webm;codecs=opus")
    assert recordings.add(row.id, agent, 0, b"first") == 5
    assert recordings.add(row.id, agent, 0, b"first") == 5
    with pytest.raises(Rejected) as refusal:
        recordings.add(row.id, agent, 9, b"later")
    assert refusal.value.code == "recording-gap"
    assert recordings.add(row.id, agent, 5, b" second") == 12
    calls.end(call.id, agent)
    recordings.complete(row.id, agent)
    kept = db.session.get_one(Recording, row.id, populate_existing=True)
    assert kept.state == "done" and storage.get(kept.sha256) == b"first second"
    assert not recordings.path_of(row.id).exists()
    file = db.session.scalars(db.select(NoteFile)).one()
    entry = db.session.get_one(TimelineEntry, file.entry_id)
    assert file.sha256 == kept.sha256 and "Запись: Аудиозвонок" in entry.data["text"]
    assert [row.id for row in recordings.of_case(kept.case_id)] == [kept.id]
    with pytest.raises(Rejected):
        recordings.add(row.id, agent, 12, b"more")


def test_what_a_browser_left_half_done_is_completed(held, monkeypatch):
    call, agent = held
    some, none = recordings.begin(call.id, agent, "audio/webm"), recordings.begin(call.id, agent, "audio/webm")
    recordings.add(some.id, agent, 0, b"half")
    late = clock.now() + timedelta(seconds=recordings.QUIET_SECONDS + 1)
    monkeypatch.setattr(recordings, "now", lambda: late)
    recordings.complete_quiet()
    assert db.session.get_one(Recording, some.id, populate_existing=True).state == "open"
    calls.end(call.id, agent)
    recordings.complete_quiet()
    states = [db.session.get_one(Recording, row.id, populate_existing=True).state for row in (some, none)]
    assert states == ["done", "empty"]


def test_limits_types_and_strangers(held, centre, monkeypatch):
    call, agent = held
    with pytest.raises(Rejected) as refusal:
        recordings.begin(call.id, agent, "text/html")
    assert refusal.value.code == "recording-type"
    row = recordings.begin(call.id, agent, "video/webm")
    with pytest.raises(Rejected):
        recordings.add(row.id, Party("agent", user_id=centre.agent_id + 1), 0, b"x")
    monkeypatch.setattr(recordings, "limit_of_recordings", lambda: 3)
    with pytest.raises(Rejected) as refusal:
        recordings.add(row.id, agent, 0, b"four")
    assert refusal.value.code == "recording-too-large"


def test_turn_credentials_are_those_of_the_rest_api(centre, monkeypatch):
    values = {
        "chat.ice_servers": ["stun:s.example", "turn:t.example:3478"],
        "chat.turn_secret": "north",
        "chat.relay_only": True,
    }
    monkeypatch.setattr(ice, "okno", lambda: type("House", (), {"config": type("Config", (), {"get": values.get})}))
    monkeypatch.setattr(ice, "now", lambda: datetime.fromtimestamp(1_400_000_000, UTC))
    made = ice.configuration("okno-1-agent")
    assert made["iceTransportPolicy"] == "relay" and made["iceServers"][0] == {"urls": ["stun:s.example"]}
    turn = made["iceServers"][1]
    assert turn["username"] == f"{1_400_000_000 + 6 * 3600}:okno-1-agent"
    # printf '%s' 1400021600:okno-1-agent | openssl dgst -sha1 -hmac north -binary | base64
    assert turn["credential"] == "LhCxcLfr3wSMTW9EBbrQPX+H5sA="
    values["chat.turn_secret"] = ""
    assert not ice.health().ok
    values["chat.ice_servers"] = []
    assert not ice.health().ok
    values["chat.relay_only"] = False
    assert ice.health().ok and ice.configuration("x")["iceServers"] == []
