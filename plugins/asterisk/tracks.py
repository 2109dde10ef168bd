"""Tracks of a recording put together: one WAV a party and stretch of time becomes one WAV of the whole, in constant memory."""

from __future__ import annotations

import wave
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
BLOCK = RATE * 4


@dataclass(frozen=True, slots=True)
class Track:
    """A mono WAV of 16 kHz that begins ``offset`` seconds into the recording; ``side`` 0 is left or mono, 1 right."""

    path: Path
    offset: float
    side: int


def join(tracks: Sequence[Track], target: Path, channels: int, seconds: float) -> float:
    """Write ``target`` from the tracks, silent where nobody is heard, at least ``seconds`` long; gives its length in seconds.

    Raises OSError, and wave.Error for a track that is no WAV of 16 kHz.
    """
    with ExitStack() as files:
        sources = [(files.enter_context(wave.open(str(track.path), "rb")), track) for track in tracks]
        for source, track in sources:
            if (source.getframerate(), source.getnchannels(), source.getsampwidth()) != (RATE, 1, 2):
                raise wave.Error(f"{track.path.name} is not mono of 16 kHz")
        ends = [round(track.offset * RATE) + source.getnframes() for source, track in sources]
        length = max([round(seconds * RATE), *ends])
        written = files.enter_context(wave.open(str(target), "wb"))
        written.setnchannels(channels)
        written.setsampwidth(2)
        written.setframerate(RATE)
        for start in range(0, length, BLOCK):
            written.writeframes(_block(sources, start, min(BLOCK, length - start), channels))
    return length / RATE


def _block(sources: list[tuple[wave.Wave_read, Track]], start: int, frames: int, channels: int) -> bytes:
    mixed: NDArray[np.int32] = np.zeros((frames, channels), np.int32)
    for source, track in sources:
        begin = round(track.offset * RATE) - start
        # A track that begins inside of this block has read nothing yet; one that began earlier goes on where it was.
        skip = max(0, begin)
        if skip >= frames:
            continue
        samples = np.frombuffer(source.readframes(frames - skip), "<i2")
        mixed[skip : skip + len(samples), min(track.side, channels - 1)] += samples
    return np.clip(mixed, -32_768, 32_767).astype("<i2").tobytes()
