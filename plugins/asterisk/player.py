"""Playing: sounds and music to a leg or to a bridge, hold music, and what comes after a sound has ended."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass

import structlog

from core.telephony import DriverError
from plugins.asterisk.ari import AriError
from plugins.asterisk.book import Exchange, Leg, asking, gone_is_fine
from plugins.asterisk.sounds import Medium, SoundShelf

log = structlog.get_logger("okno.asterisk")


@dataclass(slots=True)
class Playback:
    """A sound under way. ``ari_id`` is Asterisk's: each repetition is a playback of its own, and our ids may hold a sound's address."""

    id: str
    place: tuple[str, str]
    medium: Medium
    loop: bool
    ari_id: str = ""
    leg: str = ""
    bridge: str = ""
    told: bool = True


class Player:
    """All playbacks, by the contract's id; hold music is one that nobody is told of."""

    def __init__(self, exchange: Exchange, shelf: SoundShelf) -> None:
        self._exchange, self._shelf = exchange, shelf
        self._playbacks: dict[str, Playback] = {}

    @property
    def ids(self) -> tuple[str, ...]:
        """What the contract's snapshot lists."""
        return tuple(one.id for one in self._playbacks.values() if one.told)

    async def play(self, target: str, playback: str, sound: str, loop: bool, level: float) -> None:
        """See :meth:`core.telephony.Driver.play`."""
        if playback in self._playbacks:
            return
        made = await self._made(target, playback, sound, loop, level)
        for old in [one for one in self._playbacks.values() if one.place == made.place]:
            await self._halt(old)
        await self._begin(made)

    async def stop(self, playback: str) -> None:
        """See :meth:`core.telephony.Driver.stop_playback`."""
        if (found := self._playbacks.get(playback)) is not None:
            await self._halt(found)

    async def hold(self, leg: Leg) -> None:
        """Begin what a held leg hears; what was played to it ends."""
        for old in self._of_leg(leg.id):
            await self._halt(old)
        medium = await asyncio.to_thread(self._shelf.medium, leg.hold_sound)
        await self._begin(Playback(_hold_id(leg.id), ("channels", leg.channel), medium, True, leg=leg.id, told=False))

    async def retrieve(self, leg: Leg) -> None:
        """End what a held leg hears."""
        for old in self._of_leg(leg.id):
            await self._halt(old)

    async def finished(self, ari_id: str, state: str) -> None:
        """Asterisk has played a sound to its end, or could not."""
        found = next((one for one in self._playbacks.values() if one.ari_id == ari_id), None)
        if found is None:
            return
        if found.loop and state == "done":
            try:
                await self._start(found)
            except AriError as error:
                log.info("asterisk.loop-ended", playback=found.id, why=str(error))
            else:
                if self._playbacks.get(found.id) is not found:  # stopped while it began anew
                    await self._silence(found)
                return
        self._done(found, state == "done")
        await self._resume_hold(found)

    def leg_ended(self, leg_id: str) -> None:
        """What was played to a leg has ended with it."""
        for one in self._of_leg(leg_id):
            self._done(one, False)

    def bridge_ended(self, bridge: str) -> None:
        """What was played to a bridge has ended with it."""
        for one in [one for one in self._playbacks.values() if one.bridge == bridge]:
            self._done(one, False)

    # --- one playback ---

    async def _made(self, target: str, playback: str, sound: str, loop: bool, level: float) -> Playback:
        if target in self._exchange.bridges:
            place, leg, bridge = ("bridges", target), "", target
        else:
            place, leg, bridge = ("channels", self._exchange.ready(target).channel), target, ""
        medium = await asyncio.to_thread(self._shelf.medium, sound, level)
        return Playback(playback, place, medium, loop, leg=leg, bridge=bridge)

    async def _begin(self, playback: Playback) -> None:
        self._playbacks[playback.id] = playback
        try:
            with asking("unknown-bridge" if playback.bridge else "unknown-leg"):
                await self._start(playback)
        except DriverError:
            self._playbacks.pop(playback.id, None)
            raise

    async def _start(self, playback: Playback) -> None:
        ari, medium = self._exchange.ari, playback.medium
        playback.ari_id = f"okno-{secrets.token_hex(8)}"
        if medium.music:
            await ari.post(*playback.place, "moh", mohClass=medium.music)
        else:
            await ari.post(*playback.place, "play", playback.ari_id, media=medium.uri)

    async def _halt(self, playback: Playback) -> None:
        self._done(playback, False)
        await self._silence(playback)

    async def _silence(self, playback: Playback) -> None:
        ari = self._exchange.ari
        with gone_is_fine():
            if playback.medium.music:
                await ari.delete(*playback.place, "moh")
            else:
                await ari.delete("playbacks", playback.ari_id)

    def _done(self, playback: Playback, finished: bool) -> None:
        if self._playbacks.pop(playback.id, None) is not None and playback.told:
            self._exchange.emit(
                "playback.done",
                playback=playback.id,
                leg=playback.leg,
                bridge=playback.bridge,
                data={"finished": finished},
            )

    async def _resume_hold(self, playback: Playback) -> None:
        """A sound ends music on hold and Asterisk does not begin it again by itself."""
        leg = self._exchange.legs.get(playback.leg)
        if leg is not None and leg.held and _hold_id(leg.id) not in self._playbacks:
            try:
                await self.hold(leg)
            except DriverError as error:
                log.info("asterisk.hold-not-resumed", leg=leg.id, why=str(error))

    def _of_leg(self, leg_id: str) -> list[Playback]:
        return [one for one in self._playbacks.values() if one.leg == leg_id]


def _hold_id(leg: str) -> str:
    return f"hold-{leg}"
