"""Tones in sound: which frequencies of a hundred hertz and their like stand out of samples."""

from __future__ import annotations

import wave
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# Below a hundredth of the loudest, or a thousandth of full scale, is noise of codecs.
RELATIVE, ABSOLUTE = 0.05, 30.0
GRID = 10
CLEAR, SHARE = 200.0, 0.1


def tones_in(samples: NDArray[np.int16], rate: int) -> set[int]:
    """The tones that stand out, to the nearest ten hertz.

    >>> moments = np.arange(8000) / 8000
    >>> sorted(tones_in((9000 * np.sin(2 * np.pi * 440 * moments)).astype("<i2"), 8000))
    [440]
    """
    if len(samples) < rate // 20:
        return set()
    window = np.hanning(len(samples))
    amplitudes = np.abs(np.fft.rfft(samples * window)) * 2 / window.sum()
    hertz = np.fft.rfftfreq(len(samples), 1 / rate)
    floor = max(ABSOLUTE, RELATIVE * float(amplitudes.max()))
    peaks = (amplitudes[1:-1] > amplitudes[:-2]) & (amplitudes[1:-1] >= amplitudes[2:]) & (amplitudes[1:-1] > floor)
    found = hertz[1:-1][peaks]
    return {round(float(one) / GRID) * GRID for one in found if one > 50}


def present(samples: NDArray[np.int16], rate: int, candidates: Iterable[int]) -> set[int]:
    """Which of the candidates are clearly there, if only for a part of the time; what codecs add does not count."""
    if len(samples) < rate // 20:
        return set()
    window, at = np.hanning(len(samples)), np.arange(len(samples)) / rate
    windowed = samples * window
    found = {
        hertz: float(abs(np.sum(windowed * np.exp(-2j * np.pi * hertz * at)))) * 2 / float(window.sum())
        for hertz in candidates
    }
    floor = max(CLEAR, SHARE * max(found.values()))
    return {hertz for hertz, amplitude in found.items() if amplitude > floor}


def sides(path: Path) -> list[NDArray[np.int16]]:
    """The channels of a WAV of 16 bits."""
    with wave.open(str(path), "rb") as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return list(samples.reshape(-1, file.getnchannels()).T)


def rate_of(path: Path) -> int:
    """The samples a second of a WAV."""
    with wave.open(str(path), "rb") as file:
        return file.getframerate()
