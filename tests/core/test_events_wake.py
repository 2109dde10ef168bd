"""Wakes: within a process, between processes, over Redis, and never a reason for a commit to fail."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from core.events.wake import Listener, WakeBus, mailboxes
from tests.core.small_house import Signal
from tests.support.places import find_free_port


@pytest.fixture
def bus(home: Path) -> Iterator[WakeBus]:
    bus = WakeBus(home)
    yield bus
    bus.close()


@pytest.fixture
def neighbour(home: Path) -> Iterator[WakeBus]:
    """Another process of the house, as far as the bus can tell."""
    bus = WakeBus(home)
    yield bus
    bus.close()


def test_a_listener_hears_the_names_it_asked_for(bus: WakeBus) -> None:
    heard = Signal()
    listener = Listener(["outbox", "due"], heard, bus)
    bus.wake("outbox")
    bus.wake("intake")
    listener.close()
    bus.wake("outbox")
    assert heard.calls == ["outbox"]


def test_other_processes_hear(bus: WakeBus, neighbour: WakeBus) -> None:
    heard = Signal()
    Listener(["events"], heard, neighbour)
    bus.wake("events")
    assert heard.wait()


def test_a_house_with_a_long_path_hears_too(home: Path) -> None:
    deep = home / ("a-long-name-" * 12)
    with ExitStack() as stack:
        here, there = WakeBus(deep), WakeBus(deep)
        stack.callback(here.close)
        stack.callback(there.close)
        heard = Signal()
        Listener(["events"], heard, there)
        here.wake("events")
        assert heard.wait()
        assert len(str(deep)) > 108


def test_sockets_of_dead_processes_are_removed(bus: WakeBus, home: Path) -> None:
    (home / "run").mkdir()
    for name in ("wake-1-a.sock", "wake-2-b.sock"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dead:
            dead.bind(str(home / "run" / name))
    bus.wake("events")
    assert mailboxes(home / "run") == []


def test_a_closed_bus_leaves_no_socket(home: Path) -> None:
    bus = WakeBus(home)
    Listener(["events"], Signal(), bus)
    assert len(mailboxes(home / "run")) == 1
    bus.close()
    assert mailboxes(home / "run") == []


def test_a_callback_that_raises_hurts_nobody(bus: WakeBus) -> None:
    def broken(_name: str) -> None:
        raise ValueError("broken")

    heard = Signal()
    Listener(["events"], broken, bus)
    Listener(["events"], heard, bus)
    bus.wake("events")
    assert heard.calls == ["events"]


def test_a_full_mailbox_does_not_hold_the_sender_up(bus: WakeBus, home: Path) -> None:
    (home / "run").mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(home / "run" / "wake-1-deaf.sock"))
        for _ in range(5_000):
            bus.wake("events")
    assert os.path.exists(home / "run" / "wake-1-deaf.sock")


@pytest.mark.redis
def test_machines_hear_each_other_over_redis(tmp_path: Path, redis_url: str) -> None:
    with ExitStack() as stack:
        here, there = WakeBus(tmp_path / "here", redis_url), WakeBus(tmp_path / "there", redis_url)
        stack.callback(here.close)
        stack.callback(there.close)
        heard = Signal()
        Listener(["events", "due"], heard, there)
        # All names are heard once when the subscription begins, because something may have been missed before.
        assert heard.wait(lambda calls: {"events", "due"} <= set(calls))
        heard.calls.clear()
        here.wake("due")
        assert heard.wait(lambda calls: calls == ["due"])


@pytest.mark.redis
def test_a_redis_that_is_away_costs_the_sender_nothing_and_is_found_again(tmp_path: Path) -> None:
    import subprocess

    port = find_free_port()
    with ExitStack() as stack:
        here = WakeBus(tmp_path / "here", f"redis://127.0.0.1:{port}/0")
        there = WakeBus(tmp_path / "there", f"redis://127.0.0.1:{port}/0")
        stack.callback(here.close)
        stack.callback(there.close)
        heard, own = Signal(), Signal()
        Listener(["events"], heard, there)
        Listener(["events"], own, here)
        here.wake("events")
        assert own.calls == ["events"]
        program = ["setpriv", "--pdeathsig", "TERM", "redis-server", "--port", str(port), "--save", ""]
        process = subprocess.Popen(program, stdout=subprocess.DEVNULL, cwd=tmp_path)
        stack.callback(process.wait)
        stack.callback(process.terminate)
        assert heard.wait()
