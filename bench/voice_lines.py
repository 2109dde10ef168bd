"""Two ends for measuring calls: the switch in a process of its own, and cheap parties that talk to it over loopback."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from dataclasses import asdict
from fractions import Fraction
from typing import Any

from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from av.packet import Packet

from core.telephony import DriverError, DriverEvent
from plugins.switch import ice
from plugins.switch.driver import Switch
from plugins.switch.frames import FRAME, FULL_SCALE, RATE, SECONDS
from plugins.switch.intake import PLACE
from plugins.switch.opus import Decoder
from plugins.switch.precedence import REALTIME, take_precedence
from plugins.switch.sounds import Sounds

TIME_BASE = Fraction(1, RATE)
LOOPBACK = ["127.0.0.1"]
LOUD = 0.02


def serve() -> None:
    """The switch's process: commands as JSON lines on standard input, answers on standard output."""
    asyncio.run(_serve())


async def _serve() -> None:
    events: list[DriverEvent] = []
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    with tempfile.TemporaryDirectory() as folder:
        take_precedence(REALTIME)
        switch = Switch({"switch.addresses": LOOPBACK, "switch.most_legs": 500}, folder)
        await switch.start(events.append)

        async def carry_out(line: bytes) -> None:
            request = json.loads(line)
            try:
                found = await _carry_out(switch, events, request["op"], request["args"])
                answer = {"id": request["id"], "ok": found}
            except DriverError as error:
                answer = {"id": request["id"], "error": error.code}
            print(json.dumps(answer), flush=True)

        running: set[asyncio.Task[None]] = set()
        while line := await lines.readline():
            task = asyncio.create_task(carry_out(line))
            running.add(task)
            task.add_done_callback(running.discard)
        await switch.stop()


async def _carry_out(switch: Switch, events: list[DriverEvent], op: str, arguments: list[Any]) -> Any:
    if op == "beats":
        found = asdict(switch.media.beats)
        switch.media.beats.latest = 0.0
        return found
    if op == "ended":
        return len([event for event in events if event.kind == "leg.hangup"])
    result = await getattr(switch, op)(*arguments)
    return asdict(result) if op == "snapshot" else result


class Remote:
    """The switch's process as its users see it: ``await remote.do("hold", leg, True)``."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._asked = 0
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def started(cls) -> Remote:
        """A new process."""
        pipe = asyncio.subprocess.PIPE
        program = (sys.executable, "-c", "from bench.voice_lines import serve; serve()")
        process = await asyncio.create_subprocess_exec(*program, stdin=pipe, stdout=pipe, limit=1 << 20)
        remote = cls(process)
        await remote.do("snapshot")
        return remote

    async def do(self, op: str, *arguments: Any) -> Any:
        """Carry out a command. Raises RuntimeError when it is refused."""
        assert self.process.stdin is not None
        self._asked += 1
        future = self._answers[self._asked] = asyncio.get_running_loop().create_future()
        self.process.stdin.write(json.dumps({"id": self._asked, "op": op, "args": arguments}).encode() + b"\n")
        return await future

    async def stop(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        await self.process.wait()
        await self._reading

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            answer = json.loads(line)
            future = self._answers.pop(answer["id"])
            if "error" in answer:
                future.set_exception(RuntimeError(answer["error"]))
            else:
                future.set_result(answer["ok"])


def music_packets() -> list[bytes]:
    """Twenty seconds of sound at 32 kb/s, encoded once for all parties."""
    with tempfile.TemporaryDirectory() as folder:
        sound = Sounds(folder).find("music:default")
    return [packet for index in range(len(sound)) if (packet := sound.packet(index))]


def signal_packets() -> tuple[bytes, bytes]:
    """A packet of silence and one of a tone, for measuring delay."""
    with tempfile.TemporaryDirectory() as folder:
        sounds = Sounds(folder)
        quiet, loud = sounds.find("silence:400"), sounds.find("tone:1000/400")
    made = [[sound.packet(index) for index in range(len(sound))][10] for sound in (quiet, loud)]
    assert made[0] and made[1]
    return made[0], made[1]


class PacketTrack(MediaStreamTrack):
    """Ready packets, one every 20 ms. While ``signals`` is set silence, and a tone of 200 ms when asked for."""

    kind = "audio"

    def __init__(self, packets: list[bytes], start: int) -> None:
        super().__init__()
        self._packets, self._at = packets, start
        self._sent = 0
        self._began = 0.0
        self.signals: tuple[bytes, bytes] | None = None
        self.loud = 0
        self.spoke_at = 0.0

    async def recv(self) -> Packet[Any]:
        self._began = self._began or time.monotonic()
        await asyncio.sleep(max(0.0, self._began + self._sent * SECONDS - time.monotonic()))
        packet = Packet(self._payload())
        packet.pts, packet.time_base = self._sent * FRAME, TIME_BASE
        self._sent += 1
        return packet

    def _payload(self) -> bytes:
        self._at += 1
        if self.signals is None:
            return self._packets[self._at % len(self._packets)]
        if not self.loud:
            return self.signals[0]
        self.spoke_at = self.spoke_at or time.monotonic()
        self.loud -= 1
        return self.signals[1]


class Ear:
    """In place of aiortc's jitter buffer: counts packets and the gaps between them, and decodes only to measure delay."""

    def __init__(self) -> None:
        self.count = 0
        self.gaps: list[float] = []
        self.heard_at = 0.0
        self.decoder: Decoder | None = None
        self._latest = 0.0

    def add(self, packet: Any) -> tuple[bool, None]:
        now = time.monotonic()
        self.count += 1
        if self._latest:
            self.gaps.append(now - self._latest)
        self._latest = now
        if self.decoder is not None and not self.heard_at:
            loudest = abs(self.decoder.decode(packet.payload).astype(int)).max()
            self.heard_at = now if loudest > LOUD * FULL_SCALE else 0.0
        return False, None


class Caller:
    """One party."""

    def __init__(self, remote: Remote, leg: str, packets: list[bytes], start: int = 0) -> None:
        self.remote, self.leg = remote, leg
        self.track = PacketTrack(packets, start)
        self.ear = Ear()
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))

    async def connect(self) -> Caller:
        """Make the leg; gives itself once media flows."""
        ice.offer_addresses(LOOPBACK)
        transceiver = self._connection.addTransceiver(self.track)
        getattr(transceiver.receiver, PLACE)
        setattr(transceiver.receiver, PLACE, self.ear)
        connected = asyncio.Event()

        def changed() -> None:
            if self._connection.connectionState == "connected":
                connected.set()

        self._connection.on("connectionstatechange", changed)
        await self._connection.setLocalDescription(await self._connection.createOffer())
        answer = await self.remote.do("offer", self.leg, self._connection.localDescription.sdp)
        await self._connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        await asyncio.wait_for(connected.wait(), 30)
        return self

    async def leave(self) -> None:
        """Hang up and close."""
        await self.remote.do("hangup", self.leg)
        await self._connection.close()
