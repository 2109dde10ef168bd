"""What softphones and callers' pages ask for, over HTTP: shapes, rights, proofs, limits."""

from __future__ import annotations

import json
import threading

import pytest

from core import assignment, sessions
from core.db import db, transaction
from core.model import Event, SignIn, User
from core.web import desk_queries
from plugins.voice.calls import listening
from tests.support.call_house import CALLER, NUMBER, SDP, shared_house
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def centre(tmp_path_factory, migrated_templates):
    yield from shared_house(tmp_path_factory.mktemp("endpoints"), migrated_templates)


class Softphone:
    """An agent's browser as the server sees it."""

    def __init__(self, house, name: str) -> None:
        self.client = house.app.test_client()
        with transaction():
            token = f"token-{name}-{len(db.session.scalars(db.select(SignIn)).all())}"
            db.session.add(SignIn(user_id=house.users[name], token_hash=sessions.hash_of(token)))
        with self.client.session_transaction() as kept:
            kept["token"], kept["csrf"] = token, "proof"

    def ask(self, method: str, path: str, body=None):
        headers = {"X-CSRF-Token": "proof", "Accept": "application/json"}
        return self.client.open(f"/voice/{path}", method=method, json=body, headers=headers)

    def post(self, path: str, **body):
        answer = self.ask("POST", path, body)
        assert answer.status_code == 200, answer.json
        return answer.json

    def refused(self, path: str, **body) -> str:
        answer = self.ask("POST", path, body)
        assert answer.status_code == 422
        return answer.json["error"]["code"]

    @property
    def calls(self):
        return self.ask("GET", "state").json["calls"]


@pytest.fixture
def house(centre):
    yield centre
    centre.clear()


def visit(house, **body):
    client = house.app.test_client()
    answer = client.post("/voice/visitor/calls", json={"entry": NUMBER, "sdp": SDP, "name": "Пётр", **body})
    return client, answer


def told(topic: str, kind: str) -> list[dict]:
    rows = db.session.scalars(db.select(Event).where(Event.topic == topic, Event.type == kind).order_by(Event.id)).all()
    return [json.loads(row.payload) for row in rows]


def test_a_call_as_the_softphone_has_it(house):
    anna = Softphone(house, "anna")
    state = anna.ask("GET", "state").json
    assert (state["calls"], state["leg"], state["way"], state["abilities"]["webrtc"]) == ([], None, "browser", True)
    _, answer = visit(house, number=CALLER)
    made = answer.json
    assert (made["sdp"][:10], made["state"]["state"], made["state"]["position"]) == ("v=0 answer", "queued", 1)
    house.ready("anna")
    assignment.route_due()
    (call,) = anna.calls
    assert (call["key"], call["state"], call["number"], call["name"]) == (made["key"], "offered", CALLER, "Пётр")
    assert (call["can"]["answer"], call["can"]["reject"], call["can"]["hold"]) == (True, True, False)
    assert told(f"user:{house.anna}", "voice.call")[-1]["call"]["state"] == "offered"
    leg = anna.post("leg", sdp=SDP)
    assert leg["sdp"] == f"v=0 answer {leg['leg']}"
    assert anna.post(f"calls/{made['key']}/answer")["call"]["state"] == "talking"
    for media in (house.customer(made["key"]), leg["leg"]):
        house.voice.driver.media_flows(media)
    house.voice.pump()
    (call,) = anna.calls
    assert (call["state"], call["service"], call["muted"], call["held"]) == ("talking", "Поддержка", False, False)
    assert [(one["kind"], one["name"], one["held"]) for one in call["members"]] == [("customer", "Пётр", False)]
    assert anna.post(f"calls/{call['key']}/hold")["call"]["state"] == "held"
    assert told(f"session:voice-{call['key']}", "voice.visitor")[-1]["state"] == "held"
    anna.post(f"calls/{call['key']}/retrieve")
    assert anna.post(f"calls/{call['key']}/mute")["call"]["muted"] is True
    anna.post(f"calls/{call['key']}/quality", loss_percent=3, jitter_ms=5, rtt_ms=20)
    assert told(f"user:{house.anna}", "voice.quality")[-1]["poor"] is True
    anna.post(f"calls/{call['key']}/screen", target={"user_id": house.boris})
    assert told(f"user:{house.boris}", "voice.screen")[-1]["case_id"] == call["case_id"]
    assert anna.refused(f"calls/{call['key']}/dtmf", digits="call") == "digits-invalid"
    assert anna.refused(f"calls/{call['key']}/consult", target={}) == "call-target-missing"
    assert anna.refused(f"calls/{call['key']}/juggle") == "invalid"
    assert anna.post(f"calls/{call['key']}/hangup") == {"call": None}
    # A report of the sound that crosses the end is no error; whatever else comes later is refused.
    assert anna.post(f"calls/{call['key']}/quality", loss_percent=3, jitter_ms=5, rtt_ms=20) == {"call": None}
    assert anna.refused(f"calls/{call['key']}/hold") == "call-ended"
    assert told(f"user:{house.anna}", "voice.gone")[-1]["key"] == call["key"]
    assert told(f"session:voice-{call['key']}", "voice.visitor")[-1]["state"] == "ended"


def test_a_consultation_stands_inside_its_call(house):
    anna, boris = Softphone(house, "anna"), Softphone(house, "boris")
    key = house.answered()
    house.ready("boris")
    second = anna.post(f"calls/{key}/consult", target={"number": "102"})
    assert second["call"]["state"] == "held"
    (call,) = anna.calls
    assert (call["consult"]["direction"], call["consult"]["name"], call["consult"]["state"]) == (
        "internal",
        "Борис",
        "ringing",
    )
    (asked,) = boris.calls
    assert (asked["name"], asked["can"]["answer"], asked["state"]) == ("Анна", True, "ringing")
    boris.post("leg", sdp=SDP)
    house.voice.driver.media_flows(house.media("boris"))
    boris.post(f"calls/{asked['key']}/answer")
    house.voice.pump()
    (call,) = anna.calls
    assert call["consult"]["can"]["merge"] and call["consult"]["can"]["complete"]
    # «Send screen» without a target reaches who is consulted.
    anna.post(f"calls/{call['consult']['key']}/screen")
    assert told(f"user:{house.boris}", "voice.screen")[-1]["by"] == "Анна"
    anna.post(f"calls/{call['key']}/merge")
    (call,) = anna.calls
    assert sorted(one["kind"] for one in call["members"]) == ["agent", "customer"]
    assert call["can"]["end"] and call["can"]["leave"] and call["can"]["kick"]


def test_the_visitor_proves_itself_by_its_token(house):
    client, answer = visit(house)
    made = answer.json
    path = f"/voice/visitor/calls/{made['key']}"
    assert client.post(f"{path}/hangup", json={}).status_code == 401
    other, _ = visit(house)
    headers = {"Authorization": f"Bearer {made['token']}"}
    assert other.post(f"{path}/state", json={}, headers=headers).json["state"]["position"] == 1
    assert client.post(f"{path}/mute", json={"on": True}, headers=headers).status_code == 200
    assert client.post(f"{path}/hangup", json={}, headers=headers).json["state"]["state"] == "ended"
    assert client.post(f"{path}/hangup", json={}, headers=headers).json["state"]["state"] == "ended"
    assert house.interaction(made["key"]).state == "closed"


def test_what_visitors_may_not(house, monkeypatch):
    assert visit(house, sdp="nonsense")[1].json["error"]["code"] == "voice-bad-sdp"
    assert visit(house, number="12")[1].json["error"]["code"] == "number-invalid"
    house.voice.away = True
    assert visit(house)[1].json["error"]["code"] == "voice-unavailable"
    house.voice.away = False
    monkeypatch.setitem(house.app.extensions["okno"].config.values, "voice.visitor_calls", 1)
    house.app.extensions.pop("okno_voice_rates", None)
    assert [visit(house)[1].status_code for _ in range(2)] == [200, 422]
    house.app.extensions.pop("okno_voice_rates", None)


def test_nobody_without_the_right_has_a_telephone(house):
    assert house.app.test_client().get("/voice/state", headers={"Accept": "application/json"}).status_code == 401
    anna = Softphone(house, "anna")
    key = house.answered("boris")
    assert anna.refused(f"calls/{key}/hold") == "not-in-call"
    assert anna.refused(f"calls/{key}/supervise", mode="monitor") == "not-yours"
    elena = Softphone(house, "elena")
    shown = elena.post(f"calls/{key}/supervise", mode="monitor")["call"]
    assert (shown["kind"], shown["mode"]) == ("supervisor", "monitor")
    assert elena.post(f"calls/{key}/supervise", mode=None)["call"] is None


def test_the_worker_reads_the_events_of_a_process_on_its_socket(house, tmp_path, monkeypatch):
    from tests.plugins.voice.test_voice_process import Running

    key = house.visitor()
    process = Running(tmp_path / "voice.sock")
    monkeypatch.setattr("plugins.voice.switchboard.address_of", lambda _app: process.address)
    house.app.extensions.pop("okno_voice_transport")
    listener = listening.Listener(house.app)
    listener.start()
    try:
        # Another run of the process: what the one before carried has ended.
        wait_until(lambda: house.call(key).ended_at is not None or db.session.rollback())
        assert house.call(key).cause == "lost"
        process.loop.call_soon_threadsafe(process.driver.rings_in, "line-1", f"tel:{CALLER}", f"tel:{NUMBER}")

        def waits():
            db.session.rollback()
            row = db.session.execute(db.text("SELECT state FROM voice_call WHERE customer_leg = 'line-1'")).first()
            return row is not None and row.state == "queued"

        wait_until(waits)
        wait_until(lambda: process.driver.sounds_at("line-1") == ["music:default"])
        assert threading.active_count() >= 2
    finally:
        listener.stop()
        process.close()
        house.voice.begin()
        house.app.extensions["okno_voice_transport"] = house.voice.ask


def test_the_page_of_a_call_has_no_letter_to_answer_and_nobody_who_waits_for_words(house):
    anna = Softphone(house, "anna")
    key = house.answered("anna")
    interaction = house.interaction(key)
    page = anna.client.get(f"/cases/{interaction.case_id}").text
    assert "Пётр · Звонок" in page or "Пётр · Call" in page
    assert 'class="bubble"' not in page
    assert "compose-note" in page and "compose-reply" not in page
    with house.app.test_request_context():
        assert desk_queries.work_of(db.session.get_one(User, house.anna), interaction.id).unanswered == {}
