"""A gateway whose telephones are made of tones: each line says its tone and keeps what it hears. No network."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.telephony import DriverError
from plugins.switch.ends import PcmEnd
from plugins.switch.frames import FRAME
from plugins.switch.gateway import Calls
from tests.support.tone_parties import tone, tones_in

WINDOW = 12


@dataclass
class Line:
    """A telephone. It says a frame each time it hears one, so that both run by the switch's beat."""

    hertz: float
    heard: deque[NDArray[np.int16]] = field(default_factory=lambda: deque(maxlen=WINDOW))

    def __post_init__(self) -> None:
        self._frame = tone(self.hertz, 0.02).tobytes()
        self.end = PcmEnd(self._hear)
        for _ in range(2):
            self.end.arrived(self._frame)

    def hears(self) -> set[float] | None:
        """The tones of the last quarter of a second; None while it is too soon to say."""
        return tones_in(np.concatenate(self.heard)) if len(self.heard) == WINDOW else None

    def _hear(self, samples: bytes) -> None:
        assert len(samples) == 2 * FRAME
        self.heard.append(np.frombuffer(samples, np.int16))
        self.end.arrived(self._frame)


class LineGateway:
    """Lines by address: ``tel:400`` says 400 Hz. What the switch asked for is in ``asked``."""

    def __init__(self) -> None:
        self.lines: dict[str, Line] = {}
        self.asked: list[tuple[str, ...]] = []
        self.calls: Calls | None = None

    async def start(self, calls: Calls) -> None:
        self.calls = calls

    async def stop(self) -> None:
        self.asked.append(("stop",))

    async def originate(
        self, leg: str, address: str, caller: str, seconds: float, headers: Mapping[str, str]
    ) -> PcmEnd:
        if not address.startswith("tel:"):
            raise DriverError("bad-address", address)
        return self.line(leg, float(address[4:])).end

    def line(self, leg: str, hertz: float) -> Line:
        self.lines[leg] = Line(hertz)
        return self.lines[leg]

    async def answer(self, leg: str) -> None:
        self.asked.append(("answer", leg))

    async def hangup(self, leg: str, cause: str) -> None:
        self.asked.append(("hangup", leg, cause))

    async def dtmf(self, leg: str, digits: str) -> None:
        self.asked.append(("dtmf", leg, digits))
