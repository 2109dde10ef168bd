"""What a call should be like in the backend: who is in it, who waits with what sound, what is recorded, who listens.

Scenes cross the socket as JSON. A scene says how things shall be, never what to do: the same one again changes nothing, an older
one than is known is left aside, and after a reconnect all of them together mend whatever was lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

QUIET = ""
MUSIC = "music:default"
RINGBACK = "tone:425/1000,0/4000"


@dataclass(frozen=True, slots=True)
class Place:
    """A leg in a call. ``alone``: what it hears until somebody else is connected; ``held``: the sound it waits with, "" for not held.

    ``apart``: it belongs to the call but stays out of the bridge (an agent who has put the call on hold).
    """

    leg: str
    alone: str = QUIET
    held: str = ""
    muted: bool = False
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Dial:
    """Whom to call: the backend's address, for ``seconds`` at most."""

    leg: str
    address: str
    caller: str
    seconds: float
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sound:
    """Something that is played. ``target`` is a leg or the call's bridge."""

    playback: str
    target: str
    sound: str
    loop: bool = False
    level: float = 1.0


@dataclass(frozen=True, slots=True)
class Tape:
    """A recording; ``target`` is the call's bridge or a leg."""

    recording: str
    target: str
    path: str
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Watch:
    """Somebody who listens to the leg ``target``."""

    leg: str
    target: str
    mode: str


@dataclass(frozen=True, slots=True)
class Scene:
    """A call as it shall be. ``gone`` are legs to end, with the cause; ``over``: nothing of it stays. ``answers``: incoming legs to take."""

    call: str
    version: int
    bridge: str
    places: tuple[Place, ...] = ()
    answers: tuple[str, ...] = ()
    dials: tuple[Dial, ...] = ()
    sounds: tuple[Sound, ...] = ()
    tapes: tuple[Tape, ...] = ()
    watches: tuple[Watch, ...] = ()
    gone: Mapping[str, str] = field(default_factory=dict)
    over: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Scene:
        """The scene of what :meth:`to_json` gave. Raises ``KeyError`` or ``TypeError`` for anything else."""
        return cls(
            call=data["call"],
            version=data["version"],
            bridge=data["bridge"],
            places=tuple(Place(**one) for one in data["places"]),
            answers=tuple(data["answers"]),
            dials=tuple(Dial(**one) for one in data["dials"]),
            sounds=tuple(Sound(**one) for one in data["sounds"]),
            tapes=tuple(Tape(**one) for one in data["tapes"]),
            watches=tuple(Watch(**one) for one in data["watches"]),
            gone=dict(data["gone"]),
            over=data["over"],
        )
