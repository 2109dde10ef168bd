"""What a browser hears: the track that aiortc sends, fed with Opus packets that are made already.

A track that gives packets instead of frames skips aiortc's encoder (96 kb/s stereo) and its hop to another thread.
"""

from __future__ import annotations

import asyncio
from fractions import Fraction
from typing import Any

from aiortc import MediaStreamTrack
from av.packet import Packet

from plugins.switch.frames import FRAME, RATE

TIME_BASE = Fraction(1, RATE)
# Packets that wait to be sent; more than that would be delay.
MOST_WAITING = 6
LONGEST_STEP = 30 * RATE


class Outlet(MediaStreamTrack):
    """The sending side of a browser's leg; its timeline never goes back when what is heard comes from elsewhere."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._packets: asyncio.Queue[Packet[Any]] = asyncio.Queue(MOST_WAITING)
        self._latest = -FRAME
        self._source = -1
        self._from = 0
        self._at = 0

    async def recv(self) -> Packet[Any]:
        """The next packet, for aiortc."""
        return await self._packets.get()

    def send(self, payload: bytes, clock: int) -> None:
        """A packet made here; ``clock`` counts the switch's samples."""
        self._source = -1
        self._put(payload, max(self._latest + FRAME, clock))

    def forward(self, payload: bytes, timestamp: int, source: int, clock: int) -> None:
        """A packet made elsewhere: holes and changes of order in its timeline are kept, for the browser to mend."""
        step = _step(self._from, timestamp)
        if source != self._source or abs(step) > LONGEST_STEP:
            self._source, self._at, step = source, max(self._latest + FRAME, clock), 0
        self._at, self._from = self._at + step, timestamp
        if self._at >= 0:
            self._put(payload, self._at)

    def _put(self, payload: bytes, at: int) -> None:
        packet = Packet(payload)
        packet.pts, packet.time_base = at, TIME_BASE
        self._latest = max(self._latest, at)
        if self._packets.full():
            self._packets.get_nowait()
        self._packets.put_nowait(packet)


def _step(start: int, timestamp: int) -> int:
    """How far ``timestamp`` lies after ``start`` in the circle of 32 bits; negative when before."""
    ahead = (timestamp - start) & 0xFFFFFFFF
    return ahead - 0x1_0000_0000 if ahead >= 0x8000_0000 else ahead
