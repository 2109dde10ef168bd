"""What makes a process fit for sound: precedence over others, no long pauses for collecting garbage."""

from __future__ import annotations

import gc
import os

import structlog

log = structlog.get_logger("okno.switch")


def take_precedence(niceness: int) -> None:
    """Run with this niceness where the system permits it, and leave what is there already to the collector no more: with the whole
    application in memory, as after a fork, looking through it takes longer than a frame lasts."""
    gc.collect()
    gc.freeze()
    try:
        os.setpriority(os.PRIO_PROCESS, 0, niceness)
    except PermissionError:
        log.info("no precedence over other processes", wanted=niceness, remedy="CAP_SYS_NICE, or LimitNICE= of systemd")
