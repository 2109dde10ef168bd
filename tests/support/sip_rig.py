"""A rig for the contract of telephones: the embedded switch with its SIP process, browsers of tones and telephones of tones."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import numpy as np

from plugins.switch.driver import Switch
from plugins.switch.sip.gateway import SipGateway
from plugins.switch.sip.settings import chosen
from tests.support.sip_telephone import RATE, Telephone, TelephoneExchange
from tests.support.switch_rig import SwitchRig
from tests.support.telephony_stage import GLEB, KNOWN, MOST_LEGS, MUSIC, Sounds, told, until
from tests.support.tones import present, tones_in

QUIET = 400.0


class SipRig(SwitchRig):
    """See :class:`tests.support.telephony_stage.TelephoneRig`."""

    def __init__(self, folder: Path, provider_password: str = "", **changes: Any) -> None:
        super().__init__(folder)
        self._provider_password, self._changes = provider_password, changes
        numbers = {"+79990000001": ("answer", GLEB), "+79990000002": ("busy", 0), "+79990000003": ("ring", GLEB)}
        self.exchange = TelephoneExchange(numbers)
        self.telephones: dict[str, Telephone] = {}
        self.port = 0

    async def start(self) -> SipRig:
        """Start the telephones' side, then the switch with its SIP process."""
        self.exchange.password = self._provider_password
        await self.exchange.start()
        self.port = free_port()
        settings = {
            "switch.addresses": ["127.0.0.1"],
            "switch.most_legs": MOST_LEGS,
            "switch.sip_listen": f"127.0.0.1:{self.port}",
            "switch.sip_trunk": f"127.0.0.1:{self.exchange.port}",
            "switch.sip_register": False,
            "switch.sip_rtp_port": 42_000 + self.port % 200 * 64,
        } | {f"switch.{name}": value for name, value in self._changes.items()}
        self.gateway = SipGateway(chosen(settings))
        self.driver = Switch(settings, str(self.folder), self.gateway)
        await self.driver.start(self.events.append)
        return self

    async def stop(self) -> None:
        await super().stop()
        self.exchange.stop()

    def telephone(self, leg: str) -> Telephone:
        """Who is at the other end of a leg."""
        if leg not in self.telephones:
            self.telephones[leg] = [one for one in self.exchange.calls.values() if one.state == "up"][-1]
        return self.telephones[leg]

    async def heard(self, leg: str) -> Sounds:
        if leg in self.parties:
            return await super().heard(leg)
        frames = self.telephone(leg).heard
        if len(frames) < 5:
            return set()
        samples = np.concatenate(frames)
        tones: Sounds = set(present(samples, RATE, KNOWN))
        if np.abs(samples).max() < QUIET:
            return set()
        others = {one for one in tones_in(samples, RATE) if min(abs(one - known) for known in KNOWN) > 30}
        return tones | ({MUSIC} if others and not tones else set())

    async def call_in(self, number: str, to: str, tone: int) -> str:
        since = len(self.events)
        calling = await self.exchange.call(number, to, ("127.0.0.1", self.port), tone)
        leg = (await told(self, "leg.incoming", since, address=number)).leg
        self.telephones[leg] = calling
        return leg

    async def give_up(self, leg: str) -> None:
        self.exchange.hang_up(self.telephones[leg])

    async def press(self, leg: str, digit: str) -> None:
        await self.telephones[leg].press(digit)

    async def pressed(self, leg: str) -> str:
        return self.telephone(leg).digits

    async def refer(self, leg: str, to: str) -> None:
        telephone = self.telephones[leg]
        self.exchange.refer(telephone, to)
        await until(lambda: telephone.statuses[-1] in (202, 603), "the answer to REFER")

    def number(self, does: str) -> str:
        last = {"answers": 1, "busy": 2, "rings": 3, "absent": 4}[does]
        return f"tel:+7999000000{last}"


def free_port() -> int:
    """A port that is free, with two after it for the processes."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as first:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            if port < 65_000 and all(_is_free(port + more) for more in (1, 2)):
                return port


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        try:
            taken.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
