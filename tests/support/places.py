"""Where a test keeps its files and listens: a temporary home folder and free ports."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


# Below the range that systems take the ports of outgoing connections from: one of those could come in between.
PORTS = range(15_000, 32_000)


def find_free_port() -> int:
    """A TCP port of the loopback interface that nobody listened on a moment ago.

    By chance and not the first: several test processes look at once, and each listens a moment after it looked.
    """
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home folder for one centre."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def new_port() -> Callable[[], int]:
    """Call it for a free port; each call gives another."""
    given: set[int] = set()

    def pick() -> int:
        while (port := find_free_port()) in given:
            continue
        given.add(port)
        return port

    return pick


@pytest.fixture
def free_port(new_port: Callable[[], int]) -> int:
    """One free port."""
    return new_port()
