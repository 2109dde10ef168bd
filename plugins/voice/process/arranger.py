"""Makes the backend agree with the scenes of calls: one place that knows both what shall be and what is.

It works when a scene comes and when the backend tells that a leg was answered, ended or heard a sound to its end; so whoever waits
hears music, ringing or the other side without the data base being asked.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from typing import Any

import structlog

from core.telephony import Driver, DriverError, DriverEvent, LegView, Snapshot
from plugins.voice.process.scene import Place, Scene, Sound, Tape

log = structlog.get_logger("okno.voice")
STIRRING = ("leg.answered", "leg.hangup", "playback.done")
REMEMBERED = 2000
# Sounds of waiting go on until they are stopped or replaced, which we do ourselves.
WAITING = "wait."
# Commands that the backend could not carry out just now, and that nobody else would give again.
TRIED_AGAIN = ("bridge", "add", "drop", "mute", "hold", "supervise")
AGAIN_SECONDS, AGAIN_AT_MOST = 1.0, 5


class Arranger:
    """Keeps the newest scene of each call and carries it out; all methods in the backend's loop."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.scenes: dict[str, Scene] = {}
        self._over: OrderedDict[str, None] = OrderedDict()
        self._lock = asyncio.Lock()
        self._dialled: dict[str, set[str]] = defaultdict(set)
        self._begun: dict[str, set[str]] = defaultdict(set)
        self._watching: dict[str, dict[str, str]] = defaultdict(dict)
        self._waiting_sounds: dict[str, str] = {}
        self._stirred: set[str] = set()
        self._stir = asyncio.Event()
        self._in_trouble = False
        self._tries: dict[str, tuple[int, int]] = {}
        self.failed: list[DriverEvent] = []

    async def arrange(self, scene: Scene) -> bool:
        """Carry a scene out; False for one that is older than what is known."""
        async with self._lock:
            known = self.scenes.get(scene.call)
            if scene.call in self._over or (known is not None and known.version > scene.version):
                return False
            self.scenes[scene.call] = scene
            try:
                await self._apply(scene)
            except BaseException:
                # Cancelled in the middle, or broken: who sent it believes that it is known here, so it is tried once more.
                self._stir_up(scene.call)
                raise
            return True

    def heard(self, event: DriverEvent) -> None:
        """The backend tells something; calls that it concerns are looked at soon. Never blocks."""
        if event.kind not in STIRRING or event.playback.startswith(WAITING):
            return
        for key, scene in self.scenes.items():
            if (event.leg and any(place.leg == event.leg for place in scene.places)) or (
                event.playback and event.playback in self._begun[key]
            ):
                self._stirred.add(key)
        if self._stirred:
            self._stir.set()

    async def stirred(self) -> None:
        """Wait until there is something to look at."""
        await self._stir.wait()
        self._stir.clear()

    async def settle(self) -> None:
        """Look now at all that was stirred; one call that breaks does not keep the others waiting."""
        while self._stirred:
            key = self._stirred.pop()
            async with self._lock:
                if (scene := self.scenes.get(key)) is None:
                    continue
                try:
                    await self._apply(scene)
                except Exception as error:
                    log.error("a call could not be arranged", call=key, exc_info=error)

    # --- one call ----------------------------------------------------------------------------------------

    async def _apply(self, scene: Scene) -> None:
        self._in_trouble = False
        for leg, cause in scene.gone.items():
            await self._do("hangup", leg, cause)
        snapshot = await self.driver.snapshot()
        if scene.over:
            await self._end(scene, snapshot)
            return
        legs = {view.id: view for view in snapshot.legs if view.state != "ended"}
        await self._begin_legs(scene, legs)
        up = {leg: view for leg, view in legs.items() if view.state == "up"}
        company = await self._seat(scene, up, snapshot)
        await self._stop_unwanted(scene, snapshot)
        await self._sound(scene, up, company, snapshot)
        await self._tape(scene, up, snapshot, company)
        await self._watch(scene, up)
        if self._in_trouble:
            self._look_again(scene)

    def _look_again(self, scene: Scene) -> None:
        """In a moment; a backend that stays in trouble is not asked for ever."""
        version, tries = self._tries.get(scene.call, (scene.version, 0))
        tries = tries + 1 if version == scene.version else 1
        self._tries[scene.call] = (scene.version, tries)
        if tries <= AGAIN_AT_MOST:
            asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._stir_up, scene.call)

    def _stir_up(self, call: str) -> None:
        self._stirred.add(call)
        self._stir.set()

    async def _begin_legs(self, scene: Scene, legs: dict[str, LegView]) -> None:
        for leg in scene.answers:
            if leg in legs and legs[leg].way == "in" and legs[leg].state != "up":
                await self._do("answer", leg)
        for dial in scene.dials:
            if dial.leg in legs or dial.leg in self._dialled[scene.call]:
                continue
            self._dialled[scene.call].add(dial.leg)
            arguments = (dial.leg, dial.address, dial.caller, dial.seconds, dict(dial.headers))
            if not await self._do("originate", *arguments):
                self.failed.append(DriverEvent("leg.hangup", 0.0, leg=dial.leg, data={"cause": "failed", "code": 0}))

    async def _seat(self, scene: Scene, up: dict[str, LegView], snapshot: Snapshot) -> bool:
        """Put legs into the bridge or out of it; gives whether people are together."""
        inside = [place for place in scene.places if place.leg in up and not place.apart]
        company = len(inside) >= 2
        if company and all(bridge.id != scene.bridge for bridge in snapshot.bridges):
            await self._do("bridge", scene.bridge)
        for place in scene.places:
            view = up.get(place.leg)
            if view is None:
                continue
            if place.apart:
                if view.bridge == scene.bridge:
                    await self._do("drop", scene.bridge, place.leg)
                continue
            if company and view.bridge != scene.bridge:
                await self._do("add", scene.bridge, place.leg)
            elif not company and view.bridge not in ("", scene.bridge):
                await self._do("drop", view.bridge, place.leg)
            await self._set_leg(place, view)
        for bridge in snapshot.bridges:
            if bridge.id == scene.bridge:
                for leg in set(bridge.legs) - {place.leg for place in scene.places}:
                    await self._do("drop", scene.bridge, leg)
        return company

    async def _set_leg(self, place: Place, view: LegView) -> None:
        if view.muted != place.muted:
            await self._do("mute", place.leg, place.muted)
        if view.held != bool(place.held):
            await self._do("hold", place.leg, bool(place.held), *([place.held] if place.held else []))

    async def _stop_unwanted(self, scene: Scene, snapshot: Snapshot) -> None:
        begun = self._begun[scene.call]
        wanted = {one.playback for one in scene.sounds} | {one.recording for one in scene.tapes}
        for playback in snapshot.playbacks:
            if playback in begun and playback not in wanted and playback not in self._waiting_sounds.values():
                await self._do("stop_playback", playback)
        for tape in snapshot.recordings:
            if tape.id in begun and tape.id not in wanted:
                await self._do("stop_recording", tape.id)

    async def _sound(self, scene: Scene, up: dict[str, LegView], company: bool, snapshot: Snapshot) -> None:
        begun, busy = self._begun[scene.call], set()
        for sound in scene.sounds:
            there = sound.target in up or (sound.target == scene.bridge and company)
            if sound.playback in snapshot.playbacks or (
                there and (sound.loop or sound.playback not in begun) and await self._play(scene, sound)
            ):
                busy.add(sound.target)
        for place in scene.places:
            wanted = "" if company or place.apart or place.held or place.leg not in up else place.alone
            await self._wait_with(scene, place.leg, wanted, snapshot, replaced=place.leg in busy)

    async def _play(self, scene: Scene, sound: Sound) -> bool:
        self._begun[scene.call].add(sound.playback)
        begun = await self._do("play", sound.target, sound.playback, sound.sound, sound.loop, sound.level)
        if not begun and not sound.loop:
            # What comes after it must not wait for ever.
            self.failed.append(DriverEvent("playback.done", 0.0, playback=sound.playback, data={"finished": False}))
        return begun

    async def _wait_with(self, scene: Scene, leg: str, sound: str, snapshot: Snapshot, *, replaced: bool) -> None:
        """Let a leg that nobody talks with hear ``sound`` over and over; "" for silence or talk."""
        playback = f"{WAITING}{leg}.{sound}" if sound else ""
        before = self._waiting_sounds.get(leg, "")
        if before and (before != playback or replaced):
            self._waiting_sounds.pop(leg, None)
            if before in snapshot.playbacks and not replaced:
                await self._do("stop_playback", before)
        if not playback or replaced or (playback == before and playback in snapshot.playbacks):
            return
        if await self._do("play", leg, playback, sound, True, 1.0):
            self._waiting_sounds[leg] = playback
            self._begun[scene.call].add(playback)

    async def _tape(self, scene: Scene, up: dict[str, LegView], snapshot: Snapshot, company: bool) -> None:
        running = {tape.id: tape for tape in snapshot.recordings}
        for tape in scene.tapes:
            if tape.recording in running:
                if running[tape.recording].paused != tape.paused:
                    await self._do("pause_recording", tape.recording, tape.paused)
                continue
            there = tape.target in up or (tape.target == scene.bridge and company)
            if there and tape.recording not in self._begun[scene.call]:
                await self._begin_tape(scene, tape)

    async def _begin_tape(self, scene: Scene, tape: Tape) -> None:
        self._begun[scene.call].add(tape.recording)
        if not await self._do("record", tape.target, tape.recording, tape.path):
            told = DriverEvent("recording.failed", 0.0, recording=tape.recording, data={"why": "refused"})
            self.failed.append(told)
        elif tape.paused:
            await self._do("pause_recording", tape.recording, True)

    async def _watch(self, scene: Scene, up: dict[str, LegView]) -> None:
        wanted = {watch.leg: watch for watch in scene.watches}
        watching = self._watching[scene.call]
        for leg, target in list(watching.items()):
            if leg not in wanted:
                del watching[leg]
                if leg in up and up[leg].supervises:
                    await self._do("supervise", leg, target, None)
        for leg, watch in wanted.items():
            view = up.get(leg)
            if view is None or watch.target not in up or (view.supervises, view.mode) == (watch.target, watch.mode):
                continue
            watching[leg] = watch.target
            await self._do("supervise", leg, watch.target, watch.mode)

    async def _end(self, scene: Scene, snapshot: Snapshot) -> None:
        begun = self._begun.pop(scene.call, set())
        for tape in snapshot.recordings:
            if tape.id in begun:
                await self._do("stop_recording", tape.id)
        for playback in snapshot.playbacks:
            if playback in begun:
                await self._do("stop_playback", playback)
        for leg, target in self._watching.pop(scene.call, {}).items():
            await self._do("supervise", leg, target, None)
        await self._do("destroy", scene.bridge)
        for leg in (*scene.gone, *(place.leg for place in scene.places)):
            self._waiting_sounds.pop(leg, None)
        self._dialled.pop(scene.call, None)
        self._tries.pop(scene.call, None)
        self.scenes.pop(scene.call, None)
        self._over[scene.call] = None
        while len(self._over) > REMEMBERED:
            self._over.popitem(last=False)

    async def _do(self, name: str, *arguments: Any) -> bool:
        """One command; False when the backend refused, which is told to the log: the leg may have just ended."""
        try:
            await getattr(self.driver, name)(*arguments)
        except DriverError as refused:
            log.info("command refused", command=name, on=str(arguments[0]), code=refused.code, why=str(refused))
            self._in_trouble |= refused.code == "failed" and name in TRIED_AGAIN
            return False
        return True
