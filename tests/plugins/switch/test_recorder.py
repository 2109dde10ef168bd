"""Recordings on the disk: two channels at 16 kHz, playable whatever happens."""

from __future__ import annotations

import threading
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from plugins.switch.frames import FRAME
from plugins.switch.recorder import BATCH, Downsampler, Recording, WavFile, Writer
from tests.support.tone_parties import strength, tone, tones_in
from tests.support.waiting import wait_until


class House:
    """A writer with one recording, and what it told."""

    def __init__(self, path: Path, channels: int = 2) -> None:
        self.done: list[float] = []
        self.failed: list[str] = []
        self.writer = Writer(self._call)
        self.recording = Recording("r", "x", WavFile(str(path), channels), self.done.append, self.failed.append)

    def _call(self, function: Callable[..., object], *arguments: object) -> None:
        function(*arguments)

    def feed(self, *channels: np.ndarray) -> None:
        for parts in zip(*(channel.reshape(-1, FRAME) for channel in channels), strict=True):
            self.writer.feed(self.recording, *parts)

    def finish(self) -> None:
        self.writer.finish(self.recording)
        self.writer.stop()


def read(path: Path) -> tuple[int, np.ndarray]:
    with wave.open(str(path)) as file:
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return file.getframerate(), data.reshape(-1, file.getnchannels())


def test_two_channels_hold_what_was_said_on_each(tmp_path: Path) -> None:
    house = House(tmp_path / "a.wav")
    house.feed(tone(400, 2.0), tone(950, 2.0))
    house.finish()
    rate, made = read(tmp_path / "a.wav")
    assert (rate, made.shape) == (16_000, (32_000, 2))
    assert tones_in(made[1000:30_000, 0], rate=rate) == {400}
    assert tones_in(made[1000:30_000, 1], rate=rate) == {950}
    assert house.done == [2.0]


def test_what_16_khz_cannot_hold_is_filtered_not_folded() -> None:
    made = Downsampler().run(tone(10_000, 1.0))
    assert strength(made, 6000, 16_000) < 0.01


def test_pieces_fit_together() -> None:
    whole, sampler = tone(650, 1.0), Downsampler()
    pieces = np.concatenate([sampler.run(part) for part in np.split(whole, 10)])
    assert np.array_equal(pieces, Downsampler().run(whole))


def test_a_file_can_be_played_before_it_is_complete(tmp_path: Path) -> None:
    house = House(tmp_path / "a.wav", channels=1)
    house.feed(tone(400, 0.02 * BATCH * 2))
    wait_until(lambda: house.recording.written == 2)
    _, made = read(tmp_path / "a.wav")
    assert len(made) == BATCH * 2 * 320
    house.finish()


def test_only_the_house_may_read_it(tmp_path: Path) -> None:
    House(tmp_path / "a.wav").finish()
    assert (tmp_path / "a.wav").stat().st_mode & 0o777 == 0o600


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"precious")
    with pytest.raises(FileExistsError):
        WavFile(str(tmp_path / "a.wav"), 1)
    assert (tmp_path / "a.wav").read_bytes() == b"precious"


def test_a_full_disk_is_told_once_and_nothing_waits_for_it(tmp_path: Path) -> None:
    house = House(tmp_path / "a.wav", channels=1)
    house.recording.file._file.close()
    house.recording.file._file = open("/dev/full", "wb", buffering=0)  # noqa: SIM115 -- closed by the writer
    house.feed(tone(400, 5.0))
    wait_until(lambda: house.failed == ["disk-full"])
    house.feed(tone(400, 5.0))
    house.finish()
    assert (house.failed, house.done) == (["disk-full"], [])
    assert house.recording.file._file.closed


def test_a_disk_that_is_too_slow_ends_the_recording_not_the_memory(tmp_path: Path) -> None:
    house, go_on = House(tmp_path / "a.wav", channels=1), threading.Event()
    write = house.recording.file.write
    house.recording.file.write = lambda batch: (go_on.wait(30), write(batch))[1]  # type: ignore[method-assign]
    house.feed(tone(400, 22.0))
    assert house.failed == ["too-slow"]
    assert len(house.recording.batch) <= BATCH
    go_on.set()
    house.finish()
    assert house.done == []


def test_a_fault_in_one_recording_does_not_end_the_others(tmp_path: Path) -> None:
    house = House(tmp_path / "a.wav", channels=1)
    other_done: list[float] = []
    other = Recording("s", "x", WavFile(str(tmp_path / "b.wav"), 1), other_done.append, house.failed.append)
    house.recording.file._file.close()  # the next write is a ValueError, no OSError
    house.feed(tone(400, 1.0))
    wait_until(lambda: house.failed == ["disk-error"])
    for frame in tone(650, 1.0).reshape(-1, FRAME):
        house.writer.feed(other, frame)
    house.writer.finish(other)
    house.finish()
    assert (other_done, house.done, house.failed) == ([1.0], [], ["disk-error"])


def test_a_recording_of_more_bytes_than_a_header_can_tell_goes_on(tmp_path: Path) -> None:
    house = House(tmp_path / "a.wav", channels=1)
    house.recording.file._bytes = 1 << 32
    house.feed(tone(400, 0.02 * BATCH * 2))
    house.finish()
    assert house.failed == [] and read(tmp_path / "a.wav")[0] == 16_000
