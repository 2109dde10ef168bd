"""One SIP process: started, spoken to over its socket, and started again when it dies."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from plugins.switch.ends import PcmEnd, Quality
from plugins.switch.gateway import Calls
from plugins.switch.sip import wire

log = structlog.get_logger("okno.switch")
ROOT = Path(__file__).parents[3]
START_SECONDS = 15.0
STOP_SECONDS = 5.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
# Packets taken at once before the switch's other work has its turn.
AT_ONCE = 64
# How long a call may be on its way from the common port to a process.
MOMENT = 1.0


class AgentProcess:
    """Its calls by leg. ``settings`` are what :mod:`plugins.switch.sip.agent` is told to begin with."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = dict(settings)
        self.ends: dict[str, PcmEnd] = {}
        self._socket: socket.socket | None = None
        self._unsaid: deque[bytes] = deque()
        self.process: asyncio.subprocess.Process | None = None
        self._calls: Calls | None = None
        self._keeper: asyncio.Task[None] | None = None
        self.ready = asyncio.Event()
        self._expected: deque[float] = deque()
        self.failure = ""
        """Why the process could not start, or what its provider refuses."""

    @property
    def load(self) -> int:
        """Calls that it carries, and those that were sent to it a moment ago."""
        while self._expected and time.monotonic() - self._expected[0] > MOMENT:
            self._expected.popleft()
        return len(self.ends) + len(self._expected)

    def expect(self) -> None:
        """A call is on its way to the process."""
        self._expected.append(time.monotonic())

    async def start(self, calls: Calls) -> None:
        """Start the process; it is started again whenever it ends. Calls can be made once it has said that it listens."""
        self._calls = calls
        self._keeper = asyncio.create_task(self._keep(), name="sip-process")
        with suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                await self.ready.wait()

    async def stop(self) -> None:
        """End the calls and the process."""
        self.say(op="stop")
        if self.process is not None:
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await self.process.wait()
            except TimeoutError:
                self.process.kill()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        self._hang_up()

    def add(self, leg: str) -> PcmEnd:
        """A new call's end of sound."""
        end = self.ends[leg] = PcmEnd(lambda samples: self._send(wire.sound(leg, samples)))
        return end

    def say(self, **words: Any) -> None:
        """Tell the process something; while it is busy the words wait: a call that is not hung up costs money."""
        self._unsaid.append(wire.words(**words))
        self._say()

    def _say(self) -> None:
        while self._unsaid and self._send(self._unsaid[0]):
            self._unsaid.popleft()
        if self._socket is None:
            return
        loop = asyncio.get_running_loop()
        if self._unsaid:
            loop.add_writer(self._socket, self._say)
        else:
            loop.remove_writer(self._socket)

    def _send(self, packet: bytes) -> bool:
        """False when the other side is busy: sound that comes late is of no use."""
        if self._socket is not None:
            try:
                self._socket.send(packet)
            except BlockingIOError:
                return False
            except OSError:
                # Its end is noticed by ``_keep``, which hangs up.
                self.ready.clear()
        return True

    async def _keep(self) -> None:
        pause = FIRST_PAUSE
        while True:
            self.ready.clear()
            ours, theirs = wire.pair()
            command = (sys.executable, "-m", "plugins.switch.sip.agent", str(theirs.fileno()))
            try:
                self.process = await asyncio.create_subprocess_exec(
                    *command, pass_fds=(theirs.fileno(),), cwd=ROOT, stdout=asyncio.subprocess.DEVNULL
                )
            except OSError as error:
                ours.close()
                self.failure = f"no SIP process could be started: {error}"
                log.error("sip.no-process", why=str(error))
                await asyncio.sleep(pause := min(2 * pause, LONGEST_PAUSE))
                continue
            finally:
                theirs.close()
            self._socket = ours
            self._unsaid.clear()
            asyncio.get_running_loop().add_reader(ours, self._receive)
            try:
                self.say(op="begin", settings=self._settings)
                code = await self.process.wait()
            finally:
                was_ready = self.ready.is_set()
                self._disconnect(ours)
            log.warning("sip.process-ended", code=code, why=self.failure)
            pause = FIRST_PAUSE if was_ready else min(2 * pause, LONGEST_PAUSE)
            await asyncio.sleep(pause)

    def _disconnect(self, ours: socket.socket) -> None:
        self._receive()
        asyncio.get_running_loop().remove_reader(ours)
        asyncio.get_running_loop().remove_writer(ours)
        ours.close()
        self._socket = None
        self.ready.clear()
        self._hang_up()

    def _hang_up(self) -> None:
        """The process has taken its calls with it."""
        for leg in list(self.ends):
            del self.ends[leg]
            if self._calls is not None:
                self._calls.ended(leg, "lost")

    def _receive(self) -> None:
        for _ in range(AT_ONCE):
            if self._socket is None:
                return
            try:
                packet = self._socket.recv(wire.LONGEST)
            except (BlockingIOError, ConnectionResetError):
                return
            if not packet:
                asyncio.get_running_loop().remove_reader(self._socket)
                return
            try:
                found = wire.read(packet)
            except ValueError as error:
                log.warning("sip.unreadable", why=str(error))
                continue
            if isinstance(found, tuple):
                if (end := self.ends.get(found[0])) is not None:
                    end.arrived(found[1])
            else:
                self._told(found)

    def _told(self, event: dict[str, Any]) -> None:
        assert self._calls is not None
        leg, calls = event.get("leg", ""), self._calls
        match event["event"]:
            case "ready":
                self.failure = ""
                self.ready.set()
            case "failed":
                self.failure = event["why"]
            case "warning":
                log.warning("sip.refused", leg=leg, why=event["why"])
            case "incoming":
                self._incoming(event)
            case "ended":
                if self.ends.pop(leg, None) is not None:
                    calls.ended(leg, event["cause"], event["code"])
            case "quality" if leg in self.ends:
                measured = (event["loss_percent"], event["jitter_ms"], event["rtt_ms"])
                self.ends[leg].measured = Quality(*measured)
            case "ringing":
                calls.ringing(leg)
            case "answered":
                calls.answered(leg)
            case "held":
                calls.held_by_far_end(leg, event["on"])
            case "digit":
                calls.digit(leg, event["digit"])
            case "transfer":
                calls.transfer_requested(leg, event["to"])

    def _incoming(self, event: dict[str, Any]) -> None:
        assert self._calls is not None
        leg = event["leg"]
        end = self.add(leg)
        if self._expected:
            self._expected.popleft()
        who = (event["address"], event["to"], event["name"], event["display"], event["headers"])
        if not self._calls.incoming(leg, end, *who):
            del self.ends[leg]
            self.say(op="hangup", leg=leg, cause="busy")
