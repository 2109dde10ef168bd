"""The switch as a plugin: a backend, settings, a line of the doctor, precedence of its process."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from typing import Any

import pytest

from core.telephony import COMMANDS
from plugins.switch import libopus, precedence
from plugins.switch.health import health
from plugins.switch.hooks import register_settings

# A process that makes the backend as the voice process does, and says what came of it.
MAKE = """
import gc, os
from plugins.switch.hooks import register_telephony_backends
driver = register_telephony_backends()[0].make({"switch.most_legs": 7, "switch.niceness": 3}, "/nowhere")
print(driver.abilities.most_legs, driver.abilities.webrtc, os.getpriority(os.PRIO_PROCESS, 0), gc.get_freeze_count() > 0)
"""
ASK = """
import sys
import plugins.switch.hooks
plugins.switch.hooks.register_settings(), plugins.switch.hooks.register_telephony_backends()
import plugins.switch.health
print(sorted({"aiortc", "av", "numpy"} & set(sys.modules)))
"""


def printed(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_voice_process_gets_a_driver_and_is_made_fit_for_sound() -> None:
    most, webrtc, niceness, frozen = printed(MAKE).split()
    assert (most, webrtc, frozen) == ("7", "True", "True")
    assert int(niceness) >= 3


def test_web_and_worker_load_nothing_of_what_carries_sound() -> None:
    assert printed(ASK) == "[]"


def test_all_commands_are_there() -> None:
    from plugins.switch.driver import Switch

    assert all(callable(getattr(Switch, name)) for name in COMMANDS)


def test_without_the_right_the_process_runs_as_others_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", refuse)
    monkeypatch.setattr(gc, "freeze", lambda: None)
    precedence.take_precedence(-10)


def asked(**changes: Any) -> tuple[bool, str]:
    values = {setting.key: setting.default for setting in register_settings()}
    values.update({f"switch.{name}": value for name, value in changes.items()})
    found = health(values.__getitem__)
    return found.ok, found.detail


def test_the_doctor_sees_a_turn_server_without_its_secret() -> None:
    assert asked() == (True, "libopus found, room for 60 parties at once")
    assert asked(turn="turn.example:3478") == (False, "the TURN server has no shared secret")
    assert asked(turn="turn.example:3478", turn_secret="x")[0]


def test_the_doctor_sees_that_libopus_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    libopus.library.cache_clear()
    monkeypatch.setattr(libopus, "_candidates", lambda: ["/nowhere/libopus.so"])
    try:
        ok, detail = asked()
    finally:
        libopus.library.cache_clear()
    assert not ok
    assert "libopus" in detail
