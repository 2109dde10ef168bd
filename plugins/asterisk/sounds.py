"""Sounds as Asterisk plays them: whatever is asked for becomes a WAV of 16 kHz in a folder that Asterisk reads, or music on hold.

Asterisk plays its own formats from its own disk only, has no level and no way to play a tone for so many milliseconds; a file
made here has all of that and is made once.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.telephony import DriverError

RATE = 16_000
# Asterisk's name for WAV of 16 kHz; the plain one is 8 kHz.
SUFFIX = ".wav16"
FULL_SCALE = 32_767.0
# A tone of the telephone network is about -12 dBFS.
TONE_LEVEL = 0.25
MOST_TONE_MS = 600_000
KEPT_DAYS = 30
STEP = re.compile(r"(\d{1,5})(?:\+(\d{1,5}))?/(\d{1,6})")
MUSIC = re.compile(r"[\w.-]{1,64}")

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Medium:
    """Something to play: a class of music on hold, or a media URI of ARI."""

    music: str = ""
    uri: str = ""


class SoundShelf:
    """Makes and keeps the files. ``folder`` is where we write, ``seen_as`` the same folder in Asterisk's eyes."""

    def __init__(self, folder: Path, seen_as: str = "") -> None:
        self._folder = folder
        self._seen_as = (seen_as or str(folder)).rstrip("/")

    def prepare(self) -> None:
        """Make the folder, and throw away what nobody has played for a month."""
        self._folder.mkdir(parents=True, exist_ok=True)
        oldest = time.time() - KEPT_DAYS * 86_400
        for file in self._folder.glob(f"*{SUFFIX}*"):
            if file.stat().st_mtime < oldest:
                file.unlink(missing_ok=True)

    def medium(self, sound: str, level: float = 1.0) -> Medium:
        """What plays a sound of the contract at this gain. Reads and writes files. Raises DriverError ``bad-sound``."""
        kind, _, what = sound.partition(":")
        if kind == "music":
            if not MUSIC.fullmatch(what):
                raise DriverError("bad-sound", f"no name of music: {what}")
            return Medium(music=what)
        return Medium(uri=f"sound:{self._seen_as}/{self._file(kind, what, level)}")

    def _file(self, kind: str, what: str, level: float) -> str:
        name = hashlib.sha256(f"{kind}:{what}:{_version(kind, what)}:{level:.3f}".encode()).hexdigest()[:32]
        path = self._folder / f"{name}{SUFFIX}"
        if path.exists():
            path.touch()
            return name
        samples = _made(kind, what) * level
        try:
            write_wav(path, samples)
        except OSError as error:
            raise DriverError("bad-sound", f"{path}: {error.strerror}") from error
        return name


def _version(kind: str, what: str) -> str:
    if kind != "file":
        return ""
    try:
        stat = Path(what).stat()
    except OSError as error:
        raise DriverError("bad-sound", f"no such file: {what}") from error
    return f"{stat.st_mtime_ns}:{stat.st_size}"


def _made(kind: str, what: str) -> Samples:
    if kind == "file":
        return resampled(*read_wav(Path(what)))
    if kind == "tone":
        return tone(what)
    if kind == "silence" and what.isdecimal() and 0 < int(what) <= MOST_TONE_MS:
        return np.zeros(RATE * int(what) // 1000, np.float32)
    raise DriverError("bad-sound", f"not a sound: {kind}:{what}")


def tone(steps: str) -> Samples:
    """``<hertz>[+<hertz>]/<ms>,…`` as samples; 0 Hz is a pause. Raises DriverError ``bad-sound``."""
    parts = []
    for step in steps.split(","):
        found = STEP.fullmatch(step)
        if found is None or not 0 < int(found[3]) <= MOST_TONE_MS:
            raise DriverError("bad-sound", f"not a tone: {steps}")
        moments = np.arange(RATE * int(found[3]) // 1000, dtype=np.float32) / RATE
        hertz = [int(given) for given in (found[1], found[2]) if given and int(given)]
        waves = [TONE_LEVEL * np.sin(2 * np.pi * one * moments, dtype=np.float32) for one in hertz]
        parts.append(sum(waves, np.zeros(len(moments), np.float32)))
    return np.concatenate(parts).astype(np.float32)


def read_wav(path: Path) -> tuple[Samples, int]:
    """Mono samples between -1 and 1, and their rate. Raises DriverError ``bad-sound``."""
    try:
        with wave.open(str(path), "rb") as file:
            width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            raw = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise DriverError("bad-sound", f"{path.name} is no WAV with plain samples: {error}") from error
    if width not in (1, 2, 4):
        raise DriverError("bad-sound", f"{path.name} has samples of {8 * width} bits")
    # One byte is unsigned in WAV.
    samples = np.frombuffer(raw, np.uint8 if width == 1 else f"<i{width}").astype(np.float32)
    samples = (samples - (128 if width == 1 else 0)) / np.float32(1 << (8 * width - 1))
    return samples.reshape(-1, channels).mean(axis=1, dtype=np.float32), rate


def resampled(samples: Samples, rate: int) -> Samples:
    """The same sound at 16 kHz, by its spectrum; prompts are short enough to be taken whole."""
    if rate == RATE or not len(samples):
        return samples
    wanted = max(1, round(len(samples) * RATE / rate))
    spectrum = np.fft.rfft(samples)
    kept = np.zeros(wanted // 2 + 1, spectrum.dtype)
    shared = min(len(kept), len(spectrum))
    kept[:shared] = spectrum[:shared]
    return (np.fft.irfft(kept, wanted) * (wanted / len(samples))).astype(np.float32)


def write_wav(path: Path, samples: Samples) -> None:
    """Write mono 16 bits; a reader sees the whole file or none."""
    half = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    clipped = np.clip(samples * FULL_SCALE, -FULL_SCALE - 1, FULL_SCALE).astype("<i2")
    try:
        with wave.open(str(half), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(clipped.tobytes())
        half.chmod(0o644)
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)
