"""The voice process itself, over its socket: commands, scenes, events in order, gaps, secrets."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from contextlib import closing

import pytest

from core.telephony import DriverEvent
from plugins.voice import switchboard
from plugins.voice.process.event_ring import EventRing
from plugins.voice.process.host import Host
from plugins.voice.process.scene import MUSIC, Dial, Place, Scene, Sound
from plugins.voice.process.server import Server
from tests.support.memory_driver import MemoryDriver
from tests.support.waiting import wait_until


class Running:
    """A voice process in a thread, on a socket file."""

    def __init__(self, path, address=None, secret="") -> None:
        self.loop = asyncio.new_event_loop()
        self.driver = MemoryDriver()
        self.host = Host(self.driver, "memory")
        self.server = Server(self.host, secret)
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.do(self.host.start())
        self.do(self.server.listen(path, address))
        self.work = asyncio.run_coroutine_threadsafe(self.host.run(), self.loop)
        self.address = switchboard.Address(path)

    def do(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    def tell(self, event):
        self.loop.call_soon_threadsafe(self.host.heard, event)

    def ask(self, op, **arguments):
        with closing(self.address.connect(5)) as made, made.makefile("rb") as answers:
            made.sendall(self.address.line(op, arguments))
            return json.loads(answers.readline())

    def close(self):
        self.work.cancel()
        self.do(self.server.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()


@pytest.fixture
def process(tmp_path):
    made = Running(tmp_path / "run" / "voice.sock")
    yield made
    made.close()


def test_commands_are_answered_and_refusals_carry_their_code(process):
    assert process.ask("offer", leg="a", sdp="v=0")["ok"] == "v=0 answer a"
    assert process.ask("offer", leg="b", sdp="nonsense")["error"]["code"] == "bad-sdp"
    assert process.ask("add", bridge="none", leg="a")["error"]["code"] == "unknown-bridge"
    assert process.ask("drink", leg="a")["error"]["code"] == "unsupported"
    assert process.ask("mute", leg="a", loud=True)["error"]["code"] == "failed"
    assert [leg["id"] for leg in process.ask("snapshot")["ok"]["legs"]] == ["a"]
    status = process.ask("status")["ok"]
    assert (status["backend"], status["up"], status["legs"], status["abilities"]["webrtc"]) == ("memory", True, 1, True)
    assert (process.address.path.stat().st_mode & 0o777) == 0o600


def test_events_come_in_order_and_go_on_where_the_reader_stopped(process):
    stream = switchboard.Listening(process.address, 0, "")
    read = iter(stream)
    process.ask("offer", leg="a", sdp="v=0")
    process.loop.call_soon_threadsafe(process.driver.media_flows, "a")
    first, second = next(read), next(read)
    assert (first["event"]["kind"], second["event"]["kind"], second["event"]["leg"]) == (
        "driver.up",
        "leg.answered",
        "a",
    )
    stream.close()
    process.loop.call_soon_threadsafe(process.driver.presses, "a", "5")
    again = switchboard.Listening(process.address, second["seq"], stream.process)
    assert next(iter(again))["event"]["data"] == {"digit": "5"}
    again.close()
    # Whoever has read another run's events begins at the first of this one.
    other = switchboard.Listening(process.address, 99, "another run")
    assert next(iter(other))["event"]["kind"] == "driver.up"
    other.close()


def test_a_reader_that_was_away_too_long_is_told_of_the_gap(process):
    process.host.ring = EventRing(kept=3)
    for number in range(6):
        process.tell(DriverEvent("leg.dtmf", 0.0, leg="a", data={"digit": str(number)}))
    wait_until(lambda: process.host.ring.last == 6)
    stream = switchboard.Listening(process.address, 1, process.host.process)
    read = iter(stream)
    assert next(read) == {"gap": True, "seq": 6}
    process.tell(DriverEvent("leg.dtmf", 0.0, leg="a", data={"digit": "7"}))
    assert next(read)["seq"] == 7
    stream.close()


def test_an_older_scene_changes_nothing_and_an_ended_call_stays_ended(process):
    for leg in ("a", "b"):
        process.ask("offer", leg=leg, sdp="v=0")
        process.loop.call_soon_threadsafe(process.driver.media_flows, leg)
    both = Scene("k", 2, "b-k", places=(Place("a"), Place("b")))
    alone = Scene("k", 1, "b-k", places=(Place("a", alone=MUSIC),))
    assert process.ask("arrange", scenes=[both.to_json()])["ok"] == 1
    assert process.ask("arrange", scenes=[alone.to_json()])["ok"] == 0
    assert process.driver.bridges == {"b-k": ["a", "b"]}
    assert process.ask("arrange", scenes=[Scene("k", 3, "b-k", gone={"a": "normal"}, over=True).to_json()])["ok"] == 1
    assert process.ask("arrange", scenes=[both.to_json()])["ok"] == 0
    assert process.driver.bridges == {}
    assert process.driver.legs["a"].state == "ended"


def test_who_waits_hears_music_until_the_other_side_is_connected_and_between_announcements(process):
    driver = process.driver
    for leg in ("a", "b"):
        process.ask("offer", leg=leg, sdp="v=0")
    process.loop.call_soon_threadsafe(driver.media_flows, "a")
    said = Sound("k.1", "a", "tone:440/500")
    scene = Scene("k", 1, "b-k", places=(Place("a", alone=MUSIC), Place("b")), sounds=(said,))
    process.ask("arrange", scenes=[scene.to_json()])
    assert driver.sounds_at("a") == ["tone:440/500"]
    process.loop.call_soon_threadsafe(driver.heard_out, "k.1")
    wait_until(lambda: driver.sounds_at("a") == [MUSIC])
    process.loop.call_soon_threadsafe(driver.media_flows, "b")
    wait_until(lambda: driver.hears("a") == {"b"})
    assert driver.sounds_at("a") == []


def test_a_number_that_cannot_be_dialled_is_told_as_a_hangup(process):
    stream = switchboard.Listening(process.address, 0, "")
    scene = Scene("k", 1, "b-k", dials=(Dial("x", "fax:123", "", 30.0),))
    process.ask("arrange", scenes=[scene.to_json()])
    told = [one["event"] for one, _ in zip(stream, range(2), strict=False)]
    assert (told[1]["kind"], told[1]["leg"], told[1]["data"]["cause"]) == ("leg.hangup", "x", "failed")
    stream.close()


def test_other_machines_need_the_secret(tmp_path):
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    process = Running(tmp_path / "voice.sock", ("127.0.0.1", port), "shared word")
    try:
        process.address = switchboard.Address(tmp_path, f"127.0.0.1:{port}", "shared word")
        assert process.ask("status")["ok"]["backend"] == "memory"
        process.address = switchboard.Address(tmp_path, f"127.0.0.1:{port}", "guess")
        assert process.ask("status")["error"]["code"] == "forbidden"
    finally:
        process.close()


@pytest.mark.parametrize("line", [b"[1, 2]", b"no JSON", b"[" * 100_000, b'{"op": "status", "args": [1]}', b"\xff\xfe"])
def test_rubbish_ends_its_own_connection_and_nothing_else(process, line):
    with closing(process.address.connect(5)) as made:
        made.sendall(line + b"\n")
        assert made.recv(100) == b""
    assert process.ask("status")["ok"]["backend"] == "memory"


def test_what_a_network_said_that_is_no_unicode_does_not_end_the_stream(process):
    stream = switchboard.Listening(process.address, 0, "")
    process.tell(DriverEvent("leg.incoming", 0.0, leg="a", data={"name": "Мари\udcff", "address": "101"}))
    process.tell(DriverEvent("leg.dtmf", 0.0, leg="a", data={"digit": "1"}))
    read = iter(stream)
    told = [next(read)["event"] for _ in range(3)]
    assert (told[1]["data"]["name"], told[2]["kind"]) == ("Мари?", "leg.dtmf")
    stream.close()


def test_somebody_on_another_machine_who_says_nothing_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr("plugins.voice.process.server.IDLE_SECONDS", 0.05)
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    process = Running(tmp_path / "voice.sock", ("127.0.0.1", port), "shared word")
    try:
        with closing(socket.create_connection(("127.0.0.1", port), 5)) as silent:
            assert silent.recv(10) == b""
        with closing(process.address.connect(5)) as ours:
            ours.settimeout(0.2)
            with pytest.raises(TimeoutError):
                ours.recv(10)
    finally:
        process.close()


def test_the_socket_is_nobody_elses_from_its_first_moment(tmp_path):
    from plugins.voice.process.server import _only_for_us

    path = tmp_path / "s.sock"
    with closing(_only_for_us(str(path))):
        assert (path.stat().st_mode & 0o777) == 0o600


def test_a_house_deep_in_the_folders_is_reached_all_the_same(tmp_path):
    made = Running(tmp_path / ("д" * 90) / "run" / "voice.sock")
    try:
        assert made.ask("status")["ok"]["backend"] == "memory"
    finally:
        made.close()
