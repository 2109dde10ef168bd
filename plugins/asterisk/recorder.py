"""Recording: what each party says is recorded by Asterisk from a snoop channel, fetched, and put together here.

ARI's own recording of a bridge is one mono file that drops what is paused. A track a party keeps customer and agents apart and goes on
when legs come and go. A spy hears what a muted or held leg says, so there is a track only while its leg is heard and the recording
is not paused; each knows when it began, so that times stay true. (ARI could mute a live recording, but refuses until it has begun.)
"""

from __future__ import annotations

import asyncio
import secrets
import time
import wave
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from core.telephony import DriverError, RecordingView
from plugins.asterisk.ari import AriError
from plugins.asterisk.book import Exchange, Leg
from plugins.asterisk.tracks import Track, join

log = structlog.get_logger("okno.asterisk")
STORED_SECONDS = 5.0


@dataclass(slots=True)
class Tape:
    """What one leg says, for a stretch of a recording; ``name`` is that of the snoop channel and of the file.

    ``stored`` is done when Asterisk has closed the file, ``spying`` as long as the channel may be there.
    """

    name: str
    leg: str
    side: int
    begun: float
    stored: asyncio.Future[None]
    live: bool = True
    spying: bool = True


@dataclass(slots=True)
class Recording:
    """A recording under way; ``first`` is the leg on the left side."""

    id: str
    target: str
    path: str
    begun: float
    stereo: bool
    first: str = ""
    paused: bool = False
    tapes: list[Tape] = field(default_factory=list)

    def view(self) -> RecordingView:
        """As the contract shows it."""
        return RecordingView(self.id, self.target, self.path, self.paused)


class Recorder:
    """All recordings, by the contract's id."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._recordings: dict[str, Recording] = {}
        self._tapes: dict[str, Tape] = {}
        self._delivering: set[asyncio.Task[None]] = set()

    @property
    def views(self) -> tuple[RecordingView, ...]:
        """What the contract's snapshot lists."""
        return tuple(one.view() for one in self._recordings.values())

    async def record(self, target: str, recording: str, path: str) -> None:
        """See :meth:`core.telephony.Driver.record`."""
        if recording in self._recordings:
            return
        stereo = target in self._exchange.bridges
        if not stereo:
            self._exchange.ready(target)
        made = Recording(recording, target, path, time.monotonic(), stereo)
        self._recordings[recording] = made
        try:
            await self._cover(made)
        except AriError as error:
            self._recordings.pop(recording, None)
            raise DriverError("failed", f"Asterisk can't record: {error}") from error
        self._exchange.emit("recording.started", recording=recording)

    async def pause(self, recording: str, on: bool) -> None:
        """See :meth:`core.telephony.Driver.pause_recording`."""
        if (found := self._recordings.get(recording)) is None:
            raise DriverError("wrong-state", f"no recording {recording}")
        found.paused = on
        await self._settle(found)

    async def stop(self, recording: str) -> None:
        """See :meth:`core.telephony.Driver.stop_recording`; one that has ended is no error.

        An hour of sound is long on its way from Asterisk: no other command waits for it.
        """
        if (found := self._recordings.pop(recording, None)) is None:
            return
        seconds = time.monotonic() - found.begun
        for tape in found.tapes:
            await self._close(tape)
        task = asyncio.create_task(self._deliver(found, seconds), name=f"asterisk-recording-{recording}")
        self._delivering.add(task)
        task.add_done_callback(self._delivering.discard)

    async def refresh(self, bridge: str) -> None:
        """Who is in a bridge, muted or held has changed."""
        for one in list(self._recordings.values()):
            if bridge and bridge == one.target:
                await self._settle(one)

    async def refresh_leg(self, leg: Leg) -> None:
        """A leg was muted or held, or neither any more."""
        await self.refresh(leg.bridge)
        await self.refresh(leg.id)

    async def target_ended(self, target: str) -> None:
        """A bridge or a leg has gone: what recorded it is complete."""
        for one in [one for one in self._recordings.values() if one.target == target]:
            await self.stop(one.id)

    async def stop_all(self) -> None:
        """Complete all, and wait until they are."""
        for recording in list(self._recordings):
            await self.stop(recording)
        await asyncio.gather(*self._delivering)

    def stored(self, name: str, failure: str = "") -> None:
        """Asterisk has closed a file, or could not write it."""
        tape = self._tapes.get(name)
        if tape is None or tape.stored.done():
            return
        tape.live = False
        if failure:
            tape.stored.set_exception(AriError(0, failure))
        else:
            tape.stored.set_result(None)

    # --- tapes ---

    async def _settle(self, recording: Recording) -> None:
        try:
            await self._cover(recording)
        except AriError as error:
            # The call matters more than its recording: what is there is kept.
            log.warning("asterisk.recording", recording=recording.id, why=str(error))

    async def _cover(self, recording: Recording) -> None:
        """One live tape for each leg that is to be heard, and none for the others."""
        there = self._exchange.bridges.get(recording.target, []) if recording.stereo else [recording.target]
        recording.first = recording.first or next(iter(there), "")
        legs = [leg for name in there if (leg := self._exchange.legs.get(name)) and leg.channel]
        heard = [] if recording.paused else [leg for leg in legs if not leg.muted and not leg.held]
        live = [tape for tape in recording.tapes if tape.live]
        for tape in live:
            if tape.leg not in {leg.id for leg in heard}:
                await self._close(tape)
        for leg in heard:
            if leg.id not in {tape.leg for tape in live}:
                await self._open(recording, leg)

    async def _open(self, recording: Recording, leg: Leg) -> None:
        name = f"okno-{secrets.token_hex(8)}"
        side = 0 if leg.id == recording.first else 1
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self._exchange.snoop(leg.channel, name, "in", "none")
        tape = self._tapes[name] = Tape(name, leg.id, side, time.monotonic(), stored)
        how: dict[str, Any] = {"name": name, "format": "wav16", "ifExists": "overwrite", "terminateOn": "none"}
        try:
            await self._exchange.ari.post("channels", name, "record", **how)
        except BaseException:
            self._tapes.pop(name, None)
            await self._hang_up(tape)
            raise
        recording.tapes.append(tape)

    async def _close(self, tape: Tape) -> None:
        if tape.live:
            tape.live = False
            with suppress(AriError):
                await self._exchange.ari.post("recordings", "live", tape.name, "stop")
        await self._hang_up(tape)

    async def _hang_up(self, tape: Tape) -> None:
        if tape.spying:
            tape.spying = False
            with suppress(AriError):
                await self._exchange.ari.delete("channels", tape.name)

    # --- the whole ---

    async def _deliver(self, recording: Recording, seconds: float) -> None:
        path, why, length = Path(recording.path), "", 0.0
        try:
            await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
            tracks = [await self._fetch(tape, recording, path) for tape in recording.tapes]
            channels = 2 if recording.stereo else 1
            length = await asyncio.to_thread(join, tracks, path, channels, seconds)
        except (AriError, OSError, EOFError, wave.Error) as error:
            why = str(error) or type(error).__name__
        finally:
            await self._sweep(recording, path)
        if why:
            self._exchange.emit("recording.failed", recording=recording.id, data={"why": why})
            return
        self._exchange.emit(
            "recording.done", recording=recording.id, data={"path": recording.path, "seconds": round(length, 2)}
        )

    async def _fetch(self, tape: Tape, recording: Recording, path: Path) -> Track:
        try:
            async with asyncio.timeout(STORED_SECONDS):
                await tape.stored
        except TimeoutError:
            # Its event was lost with the connection; the file is asked for all the same.
            log.info("asterisk.recording-unconfirmed", name=tape.name)
        part = _part(path, tape)
        await self._exchange.ari.download(part, "recordings", "stored", tape.name, "file")
        return Track(part, tape.begun - recording.begun, tape.side if recording.stereo else 0)

    async def _sweep(self, recording: Recording, path: Path) -> None:
        for tape in recording.tapes:
            _part(path, tape).unlink(missing_ok=True)
            self._tapes.pop(tape.name, None)
            with suppress(AriError):
                await self._exchange.ari.delete("recordings", "stored", tape.name)


def _part(path: Path, tape: Tape) -> Path:
    return path.with_name(f"{path.name}.{tape.name}.part")
