"""Recordings of bridges and legs: begun, paused, completed, and who is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from core.telephony import DriverError
from plugins.switch.media import Media
from plugins.switch.parties import Bridge, Leg
from plugins.switch.recorder import Recording, WavFile, Writer


class Recordings:
    """The recordings of a switch."""

    def __init__(self, media: Media, writer: Writer, tell: Callable[..., None]) -> None:
        self._media = media
        self._writer = writer
        self._tell = tell
        self._beginning: set[str] = set()

    async def begin(self, target: str, name: str, path: str) -> None:
        """Begin one. Raises ``unknown-target``, ``failed``."""
        if name in self._media.recordings or name in self._beginning:
            return
        self._check(target)
        self._beginning.add(name)
        channels = 2 if target in self._media.bridges else 1
        try:
            file = await asyncio.to_thread(WavFile, path, channels)
        except OSError as fault:
            raise DriverError("failed", f"{path}: {fault.strerror}") from fault
        finally:
            self._beginning.discard(name)
        recording = Recording(name, target, file, partial(self._done, name, path), partial(self._failed, name))
        if bridge := self._media.bridges.get(target):
            recording.left = bridge.legs[0].id if bridge.legs else ""
        self._media.recordings[name] = recording
        self._media.changed()
        self._tell("recording.started", recording=name)
        if target not in self._media.bridges and target not in self._media.legs:  # it went while the file was made
            self.finish(recording)

    def pause(self, name: str, on: bool) -> None:
        """Write silence from now on, or sound again; one that has ended is left alone."""
        if recording := self._media.recordings.get(name):
            recording.paused = on

    def finish(self, recording: Recording) -> None:
        """Complete one; ``recording.done`` is told when it lies on the disk."""
        if self._media.recordings.pop(recording.name, None) is not None:
            self._media.changed()
            self._writer.finish(recording)

    def finish_of(self, target: str) -> None:
        """Complete those of a bridge or leg that goes."""
        for recording in [found for found in self._media.recordings.values() if found.target == target]:
            self.finish(recording)

    def note_joined(self, bridge: Bridge, leg: Leg) -> None:
        """The first leg of a bridge is the left channel, also when it joins after the recording began."""
        for recording in self._media.recordings.values():
            if recording.target == bridge.id and not recording.left:
                recording.left = leg.id

    def _check(self, target: str) -> None:
        if target not in self._media.bridges and target not in self._media.legs:
            raise DriverError("unknown-target", target)

    def _done(self, name: str, path: str, seconds: float) -> None:
        self._tell("recording.done", recording=name, path=path, seconds=round(seconds, 2))

    def _failed(self, name: str, why: str) -> None:
        if recording := self._media.recordings.get(name):
            self.finish(recording)
        self._tell("recording.failed", recording=name, why=why)
