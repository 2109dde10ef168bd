"""Listening in: a snoop channel on the one who is listened to, in a bridge with the one who listens.

Monitor spies on both directions; whisper also speaks to the target, barge also into what it says, so that all hear it. A snoop's
directions can't be changed: another mode is another snoop, put in before the old one is taken out.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from core.telephony import DriverError, Mode
from plugins.asterisk.ari import AriError
from plugins.asterisk.book import Exchange, Leg, asking, gone_is_fine

WHISPERS = {"monitor": "none", "whisper": "out", "barge": "both"}


@dataclass(slots=True)
class Supervision:
    """Who listens to whom, through which snoop channel, in which bridge of ours."""

    leg: str
    target: str
    bridge: str
    snoop: str = ""
    number: int = 0


class Supervisors:
    """All that listen, by their leg."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._supervisions: dict[str, Supervision] = {}

    async def supervise(self, leg_id: str, target_id: str, mode: Mode | None) -> None:
        """See :meth:`core.telephony.Driver.supervise`."""
        leg = self._exchange.leg(leg_id)
        if mode is None:
            await self.end(leg)
            return
        if mode not in WHISPERS:
            raise DriverError("unsupported", f"no such way to listen: {mode}")
        leg, target = self._exchange.ready(leg_id), self._exchange.ready(target_id)
        if (leg.supervises, leg.mode) == (target_id, mode):
            return
        if leg.supervises and leg.supervises != target_id:
            await self.end(leg)
        found = self._supervisions.get(leg_id) or await self._begin(leg, target_id)
        found.target = target_id
        await self._snoop(found, target, mode)
        leg.supervises, leg.mode = target_id, mode

    async def end(self, leg: Leg) -> None:
        """The leg listens no more; it stays up."""
        found = self._supervisions.pop(leg.id, None)
        leg.supervises = leg.mode = ""
        if found is not None:
            if found.snoop:
                await self._exchange.forget_channel(found.snoop)
            with gone_is_fine():
                await self._exchange.ari.delete("bridges", found.bridge)

    async def leg_ended(self, leg: Leg) -> None:
        """One who listened, or was listened to, has gone."""
        await self.end(leg)
        for one in [one for one in self._supervisions.values() if one.target == leg.id]:
            if (listener := self._exchange.legs.get(one.leg)) is not None:
                await self.end(listener)

    async def _begin(self, leg: Leg, target: str) -> Supervision:
        self._exchange.part(leg)
        made = Supervision(leg.id, target, f"listen-{leg.id}")
        with asking("unknown-leg"):
            await self._exchange.ari.post("bridges", made.bridge, type="mixing")
            try:
                await self._exchange.ari.post("bridges", made.bridge, "addChannel", channel=leg.channel)
            except BaseException:
                with suppress(AriError):
                    await self._exchange.ari.delete("bridges", made.bridge)
                raise
        self._supervisions[leg.id] = made
        return made

    async def _snoop(self, found: Supervision, target: Leg, mode: Mode) -> None:
        old, found.number = found.snoop, found.number + 1
        snoop = f"{found.bridge}-{found.number}"
        with asking("unknown-leg"):
            await self._exchange.snoop(target.channel, snoop, "both", WHISPERS[mode])
            try:
                await self._exchange.ari.post("bridges", found.bridge, "addChannel", channel=snoop)
            except BaseException:
                with suppress(DriverError):
                    await self._exchange.forget_channel(snoop)
                raise
        found.snoop = snoop
        if old:
            await self._exchange.forget_channel(old)
