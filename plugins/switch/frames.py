"""A frame: 20 ms of sound, 960 samples of 48 kHz mono as 16-bit integers, and what can be done with a few of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

RATE = 48_000
FRAME = 960
SECONDS = FRAME / RATE
FULL_SCALE = 32_768.0
QUIETEST = -127.0

Frame = NDArray[np.int16]
Gains = NDArray[np.float32]

SILENCE: Frame = np.zeros(FRAME, np.int16)
SILENCE.setflags(write=False)
_FADE = np.linspace(0.0, 1.0, FRAME, dtype=np.float32)


def mix(frames: Sequence[Frame], gains: Gains) -> NDArray[np.int16]:
    """What each listener hears: row i is the sum of ``frames`` by row i of ``gains`` (listeners × frames), clipped."""
    heard = gains @ np.stack(frames).astype(np.float32)
    np.clip(heard, -FULL_SCALE, FULL_SCALE - 1, out=heard)
    return heard.astype(np.int16)


def crossfade(old: Frame, new: Frame) -> Frame:
    """One frame that begins as ``old`` and ends as ``new``, for leaving out 20 ms without a click."""
    faded: Frame = (old * (1.0 - _FADE) + new * _FADE).astype(np.int16)
    return faded


def level(frame: Frame) -> float:
    """The loudness of a frame in dB under full scale (RMS), -127 for silence."""
    power = float(np.mean(np.square(frame, dtype=np.float32)))
    if power < 1.0:
        return QUIETEST
    return round(10.0 * float(np.log10(power)) - 20.0 * float(np.log10(FULL_SCALE)), 1)
