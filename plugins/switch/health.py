"""Whether the switch can carry calls, asked without loading what it carries them with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.contracts import HealthCheck
from plugins.switch.libopus import OpusMissing, library

NAME = "embedded switch"


def health(setting: Callable[[str], Any]) -> HealthCheck:
    """libopus is there and the settings make sense together; ``setting`` gives one by its key."""
    try:
        library()
    except OpusMissing as missing:
        return HealthCheck(NAME, False, str(missing), "pip install av, or install libopus by the system's packages")
    if setting("switch.turn") and not setting("switch.turn_secret"):
        return HealthCheck(NAME, False, "the TURN server has no shared secret", "set switch.turn_secret")
    most = setting("switch.most_legs")
    return HealthCheck(NAME, True, f"libopus found, room for {most} parties at once")
