"""Wait on a condition that another thread or process makes true."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
PAUSE = 0.02


def wait_until(condition: Callable[[], T], seconds: float = 15.0, what: str = "the condition") -> T:
    """The first true value of ``condition``, asked fifty times a second. Raises AssertionError after ``seconds``."""
    pause, deadline = threading.Event(), time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s"
        pause.wait(PAUSE)
    return value
