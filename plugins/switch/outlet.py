"""What a browser hears: the track that aiortc sends, fed with Opus packets that are made already.

A track that gives packets instead of frames skips aiortc's encoder (96 kb/s stereo) and its hop to another thread.
"""

from __future__ import annotations

import asyncio
from collections import deque
from fractions import Fraction

from aiortc import MediaStreamTrack

from plugins.switch.frames import FRAME, RATE

# Packets that wait to be sent; more than that would be delay.
MOST_WAITING = 6
LONGEST_STEP = 30 * RATE


class ReadyPacket:
    """As much of an ``av.Packet`` as aiortc looks at, which is made in a fraction of the time."""

    __slots__ = ("payload", "pts")
    time_base = Fraction(1, RATE)

    def __init__(self, payload: bytes, pts: int) -> None:
        self.payload, self.pts = payload, pts

    def __bytes__(self) -> bytes:
        return self.payload


class Outlet(MediaStreamTrack):
    """The sending side of a browser's leg; its timeline never goes back when what is heard comes from elsewhere."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._ready: deque[ReadyPacket] = deque(maxlen=MOST_WAITING)
        self._wanted: asyncio.Future[None] | None = None
        self._latest = -FRAME
        self._source = -1
        self._from = 0
        self._at = 0

    async def recv(self) -> ReadyPacket:  # type: ignore[override]
        """The next packet, for aiortc, which is the only one to ask."""
        while not self._ready:
            self._wanted = asyncio.get_running_loop().create_future()
            await self._wanted
        return self._ready.popleft()

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
        self._latest = max(self._latest, at)
        self._ready.append(ReadyPacket(payload, at))
        if self._wanted is not None and not self._wanted.done():
            self._wanted.set_result(None)


def _step(start: int, timestamp: int) -> int:
    """How far ``timestamp`` lies after ``start`` in the circle of 32 bits; negative when before."""
    ahead = (timestamp - start) & 0xFFFFFFFF
    return ahead - 0x1_0000_0000 if ahead >= 0x8000_0000 else ahead
