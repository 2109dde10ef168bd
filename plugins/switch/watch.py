"""Looking after legs: those that never connect or fell silent are ended, the others' quality is told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from plugins.switch.ends import Quality
from plugins.switch.media import Beats
from plugins.switch.parties import Leg

if TYPE_CHECKING:
    from plugins.switch.driver import Switch

log = structlog.get_logger("okno.switch")
EVERY_SECONDS = 1.0
SAY_AGAIN_SECONDS = 60.0
QUALITY_EVERY = 5
CONNECT_SECONDS = 20.0
LOST_SECONDS = 15


class Slowness:
    """Whether the beat leaves frames out, worth a line in the log once a minute."""

    def __init__(self) -> None:
        self._left_out = 0
        self._told_at = -SAY_AGAIN_SECONDS

    def look(self, beats: Beats, now: float) -> dict[str, int]:
        """What to tell at ``now`` (seconds): frames left out since it was last told, and the most milliseconds that one was late;
        nothing when none were, or when it was told within the last minute."""
        missed = beats.left_out - self._left_out
        if not missed or now - self._told_at < SAY_AGAIN_SECONDS:
            return {}
        self._left_out, self._told_at = beats.left_out, now
        most, beats.latest = beats.latest, 0.0
        return {"frames": missed, "late_ms": round(most * 1000)}


async def watch(switch: Switch) -> None:
    """Look once a second until cancelled."""
    new_since: dict[Leg, float] = {}
    round_number, slowness = 0, Slowness()
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        if fell_behind := slowness.look(switch.media.beats, asyncio.get_running_loop().time()):
            log.warning("sound fell behind", **fell_behind, remedy="switch.precedence, CAP_SYS_NICE, or fewer parties")
        round_number += 1
        try:
            await _end_unconnected(switch, new_since)
            for leg in [leg for leg in switch.media.legs.values() if leg.state == "up"]:
                await _look_at(switch, leg, tell=round_number % QUALITY_EVERY == 0)
        except Exception as error:
            # Whatever it was: nobody else ends the legs that fell silent.
            log.error("looking after legs failed", exc_info=error)


async def _end_unconnected(switch: Switch, since: dict[Leg, float]) -> None:
    """End browsers that offered and never came; the ICE agent would wait for ever."""
    now = asyncio.get_running_loop().time()
    waiting = {leg for leg in switch.media.legs.values() if leg.kind == "webrtc" and leg.state == "new"}
    for leg in since.keys() - waiting:
        del since[leg]
    for leg in waiting:
        if now - since.setdefault(leg, now) > CONNECT_SECONDS:
            await switch.end(leg, "lost")


async def _look_at(switch: Switch, leg: Leg, tell: bool) -> None:
    patience = int(switch.settings.get("switch.lost_seconds") or LOST_SECONDS)
    if not tell and leg.end.silent_seconds <= patience:
        return
    found = await leg.end.quality()
    if leg.state != "up":
        return
    if leg.end.silent_seconds > patience:  # a browser without a microphone sends nothing but reports
        await switch.end(leg, "lost")
    elif tell:
        _tell(switch, leg, found)


def _tell(switch: Switch, leg: Leg, found: Quality) -> None:
    switch.tell(
        "leg.quality",
        leg=leg.id,
        loss_percent=found.loss_percent,
        jitter_ms=found.jitter_ms,
        rtt_ms=found.rtt_ms,
        level=found.level,
    )
