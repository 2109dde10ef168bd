"""The switch as a plugin: a backend, settings, a line of the doctor, precedence of its process."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from typing import Any

import pytest

from core.telephony import COMMANDS
from plugins.switch import libopus, precedence, watch
from plugins.switch.health import health
from plugins.switch.hooks import register_settings
from plugins.switch.media import Beats

# A process that makes the backend as the voice process does, and says what came of it.
MAKE = """
import gc
from importlib.util import find_spec
from plugins.switch.hooks import register_telephony_backends
settings = {"switch.most_legs": 7, "switch.precedence": "none", "switch.sip": True}
driver = register_telephony_backends()[0].make(settings, "/nowhere")
assert driver.abilities.sip == bool(find_spec("pjsua2"))
print(driver.abilities.most_legs, driver.abilities.webrtc, gc.get_freeze_count() > 0)
"""
TAKE = """
import os, threading
from plugins.switch.precedence import take_precedence
print(take_precedence("realtime"))
thread = threading.Thread(target=lambda: print(os.sched_getscheduler(0)))
thread.start()
thread.join()
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
    assert printed(MAKE).split() == ["7", "True", "True"]


def test_web_and_worker_load_nothing_of_what_carries_sound() -> None:
    assert printed(ASK) == "[]"


def test_all_commands_are_there() -> None:
    from plugins.switch.driver import Switch

    assert all(callable(getattr(Switch, name)) for name in COMMANDS)


@pytest.mark.parametrize(
    ("wanted", "permitted", "tried"),
    [
        ("realtime", ("realtime",), ["realtime"]),
        ("realtime", ("nice",), ["realtime", "nice"]),
        ("realtime", (), ["realtime", "nice", "none"]),
        ("nice", ("realtime",), ["nice", "none"]),
        ("none", ("realtime", "nice"), ["none"]),
    ],
)
def test_the_process_takes_what_precedence_it_may(
    monkeypatch: pytest.MonkeyPatch, wanted: str, permitted: tuple[str, ...], tried: list[str]
) -> None:
    found: list[str] = []

    def take(kind: str) -> None:
        found.append(kind)
        if kind != "none" and kind not in permitted:
            raise PermissionError

    monkeypatch.setattr(gc, "freeze", lambda: None)
    monkeypatch.setattr(precedence, "_take", take)
    assert precedence.take_precedence(wanted) == tried[-1]
    assert found == tried


def test_only_the_beat_is_real_time_not_what_reads_and_writes_files() -> None:
    kind, beside = printed(TAKE).split()[-2:]
    assert kind in precedence.KINDS
    assert beside == str(os.SCHED_OTHER)


def test_a_beat_that_falls_behind_is_told_once_a_minute() -> None:
    slowness, beats = watch.Slowness(), Beats()
    assert slowness.look(beats, 0.0) == {}
    beats.left_out, beats.latest = 7, 0.151
    assert slowness.look(beats, 1.0) == {"frames": 7, "late_ms": 151}
    beats.left_out, beats.latest = 9, 0.04
    assert slowness.look(beats, 30.0) == {}
    assert slowness.look(beats, 61.0) == {"frames": 2, "late_ms": 40}
    assert slowness.look(beats, 200.0) == {}


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
