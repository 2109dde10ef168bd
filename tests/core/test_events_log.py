"""The event log: commit order on both data bases, nothing from what was rolled back, nothing lost to a kill."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from core.clock import at, now
from core.db import before_commit, db, transaction
from core.events import log
from core.events.tailer import Tailer
from core.events.wake import Listener
from core.model import Event
from tests.core.small_house import Signal, make_house, tell
from tests.support.places import ROOT

PUBLISHER = """
import sys
from pathlib import Path
from core.db import db, transaction
from core.events.log import publish
from core.events import log
from tests.core.small_house import make_house
app = make_house(sys.argv[1], Path(sys.argv[2]))
with app.app_context():
    number = 0
    while True:
        number += 1
        with transaction():
            publish("desk", "happened", {"number": number})
            publish("desk", "happened", {"number": -number})
        print(number, flush=True)
"""


@pytest.fixture
def house(database_url: str, home: Path) -> Flask:
    return make_house(database_url, home)


def follow(app: Flask, last: int = 0) -> tuple[Tailer, Signal]:
    heard = Signal()
    with app.app_context():
        engine = db.engine
    tailer = Tailer(engine, lambda rows: [heard(row) for row in rows], last)
    tailer.start()
    return tailer, heard


def tell_and_fail() -> None:
    with transaction():
        log.publish("desk", "happened", {})
        raise ZeroDivisionError


def test_events_are_told_after_the_commit_in_order_and_by_topic(house: Flask) -> None:
    tell(house, "desk", "user:1", "desk")
    tell(house, "user:2")
    with house.app_context():
        told = log.fetch(None, 0)
        assert [event.topic for event in told] == ["desk", "user:1", "desk", "user:2"]
        assert [event.payload for event in log.fetch(["desk"], 0)] == ['{"number":0}', '{"number":2}']
        assert [event.id for event in log.fetch(["desk", "user:2"], told[0].id, limit=1)] == [told[2].id]
        assert log.head() == told[-1].id


def test_the_head_is_of_the_state_that_the_request_reads(house: Flask) -> None:
    tell(house, "desk")
    with house.app_context():
        db.session.scalars(select(Event.id)).all()
        teller = threading.Thread(target=tell, args=(house, "desk"))
        teller.start()
        teller.join()
        assert log.head() == max(db.session.scalars(select(Event.id)))


def test_the_head_of_an_empty_log_is_zero(house: Flask) -> None:
    with house.app_context():
        assert log.head() == 0


def test_a_rolled_back_transaction_tells_nothing(house: Flask) -> None:
    woken = Signal()
    with house.app_context():
        listener = Listener(["events"], woken)
        with pytest.raises(ZeroDivisionError):
            tell_and_fail()
        assert log.head() == 0
        assert woken.calls == []
        with transaction():
            log.publish("desk", "happened", {})
        assert [event.type for event in log.fetch(None, 0)] == ["happened"]
        listener.close()
    assert woken.calls == ["events"]


def test_publishing_outside_of_a_transaction_is_refused(house: Flask) -> None:
    with house.app_context(), pytest.raises(RuntimeError, match="transaction"):
        log.publish("desk", "happened", {})


def test_the_order_lock_is_taken_as_the_last_thing_of_a_transaction(house: Flask) -> None:
    with house.app_context(), transaction():
        log.publish("desk", "happened", {})
        before_commit(lambda: log.publish("desk", "late", {}))
        assert db.session.scalar(select(Event.id)) is None
    with house.app_context():
        assert sorted(event.type for event in log.fetch(None, 0)) == ["happened", "late"]


def test_a_reader_misses_nothing_of_concurrent_writers(house: Flask) -> None:
    tailer, heard = follow(house)
    start = threading.Barrier(8)

    def write(_number: int) -> None:
        start.wait()
        for _ in range(40):
            tell(house, "desk", "user:1")
            tailer.wake()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    try:
        assert heard.wait(lambda calls: len(calls) >= 640)
        ids = [event.id for event in heard.calls]
        assert ids == sorted(set(ids))
        assert len(ids) == 640
    finally:
        tailer.stop()


def test_a_publisher_that_is_killed_loses_nothing_it_had_committed(house: Flask, database_url: str, home: Path) -> None:
    tailer, heard = follow(house)
    command = [sys.executable, "-c", PUBLISHER, database_url, str(home)]
    try:
        for _ in range(2):
            before = len(heard.calls)
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
                assert heard.wait(lambda calls, floor=before: len(calls) > floor + 40)
                process.kill()
                assert process.stdout is not None
                confirmed = len(process.stdout.read().split())
            with house.app_context():
                newest = log.head()
            assert heard.wait(lambda calls, newest=newest: calls[-1].id >= newest)
            told = heard.calls[before:]
            # Both events of a commit or none; the last commit may have missed only its confirmation.
            assert len(told) % 2 == 0
            assert confirmed <= len(told) // 2 <= confirmed + 1
            assert [event.payload for event in told[::2]] == [f'{{"number":{n + 1}}}' for n in range(len(told) // 2)]
    finally:
        tailer.stop()


def test_pruning_keeps_the_newest_event_so_that_ids_go_on(house: Flask) -> None:
    with at(now() - timedelta(hours=3)):
        tell(house, "desk", "desk", "desk")
    with house.app_context():
        newest = log.head()
        with transaction():
            assert log.prune(now() - timedelta(hours=1)) == 2
        assert log.head() == newest
