"""Sounds for Asterisk, and the tracks of a recording put together."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from core.telephony import DriverError
from plugins.asterisk.sounds import RATE, SUFFIX, SoundShelf, tone, write_wav
from plugins.asterisk.tracks import Track, join
from tests.support.tones import rate_of, sides, tones_in


def _sine(hertz: int, seconds: float, rate: int = RATE) -> np.ndarray:
    return (0.4 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


@pytest.fixture
def shelf(tmp_path: Path) -> SoundShelf:
    made = SoundShelf(tmp_path / "sounds", "/seen/by/asterisk")
    made.prepare()
    return made


def _played(tmp_path: Path, uri: str) -> Path:
    assert uri.startswith("sound:/seen/by/asterisk/")
    return tmp_path / "sounds" / f"{uri.rpartition('/')[2]}{SUFFIX}"


@pytest.mark.parametrize(("rate", "width", "channels"), [(8000, 2, 1), (44_100, 2, 2), (48_000, 4, 1), (16_000, 1, 1)])
def test_any_wav_becomes_mono_of_16_kilohertz(
    shelf: SoundShelf, tmp_path: Path, rate: int, width: int, channels: int
) -> None:
    source, samples = tmp_path / "prompt.wav", _sine(850, 0.5, rate)
    scaled = samples * ((1 << (8 * width - 1)) - 1)
    raw = (scaled + 128).astype(np.uint8) if width == 1 else scaled.astype(f"<i{width}")
    with wave.open(str(source), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(np.repeat(raw, channels).tobytes())
    path = _played(tmp_path, shelf.medium(f"file:{source}").uri)
    (only,) = sides(path)
    assert rate_of(path) == RATE and len(only) == pytest.approx(RATE / 2, abs=2)
    assert tones_in(only, RATE) == {850} and 11_000 < abs(only).max() < 15_000


def test_a_sound_is_made_once_and_anew_when_its_file_or_level_changes(shelf: SoundShelf, tmp_path: Path) -> None:
    source = tmp_path / "prompt.wav"
    write_wav(source, _sine(640, 0.2))
    first = shelf.medium(f"file:{source}").uri
    assert shelf.medium(f"file:{source}").uri == first
    quiet = shelf.medium(f"file:{source}", 0.5).uri
    assert quiet != first
    loud, soft = (sides(_played(tmp_path, one))[0] for one in (first, quiet))
    assert abs(soft).max() == pytest.approx(abs(loud).max() / 2, rel=0.01)
    write_wav(source, _sine(850, 0.3))
    assert shelf.medium(f"file:{source}").uri != first


def test_a_tone_has_its_frequencies_and_pauses() -> None:
    samples = (tone("450+640/500,0/250,1210/250") * 32_767).astype("<i2")
    assert len(samples) == RATE
    assert tones_in(samples[: RATE // 2], RATE) == {450, 640}
    assert not samples[RATE // 2 : RATE * 3 // 4].any()
    assert tones_in(samples[RATE * 3 // 4 :], RATE) == {1210}


def test_music_is_a_class_of_asterisk(shelf: SoundShelf) -> None:
    assert shelf.medium("music:default").music == "default"
    with pytest.raises(DriverError):
        shelf.medium("music:../etc")


def test_tracks_keep_their_times_and_sides(tmp_path: Path) -> None:
    write_wav(tmp_path / "a", _sine(450, 1.0))
    write_wav(tmp_path / "b", _sine(640, 9.0))
    write_wav(tmp_path / "c", _sine(850, 0.5))
    tracks = [Track(tmp_path / "a", 0.0, 0), Track(tmp_path / "b", 0.5, 1), Track(tmp_path / "c", 8.0, 1)]
    assert join(tracks, tmp_path / "whole.wav", 2, 10.0) == 10.0
    left, right = sides(tmp_path / "whole.wav")
    assert tones_in(left[: RATE - 100], RATE) == {450} and not left[RATE:].any()
    assert not right[: RATE // 2].any() and tones_in(right[RATE : 7 * RATE], RATE) == {640}
    assert tones_in(right[8 * RATE : 8 * RATE + RATE // 2], RATE) == {640, 850}
    assert not right[round(9.5 * RATE) :].any()


def test_an_empty_recording_is_silence_of_its_length(tmp_path: Path) -> None:
    assert join([], tmp_path / "none.wav", 1, 0.5) == 0.5
    (only,) = sides(tmp_path / "none.wav")
    assert len(only) == RATE // 2 and not only.any()
