"""Sounds by their addresses: files, tones, silence, hold music; each is read once and then lies ready as samples and packets.

A sound is one stream of Opus packets that is encoded once, when first heard: a hundred callers who wait with music cost no
encoding at all.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from core.telephony import DriverError
from plugins.switch.frames import FRAME, RATE, Frame
from plugins.switch.opus import Encoder
from plugins.switch.tune import default_tune

LONGEST_SECONDS = 15 * 60
KEPT_BYTES = 128 * 1024 * 1024
TONE_LEVEL = 0.2
TONE = re.compile(r"(?P<pitches>\d+(?:\.\d+)?(?:\+\d+(?:\.\d+)?){0,3})/(?P<ms>\d+)")
MUSIC_NAME = re.compile(r"[\w-]{1,60}", re.ASCII)
MUSIC_ENDINGS = (".wav", ".ogg", ".opus", ".mp3", ".flac")
RAMP = RATE // 250

Samples = NDArray[np.int16]


class Sound:
    """A whole number of frames, the last filled up with silence."""

    def __init__(self, samples: Samples, bitrate: int = 32_000) -> None:
        missing = -len(samples) % FRAME
        self._frames = np.concatenate((samples, np.zeros(missing, np.int16))).reshape(-1, FRAME)
        self._bitrate = bitrate
        self._encoder: Encoder | None = None
        self._packets: list[bytes] = []

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def size(self) -> int:
        """Bytes of samples."""
        return int(self._frames.nbytes)

    def frame(self, index: int) -> Frame:
        """Frame ``index``."""
        found: Frame = self._frames[index]
        return found

    def packet(self, index: int) -> bytes | None:
        """Packet ``index``; None when those before it have not been asked for, as a stream is encoded in order."""
        if index < len(self._packets):
            return self._packets[index]
        if index > len(self._packets):
            return None
        if self._encoder is None:
            self._encoder = Encoder(self._bitrate)
        self._packets.append(self._encoder.encode(self._frames[index]))
        if len(self._packets) == len(self._frames):
            self._encoder = None
        return self._packets[index]


class Player:
    """One playing of a sound."""

    def __init__(self, sound: Sound, loop: bool = False, name: str = "") -> None:
        self.name = name
        self._sound = sound
        self._loop = loop
        self._at = -1
        self.done = len(sound) == 0

    def advance(self) -> None:
        """Go to the next frame; ``done`` once there is none."""
        self._at += 1
        if self._at >= len(self._sound):
            self.done = not self._loop or self.done
            self._at = 0

    def frame(self) -> Frame:
        """The frame that is played now."""
        return self._sound.frame(max(self._at, 0))

    def packet(self) -> bytes | None:
        """The same as a packet, when it is there; see :meth:`Sound.packet`."""
        return self._sound.packet(max(self._at, 0))


class Sounds:
    """All sounds of a switch. ``folder`` may hold music as ``music/<name>.wav``."""

    def __init__(self, folder: str, bitrate: int = 32_000) -> None:
        self._folder = Path(folder)
        self._bitrate = bitrate
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, float, float], Sound] = OrderedDict()

    def find(self, address: str, level: float = 1.0) -> Sound:
        """The sound of an address (see :class:`core.telephony.Driver`), made louder by ``level``. Reads files: call it in a
        thread. Raises ``bad-sound``."""
        kind, _, rest = address.partition(":")
        path = self._path(kind, rest)
        key = (address, level, _changed(path) if path else 0.0)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        samples = read_file(path) if path else _made(kind, rest)
        if level != 1.0:
            samples = np.clip(samples * np.float32(level), -32_768, 32_767).astype(np.int16)
        with self._lock:
            sound = self._kept.setdefault(key, Sound(samples, self._bitrate))
            self._forget_oldest()
        return sound

    def _path(self, kind: str, rest: str) -> Path | None:
        if kind == "file":
            path = Path(rest)
            if not path.is_absolute():
                raise DriverError("bad-sound", f"not an absolute path: {rest[:200]}")
            return path
        if kind == "music" and MUSIC_NAME.fullmatch(rest):
            found = (self._folder / "music" / f"{rest}{ending}" for ending in MUSIC_ENDINGS)
            return next((path for path in found if path.is_file()), None)
        return None

    def _forget_oldest(self) -> None:
        total = sum(sound.size for sound in self._kept.values())
        while total > KEPT_BYTES and len(self._kept) > 1:
            total -= self._kept.popitem(last=False)[1].size


def read_file(path: Path) -> Samples:
    """The samples of a WAV, or of anything else that FFmpeg reads, of any rate and number of channels. Raises ``bad-sound``."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    parts: list[Samples] = []
    count = known = 0
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise DriverError("bad-sound", f"no audio in {path.name}")
            for frame in container.decode(audio=0):
                parts += [part.to_ndarray()[0] for part in resampler.resample(frame)]
                count += sum(map(len, parts[known:]))
                known = len(parts)
                if count > LONGEST_SECONDS * RATE:
                    raise DriverError("bad-sound", f"{path.name} is longer than {LONGEST_SECONDS} s")
            parts += [part.to_ndarray()[0] for part in resampler.resample(None)]
    except (OSError, av.FFmpegError, ValueError) as fault:
        raise DriverError("bad-sound", f"{path.name}: {fault}") from fault
    if not parts:
        raise DriverError("bad-sound", f"{path.name} is empty")
    return np.concatenate(parts)


def tones(pattern: str) -> Samples:
    """Tones one after the other: ``440/200`` is 440 Hz for 200 ms, ``350+440/1000`` both, ``0/500`` a pause. Raises
    ``bad-sound``."""
    parts = pattern.split(",")
    found = [TONE.fullmatch(part) for part in parts]
    total = sum(int(match["ms"]) for match in found if match)
    if not all(found) or not 0 < total <= LONGEST_SECONDS * 1000:
        raise DriverError("bad-sound", f"not tones: {pattern[:200]}")
    return np.concatenate([_tone(match["pitches"], int(match["ms"])) for match in found if match])


def _tone(pitches: str, milliseconds: int) -> Samples:
    count = RATE * milliseconds // 1000
    at = np.arange(count) / RATE
    wave = sum((np.sin(2 * np.pi * float(hertz) * at) for hertz in pitches.split("+")), np.zeros(count))
    ramp = min(RAMP, count // 2)
    if ramp:  # a tone that begins or ends at once clicks
        rise = np.linspace(0.0, 1.0, ramp)
        wave[:ramp] *= rise
        wave[-ramp:] *= rise[::-1]
    return np.clip(wave * TONE_LEVEL * 32_767, -32_768, 32_767).astype(np.int16)


def _made(kind: str, rest: str) -> Samples:
    if kind == "tone":
        return tones(rest)
    if kind == "silence" and rest.isascii() and rest.isdecimal() and 0 < int(rest) <= LONGEST_SECONDS * 1000:
        return np.zeros(RATE * int(rest) // 1000, np.int16)
    if kind == "music" and rest == "default":
        return default_tune()
    raise DriverError("bad-sound", f"no such sound: {kind}:{rest[:200]}")


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError as fault:
        raise DriverError("bad-sound", f"{path}: {fault.strerror}") from fault
