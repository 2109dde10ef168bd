"""What makes a process fit for sound: precedence over others, no long pauses for collecting garbage."""

from __future__ import annotations

import gc
import os

import structlog

log = structlog.get_logger("okno.switch")
REALTIME, NICE, NONE = "realtime", "nice", "none"
KINDS = (REALTIME, NICE, NONE)
# The lowest of the real-time priorities comes before all that is not real-time; the system keeps a twentieth for the others.
PRIORITY = 1
NICENESS = -10


def take_precedence(kind: str) -> str:
    """Put the calling thread before other processes as far as the system permits; gives the kind that was reached.

    Threads and processes begun later are as all others: files are read and recordings written beside the beat. What lies in memory
    already is left to the collector no more: after a fork of the whole application, looking through it takes longer than a frame.
    """
    gc.collect()
    gc.freeze()
    for attempt in KINDS[KINDS.index(kind) :]:
        try:
            _take(attempt)
        except (OSError, AttributeError) as refused:
            log.info(
                "no such precedence here", kind=attempt, why=str(refused), remedy="CAP_SYS_NICE for the voice process"
            )
        else:
            return attempt
    return NONE


def _take(kind: str) -> None:
    if kind == REALTIME:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(PRIORITY))
    elif kind == NICE:
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
