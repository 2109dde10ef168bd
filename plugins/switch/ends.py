"""The ends of legs as the switch sees them: where a party's sound comes from and where what it hears goes, 20 ms at a time.

A browser's end (``browser_end.py``) gives and takes Opus packets; a telephone's (:class:`PcmEnd`) plain samples, which another
process turns into what the line speaks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from plugins.switch.frames import FRAME, QUIETEST, SILENCE, Frame, level

# Frames that wait to be mixed; more than that would be delay.
MOST_WAITING = 6
BEGIN_AT = 2


@dataclass(frozen=True, slots=True)
class Quality:
    """How a leg fared since it was last asked: packets lost in the worse direction, jitter, round trip, level in dBFS."""

    loss_percent: float = 0.0
    jitter_ms: float = 0.0
    rtt_ms: float = 0.0
    level: float = QUIETEST


class Listener(Protocol):
    """Who takes another party's packets as they come."""

    def forward(self, payload: bytes, timestamp: int, source: int) -> None:
        """Send an Opus packet on; ``timestamp`` is the source's at 48 kHz, ``source`` tells streams apart."""


class End(Protocol):
    """A party's media. All methods are called in the switch's loop and none of them waits, but for ``quality``."""

    packets: bool
    """Whether it gives and takes Opus packets."""

    def listen(self, decoded: bool, listeners: Sequence[Listener]) -> None:
        """From now on: whether ``pull`` will be called, and who gets the packets as they come."""

    def pull(self) -> Frame:
        """The next 20 ms of what the party says; silence when there is nothing."""

    def send(self, frame: Frame, clock: int) -> None:
        """Let it hear a frame; ``clock`` counts samples of the switch at 48 kHz. Only for ends without ``packets``."""

    def encode(self, frame: Frame) -> bytes:
        """A frame as an Opus packet, the next of this end's own stream. Only for ends with ``packets``."""

    def send_packet(self, payload: bytes, clock: int) -> None:
        """Let it hear an Opus packet of 20 ms. Only for ends with ``packets``."""

    def forward(self, payload: bytes, timestamp: int, source: int) -> None:
        """See :class:`Listener`. Only for ends with ``packets``."""

    @property
    def silent_seconds(self) -> float:
        """For how long nothing at all has come from it, as ``quality`` last saw it."""

    async def quality(self) -> Quality:
        """How it fared since the last call of this."""

    async def close(self) -> None:
        """Let go of what it holds."""


class PcmEnd:
    """The end of a party whose sound comes as samples: ``arrived`` takes them in, ``write`` carries frames out.

    >>> end = PcmEnd(write=lambda samples: None)
    >>> end.arrived(bytes(1920))
    """

    packets = False

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._waiting: deque[Frame] = deque(maxlen=MOST_WAITING)
        self._begun = False
        self._decoded = False
        self._level = QUIETEST
        self.measured = Quality()
        """What the line itself reports; its level is not looked at."""

    def arrived(self, samples: bytes) -> None:
        """Take in a frame: 960 samples, 16 bits, little endian. One of another length is left out."""
        if self._decoded and len(samples) == 2 * FRAME:
            self._waiting.append(np.frombuffer(samples, "<i2"))

    def listen(self, decoded: bool, listeners: Sequence[Listener]) -> None:
        """See :class:`End`; nobody can be given packets."""
        if decoded != self._decoded:
            self._decoded, self._begun = decoded, False
            self._waiting.clear()

    def pull(self) -> Frame:
        """The next frame; it begins when two wait, so that a small delay of one does no harm."""
        if not self._begun and len(self._waiting) < BEGIN_AT:
            return SILENCE
        self._begun = bool(self._waiting)
        if not self._begun:
            return SILENCE
        frame = self._waiting.popleft()
        self._level = max(self._level, level(frame))
        return frame

    def send(self, frame: Frame, clock: int) -> None:
        """Hand a frame to the line."""
        self._write(frame.tobytes())

    def encode(self, frame: Frame) -> bytes:
        """Never called: ``packets`` is false."""
        raise TypeError("an end of samples gives no packets")

    def send_packet(self, payload: bytes, clock: int) -> None:
        """Never called either."""
        raise TypeError("an end of samples takes no packets")

    def forward(self, payload: bytes, timestamp: int, source: int) -> None:
        """Never called either."""
        raise TypeError("an end of samples takes no packets")

    @property
    def silent_seconds(self) -> float:
        """Always 0: the line itself tells when it is gone."""
        return 0.0

    async def quality(self) -> Quality:
        """What the line reports, with the loudest frame since the last call."""
        loudest, self._level = self._level, QUIETEST
        found = self.measured
        return Quality(found.loss_percent, found.jitter_ms, found.rtt_ms, loudest)

    async def close(self) -> None:
        """Nothing is held."""
        self._waiting.clear()
