"""A rig for the driver contract: the embedded switch on loopback, and parties of tones that connect by WebRTC."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.telephony import DriverEvent
from plugins.switch.driver import Switch
from plugins.switch.frames import RATE
from tests.support.telephony_stage import KNOWN, MOST_LEGS, MUSIC, Sounds, told
from tests.support.tone_parties import HEARD, Party, strength

LOST_SECONDS = 2
# What is left when the known tones are taken out: noise of codecs below, music above.
REST, REST_SHARE = 250.0, 0.15
NEARBY = 40.0


class SwitchRig:
    """See :class:`tests.support.telephony_stage.Rig`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: list[DriverEvent] = []
        self.parties: dict[str, Party] = {}
        settings = {"addresses": ["127.0.0.1"], "most_legs": MOST_LEGS, "lost_seconds": LOST_SECONDS}
        self.driver = Switch({f"switch.{name}": value for name, value in settings.items()}, str(folder))

    async def start(self) -> SwitchRig:
        """Start the switch."""
        await self.driver.start(self.events.append)
        return self

    async def stop(self) -> None:
        await asyncio.gather(*(party.leave() for party in self.parties.values()))
        if not any(event.kind == "driver.down" for event in self.events):
            await self.driver.stop()

    async def browser(self, leg: str, tone: int) -> None:
        since = len(self.events)
        party = Party(self.driver, leg, tone)
        try:
            await party.connect()
        except BaseException:
            await party.leave()
            raise
        self.parties[leg] = party
        await told(self, "leg.answered", since, leg=leg)

    async def heard(self, leg: str) -> Sounds:
        samples = self.parties[leg].listened()
        if len(samples) < RATE // 10:
            return set()
        tones: Sounds = {hertz for hertz in KNOWN if strength(samples, hertz) > HEARD}
        return tones | ({MUSIC} if _has_more(samples) else set())

    async def lose(self, leg: str) -> None:
        self.parties[leg].lose(every=1)


def _has_more(samples: NDArray[np.int16]) -> bool:
    """Whether there is sound beside the known tones."""
    spectrum = np.fft.rfft(samples * np.hanning(len(samples)))
    hertz = np.fft.rfftfreq(len(samples), 1 / RATE)
    whole = float(np.linalg.norm(spectrum))
    for known in KNOWN:
        spectrum[np.abs(hertz - known) < NEARBY] = 0
    rest = float(np.linalg.norm(spectrum))
    # A Hann window keeps 3/8 of the power; the norm of half a spectrum is 1/√2 of the whole one's.
    loudness = rest / len(samples) * float(np.sqrt(2 / 0.375))
    return loudness > REST and rest > REST_SHARE * whole
