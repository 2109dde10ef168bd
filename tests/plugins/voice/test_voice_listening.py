"""The worker's ear: whatever comes, it goes on listening, and it ends no call whose process is there."""

from __future__ import annotations

import socket
import threading
from types import SimpleNamespace

import pytest
from flask import Flask
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from plugins.voice import switchboard
from plugins.voice.calls import driver_events, listening
from plugins.voice.calls.listening import Listener

HOURS = 3 * 3600.0


class Ear(Listener):
    """A listener whose readings are played by the test: each is called with it, and may move the clock and raise."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *readings) -> None:
        self.now, self.given_up = 1000.0, 0
        monkeypatch.setattr(listening, "time", SimpleNamespace(monotonic=lambda: self.now))
        super().__init__(Flask(__name__))
        self.readings = list(readings)
        self.run()

    def read(self) -> None:
        reading = self.readings.pop(0)
        if not self.readings:
            self.stopping.set()
        reading(self)

    def give_up(self) -> None:
        self.given_up += 1


def listens_until(error: Exception | None):
    def reading(ear: Ear) -> None:
        ear.now += HOURS
        ear.heard_at = ear.now  # the last beat
        if error is not None:
            raise error

    return reading


def is_away(seconds: float):
    def reading(ear: Ear) -> None:
        ear.now += seconds
        raise switchboard.Away("nobody")

    return reading


@pytest.mark.parametrize(
    "error",
    [
        switchboard.Away("no answer to «snapshot»"),
        switchboard.Refused("failed", "busy"),
        OperationalError("select", {}, Exception("the data base starts anew")),
        ValueError("half a line"),
        KeyError("process"),
    ],
)
def test_one_failure_after_hours_of_listening_ends_no_call(monkeypatch, error):
    assert Ear(monkeypatch, listens_until(error), listens_until(None)).given_up == 0


def test_a_process_that_stays_away_is_given_up(monkeypatch):
    ear = Ear(monkeypatch, listens_until(None), is_away(8.0), is_away(8.0), is_away(8.0), is_away(1.0))
    assert ear.given_up == 1


def test_a_data_base_that_is_away_ends_no_call(monkeypatch):
    def waits(ear: Ear) -> None:
        ear.now += 60.0
        raise OperationalError("select", {}, Exception("no connection"))

    assert Ear(monkeypatch, waits, waits, waits).given_up == 0


# --- events that break -------------------------------------------------------------------------------


@pytest.fixture
def carried(app, monkeypatch):
    """Carries out one event with the given faults, one a try; gives (tries, what was left out)."""

    def carry(*faults: Exception) -> tuple[int, list[int]]:
        left, tries, skipped = list(faults), [], []

        def apply(process, seq, event):
            tries.append(seq)
            if left:
                raise left.pop(0)

        monkeypatch.setattr(driver_events, "apply", apply)
        monkeypatch.setattr(driver_events, "skip", lambda process, seq: skipped.append(seq))
        with app.app_context():
            Listener(app).carry_out("run", 7, {"kind": "leg.incoming", "leg": "a"})
        return len(tries), skipped

    return carry


def fault(kind) -> Exception:
    return kind("insert", {}, Exception("no"))


def test_an_event_that_the_data_base_refuses_is_left_out_and_does_not_come_again_and_again(carried):
    assert carried(fault(DataError)) == (1, [7])
    assert carried(fault(IntegrityError), fault(IntegrityError)) == (2, [7])
    assert carried(UnicodeEncodeError("utf-8", "\udcff", 0, 1, "surrogates not allowed")) == (1, [7])


def test_an_event_that_another_request_was_quicker_than_is_tried_again(carried):
    assert carried(fault(IntegrityError)) == (2, [])


def test_an_event_waits_for_a_data_base_that_is_away(carried):
    with pytest.raises(OperationalError):
        carried(fault(OperationalError))


# --- the stream ------------------------------------------------------------------------------------------


def test_a_process_killed_in_the_middle_of_a_line_is_away_and_nothing_worse(tmp_path):
    path = tmp_path / "voice.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            made, _ = server.accept()
            with made:
                made.recv(4096)
                made.sendall(b'{"id": 1, "ok": {"process": "run", "seq": 1}}\n{"seq": 1, "event": {"kind": "leg.ans')

        thread = threading.Thread(target=serve)
        thread.start()
        stream = switchboard.Listening(switchboard.Address(path), 0, "")
        assert stream.process == "run"
        with pytest.raises(switchboard.Away):
            next(iter(stream))
        stream.close()
        thread.join(5)
