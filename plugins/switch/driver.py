"""The embedded switch: the telephony driver that carries calls between browsers in this process (and telephones by a gateway)."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any

from core.telephony import DriverAbilities, DriverError, DriverEvent, EventKind, Mode, RecordingView, Snapshot
from plugins.switch import ice
from plugins.switch.browser_end import BrowserEnd
from plugins.switch.gateway import Gateway
from plugins.switch.keys import key_tones
from plugins.switch.media import Media
from plugins.switch.parties import Bridge, Leg
from plugins.switch.playing import Playbacks
from plugins.switch.recorder import Writer
from plugins.switch.recordings import Recordings
from plugins.switch.sounds import Player, Sounds
from plugins.switch.telephones import Telephones
from plugins.switch.watch import watch

DEFAULT_MUSIC = "music:default"
MOST_LEGS = 60
CLOSE_SECONDS = 5.0

Emit = Callable[[DriverEvent], None]


class Switch(Telephones):
    """See :class:`core.telephony.Driver`. ``settings`` are those whose keys begin with ``switch.``."""

    def __init__(self, settings: Mapping[str, Any], folder: str, gateway: Gateway | None = None) -> None:
        self.settings = settings
        self.most_legs = int(settings.get("switch.most_legs") or MOST_LEGS)
        self.abilities = DriverAbilities(
            webrtc=True, sip=gateway is not None, recording=True, supervision=True, most_legs=self.most_legs
        )
        self.gateway = gateway
        self._folder = folder
        self._emit: Emit = _nobody
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, emit: Emit) -> None:
        """See the driver interface. Raises :class:`plugins.switch.libopus.OpusMissing` where there is no libopus."""
        self._emit = emit
        ice.offer_addresses(self.settings.get("switch.addresses") or ())
        loop = asyncio.get_running_loop()
        self._writer = Writer(loop.call_soon_threadsafe)
        self.media = Media(self._playing_ended, self._writer)
        self._sounds = Sounds(self._folder, int(self.settings.get("switch.bitrate") or 32_000))
        self.playbacks = Playbacks(self.media, self._sounds, self.tell)
        self.recordings = Recordings(self.media, self._writer, self.tell)
        await asyncio.to_thread(self._sounds.find, DEFAULT_MUSIC)
        self._running = [asyncio.create_task(self.media.run()), asyncio.create_task(watch(self))]
        if self.gateway is not None:
            await self.gateway.start(self)
        self.tell("driver.up")

    async def stop(self) -> None:
        """See the driver interface."""
        for leg in list(self.media.legs.values()):
            await self.end(leg, "lost")
        if self.gateway is not None:
            await self.gateway.stop()
        for bridge in list(self.media.bridges):
            await self.destroy(bridge)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_SECONDS)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await asyncio.to_thread(self._writer.stop)
        self.tell("driver.down")

    async def offer(self, leg: str, sdp: str) -> str:
        """See the driver interface."""
        known = self.media.legs.get(leg)
        if known is not None:
            if not isinstance(known.end, BrowserEnd):
                raise DriverError("wrong-state", f"{leg} is no browser's leg")
            return await known.end.answer(sdp)
        self.make_room()
        end = BrowserEnd(self.settings, self.media.clock, lambda change: self._browser_changed(leg, change))
        self.media.legs[leg] = Leg(leg, "webrtc", "in", end)
        try:
            return await end.answer(sdp)
        except BaseException:  # refused, or nobody waits for the answer any more
            self.media.legs.pop(leg, None)
            self._later(end.close())
            raise

    async def answer(self, leg: str) -> None:
        """See the driver interface; a browser's leg needs no answer."""
        found = self.leg(leg)
        if found.kind == "sip" and found.state != "up" and self.gateway is not None:
            if found.way == "out":
                raise DriverError("wrong-state", f"{leg} calls out")
            await self.gateway.answer(leg)

    async def reject(self, leg: str, cause: str) -> None:
        """See the driver interface."""
        if self.leg(leg).state == "up":
            raise DriverError("wrong-state", f"{leg} was answered already")
        await self.hangup(leg, cause)

    async def hangup(self, leg: str, cause: str = "normal") -> None:
        """See the driver interface."""
        if found := self.media.legs.get(leg):
            await self.end(found, cause)

    async def mute(self, leg: str, on: bool) -> None:
        """See the driver interface."""
        self.leg(leg).muted = on
        self.media.changed()

    async def hold(self, leg: str, on: bool, sound: str = DEFAULT_MUSIC) -> None:
        """See the driver interface."""
        found = self.leg(leg)
        found.hold_turn += 1
        turn = found.hold_turn
        if on and found.held and found.hold is not None and found.hold.name == sound:
            return
        player = Player(await self.sound(sound), loop=True, name=sound) if on else None
        if found.hold_turn != turn or found.state == "ended":
            return
        changed = found.held != on
        found.held, found.hold = on, player
        self.media.changed()
        if changed:
            self.tell("leg.held", leg=leg, on=on)

    async def dtmf(self, leg: str, digits: str) -> None:
        """See the driver interface; a browser hears the tones of the keys."""
        found = self.leg(leg)
        if found.state != "up":
            raise DriverError("wrong-state", f"{leg} is not up")
        tones = key_tones(digits)
        if found.kind == "sip" and self.gateway is not None:
            await self.gateway.dtmf(leg, digits)
            return
        found.keys = Player(await self.sound(tones))
        self.media.changed()

    async def bridge(self, bridge: str) -> None:
        """See the driver interface."""
        self.media.bridges.setdefault(bridge, Bridge(bridge))

    async def add(self, bridge: str, leg: str) -> None:
        """See the driver interface. A leg that supervised does so no more. Raises ``wrong-state`` for one that is not up."""
        there, found = self._bridge(bridge), self.leg(leg)
        if found.state != "up":
            raise DriverError("wrong-state", f"{leg} is not up")
        if found.bridge == bridge:
            return
        self._leave(found)
        found.supervises, found.mode = "", None
        there.legs.append(found)
        found.bridge = bridge
        self.recordings.note_joined(there, found)
        self.media.changed()
        self.tell("bridge.joined", leg=leg, bridge=bridge)

    async def drop(self, bridge: str, leg: str) -> None:
        """See the driver interface."""
        self._bridge(bridge)
        found = self.leg(leg)
        if found.bridge == bridge:
            self._leave(found)

    async def destroy(self, bridge: str) -> None:
        """See the driver interface."""
        there = self.media.bridges.get(bridge)
        if there is None:
            return
        for leg in list(there.legs):
            self._leave(leg)
        self.playbacks.stop_on(there)
        self.recordings.finish_of(bridge)
        del self.media.bridges[bridge]
        self.media.changed()

    async def play(self, target: str, playback: str, sound: str, loop: bool = False, level: float = 1.0) -> None:
        """See the driver interface."""
        await self.playbacks.play(target, playback, sound, loop, level)

    async def stop_playback(self, playback: str) -> None:
        """See the driver interface."""
        self.playbacks.stop(playback)

    async def record(self, target: str, recording: str, path: str) -> None:
        """See the driver interface; ``path`` must not exist. Raises ``failed`` when it can't be written."""
        await self.recordings.begin(target, recording, path)

    async def pause_recording(self, recording: str, on: bool) -> None:
        """See the driver interface."""
        self.recordings.pause(recording, on)

    async def stop_recording(self, recording: str) -> None:
        """See the driver interface."""
        if found := self.media.recordings.get(recording):
            self.recordings.finish(found)

    async def supervise(self, leg: str, target: str, mode: Mode | None) -> None:
        """See the driver interface. Who supervises leaves the bridge it was in."""
        found = self.leg(leg)
        if mode is None:
            found.supervises, found.mode = "", None
        else:
            if mode not in ("monitor", "whisper", "barge"):
                raise DriverError("unsupported", f"no such mode: {mode}")
            if self.leg(target) is found:
                raise DriverError("wrong-state", "a leg can't supervise itself")
            self._leave(found)
            found.supervises, found.mode = target, mode
        self.media.changed()

    async def snapshot(self) -> Snapshot:
        """See the driver interface."""
        media = self.media
        return Snapshot(
            legs=tuple(leg.view() for leg in media.legs.values()),
            bridges=tuple(bridge.view() for bridge in media.bridges.values()),
            recordings=tuple(
                RecordingView(recording.name, recording.target, recording.file.path, recording.paused)
                for recording in media.recordings.values()
            ),
            playbacks=self.playbacks.names(),
        )

    def tell(
        self, kind: EventKind, *, leg: str = "", bridge: str = "", playback: str = "", recording: str = "", **data: Any
    ) -> None:
        """Tell an event."""
        self._emit(DriverEvent(kind, time.time(), leg, bridge, playback, recording, data))

    def leg(self, leg: str) -> Leg:
        """A leg by its id. Raises ``unknown-leg``."""
        try:
            return self.media.legs[leg]
        except KeyError:
            raise DriverError("unknown-leg", leg) from None

    def make_room(self, kept: int = 0) -> None:
        """Raises ``full`` when there is no room for another leg; ``kept`` places are for others."""
        if len(self.media.legs) >= self.most_legs - kept:
            raise DriverError("full", f"{self.most_legs} legs are there already")

    async def sound(self, address: str) -> Any:
        """A sound by its address, read beside the beat. Raises ``bad-sound``."""
        return await asyncio.to_thread(self._sounds.find, address)

    async def end(self, leg: Leg, cause: str, code: int = 0, tell_gateway: bool = True) -> None:
        """End a leg and all that hangs on it."""
        if self.media.legs.pop(leg.id, None) is None:
            return
        leg.state = "ended"
        self.playbacks.stop_on(leg)
        self._leave(leg)
        for other in self.media.legs.values():
            if other.supervises == leg.id:
                other.supervises, other.mode = "", None
        self.recordings.finish_of(leg.id)
        self.media.changed()
        leg.end.listen(False, ())
        self.tell("leg.hangup", leg=leg.id, cause=cause, code=code)
        if leg.kind == "sip" and tell_gateway and self.gateway is not None:
            with contextlib.suppress(DriverError):  # the line may have ended by itself meanwhile
                await self.gateway.hangup(leg.id, cause)
        self._later(leg.end.close())

    def _bridge(self, bridge: str) -> Bridge:
        try:
            return self.media.bridges[bridge]
        except KeyError:
            raise DriverError("unknown-bridge", bridge) from None

    def _leave(self, leg: Leg) -> None:
        """Out of its bridge, if it is in one."""
        bridge = self.media.bridges.get(leg.bridge)
        if bridge is None:
            return
        bridge.legs.remove(leg)
        leg.bridge = ""
        self.media.changed()
        self.tell("bridge.left", leg=leg.id, bridge=bridge.id)

    def _browser_changed(self, name: str, change: str) -> None:
        leg = self.media.legs.get(name)
        if leg is None:
            return
        if change == "lost":
            self._later(self.end(leg, "lost"))
        elif leg.state != "up":
            leg.state = "up"
            self.media.changed()
            self.tell("leg.answered", leg=name)

    def _playing_ended(self, player: Player) -> None:
        if not self.playbacks.ended(player):
            for leg in self.media.legs.values():
                if leg.keys is player:
                    leg.keys = None
            self.media.changed()

    def _later(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _nobody(event: DriverEvent) -> None:
    """Before the start nobody is told."""
