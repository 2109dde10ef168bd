"""The switch's gateway to telephones: starts the SIP process, passes commands and sound, and starts it again when it dies."""

from __future__ import annotations

import asyncio
import re
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import structlog

from core.telephony import DriverError
from plugins.switch.ends import PcmEnd, Quality
from plugins.switch.gateway import Calls
from plugins.switch.sip import wire
from plugins.switch.sip.settings import chosen

log = structlog.get_logger("okno.switch")
NUMBER = re.compile(r"\+?[0-9*#]{1,32}")
SIP_URI = re.compile(r"sips?:[\w.+*#-]{1,64}@[\w.:\[\]-]{1,255}")
DIGITS = re.compile(r"[0-9*#A-D,]{1,64}")
ROOT = Path(__file__).parents[3]
START_SECONDS = 15.0
STOP_SECONDS = 5.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
# Packets taken at once before the switch's other work has its turn.
AT_ONCE = 64


def chosen_gateway(settings: Mapping[str, Any]) -> SipGateway | None:
    """The gateway when ``switch.sip`` is on and its library is there; ``settings`` are all of the switch's."""
    if not settings.get("switch.sip"):
        return None
    if find_spec("pjsua2") is None:
        log.error("sip.not-installed", mend="pip install 'okno[sip]'")
        return None
    return SipGateway(chosen(settings))


class SipGateway:
    """See :class:`plugins.switch.gateway.Gateway`. ``settings`` are those of the switch whose names begin with ``sip``."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = dict(settings)
        self._ends: dict[str, PcmEnd] = {}
        self._socket: socket.socket | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._calls: Calls | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self.failure = ""
        """Why the process could not start."""

    async def start(self, calls: Calls) -> None:
        """Start the process; it is started again whenever it ends. Calls can be made once it has said that it listens."""
        self._calls = calls
        self._keeper = asyncio.create_task(self._keep(), name="sip-process")
        with suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                await self._ready.wait()

    async def stop(self) -> None:
        """End all calls and the process."""
        self._say(op="stop")
        if self._process is not None:
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        self._hang_up()

    async def originate(
        self, leg: str, address: str, caller: str, seconds: float, headers: Mapping[str, str]
    ) -> PcmEnd:
        """See the protocol. Raises ``bad-address``, and ``failed`` while the process is away."""
        uri = self._uri(address)
        if self._socket is None or not self._ready.is_set():
            raise DriverError("failed", self.failure or "the SIP process is away")
        end = self._ends[leg] = self._end(leg)
        self._say(op="originate", leg=leg, uri=uri, caller=caller, seconds=seconds, headers=dict(headers))
        return end

    async def answer(self, leg: str) -> None:
        """See the protocol."""
        self._say(op="answer", leg=leg)

    async def hangup(self, leg: str, cause: str) -> None:
        """See the protocol."""
        self._ends.pop(leg, None)
        self._say(op="hangup", leg=leg, cause=cause)

    async def dtmf(self, leg: str, digits: str) -> None:
        """See the protocol. Raises ``failed`` for what no telephone has as a key."""
        if not DIGITS.fullmatch(digits.upper()):
            raise DriverError("failed", f"not digits of a telephone: {digits}")
        self._say(op="dtmf", leg=leg, digits=digits.upper())

    # --- inside ---

    def _uri(self, address: str) -> str:
        kind, _, number = address.partition(":")
        trunk = self._settings.get("sip_trunk", "")
        if kind == "tel" and NUMBER.fullmatch(number) and trunk:
            return f"sip:{number.replace('#', '%23')}@{trunk}"
        if SIP_URI.fullmatch(address):
            return address
        raise DriverError(
            "bad-address", f"neither sip:<user>@<host> nor, with switch.sip_trunk, tel:<number>: {address}"
        )

    def _end(self, leg: str) -> PcmEnd:
        return PcmEnd(lambda samples: self._send(wire.sound(leg, samples)))

    def _say(self, **words: Any) -> None:
        self._send(wire.words(**words))

    def _send(self, packet: bytes) -> None:
        """A full buffer means that the other side is stuck: sound that comes late is of no use."""
        if self._socket is not None:
            try:
                self._socket.send(packet)
            except BlockingIOError:
                if packet[:1] == wire.WORDS:
                    log.warning("sip.stuck", packet=packet[:120].decode(errors="replace"))
            except OSError:
                # Its end is noticed by ``_keep``, which hangs up.
                self._ready.clear()

    async def _keep(self) -> None:
        pause = FIRST_PAUSE
        while True:
            self._ready.clear()
            ours, theirs = wire.pair()
            command = (sys.executable, "-m", "plugins.switch.sip.agent", str(theirs.fileno()))
            self._process = await asyncio.create_subprocess_exec(
                *command, pass_fds=(theirs.fileno(),), cwd=ROOT, stdout=asyncio.subprocess.DEVNULL
            )
            theirs.close()
            self._socket = ours
            asyncio.get_running_loop().add_reader(ours, self._receive)
            try:
                self._say(op="begin", settings=self._settings)
                code = await self._process.wait()
            finally:
                was_ready = self._ready.is_set()
                self._disconnect(ours)
            log.warning("sip.process-ended", code=code, why=self.failure)
            pause = FIRST_PAUSE if was_ready else min(2 * pause, LONGEST_PAUSE)
            await asyncio.sleep(pause)

    def _disconnect(self, ours: socket.socket) -> None:
        self._receive()
        asyncio.get_running_loop().remove_reader(ours)
        ours.close()
        self._socket = None
        self._ready.clear()
        self._hang_up()

    def _hang_up(self) -> None:
        """The process has taken its calls with it."""
        for leg in list(self._ends):
            del self._ends[leg]
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
            found = wire.read(packet)
            if isinstance(found, tuple):
                if (end := self._ends.get(found[0])) is not None:
                    end.arrived(found[1])
            else:
                self._told(found)

    def _told(self, event: dict[str, Any]) -> None:
        assert self._calls is not None
        leg, calls = event.get("leg", ""), self._calls
        match event["event"]:
            case "ready":
                self.failure = ""
                self._ready.set()
            case "failed":
                self.failure = event["why"]
            case "warning":
                log.warning("sip.refused", leg=leg, why=event["why"])
            case "incoming":
                self._incoming(event)
            case "ended":
                if self._ends.pop(leg, None) is not None:
                    calls.ended(leg, event["cause"], event["code"])
            case "quality" if leg in self._ends:
                measured = (event["loss_percent"], event["jitter_ms"], event["rtt_ms"])
                self._ends[leg].measured = Quality(*measured)
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
        leg, end = event["leg"], self._end(event["leg"])
        who = (event["address"], event["to"], event["name"], event["display"], event["headers"])
        self._ends[leg] = end
        if not self._calls.incoming(leg, end, *who):
            del self._ends[leg]
            self._say(op="hangup", leg=leg, cause="busy")
