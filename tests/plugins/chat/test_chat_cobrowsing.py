"""A visitor's page shown to the agent: only when the visitor asks, in order, within limits, and nothing of it is kept."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from core import assignment, clock
from core.contracts import Rejected
from core.db import db
from core.house import okno
from core.model import Event, Interaction, Service, TimelineEntry
from plugins.chat.media import call_rules, cobrowsing
from plugins.chat.media.call_rules import Rule
from plugins.chat.media.calls import Party
from plugins.chat.models import Cobrowse, CobrowsePiece

SNAPSHOT = {"type": 2, "data": {"node": {}}, "timestamp": 1}
CHANGE = {"type": 3, "data": {"source": 0}, "timestamp": 2}


@pytest.fixture
def talk(centre):
    """A chat that the agent has in hand; gives both parties, the chat and the visitor's browser."""
    visit = centre.visit()
    visit.say("Посмотрите, пожалуйста, на страницу")
    interaction_id = centre.accept()
    address = db.session.get_one(Interaction, interaction_id).address
    return Party("visitor", visitor_id=address), Party("agent", user_id=centre.agent_id), interaction_id, visit


def shown(talk) -> int:
    visitor, agent, interaction_id, _ = talk
    row = cobrowsing.offer(interaction_id, visitor, "https://shop.example/pay")
    return cobrowsing.accept(row.id, agent).id


def kinds(topic: str) -> list[str]:
    rows = db.session.scalars(db.select(Event).where(Event.topic.startswith(topic), Event.type == "chat.cobrowse"))
    return [json.loads(row.payload)["kind"] for row in rows.all()]


def test_only_the_visitor_begins_and_only_the_agent_accepts(talk):
    visitor, agent, interaction_id, visit = talk
    row = cobrowsing.offer(interaction_id, visitor, "https://shop.example/pay")
    assert cobrowsing.offer(interaction_id, visitor, "https://shop.example/").id == row.id
    with pytest.raises(Rejected) as refusal:
        cobrowsing.add_piece(row.id, visitor, "k-1", [SNAPSHOT])
    assert refusal.value.code == "cobrowse-over"
    with pytest.raises(Rejected):
        cobrowsing.accept(row.id, visitor)
    cobrowsing.accept(row.id, agent)
    assert kinds("user:") == kinds("session:") == ["offered", "accepted"]
    assert visit.client.get("/chat/media", headers=visit.headers).json["shown"]["state"] == "active"


def test_pieces_come_once_and_in_order_and_no_further_back_than_the_last_picture(talk):
    visitor, agent, *_ = talk
    id = shown(talk)
    first = cobrowsing.add_piece(id, visitor, "k-1", [SNAPSHOT])
    assert cobrowsing.add_piece(id, visitor, "k-1", [SNAPSHOT]) == first
    cobrowsing.add_piece(id, visitor, "k-2", [CHANGE])
    assert [json.loads(piece.data) for piece in cobrowsing.pieces(id, agent)] == [[SNAPSHOT], [CHANGE]]
    assert [piece.key for piece in cobrowsing.pieces(id, agent, after=first)] == ["k-2"]
    cobrowsing.add_piece(id, visitor, "k-3", [SNAPSHOT])
    assert [piece.key for piece in cobrowsing.pieces(id, agent)] == ["k-3"]
    assert kinds("user:").count("piece") == 3


@pytest.mark.parametrize("ends", ["visitor", "agent", "chat"])
def test_either_side_ends_it_and_nothing_of_the_page_is_kept(talk, centre, ends):
    visitor, agent, interaction_id, _ = talk
    id = shown(talk)
    cobrowsing.add_piece(id, visitor, "k-1", [SNAPSHOT])
    if ends == "chat":
        assignment.finish(interaction_id, centre.agent_id)
    else:
        cobrowsing.end(id, visitor if ends == "visitor" else agent)
    assert db.session.scalars(db.select(CobrowsePiece)).all() == []
    assert kinds("session:")[-1] == kinds("user:")[-1] == "ended"
    entry = db.session.scalars(db.select(TimelineEntry).where(TimelineEntry.kind == "chat.cobrowse")).one()
    assert entry.data["title_ru"].startswith("Посетитель показывал страницу")
    with pytest.raises(Rejected):
        cobrowsing.add_piece(id, visitor, "k-2", [CHANGE])


def test_a_page_above_the_limit_ends_it_for_both(talk, monkeypatch):
    visitor, *_ = talk
    id = shown(talk)
    config = okno().config
    real = type(config).get
    monkeypatch.setattr(
        type(config), "get", lambda self, key: 0 if key == "chat.cobrowse_piece_mb" else real(self, key)
    )
    with pytest.raises(Rejected) as refusal:
        cobrowsing.add_piece(id, visitor, "k-1", [SNAPSHOT])
    assert refusal.value.code == "cobrowse-too-large"
    assert db.session.get_one(Cobrowse, id, populate_existing=True).reason == "too-large"
    assert kinds("user:")[-1] == "ended"


def test_a_flood_is_refused_and_the_rest_goes_on(talk, monkeypatch):
    visitor, *_ = talk
    id = shown(talk)
    monkeypatch.setattr(cobrowsing, "WINDOW_PIECES", 2)
    for number in (1, 2):
        cobrowsing.add_piece(id, visitor, f"k-{number}", [CHANGE])
    with pytest.raises(Rejected) as refusal:
        cobrowsing.add_piece(id, visitor, "k-3", [CHANGE])
    assert refusal.value.code == "flood"
    later = clock.now() + timedelta(seconds=cobrowsing.WINDOW_SECONDS + 1)
    monkeypatch.setattr(cobrowsing, "now", lambda: later)
    assert cobrowsing.add_piece(id, visitor, "k-3", [CHANGE])


def test_the_agent_points_and_strangers_do_not(talk, centre):
    visitor, agent, *_ = talk
    id = shown(talk)
    cobrowsing.point(id, agent, 12.34, 56.78, True)
    assert kinds("session:")[-1] == "pointer"
    for stranger in (visitor, Party("agent", user_id=centre.agent_id + 1), Party("visitor", visitor_id="x")):
        with pytest.raises(Rejected):
            cobrowsing.point(id, stranger, 1, 1, False)
    with pytest.raises(Rejected):
        cobrowsing.pieces(id, Party("agent", user_id=centre.agent_id + 1))


@pytest.mark.parametrize(
    "body", [{}, {"key": "k", "events": []}, {"key": "", "events": [CHANGE]}, {"key": "k", "events": ["x"]}, [1]]
)
def test_what_cannot_be_read_is_refused(talk, body):
    *_, visit = talk
    id = shown(talk)
    answer = visit.client.post(f"/chat/media/pages/{id}/pieces", json=body, headers=visit.headers)
    assert (answer.status_code, answer.json["error"]["code"]) == (422, "invalid")


def test_the_service_may_not_look_and_an_unanswered_request_ends(talk, monkeypatch):
    visitor, _, interaction_id, _ = talk
    row = cobrowsing.offer(interaction_id, visitor, "")
    late = clock.now() + timedelta(seconds=cobrowsing.WAIT_SECONDS + 1)
    monkeypatch.setattr(cobrowsing, "now", lambda: late)
    cobrowsing.end_unanswered()
    assert db.session.get_one(Cobrowse, row.id, populate_existing=True).reason == "missed"
    service = db.session.scalars(db.select(Service)).one()
    call_rules.set_rule(service.key, Rule(cobrowse=False))
    with pytest.raises(Rejected) as refusal:
        cobrowsing.offer(interaction_id, visitor, "")
    assert refusal.value.code == "cobrowse-not-allowed"
