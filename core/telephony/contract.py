"""The driver interface: commands that a backend carries out, events that it tells, and the picture it gives of itself.

Everything that crosses it is plain data that JSON can hold: commands come from other processes, events go to them. Ids of legs,
bridges, playbacks and recordings are chosen by the caller, so that a repeated command is recognised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from core.contracts import Text

Mode = Literal["monitor", "whisper", "barge"]
Way = Literal["in", "out"]
LegState = Literal["new", "ringing", "up", "ended"]
EventKind = Literal[
    "leg.incoming",
    "leg.ringing",
    "leg.answered",
    "leg.held",
    "leg.dtmf",
    "leg.transfer_requested",
    "leg.quality",
    "leg.hangup",
    "bridge.joined",
    "bridge.left",
    "playback.done",
    "recording.started",
    "recording.done",
    "recording.failed",
    "driver.up",
    "driver.down",
]
# Why a leg ended; what a network says is put into one of these words, its own code stands in the event's data.
CAUSES = ("normal", "busy", "rejected", "no_answer", "unreachable", "cancelled", "lost", "failed", "forbidden")


class DriverError(Exception):
    """A command was refused. ``code`` is one of unknown-leg, unknown-bridge, unknown-target, bad-sdp, bad-sound, bad-address,
    wrong-state, unsupported, full, failed; the message is for the log."""

    def __init__(self, code: str, message: str = "") -> None:
        self.code = code
        super().__init__(message or code)


@dataclass(frozen=True, slots=True)
class DriverEvent:
    """Something happened. ``at`` is seconds since the epoch.

    ``data`` by kind: incoming {address, to, name, display, headers}; answered {}; held {on}; dtmf {digit};
    transfer_requested {to}; quality {loss_percent, jitter_ms, rtt_ms, level in dBFS}; hangup {cause, code}; joined/left {};
    playback.done {finished: bool}; recording.started {}; recording.done {path, seconds}; recording.failed {why}.
    """

    kind: EventKind
    at: float
    leg: str = ""
    bridge: str = ""
    playback: str = ""
    recording: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LegView:
    """A leg as the backend sees it now. ``kind`` is webrtc or sip; ``supervises`` the leg it listens to."""

    id: str
    kind: str
    way: Way
    state: LegState
    bridge: str = ""
    address: str = ""
    muted: bool = False
    held: bool = False
    supervises: str = ""
    mode: str = ""


@dataclass(frozen=True, slots=True)
class BridgeView:
    """A bridge and its legs in the order of their joining."""

    id: str
    legs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordingView:
    """A recording under way; ``target`` is a bridge or a leg."""

    id: str
    target: str
    path: str
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that the backend has at one moment; who lost events compares it with what it believes."""

    legs: tuple[LegView, ...] = ()
    bridges: tuple[BridgeView, ...] = ()
    recordings: tuple[RecordingView, ...] = ()
    playbacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DriverAbilities:
    """What a backend can do beyond two people talking; what it can't is not offered."""

    webrtc: bool = False
    sip: bool = False
    recording: bool = False
    supervision: bool = False
    most_legs: int = 0


class Driver(Protocol):
    """A running backend. All methods are called in one asyncio loop; those that name an unknown leg or bridge raise
    :class:`DriverError`, those that ask for what is so already change nothing.

    A *sound* is an address: ``file:<absolute path of a WAV>``, ``tone:<hertz>[+<hertz>]/<ms>[,<hertz or 0>/<ms>…]``,
    ``silence:<ms>`` or ``music:<name>`` (hold music; "default" is always there).
    """

    abilities: DriverAbilities

    async def start(self, emit: Callable[[DriverEvent], None]) -> None:
        """Begin; ``emit`` takes events from now on and never blocks. Tells ``driver.up`` once calls can be made."""

    async def stop(self) -> None:
        """Hang up all (cause ``lost``), complete recordings, end."""

    async def offer(self, leg: str, sdp: str) -> str:
        """A browser's leg: takes its SDP offer with all candidates in it and gives the answer. The leg tells
        ``leg.answered`` when media flows. The same leg again renegotiates. Raises ``bad-sdp``, ``full``."""

    async def originate(self, leg: str, address: str, caller: str, seconds: float, headers: Mapping[str, str]) -> None:
        """Call out: ``tel:+7…``, ``sip:user@host``; tells ringing, answered or hangup. Raises ``bad-address``, ``unsupported``."""

    async def answer(self, leg: str) -> None:
        """Take an incoming leg."""

    async def reject(self, leg: str, cause: str) -> None:
        """Refuse an incoming leg."""

    async def hangup(self, leg: str, cause: str = "normal") -> None:
        """End a leg; one that has ended or was never there is no error."""

    async def mute(self, leg: str, on: bool) -> None:
        """Whether the others stop hearing it."""

    async def hold(self, leg: str, on: bool, sound: str = "music:default") -> None:
        """While held a leg hears ``sound`` and nobody hears it; it stays in its bridge."""

    async def dtmf(self, leg: str, digits: str) -> None:
        """Send digits (0-9*#A-D, ``,`` pauses two seconds) to the far end of a leg."""

    async def bridge(self, bridge: str) -> None:
        """Make a bridge."""

    async def add(self, bridge: str, leg: str) -> None:
        """Put a leg into a bridge, out of the one it was in."""

    async def drop(self, bridge: str, leg: str) -> None:
        """Take a leg out; it stays up and hears silence."""

    async def destroy(self, bridge: str) -> None:
        """End a bridge; its legs stay up. One that is not there is no error."""

    async def play(self, target: str, playback: str, sound: str, loop: bool = False, level: float = 1.0) -> None:
        """Play to a leg (only it hears) or to a bridge (all hear, mixed with talk); tells ``playback.done``.
        A new one for the same target takes the place of the old. Raises ``bad-sound``."""

    async def stop_playback(self, playback: str) -> None:
        """Stop; tells ``playback.done`` with ``finished`` false. One that has ended is no error."""

    async def record(self, target: str, recording: str, path: str) -> None:
        """Record a bridge (stereo: first leg left, all others right) or what a leg says (mono) into a WAV at ``path``."""

    async def pause_recording(self, recording: str, on: bool) -> None:
        """While paused silence is written, so that times stay true."""

    async def stop_recording(self, recording: str) -> None:
        """Complete the file; tells ``recording.done``."""

    async def supervise(self, leg: str, target: str, mode: Mode | None) -> None:
        """``leg`` listens to the bridge of leg ``target``: monitor hears all; whisper is heard by ``target`` only; barge by all.
        None ends it. Changing the mode does not interrupt."""

    async def snapshot(self) -> Snapshot:
        """The picture now."""


# The methods that may be called from other processes.
COMMANDS = (
    "offer",
    "originate",
    "answer",
    "reject",
    "hangup",
    "mute",
    "hold",
    "dtmf",
    "bridge",
    "add",
    "drop",
    "destroy",
    "play",
    "stop_playback",
    "record",
    "pause_recording",
    "stop_recording",
    "supervise",
    "snapshot",
)


@dataclass(frozen=True, slots=True)
class Backend:
    """A backend that an administrator can choose with ``voice.backend``. ``make`` runs in the voice process and gets the
    settings whose keys begin with the plugin's name, and the folder for what it keeps (music, sounds)."""

    name: str
    title: Text
    make: Callable[[Mapping[str, Any], str], Driver]
