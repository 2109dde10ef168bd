"""Parties of calls made of tones: each says one tone by WebRTC and knows which tones it hears. Pure Python (aiortc), no browser.

A party decodes by aiortc's own decoder, so that what it hears does not hang on the code under test.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av.packet import Packet
from numpy.typing import NDArray

from core.telephony import Driver
from plugins.switch.frames import FRAME, RATE, SECONDS
from plugins.switch.opus import Encoder

# Multiples of 50 Hz: whole periods in 20 ms. No one is a harmonic of another or an intermodulation of two.
TONES = (400, 650, 950, 1350, 1850)
LOUDNESS = 0.2
HEARD, UNHEARD = 0.3, 0.03
WINDOW_FRAMES = 12
PATIENCE_SECONDS = 20.0
PAUSE = 0.02


def strength(samples: NDArray[np.int16], hertz: float, rate: int = RATE) -> float:
    """How strong a tone is in samples; 1.0 is the strength at which parties speak."""
    window = np.hanning(len(samples))
    at = np.arange(len(samples)) / rate
    found = np.abs(np.sum(samples * window * np.exp(-2j * np.pi * hertz * at))) / window.sum() * 2
    return float(found / (LOUDNESS * 32_767))


def tones_in(samples: NDArray[np.int16], candidates: Sequence[float] = TONES, rate: int = RATE) -> set[float] | None:
    """Which of the candidates are in the samples; None while one of them is neither there nor away."""
    found = {hertz: strength(samples, hertz, rate) for hertz in candidates}
    if any(UNHEARD < there < HEARD for there in found.values()):
        return None
    return {hertz for hertz, there in found.items() if there >= HEARD}


def tone(hertz: float, seconds: float, rate: int = RATE) -> NDArray[np.int16]:
    """A tone as parties speak it."""
    at = np.arange(round(seconds * rate)) / rate
    samples: NDArray[np.int16] = (np.sin(2 * np.pi * hertz * at) * LOUDNESS * 32_767).astype(np.int16)
    return samples


async def until(condition: Callable[[], object], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for a condition in the running loop. Raises AssertionError."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(PAUSE)


class ToneTrack(MediaStreamTrack):
    """A tone without end as ready Opus packets; silence when ``hertz`` is 0."""

    kind = "audio"

    def __init__(self, hertz: float) -> None:
        super().__init__()
        encoder, samples = Encoder(), tone(hertz, 1.0).reshape(-1, FRAME)
        self._payloads = [encoder.encode(frame) for frame in samples]
        self._sent = 0
        self._began = 0.0

    async def recv(self) -> Packet:
        self._began = self._began or time.monotonic()
        await asyncio.sleep(max(0.0, self._began + self._sent * SECONDS - time.monotonic()))
        packet = Packet(self._payloads[self._sent % len(self._payloads)])
        packet.pts, packet.time_base = self._sent * FRAME, Fraction(1, RATE)
        self._sent += 1
        return packet


class Party:
    """One end of a call; ``leg`` is its name in the driver."""

    def __init__(self, driver: Driver, leg: str, hertz: float) -> None:
        self.driver, self.leg, self.hertz = driver, leg, hertz
        self.track = ToneTrack(hertz)
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.heard: deque[NDArray[np.int16]] = deque(maxlen=WINDOW_FRAMES)
        self.frames = 0
        self._listening: asyncio.Task[None] | None = None

    async def connect(self) -> Party:
        """Make the leg and wait until media flows."""
        self.connection.addTrack(self.track)
        self.connection.on("track", self._listen)
        await self.offer()
        await until(lambda: self.connection.connectionState == "connected", f"{self.leg} never connected")
        return self

    async def offer(self) -> None:
        """Offer (again), and take the answer."""
        await self.connection.setLocalDescription(await self.connection.createOffer())
        answer = await self.driver.offer(self.leg, self.connection.localDescription.sdp)
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def hears(self, *tones: float) -> None:
        """Wait until of all tones it hears just these, in a stretch that began after this call. Raises AssertionError."""
        since = self.frames
        found: list[object] = []

        def right() -> bool:
            if self.frames < since + WINDOW_FRAMES or len(self.heard) < WINDOW_FRAMES:
                return False
            found[:] = [tones_in(np.concatenate(self.heard))]
            return found[0] == set(tones)

        try:
            await until(right, "")
        except AssertionError:
            raise AssertionError(
                f"{self.leg} was to hear {sorted(tones)} and hears {found} of {self.frames - since} frames"
            ) from None

    def listened(self) -> NDArray[np.int16]:
        """What it heard last, a quarter of a second."""
        return np.concatenate(self.heard) if self.heard else np.zeros(0, np.int16)

    def lose(self, every: int) -> None:
        """From now on each ``every``-th packet is lost on its way out; 1 loses all of them, 0 none."""
        transport = self.connection.getTransceivers()[0].sender.transport.transport
        send, sent = transport._connection.send, itertools.count(1)

        async def carry(data: bytes) -> None:
            if not every or next(sent) % every:
                await send(data)

        transport._send = carry

    async def leave(self) -> None:
        """Close the browser."""
        await self.connection.close()
        if self._listening is not None:
            await asyncio.gather(self._listening, return_exceptions=True)

    def _listen(self, track: MediaStreamTrack) -> None:
        self._listening = asyncio.ensure_future(self._read(track))

    async def _read(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                self.heard.append(frame.to_ndarray()[0][::2])
                self.frames += 1
        except MediaStreamError:
            self.heard.clear()
