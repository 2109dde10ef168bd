"""Recordings: WAV at 16 kHz, written by one thread, so that a slow disk never holds up sound.

The header is right after every second written: what a killed process recorded can be played.
"""

from __future__ import annotations

import errno
import os
import queue
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
import structlog
from numpy.typing import NDArray

from plugins.switch.frames import FULL_SCALE, RATE, Frame

log = structlog.get_logger("okno.switch")
RECORDED_RATE = 16_000
STEP = RATE // RECORDED_RATE
TAPS = 63
# Frames that are written together, and that may wait for a slow disk: half a second and twenty.
BATCH = 25
MOST_WAITING = 1000
HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
HEADER_EVERY = 2
# A header holds 32 bits; what comes behind them (18 hours) is there all the same.
LONGEST_DATA = 0xFFFF_FF00

Done = Callable[[float], None]
Failed = Callable[[str], None]
Samples = NDArray[np.int16]


def low_pass() -> NDArray[np.float32]:
    """A filter for 48 kHz that keeps what 16 kHz can hold (windowed sinc, 7.2 kHz)."""
    at = np.arange(TAPS) - (TAPS - 1) / 2
    taps = np.sinc(2 * 7200 / RATE * at) * np.hamming(TAPS)
    even: NDArray[np.float32] = (taps / taps.sum()).astype(np.float32)
    return even


class Downsampler:
    """48 kHz to 16 kHz in pieces, each a multiple of three samples long; what was between two pieces is kept."""

    _taps = low_pass()

    def __init__(self) -> None:
        self._before = np.zeros(TAPS - 1, np.float32)

    def run(self, samples: Samples) -> Samples:
        """A third as many samples."""
        whole = np.concatenate((self._before, samples.astype(np.float32)))
        self._before = whole[len(whole) - (TAPS - 1) :]
        windows = np.lib.stride_tricks.sliding_window_view(whole, TAPS)[::STEP]
        kept: Samples = np.clip(windows @ self._taps, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
        return kept


class WavFile:
    """A WAV of one or two channels; ``path`` must not exist yet, its folder is made. Raises OSError."""

    def __init__(self, path: str, channels: int) -> None:
        self.path = path
        self._channels = channels
        self._samplers = [Downsampler() for _ in range(channels)]
        self._bytes = self._batches = 0
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._file: BinaryIO = os.fdopen(descriptor, "wb", buffering=0)
        try:
            self._write_header()
        except OSError:
            self._file.close()
            raise

    @property
    def seconds(self) -> float:
        """How much is in it."""
        return self._bytes / (2 * self._channels * RECORDED_RATE)

    def write(self, batch: list[tuple[Frame, ...]]) -> None:
        """Add frames, each with one part a channel."""
        channels = [
            sampler.run(np.concatenate([parts[number] for parts in batch]))
            for number, sampler in enumerate(self._samplers)
        ]
        self._put(np.stack(channels, axis=1).tobytes())
        self._batches += 1
        if self._batches % HEADER_EVERY == 0:
            self._write_header()

    def close(self) -> None:
        """Complete the file."""
        try:
            self._write_header()
        finally:
            self._file.close()

    def _put(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            written = self._file.write(rest)
            if not written:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.path)
            self._bytes += written
            rest = rest[written:]

    def _write_header(self) -> None:
        block = 2 * self._channels
        size = min(self._bytes - self._bytes % block, LONGEST_DATA)
        format_chunk = (b"fmt ", 16, 1, self._channels, RECORDED_RATE, RECORDED_RATE * block, block, 16)
        header = HEADER.pack(b"RIFF", 36 + size, b"WAVE", *format_chunk, b"data", size)
        os.lseek(self._file.fileno(), 0, os.SEEK_SET)
        self._file.write(header)
        os.lseek(self._file.fileno(), 0, os.SEEK_END)


@dataclass(eq=False)
class Recording:
    """A recording under way. ``left`` is the leg on the left of a bridge's recording; ``done`` and ``failed`` are called in the
    switch's loop, one of them once."""

    name: str
    target: str
    file: WavFile
    done: Done
    failed: Failed
    left: str = ""
    paused: bool = False
    broken: bool = False
    batch: list[tuple[Frame, ...]] = field(default_factory=list)
    sent: int = 0
    written: int = 0


class Writer:
    """The thread that writes all recordings. ``call`` brings a function into the switch's loop."""

    def __init__(self, call: Callable[..., object]) -> None:
        self._call = call
        self._work: queue.SimpleQueue[tuple[Recording, list[tuple[Frame, ...]] | None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def feed(self, recording: Recording, *parts: Frame) -> None:
        """Add a frame to a recording; never waits. A disk that is twenty seconds late ends it."""
        if recording.broken:
            return
        recording.batch.append(parts)
        if len(recording.batch) < BATCH:
            return
        if (recording.sent - recording.written) * BATCH >= MOST_WAITING:
            self._break(recording, "too-slow")
        else:
            self._send(recording)

    def finish(self, recording: Recording) -> None:
        """Complete a recording; its ``done`` is called once it lies on the disk."""
        self._send(recording)
        self._work.put((recording, None))

    def stop(self) -> None:
        """Write what waits and end the thread. Waits for it; call it in a thread."""
        self._work.put(None)
        self._thread.join()

    def _send(self, recording: Recording) -> None:
        if recording.batch:
            recording.sent += 1
            self._work.put((recording, recording.batch))
            recording.batch = []

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            recording, batch = work
            if batch is None:
                self._complete(recording)
            elif not recording.broken:
                self._write(recording, batch)

    def _write(self, recording: Recording, batch: list[tuple[Frame, ...]]) -> None:
        try:
            recording.file.write(batch)
        except OSError as fault:
            self._break(recording, "disk-full" if fault.errno in (errno.ENOSPC, errno.EDQUOT) else "disk-error")
        except Exception as fault:  # of one recording; this thread writes all others too
            log.error("a recording failed", recording=recording.name, exc_info=fault)
            self._break(recording, "disk-error")
        recording.written += 1

    def _break(self, recording: Recording, why: str) -> None:
        recording.broken = True
        self._call(recording.failed, why)

    def _complete(self, recording: Recording) -> None:
        try:
            recording.file.close()
        except (OSError, ValueError):
            if not recording.broken:
                self._break(recording, "disk-error")
        if not recording.broken:
            self._call(recording.done, recording.file.seconds)
