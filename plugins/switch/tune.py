"""The default hold music, made by code, so that nobody's rights are in it: broken chords, softly, 20 seconds without a seam."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from plugins.switch.frames import RATE

# Eight bars of eight notes in C major: C, a minor, F, G, C, e minor, F, G; semitones from A4 (440 Hz).
CHORDS = (
    (-21, -14, -9, -5),
    (-24, -17, -12, -9),
    (-28, -21, -16, -12),
    (-26, -19, -14, -10),
    (-21, -14, -9, -5),
    (-29, -22, -17, -14),
    (-28, -21, -16, -9),
    (-26, -19, -14, -7),
)
STEPS = (0, 1, 2, 3, 2, 3, 2, 1)
NOTE_SECONDS = 20.0 / (len(CHORDS) * len(STEPS))
RINGS_SECONDS = 1.6
# The strength of the overtones of a note; a plucked string, roughly.
OVERTONES = (1.0, 0.35, 0.18, 0.06)
PEAK = 0.18


@cache
def default_tune() -> NDArray[np.int16]:
    """Samples at 48 kHz mono; the tails of the last notes ring over the first."""
    step = round(NOTE_SECONDS * RATE)
    tune = np.zeros(step * len(CHORDS) * len(STEPS))
    for number, (chord, place) in enumerate((chord, place) for chord in CHORDS for place in STEPS):
        note = _note(440.0 * 2.0 ** (chord[place] / 12))
        where = (number * step + np.arange(len(note))) % len(tune)
        tune[where] += note
    samples: NDArray[np.int16] = (tune / np.abs(tune).max() * PEAK * 32_767).astype(np.int16)
    return samples


def _note(hertz: float) -> NDArray[np.float64]:
    at = np.arange(round(RINGS_SECONDS * RATE)) / RATE
    wave = sum(
        (
            strength * np.sin(2 * np.pi * hertz * number * at) * np.exp(-at * (2.0 + 1.5 * number))
            for number, strength in enumerate(OVERTONES, 1)
        ),
        np.zeros(len(at)),
    )
    fades: NDArray[np.float64] = np.minimum(1.0, at / 0.008) * np.minimum(1.0, (RINGS_SECONDS - at) / 0.2)
    note: NDArray[np.float64] = wave * fades
    return note
