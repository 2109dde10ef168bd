"""A running switch on loopback, and what it told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from core.telephony import DriverEvent
from plugins.switch.driver import Switch
from plugins.switch.gateway import Gateway
from tests.support.tone_parties import Party, until

LOOPBACK = {"switch.addresses": ["127.0.0.1"]}


class Centre:
    """A switch with parties. ``events`` are all that it told."""

    def __init__(self, folder: Path, gateway: Gateway | None = None, **settings: Any) -> None:
        values = LOOPBACK | {f"switch.{name}": value for name, value in settings.items()}
        self.folder = folder
        self.switch = Switch(values, str(folder), gateway)
        self.events: list[DriverEvent] = []
        self.parties: list[Party] = []

    async def party(self, leg: str, hertz: float, bridge: str = "") -> Party:
        """A party that is connected, and in a bridge."""
        party = Party(self.switch, leg, hertz)
        self.parties.append(party)
        await party.connect()
        await self.told("leg.answered", leg=leg)
        if bridge:
            await self.switch.bridge(bridge)
            await self.switch.add(bridge, leg)
        return party

    def found(self, kind: str, **named: str) -> list[DriverEvent]:
        return [
            event
            for event in self.events
            if event.kind == kind and all(getattr(event, name) == value for name, value in named.items())
        ]

    async def told(self, kind: str, **named: str) -> DriverEvent:
        """Wait for an event."""
        await until(lambda: self.found(kind, **named), f"no {kind} of {named} among {[e.kind for e in self.events]}")
        return self.found(kind, **named)[0]


Scenario = Callable[[Centre], Awaitable[None]]


@asynccontextmanager
async def running(centre: Centre) -> AsyncIterator[Centre]:
    await centre.switch.start(centre.events.append)
    try:
        yield centre
    finally:
        await asyncio.gather(*(party.leave() for party in centre.parties))
        await centre.switch.stop()


@pytest.fixture
def play(tmp_path: Path) -> Callable[..., None]:
    """Play a scenario in a centre of its own."""

    def run(scenario: Scenario, gateway: Gateway | None = None, **settings: Any) -> None:
        async def within() -> None:
            async with running(Centre(tmp_path, gateway, **settings)) as centre:
                await scenario(centre)

        work: Coroutine[Any, Any, None] = within()
        asyncio.run(work)

    return run
