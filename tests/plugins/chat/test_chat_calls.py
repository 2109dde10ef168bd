"""Calls in a chat: who may call whom, what the two pages tell each other, how a call ends."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from core import assignment, clock
from core.contracts import Rejected
from core.db import db
from core.model import Event, Interaction, Service, TimelineEntry
from plugins.chat.media import call_rules, calls
from plugins.chat.media.call_rules import Rule
from plugins.chat.media.calls import Party
from plugins.chat.models import Call

AGENT_PAGE, VISITOR_PAGE = "agentpage1", "visitorpage1"


@pytest.fixture
def talk(centre):
    """A chat that the agent has in hand; gives both parties and the chat."""
    visit = centre.visit()
    visit.say("Можно позвонить?")
    interaction_id = centre.accept()
    address = db.session.get_one(Interaction, interaction_id).address
    return Party("visitor", visitor_id=address), Party("agent", user_id=centre.agent_id), interaction_id, visit


def heard(topic: str, kind: str) -> list[dict]:
    rows = db.session.scalars(db.select(Event).where(Event.topic.startswith(topic), Event.type == "chat.call"))
    found = [json.loads(row.payload) for row in rows.all()]
    return [payload for payload in found if payload["kind"] == kind]


def begun(talk) -> Call:
    visitor, agent, interaction_id, _ = talk
    call = calls.offer(interaction_id, agent, "video")
    calls.join(call.id, agent, AGENT_PAGE)
    calls.answer(call.id, visitor)
    calls.join(call.id, visitor, VISITOR_PAGE)
    return call


def test_an_offer_rings_at_the_other_side_and_is_answered(talk, centre):
    visitor, agent, interaction_id, visit = talk
    call = calls.offer(interaction_id, agent, "video")
    assert heard("session:", "offered")[0]["call"]["media"] == "video"
    assert visit.client.get("/chat/media", headers=visit.headers).json["call"]["state"] == "offered"
    with pytest.raises(Rejected, match="over"):
        calls.answer(call.id, agent)
    assert calls.answer(call.id, visitor).state == "active"
    assert heard(f"user:{centre.agent_id}", "answered")[0]["call"]["id"] == call.id


def test_signals_go_only_between_the_two_pages_that_take_part(talk):
    visitor, agent, *_ = talk
    call = begun(talk)
    description = {"description": {"type": "offer", "sdp": "v=0"}}
    calls.signal(call.id, agent, AGENT_PAGE, VISITOR_PAGE, description)
    assert heard("session:", "signal")[0]["body"] == description
    # A page that has gone hears nothing, one that was replaced says nothing.
    calls.signal(call.id, visitor, VISITOR_PAGE, "agentpage0", {"candidate": None})
    assert heard("user:", "signal") == []
    calls.join(call.id, agent, "agentpage2")
    with pytest.raises(Rejected) as refusal:
        calls.signal(call.id, agent, AGENT_PAGE, VISITOR_PAGE, description)
    assert refusal.value.code == "call-elsewhere"


def test_signals_have_a_size_and_a_number(talk, monkeypatch):
    _, agent, *_ = talk
    call = begun(talk)
    with pytest.raises(Rejected) as refusal:
        calls.signal(call.id, agent, AGENT_PAGE, VISITOR_PAGE, {"description": "x" * (65 << 10)})
    assert refusal.value.code == "invalid"
    monkeypatch.setattr(calls, "MOST_SIGNALS", 2)
    calls.signal(call.id, agent, AGENT_PAGE, VISITOR_PAGE, {})
    with pytest.raises(Rejected, match="over"):
        calls.signal(call.id, agent, AGENT_PAGE, VISITOR_PAGE, {})


def test_one_call_a_chat_and_none_with_a_stranger(talk, centre):
    visitor, agent, interaction_id, _ = talk
    calls.offer(interaction_id, agent, "audio")
    with pytest.raises(Rejected) as refusal:
        calls.offer(interaction_id, visitor, "audio")
    assert refusal.value.code == "call-under-way"
    for stranger in (
        Party("visitor", visitor_id="somebody"),
        Party("agent", user_id=centre.agent_id + 7),
        Party("agent"),
    ):
        with pytest.raises(Rejected) as refusal:
            calls.offer(interaction_id, stranger, "audio")
        assert refusal.value.code == "call-impossible"
    call = db.session.scalars(db.select(Call)).one()
    with pytest.raises(Rejected):
        calls.end(call.id, Party("visitor", visitor_id="somebody"))


def test_a_call_needs_an_agent_in_the_chat(centre):
    visit = centre.visit()
    visit.say("Алло?")
    answer = visit.client.post("/chat/media/calls", json={"media": "audio"}, headers=visit.headers)
    assert (answer.status_code, answer.json["error"]["code"]) == (422, "call-impossible")
    assert visit.client.get("/chat/media", headers=visit.headers).json["audio"] is False


def test_the_rule_of_the_service_decides_what_is_possible(talk):
    visitor, _, interaction_id, visit = talk
    service = db.session.scalars(db.select(Service)).one()
    call_rules.set_rule(service.key, Rule(video=False, recorded=True))
    with pytest.raises(Rejected) as refusal:
        calls.offer(interaction_id, visitor, "video", consented=True)
    assert refusal.value.code == "call-not-allowed"
    with pytest.raises(Rejected) as refusal:
        calls.offer(interaction_id, visitor, "audio")
    assert refusal.value.code == "call-consent"
    call = calls.offer(interaction_id, visitor, "audio", consented=True)
    assert call.recorded and call.consented_at is not None
    said = visit.client.get("/chat/media", headers=visit.headers).json
    assert (said["audio"], said["video"], said["recorded"]) == (True, False, True)


@pytest.mark.parametrize(("ends", "line"), [("visitor", "отклонён"), ("agent", "без ответа"), ("nobody", "без ответа")])
def test_a_call_that_is_not_answered_says_why(talk, ends, line, monkeypatch):
    visitor, agent, interaction_id, _ = talk
    call = calls.offer(interaction_id, agent, "audio")
    if ends == "nobody":
        late = clock.now() + timedelta(seconds=calls.RING_SECONDS + 1)
        monkeypatch.setattr(calls, "now", lambda: late)
        calls.end_unanswered()
    else:
        calls.end(call.id, visitor if ends == "visitor" else agent)
    entry = db.session.scalars(db.select(TimelineEntry).where(TimelineEntry.kind == "chat.call")).one()
    assert entry.data["title_ru"] == f"Аудиозвонок: {line}"
    calls.end(call.id, agent)
    assert len(heard("session:", "ended")) == 1


@pytest.mark.parametrize("way", ["finish", "release"])
def test_the_end_of_the_chat_ends_the_call(talk, centre, way):
    call = begun(talk)
    if way == "finish":
        assignment.finish(talk[2], centre.agent_id)
    else:
        assignment.release(talk[2], centre.agent_id)
    row = db.session.get_one(Call, call.id, populate_existing=True)
    assert (row.state, row.reason) == ("ended", "left")
    assert heard("session:", "ended")


def test_an_agent_holds_one_call_at_a_time(talk, centre):
    begun(talk)
    other = centre.visit()
    other.say("И мне")
    second = _take_next(centre)
    with pytest.raises(Rejected) as refusal:
        calls.offer(second, Party("agent", user_id=centre.agent_id), "audio")
    assert refusal.value.code == "agent-on-call"


def _take_next(centre) -> int:
    waiting = db.session.scalars(db.select(Interaction.id).where(Interaction.state == "queued")).one()
    assignment.take(waiting, centre.agent_id)
    return waiting
