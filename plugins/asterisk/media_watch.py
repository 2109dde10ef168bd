"""Whether sound flows, and how well: Asterisk has no event for either, so its RTP counters are asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog

from plugins.asterisk.ari import AriError
from plugins.asterisk.book import Exchange, Leg

log = structlog.get_logger("okno.asterisk")


@dataclass(frozen=True, slots=True)
class Pace:
    """How often counters are asked while media is waited for and afterwards, and when a browser counts as lost (seconds)."""

    first: float = 0.2
    later: float = 5.0
    give_up: float = 20.0
    lost: float = 15.0


@dataclass(slots=True)
class Counters:
    """What was received and lost when last asked."""

    received: int = 0
    lost: int = 0
    silent_since: float = 0.0


class MediaWatch:
    """A task a leg. ``lost`` is called for a browser whose packets stopped, or never came."""

    def __init__(self, exchange: Exchange, lost: Callable[[Leg], None], pace: Pace | None = None) -> None:
        self._exchange, self._lost, self._pace = exchange, lost, pace or Pace()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def begin(self, leg: Leg) -> None:
        """Watch a leg until it ends; a browser's is answered once its first packets are there."""
        if leg.id not in self._tasks:
            self._tasks[leg.id] = asyncio.create_task(self._watch(leg), name=f"asterisk-media-{leg.id}")

    def end(self, leg: Leg) -> None:
        """Watch it no more."""
        if (task := self._tasks.pop(leg.id, None)) is not None:
            task.cancel()

    def close(self) -> None:
        """Watch nothing."""
        for task in self._tasks.values():
            task.cancel()
        self._tasks.clear()

    async def _watch(self, leg: Leg) -> None:
        if leg.kind == "webrtc" and not await self._flows(leg):
            self._lost(leg)
            return
        counters = Counters(silent_since=_now())
        while leg.id in self._exchange.legs:
            await asyncio.sleep(self._pace.later)
            if (found := await self._ask(leg)) is None:
                continue
            quality = _quality(found, counters)
            if quality is not None:
                self._exchange.emit("leg.quality", leg=leg.id, data=quality)
            elif leg.kind == "webrtc" and _now() - counters.silent_since > self._pace.lost:
                self._lost(leg)
                return

    async def _flows(self, leg: Leg) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pace.give_up):
                while True:
                    found = await self._ask(leg)
                    if found is not None and int(found.get("rxcount", 0)) > 0:
                        leg.state = "up"
                        self._exchange.emit("leg.answered", leg=leg.id)
                        return True
                    await asyncio.sleep(self._pace.first)
        return False

    async def _ask(self, leg: Leg) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = await self._exchange.ari.get("channels", leg.channel, "rtp_statistics")
        except AriError as error:
            log.debug("asterisk.no-statistics", leg=leg.id, why=str(error))
            return None
        return found


def _quality(found: dict[str, Any], counters: Counters) -> dict[str, Any] | None:
    """What happened since the last question; None when nothing was received."""
    received, lost = int(found.get("rxcount", 0)), int(found.get("rxploss", 0))
    new, gone = received - counters.received, max(0, lost - counters.lost)
    counters.received, counters.lost = received, lost
    if new <= 0:
        return None
    counters.silent_since = _now()
    return {
        "loss_percent": round(100 * gone / (new + gone), 2),
        "jitter_ms": round(1000 * float(found.get("rxjitter", 0.0)), 1),
        "rtt_ms": round(1000 * float(found.get("rtt", 0.0)), 1),
        "level": None,
    }


def _now() -> float:
    return asyncio.get_running_loop().time()
