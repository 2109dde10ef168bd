"""Sound in files: anything PyAV reads becomes a mono WAV that a call plays, a WAV becomes Ogg/Opus to keep; loudness for waveforms.

PyAV and numpy are imported when they are used: a process that never touches sound does without them.
"""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.contracts import Rejected, Text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RATE = 16_000
OPUS_RATE = 48_000
OPUS_BITS = 24_000
PEAKS = 240
# What is quieter than this (dB of full scale) draws no bar, so that speech fills the picture.
FLOOR_DB = -48.0
UNREADABLE = Text(
    "This is no sound that can be read: record it anew or send WAV, MP3, Ogg or M4A",
    "Этот звук не прочитать: запишите его заново или пришлите WAV, MP3, Ogg или M4A",
)


@dataclass(frozen=True, slots=True)
class Sound:
    """Mono speech ready to be kept: a WAV of 16-bit samples at :data:`RATE`, its length and loudness."""

    wav: bytes
    seconds: float
    peaks: list[int]


def read_sound(content: bytes, most_seconds: float) -> Sound:
    """A recording or upload as :class:`Sound`. Raises ``Rejected``: ``sound-unreadable``, ``sound-too-long``."""
    import numpy as np

    pieces: list[NDArray[np.int16]] = []
    samples, most = 0, int(most_seconds * RATE)
    for piece in _decoded(content):
        pieces.append(piece)
        samples += len(piece)
        if samples > most:
            minutes = f"{most_seconds / 60:g}"
            words = Text(f"Longer than {minutes} min: shorten it", f"Дольше {minutes} мин: сократите запись")
            raise Rejected(words, "sound-too-long")
    if samples < RATE // 10:
        raise Rejected(Text("There is nothing to be heard", "В записи ничего не слышно"), "sound-unreadable")
    joined = np.concatenate(pieces)
    return Sound(as_wav(joined), samples / RATE, peaks_of(joined))


def _decoded(content: bytes) -> Any:
    """Mono pieces at :data:`RATE` of the first audio stream, only as many as are asked for."""
    import av

    try:
        with av.open(io.BytesIO(content), "r", metadata_errors="ignore") as box:
            if not box.streams.audio:
                raise Rejected(UNREADABLE, "sound-unreadable")
            resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
            for frame in box.decode(box.streams.audio[0]):
                frame.pts = None
                for ready in resampler.resample(frame):
                    yield ready.to_ndarray()[0]
            for ready in resampler.resample(None):
                yield ready.to_ndarray()[0]
    except (av.error.FFmpegError, ValueError) as error:
        raise Rejected(UNREADABLE, "sound-unreadable") from error


def as_wav(samples: NDArray[np.int16], rate: int = RATE) -> bytes:
    """Mono samples as a WAV file."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return out.getvalue()


def peaks_of(samples: NDArray[np.int16], bars: int = PEAKS) -> list[int]:
    """The loudness of ``bars`` even stretches, 0 to 100, from their energy in dB."""
    import numpy as np

    if not len(samples):
        return [0] * bars
    edges = np.linspace(0, len(samples), bars + 1).astype(int)
    found = []
    for start, end in pairwise(edges):
        part = samples[start : max(end, start + 1)].astype(np.float64) / 32768
        decibels = 10 * np.log10(float(np.mean(part * part)) + 1e-10)
        found.append(round(100 * min(1.0, max(0.0, 1 - decibels / FLOOR_DB))))
    return found


@dataclass(frozen=True, slots=True)
class Kept:
    """An encoded recording: its length and, of each channel, the loudness."""

    seconds: float
    peaks: list[list[int]]


def encode_opus(source: Path, target: Path) -> Kept:
    """A WAV (mono or stereo, 16 bit) as Ogg/Opus at ``target``, in pieces of a second, so that an hour takes no memory.

    Raises ``FileNotFoundError`` or ``ValueError`` when the WAV cannot be read, ``OSError`` when ``target`` cannot be written now; what was
    written by then is removed.
    """
    try:
        return _encoded(source, target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _encoded(source: Path, target: Path) -> Kept:
    import av
    import numpy as np

    try:
        with wave.open(str(source), "rb") as given:
            channels, rate = given.getnchannels(), given.getframerate()
            if given.getsampwidth() != 2 or channels not in (1, 2):
                raise ValueError("not a WAV of 16-bit samples with one or two channels")
            frames = given.getnframes()
            energies = np.zeros((channels, PEAKS))
            counts = np.zeros(PEAKS)
            _write_opus(given, target, _Counter(energies, counts, max(frames, 1)))
    except (wave.Error, EOFError) as error:
        raise ValueError(f"not a WAV: {error}") from error
    except av.error.FFmpegError as error:
        if isinstance(error, OSError):
            raise
        raise ValueError(f"cannot be encoded: {error}") from error
    decibels = 10 * np.log10(energies / np.maximum(counts, 1) + 1e-10)
    scaled = np.clip(100 * (1 - decibels / FLOOR_DB), 0, 100).round().astype(int)
    return Kept(frames / rate, scaled.tolist())


@dataclass(slots=True)
class _Counter:
    """Sums up the energy of stretches as pieces come."""

    energies: Any
    counts: Any
    frames: int
    seen: int = 0

    def add(self, piece: NDArray[np.int16]) -> None:
        """``piece``: (samples, channels)."""
        import numpy as np

        places = np.minimum((np.arange(self.seen, self.seen + len(piece)) * PEAKS) // self.frames, PEAKS - 1)
        values = (piece.astype(np.float64) / 32768) ** 2
        for channel in range(piece.shape[1]):
            np.add.at(self.energies[channel], places, values[:, channel])
        np.add.at(self.counts, places, 1)
        self.seen += len(piece)


def _write_opus(given: wave.Wave_read, target: Path, counter: _Counter) -> None:
    import av
    import numpy as np

    channels, rate = given.getnchannels(), given.getframerate()
    layout = "mono" if channels == 1 else "stereo"
    with av.open(str(target), "w", format="ogg") as box:
        stream = box.add_stream("libopus", rate=OPUS_RATE, layout=layout, bit_rate=OPUS_BITS * channels)
        resampler = av.AudioResampler(format="s16", layout=layout, rate=OPUS_RATE)
        while data := given.readframes(rate):
            piece = np.frombuffer(data, "<i2").reshape(-1, channels)
            counter.add(piece)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(piece.reshape(1, -1)), format="s16", layout=layout)
            frame.sample_rate = rate
            for ready in resampler.resample(frame):
                box.mux(stream.encode(ready))
        for ready in resampler.resample(None):
            box.mux(stream.encode(ready))
        box.mux(stream.encode(None))
