"""A telephony backend without sound that keeps the contract's state rules, and the voice process around it within a test.

Parties outside are played by the test: they ring, answer, hang up. Who hears whom is worked out from bridges, mutes and holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask import Flask

from core import clock
from core.db import db
from core.telephony import (
    CAUSES,
    BridgeView,
    DriverAbilities,
    DriverError,
    DriverEvent,
    LegView,
    Mode,
    RecordingView,
    Snapshot,
)
from plugins.voice import switchboard
from plugins.voice.calls import driver_events, reconciling
from plugins.voice.process.host import Host, Refused


@dataclass
class Playing:
    """A sound that somebody hears."""

    target: str
    sound: str
    loop: bool


class MemoryDriver:
    """Legs, bridges, sounds and recordings as rows in memory."""

    abilities = DriverAbilities(webrtc=True, sip=True, recording=True, supervision=True, most_legs=50)

    def __init__(self) -> None:
        self.emit: Callable[[DriverEvent], None] = lambda _event: None
        self.legs: dict[str, LegView] = {}
        self.bridges: dict[str, list[str]] = {}
        self.playing: dict[str, Playing] = {}
        self.played: list[tuple[str, str]] = []
        self.recordings: dict[str, RecordingView] = {}
        self.pressed: list[tuple[str, str]] = []
        self.dialled: list[tuple[str, str, str]] = []

    async def start(self, emit: Callable[[DriverEvent], None]) -> None:
        self.emit = emit
        self.tell("driver.up")

    async def stop(self) -> None:
        for leg in list(self.legs):
            await self.hangup(leg, "lost")

    def tell(self, kind: Any, **values: Any) -> None:
        data = values.pop("data", {})
        self.emit(DriverEvent(kind, clock.now().timestamp(), data=data, **values))

    # --- what parties outside do -------------------------------------------------------------------------

    def media_flows(self, leg: str) -> None:
        """The browser's sound comes, or the number outside has answered."""
        self.legs[leg] = replace(self._live(leg), state="up")
        self.tell("leg.answered", leg=leg)

    def rings_in(self, leg: str, address: str, to: str) -> None:
        """A call comes in on a line."""
        self.legs[leg] = LegView(leg, "sip", "in", "ringing", address=address)
        self.tell("leg.incoming", leg=leg, data={"address": address, "to": to, "name": "", "headers": {}})

    def goes(self, leg: str, cause: str = "normal") -> None:
        """Somebody outside hangs up."""
        self._end(leg, cause)

    def heard_out(self, playback: str) -> None:
        """A sound has come to its end."""
        if self.playing.pop(playback, None) is not None:
            self.tell("playback.done", playback=playback, data={"finished": True})

    def presses(self, leg: str, digit: str) -> None:
        """A key outside."""
        self.tell("leg.dtmf", leg=leg, data={"digit": digit})

    # --- who hears what ----------------------------------------------------------------------------------

    def hears(self, leg: str) -> set[str]:
        """The legs that ``leg`` hears now, supervision included."""
        view = self.legs[leg]
        found: set[str] = set()
        if view.bridge and not view.held:
            found = {one for one in self.bridges[view.bridge] if one != leg and self._speaks(one)}
        if view.supervises:
            bridge = self.legs[view.supervises].bridge
            found |= {one for one in self.bridges.get(bridge, ()) if self._speaks(one)}
        for other in self.legs.values():
            if other.supervises and self._speaks(other.id) and other.id != leg:
                joins = other.mode == "barge" and self.legs[other.supervises].bridge == view.bridge != ""
                whispers = other.mode == "whisper" and other.supervises == leg
                if joins or whispers:
                    found.add(other.id)
        return found

    def _speaks(self, leg: str) -> bool:
        view = self.legs[leg]
        return view.state == "up" and not view.muted and not view.held

    def sounds_at(self, leg: str) -> list[str]:
        """The sounds that ``leg`` hears now, those of its bridge included."""
        view = self.legs[leg]
        return sorted(one.sound for one in self.playing.values() if one.target in (leg, view.bridge or leg))

    # --- commands ----------------------------------------------------------------------------------------

    def _live(self, leg: str) -> LegView:
        view = self.legs.get(leg)
        if view is None or view.state == "ended":
            raise DriverError("unknown-leg", leg)
        return view

    async def offer(self, leg: str, sdp: str) -> str:
        if not sdp.startswith("v=0"):
            raise DriverError("bad-sdp")
        if leg not in self.legs:
            if len([one for one in self.legs.values() if one.state != "ended"]) >= self.abilities.most_legs:
                raise DriverError("full")
            self.legs[leg] = LegView(leg, "webrtc", "in", "new")
        return f"v=0 answer {leg}"

    async def originate(self, leg: str, address: str, caller: str, seconds: float, headers: Mapping[str, str]) -> None:
        if leg in self.legs:
            raise DriverError("wrong-state", leg)
        if not address.startswith(("tel:", "sip:")):
            raise DriverError("bad-address", address)
        self.legs[leg] = LegView(leg, "sip", "out", "ringing", address=address)
        self.dialled.append((leg, address, caller))
        self.tell("leg.ringing", leg=leg)

    async def answer(self, leg: str) -> None:
        if self._live(leg).state != "up":
            self.media_flows(leg)

    async def reject(self, leg: str, cause: str) -> None:
        self._live(leg)
        self._end(leg, cause)

    async def hangup(self, leg: str, cause: str = "normal") -> None:
        assert cause in CAUSES, cause
        if leg in self.legs and self.legs[leg].state != "ended":
            self._end(leg, cause)

    def _end(self, leg: str, cause: str) -> None:
        view = self._live(leg)
        if view.bridge:
            self._out(leg)
        for other in list(self.legs.values()):
            if other.supervises == leg:
                self.legs[other.id] = replace(other, supervises="", mode="")
        for playback in [name for name, one in self.playing.items() if one.target == leg]:
            self._stop(playback)
        for recording in [one for one in self.recordings.values() if one.target == leg]:
            self._complete(recording.id)
        self.legs[leg] = replace(self.legs[leg], state="ended", held=False, supervises="", mode="")
        self.tell("leg.hangup", leg=leg, data={"cause": cause, "code": 0})

    def _out(self, leg: str) -> None:
        bridge = self.legs[leg].bridge
        self.bridges[bridge].remove(leg)
        self.legs[leg] = replace(self.legs[leg], bridge="")
        self.tell("bridge.left", leg=leg, bridge=bridge)

    async def mute(self, leg: str, on: bool) -> None:
        self.legs[leg] = replace(self._live(leg), muted=on)

    async def hold(self, leg: str, on: bool, sound: str = "music:default") -> None:
        self.legs[leg] = replace(self._live(leg), held=on)

    async def dtmf(self, leg: str, digits: str) -> None:
        self._live(leg)
        self.pressed.append((leg, digits))

    async def bridge(self, bridge: str) -> None:
        self.bridges.setdefault(bridge, [])

    async def add(self, bridge: str, leg: str) -> None:
        if bridge not in self.bridges:
            raise DriverError("unknown-bridge", bridge)
        view = self._live(leg)
        if view.bridge == bridge:
            return
        if view.bridge:
            self._out(leg)
        self.bridges[bridge].append(leg)
        self.legs[leg] = replace(self.legs[leg], bridge=bridge)
        self.tell("bridge.joined", leg=leg, bridge=bridge)

    async def drop(self, bridge: str, leg: str) -> None:
        if bridge not in self.bridges:
            raise DriverError("unknown-bridge", bridge)
        if self._live(leg).bridge == bridge:
            self._out(leg)

    async def destroy(self, bridge: str) -> None:
        for leg in list(self.bridges.get(bridge, ())):
            self._out(leg)
        self.bridges.pop(bridge, None)
        for playback in [name for name, one in self.playing.items() if one.target == bridge]:
            self._stop(playback)
        for recording in [one for one in self.recordings.values() if one.target == bridge]:
            self._complete(recording.id)

    async def play(self, target: str, playback: str, sound: str, loop: bool = False, level: float = 1.0) -> None:
        if target not in self.bridges:
            self._target(target)
        if sound.partition(":")[0] not in ("file", "tone", "silence", "music"):
            raise DriverError("bad-sound", sound)
        for name in [name for name, one in self.playing.items() if one.target == target]:
            self._stop(name)
        self.playing[playback] = Playing(target, sound, loop)
        self.played.append((target, sound))

    def _target(self, target: str) -> None:
        view = self.legs.get(target)
        if view is None or view.state == "ended":
            raise DriverError("unknown-target", target)

    async def stop_playback(self, playback: str) -> None:
        if playback in self.playing:
            self._stop(playback)

    def _stop(self, playback: str) -> None:
        del self.playing[playback]
        self.tell("playback.done", playback=playback, data={"finished": False})

    async def record(self, target: str, recording: str, path: str) -> None:
        if target not in self.bridges:
            self._target(target)
        self.recordings[recording] = RecordingView(recording, target, path)
        self.tell("recording.started", recording=recording)

    async def pause_recording(self, recording: str, on: bool) -> None:
        self.recordings[recording] = replace(self.recordings[recording], paused=on)

    async def stop_recording(self, recording: str) -> None:
        if recording in self.recordings:
            self._complete(recording)

    def _complete(self, recording: str) -> None:
        path = self.recordings.pop(recording).path
        self.tell("recording.done", recording=recording, data={"path": path, "seconds": 1.0})

    async def supervise(self, leg: str, target: str, mode: Mode | None) -> None:
        view = self._live(leg)
        if mode is not None:
            self._live(target)
        self.legs[leg] = replace(view, supervises=target if mode else "", mode=mode or "")

    async def snapshot(self) -> Snapshot:
        return Snapshot(
            tuple(view for view in self.legs.values() if view.state != "ended"),
            tuple(BridgeView(name, tuple(legs)) for name, legs in self.bridges.items()),
            tuple(self.recordings.values()),
            tuple(self.playing),
        )


class MemoryVoice:
    """The voice process within a test: commands go straight to its host, :meth:`pump` plays the worker that reads its events."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.loop = asyncio.new_event_loop()
        self.away = False
        self.begin()
        app.extensions["okno_voice_transport"] = self.ask

    def begin(self) -> None:
        """A fresh run of the process, as after a crash."""
        self.driver = MemoryDriver()
        self.host = Host(self.driver, "memory")
        self.run(self.host.start())

    def close(self) -> None:
        self.loop.close()

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    def ask(self, op: str, arguments: Mapping[str, Any], _seconds: float) -> Any:
        if self.away:
            raise switchboard.Away("switched off by the test")
        try:
            return self.run(self.host.handle(op, arguments))
        except Refused as refused:
            raise switchboard.Refused(refused.code, refused.text) from refused

    def pump(self) -> None:
        """Let the process settle and the worker carry out all events, until nothing more comes."""
        process, seq = driver_events.cursor()
        if process != self.host.process:
            reconciling.begin_run(self.host.process)
            seq = 0
        while True:
            self.run(self.host.settle())
            found = self.host.ring.after(seq) or []
            if not found:
                return
            for number, event in found:
                driver_events.apply(self.host.process, number, event)
                db.session.rollback()
                seq = number
