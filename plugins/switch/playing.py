"""Playbacks: what is played to legs and bridges, and who is told when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from core.telephony import DriverError
from plugins.switch.media import Media
from plugins.switch.parties import Bridge, Leg
from plugins.switch.sounds import Player, Sounds

Place = Leg | Bridge


@dataclass(eq=False, slots=True)
class Wish:
    """A playback whose sound is being read."""

    playback: str


class Playbacks:
    """The playbacks of a switch, by their names."""

    def __init__(self, media: Media, sounds: Sounds, tell: Callable[..., None]) -> None:
        self._media = media
        self._sounds = sounds
        self._tell = tell
        self._playing: dict[str, Place] = {}
        self._wanted: dict[str, Wish] = {}

    def names(self) -> tuple[str, ...]:
        """Those under way."""
        return tuple(self._playing)

    async def play(self, target: str, playback: str, address: str, loop: bool, level: float) -> None:
        """Begin one once its sound is read; one asked for later at the same target wins."""
        known = self._wanted.get(target)
        if playback in self._playing or (known is not None and known.playback == playback):
            return
        self._place(target)
        wish = self._wanted[target] = Wish(playback)
        try:
            sound = await asyncio.to_thread(self._sounds.find, address, level)
            place = self._place(target)
            wanted = self._wanted.get(target) is wish
        finally:
            if self._wanted.get(target) is wish:
                del self._wanted[target]
        if not wanted:
            self._tell("playback.done", playback=playback, **_where(place), finished=False)
            return
        self.stop_on(place)
        place.player = Player(sound, loop, playback)
        self._playing[playback] = place
        self._media.changed()

    def stop(self, playback: str) -> None:
        """Stop one; whether it plays or is still to begin."""
        for target in [target for target, wish in self._wanted.items() if wish.playback == playback]:
            del self._wanted[target]
        if place := self._playing.get(playback):
            self.stop_on(place)

    def stop_on(self, place: Place) -> None:
        """Stop what plays there, if anything does."""
        if place.player is not None:
            self._end(place, finished=False)

    def ended(self, player: Player) -> bool:
        """A playing came to its end; False when it is none of these."""
        place = self._playing.get(player.name)
        if place is None or place.player is not player:
            return False
        self._end(place, finished=True)
        return True

    def _end(self, place: Place, finished: bool) -> None:
        assert place.player is not None
        playback, place.player = place.player.name, None
        self._playing.pop(playback, None)
        self._media.changed()
        self._tell("playback.done", playback=playback, **_where(place), finished=finished)

    def _place(self, target: str) -> Place:
        place = self._media.bridges.get(target) or self._media.legs.get(target)
        if place is None:
            raise DriverError("unknown-target", target)
        return place


def _where(place: Place) -> dict[str, str]:
    return {"leg": place.id} if isinstance(place, Leg) else {"bridge": place.id}
