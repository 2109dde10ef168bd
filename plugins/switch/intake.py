"""What a browser says: packets as they come, counted, forwarded, decoded when somebody needs the sound.

aiortc has no public way to get at packets, and its own jitter buffer goes silent for 280 ms after one loss. So an
:class:`Intake` takes the place of a receiver's jitter buffer: everything before it (RTCP reports, sources) keeps working.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from plugins.switch.ends import Listener
from plugins.switch.frames import FRAME, QUIETEST, RATE, SILENCE, Frame, crossfade, level
from plugins.switch.jitter import JitterBuffer, Kind, Turn
from plugins.switch.opus import Decoder, OpusError

# aiortc's private attribute that is replaced; a test fails when it moves.
PLACE = "_RTCRtpReceiver__jitter_buffer"
JUMP = 3000


class Intake:
    """The receiving side of a browser's leg."""

    def __init__(self) -> None:
        self._buffer = JitterBuffer()
        self._decoder = Decoder()
        self._decoded = False
        self._listeners: tuple[Listener, ...] = ()
        self._rest = SILENCE[:0]
        self._loudest = QUIETEST
        self.counted = Counts()
        self.latest = 0.0
        """When the latest packet came, by the monotonic clock."""

    def put_into(self, receiver: Any) -> None:
        """Take the place of an aiortc receiver's jitter buffer. Raises AttributeError when there is none to replace."""
        getattr(receiver, PLACE)
        setattr(receiver, PLACE, self)

    def add(self, packet: Any) -> tuple[bool, None]:
        """A packet came; the answer says to aiortc «no key frame is missing, nothing to decode»."""
        payload: bytes = packet.payload
        self.latest = time.monotonic()
        self.counted.add(packet.sequence_number, packet.timestamp, self.latest)
        said = packet.extensions.audio_level
        if said is not None and not self._decoded:
            self._loudest = max(self._loudest, -float(said[1]))
        if payload:
            for listener in self._listeners:
                listener.forward(payload, packet.timestamp, packet.ssrc)
            if self._decoded:
                self._buffer.add(packet.sequence_number, payload)
        return False, None

    def listen(self, decoded: bool, listeners: Sequence[Listener]) -> None:
        """See :class:`plugins.switch.ends.End`; what waited while nobody listened is old and is forgotten."""
        self._listeners = tuple(listeners)
        if decoded != self._decoded:
            self._decoded = decoded
            self._buffer, self._rest = JitterBuffer(), SILENCE[:0]

    def pull(self) -> Frame:
        """The next frame. Packets may be shorter or longer than one."""
        while len(self._rest) < FRAME:
            turn = self._buffer.turn()
            if turn.kind is Kind.NOTHING:
                frame = np.concatenate((self._rest, SILENCE[len(self._rest) :])) if len(self._rest) else SILENCE
                self._rest = SILENCE[:0]
                return frame
            samples = self._sound_of(turn)
            self._rest = np.concatenate((self._rest, samples)) if len(self._rest) else samples
        frame, self._rest = self._rest[:FRAME], self._rest[FRAME:]
        self._loudest = max(self._loudest, level(frame))
        return frame

    def loudest(self) -> float:
        """The loudest frame since the last call, in dBFS; of a forwarded leg what the browser says of itself (RFC 6464)."""
        found, self._loudest = self._loudest, QUIETEST
        return found

    def _sound_of(self, turn: Turn) -> Frame:
        try:
            if turn.kind is Kind.PACKET:
                return self._decoder.decode(turn.payload)
            if turn.kind is Kind.TWO:
                first, second = self._decoder.decode(turn.payload), self._decoder.decode(turn.second)
                return crossfade(first, second) if len(first) == len(second) == FRAME else second
            return self._decoder.conceal(turn.payload or None)
        except OpusError:
            return SILENCE


class Counts:
    """Packets counted as a receiver does (RFC 3550, A.1, A.3 and A.8)."""

    def __init__(self) -> None:
        self._highest: int | None = None
        self._expected = self._received = 0
        self._transit: float | None = None
        self._jitter = 0.0

    def add(self, number: int, timestamp: int, moment: float) -> None:
        """A packet with this number and timestamp came at ``moment`` (seconds)."""
        self._received += 1
        if self._highest is None:
            self._highest, self._expected = number, 1
        else:
            ahead = (number - self._highest) & 0xFFFF
            if 0 < ahead < JUMP:
                self._highest, self._expected = number, self._expected + ahead
            elif JUMP <= ahead <= 0x10000 - JUMP:  # another stream
                self._highest, self._expected, self._transit = number, self._expected + 1, None
        transit = moment * RATE - timestamp
        if self._transit is not None and abs(transit - self._transit) < RATE:
            self._jitter += (abs(transit - self._transit) - self._jitter) / 16
        self._transit = transit

    @property
    def jitter_ms(self) -> float:
        """How unevenly packets come, smoothed."""
        return self._jitter / RATE * 1000

    def take_loss_percent(self) -> float:
        """Packets lost of those expected since the last call."""
        expected, received = self._expected, self._received
        self._expected = self._received = 0
        return max(0.0, 100.0 * (expected - received) / expected) if expected else 0.0
