"""The beat: every 20 ms everybody gets what they are to hear, by the plan of the moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import structlog

from plugins.switch.frames import FRAME, RATE, SECONDS, SILENCE, Frame, mix
from plugins.switch.opus import Encoder
from plugins.switch.parties import Bridge, Leg
from plugins.switch.plan import Mix, Plan, Source, Tape, make_plan
from plugins.switch.recorder import Recording, Writer
from plugins.switch.sounds import Player

log = structlog.get_logger("okno.switch")
# After a longer stall the missed frames are left out: a burst would only fill the listeners' buffers.
STALL_SECONDS = 0.1


@dataclass
class Beats:
    """How well the beat is kept: frames made, frames left out, the seconds that the latest was late, the most ever."""

    made: int = 0
    left_out: int = 0
    late: float = 0.0
    latest: float = field(default=0.0)


class Media:
    """Legs, bridges and recordings in motion. ``ended`` is told of playings that came to their end."""

    def __init__(self, ended: Callable[[Player], None], write: Writer) -> None:
        self.legs: dict[str, Leg] = {}
        self.bridges: dict[str, Bridge] = {}
        self.recordings: dict[str, Recording] = {}
        self.beats = Beats()
        self._ended = ended
        self._writer = write
        self._plan = Plan()
        self._changed = False
        self._began = 0.0
        self._clock = 0
        self._silence = _silent_packet()

    def changed(self) -> None:
        """Something is not as the plan has it: a new one is made for the next frame."""
        self._changed = True

    def clock(self) -> int:
        """Samples since the beat began, by the real clock."""
        return int((asyncio.get_running_loop().time() - self._began) * RATE)

    async def run(self) -> None:
        """Keep the beat against absolute deadlines until cancelled."""
        loop = asyncio.get_running_loop()
        self._began = deadline = loop.time()
        while True:
            deadline += SECONDS
            self._clock += FRAME
            await asyncio.sleep(max(0.0, deadline - loop.time()))
            late = loop.time() - deadline
            self.beats.late, self.beats.latest = late, max(self.beats.latest, late)
            if late > STALL_SECONDS:
                missed = int(late / SECONDS)
                deadline += missed * SECONDS
                self._clock += missed * FRAME
                self.beats.left_out += missed
            try:
                self.beat()
            except Exception as error:
                log.error("a frame failed", exc_info=error)

    def beat(self) -> None:
        """Make one frame."""
        self._move_on()
        frames = {leg: leg.end.pull() for leg in self._plan.decoded}
        for leg in self._plan.silent:
            leg.end.send_packet(self._silence, self._clock)
        for leg, player in self._plan.sounds:
            self._send_sound(leg, player)
        for group in self._plan.mixes:
            self._send_mix(group, frames)
        for tape in self._plan.tapes:
            self._record(tape, frames)
        self.beats.made += 1

    def _move_on(self) -> None:
        """Bring playings to their next frame; those at their end change the plan before it is used."""
        if self._changed:
            self._replan()
        for player in self._plan.players:
            player.advance()
        for player in [player for player in self._plan.players if player.done]:
            self._ended(player)
        if self._changed:
            self._replan()

    def _replan(self) -> None:
        self._changed = False
        self._plan = make_plan(self.legs, self.bridges, self.recordings.values())
        for leg in self.legs.values():
            leg.end.listen(leg in self._plan.decoded, [to.end for to in self._plan.forwards.get(leg, ())])

    def _send_sound(self, leg: Leg, player: Player) -> None:
        packet = player.packet()
        if packet is None:
            self._send_to_all((leg,), player.frame())
        else:
            leg.end.send_packet(packet, self._clock)

    def _send_mix(self, group: Mix, frames: dict[Leg, Frame]) -> None:
        if group.sources:
            heard = mix([_frame(source, frames) for source in group.sources], group.gains)
        else:
            heard = SILENCE.reshape(1, FRAME)
        for legs, frame in zip(group.listeners, heard, strict=True):
            self._send_to_all(legs, frame)

    def _send_to_all(self, legs: tuple[Leg, ...], frame: Frame) -> None:
        """Those who hear the same get the same packet; the first of them encodes it, so that nothing breaks off for who stays first."""
        packet = None
        for leg in legs:
            if not leg.end.packets:
                leg.end.send(frame, self._clock)
                continue
            packet = packet or leg.end.encode(frame)
            leg.end.send_packet(packet, self._clock)

    def _record(self, tape: Tape, frames: dict[Leg, Frame]) -> None:
        if tape.recording.paused:
            parts = [SILENCE] * len(tape.channels)
        else:
            parts = [_together(channel, frames) for channel in tape.channels]
        self._writer.feed(tape.recording, *parts)


def _frame(source: Source, frames: dict[Leg, Frame]) -> Frame:
    return source.frame() if isinstance(source, Player) else frames[source]


def _together(sources: tuple[Source, ...], frames: dict[Leg, Frame]) -> Frame:
    if not sources:
        return SILENCE
    if len(sources) == 1:
        return _frame(sources[0], frames)
    gains = np.ones((1, len(sources)), np.float32)
    heard: Frame = mix([_frame(source, frames) for source in sources], gains)[0]
    return heard


def _silent_packet() -> bytes:
    """Silence as Opus puts it once it has settled."""
    encoder = Encoder()
    return [encoder.encode(SILENCE) for _ in range(10)][-1]
