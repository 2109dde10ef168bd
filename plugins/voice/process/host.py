"""A backend behind operations by name: its commands, scenes of calls, its state, and events with numbers."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import asdict, replace
from typing import Any

import structlog

from core.telephony import COMMANDS, Driver, DriverError, DriverEvent
from plugins.voice.process.arranger import Arranger
from plugins.voice.process.event_ring import EventRing
from plugins.voice.process.scene import Scene

log = structlog.get_logger("okno.voice")
# What was gathered about a leg's sound is for pages that look now; it need not wait for a transaction each time.
QUIET_EVENTS = ("bridge.joined", "bridge.left")


class Refused(Exception):
    """An operation that is not carried out: a ``code`` for programs and words for the log."""

    def __init__(self, code: str, text: str) -> None:
        self.code, self.text = code, text
        super().__init__(text)


class Host:
    """One backend for as long as the process runs. ``process`` names this run: what another run carried is lost."""

    def __init__(self, driver: Driver, backend: str) -> None:
        self.driver, self.backend = driver, backend
        self.process = secrets.token_hex(8)
        self.started = time.time()
        self.ring = EventRing()
        self.arranger = Arranger(driver)
        self.is_up = False

    async def start(self) -> None:
        """Start the backend; raises what it raises."""
        await self.driver.start(self.heard)

    def heard(self, event: DriverEvent) -> None:
        """The backend tells something."""
        if event.kind in ("driver.up", "driver.down"):
            self.is_up = event.kind == "driver.up"
        self.arranger.heard(event)
        if event.kind not in QUIET_EVENTS:
            self.ring.add(_plain(event))

    async def handle(self, op: str, arguments: Mapping[str, Any]) -> Any:
        """Carry out one operation; gives plain data. Raises :class:`Refused`."""
        own: dict[str, Callable[..., Coroutine[Any, Any, Any]]] = {
            "arrange": self.arrange,
            "status": self.status,
            "scenes": self.scenes,
        }
        if op not in own and op not in COMMANDS:
            raise Refused("unsupported", f"no operation '{op}'")
        call = own.get(op) or getattr(self.driver, op)
        try:
            result = await call(**arguments)
        except DriverError as refused:
            raise Refused(refused.code, str(refused)) from refused
        except (TypeError, KeyError, ValueError) as wrong:
            raise Refused("failed", f"{op}: {wrong}") from wrong
        return asdict(result) if op == "snapshot" else result

    async def arrange(self, scenes: list[dict[str, Any]]) -> int:
        """Carry out scenes of calls; gives how many were not too old."""
        done = 0
        for data in scenes:
            done += await self.arranger.arrange(Scene.from_json(data))
        self._tell_failures()
        return done

    def _tell_failures(self) -> None:
        """What the backend refused outright is told like what went wrong later."""
        failed, self.arranger.failed = self.arranger.failed, []
        for event in failed:
            self.heard(replace(event, at=time.time()))

    async def status(self) -> dict[str, Any]:
        """How the process is: its run, backend, abilities, how much it carries."""
        snapshot = await self.driver.snapshot()
        return {
            "process": self.process,
            "backend": self.backend,
            "up": self.is_up,
            "started": self.started,
            "seq": self.ring.last,
            "abilities": asdict(self.driver.abilities),
            "legs": len([leg for leg in snapshot.legs if leg.state != "ended"]),
            "bridges": len(snapshot.bridges),
            "recordings": len(snapshot.recordings),
            "calls": len(self.arranger.scenes),
        }

    async def scenes(self) -> dict[str, Any]:
        """Which scene of each call is the newest known here, by the call's key."""
        return {"process": self.process, "versions": {key: one.version for key, one in self.arranger.scenes.items()}}

    async def run(self) -> None:
        """What goes on by itself, until cancelled."""
        while True:
            await self.arranger.stirred()
            await self.settle()

    async def settle(self) -> None:
        """Look now at the calls that the backend's events concern."""
        await self.arranger.settle()
        self._tell_failures()

    async def stop(self) -> None:
        """Hang up all and end the backend."""
        await self.driver.stop()


def _plain(event: DriverEvent) -> dict[str, Any]:
    told: dict[str, Any] = {"kind": event.kind, "at": event.at}
    told |= {name: getattr(event, name) for name in ("leg", "bridge", "playback", "recording") if getattr(event, name)}
    return told | {"data": dict(event.data)} if event.data else told
