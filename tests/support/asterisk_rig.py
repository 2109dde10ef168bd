"""A rig for the driver contract: the Asterisk driver, a server that speaks ARI, and far ends in its model."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from core.telephony import DriverError, DriverEvent
from plugins.asterisk.ari import AriAddress
from plugins.asterisk.driver import AsteriskDriver, Options
from plugins.asterisk.media_watch import Pace
from tests.support.ari_server import PASSWORD, USER, WEB_PASSWORD, WEB_USER, AriServer
from tests.support.asterisk_far_ends import APP
from tests.support.asterisk_model import Channel
from tests.support.asterisk_sip import browser_offer
from tests.support.telephony_stage import GLEB, MOST_LEGS, MUSIC, Sounds, told, until

QUICK = Pace(first=0.02, later=0.05, give_up=0.5, lost=0.3)


def options(server: AriServer, folder: Path) -> Options:
    """What the settings would say."""
    return Options(
        AriAddress(server.url, USER, PASSWORD, APP),
        dial="PJSIP/{number}@trunk",
        dial_sip="PJSIP/trunk/{uri}",
        web_user=WEB_USER,
        web_password=WEB_PASSWORD,
        sounds_folder=folder / "sounds",
        headers=("Diversion",),
        most_legs=MOST_LEGS,
        pace=QUICK,
    )


class AsteriskRig:
    """See :class:`tests.support.telephony_stage.TelephoneRig`."""

    def __init__(self, folder: Path, **changes: object) -> None:
        self.folder = folder
        self.server = AriServer()
        self.events: list[DriverEvent] = []
        self.driver: AsteriskDriver
        self._changes = changes
        self._running = False
        self.server.far_ends.does = {
            "PJSIP/+79990000001@trunk": ("answer", GLEB),
            "PJSIP/+79990000002@trunk": ("busy", 0),
            "PJSIP/+79990000003@trunk": ("ring", GLEB),
        }

    async def start(self, wait: bool = True) -> AsteriskRig:
        """Serve, and connect the driver."""
        await self.server.start()
        self.driver = AsteriskDriver(replace(options(self.server, self.folder), **self._changes))  # type: ignore[arg-type]
        await self.driver.start(self.events.append)
        self._running = True
        if wait:
            await told(self, "driver.up")
        return self

    async def stop(self) -> None:
        """Stop both; a driver that was stopped has nothing left to do."""
        if self._running:
            self._running = False
            with suppress(DriverError, RuntimeError):
                await self.driver.stop()
        await self.server.stop()

    def channel(self, leg: str) -> Channel:
        """The channel of a leg in the model."""
        found = self.driver._exchange.legs[leg].channel
        return self.server.model.channels[found]

    async def browser(self, leg: str, tone: int) -> None:
        since = len(self.events)
        await self.driver.offer(leg, browser_offer(tone))
        await told(self, "leg.answered", since, leg=leg)

    async def heard(self, leg: str) -> Sounds:
        found = self.server.model.heard(self.channel(leg))
        return {MUSIC if isinstance(one, str) else one for one in found}

    async def lose(self, leg: str) -> None:
        channel = self.channel(leg)
        arrived = channel.received()
        channel.received = lambda: arrived

    async def call_in(self, number: str, to: str, tone: int) -> str:
        since = len(self.events)
        self.server.far_ends.call_in(number, to, tone)
        return (await told(self, "leg.incoming", since, address=number)).leg

    async def give_up(self, leg: str) -> None:
        self.server.model.end(self.channel(leg), 16)

    async def press(self, leg: str, digit: str) -> None:
        self.server.far_ends.press(self.channel(leg), digit)

    async def pressed(self, leg: str) -> str:
        return "".join(digits for digits, _ in self.channel(leg).sent)

    async def refer(self, leg: str, to: str) -> None:
        channel = self.channel(leg)
        self.server.far_ends.refer(channel, to)
        await until(lambda: channel.progress, "the answer to REFER")

    def number(self, does: str) -> str:
        last = {"answers": 1, "busy": 2, "rings": 3, "absent": 4}[does]
        return f"tel:+7999000000{last}"

    async def later(self) -> None:
        """Let what is under way come to its end."""
        await asyncio.sleep(0.1)
