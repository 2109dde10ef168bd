"""Sound files: anything becomes a WAV for calls, a WAV becomes Ogg/Opus; loudness is where the sound is."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import pytest

from core.contracts import Rejected
from plugins.voice.sounds.sound_files import PEAKS, RATE, as_wav, encode_opus, peaks_of, read_sound


def tone(seconds: float, hertz: float = 440, rate: int = RATE, loud: float = 0.3) -> np.ndarray:
    at = np.arange(int(seconds * rate)) / rate
    return (loud * 32767 * np.sin(2 * np.pi * hertz * at)).astype(np.int16)


def loudest(samples: np.ndarray, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples.astype(float)))
    return float(np.fft.rfftfreq(len(samples), 1 / rate)[int(spectrum.argmax())])


def stereo(path: Path, left: np.ndarray, right: np.ndarray, rate: int = RATE) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.stack([left, right], 1).tobytes())
    return path


def test_a_recording_becomes_opus_that_sounds_the_same_and_shows_who_spoke_when(tmp_path):
    silence = np.zeros(RATE, np.int16)
    left, right = np.concatenate([tone(1), silence]), np.concatenate([silence, tone(1, 880)])
    kept = encode_opus(stereo(tmp_path / "call.wav", left, right), tmp_path / "call.ogg")
    assert kept.seconds == pytest.approx(2, abs=0.01)
    first, second = kept.peaks
    half = PEAKS // 2
    assert min(first[: half - 2]) > 40 and max(first[half + 2 :]) == 0
    assert max(second[: half - 2]) == 0 and min(second[half + 2 :]) > 40
    content = (tmp_path / "call.ogg").read_bytes()
    assert content.startswith(b"OggS") and len(content) < 2 * len(left)
    heard = read_sound(content, 60)
    assert heard.seconds == pytest.approx(2, abs=0.1)
    with wave.open(io.BytesIO(heard.wav)) as file:
        samples = np.frombuffer(file.readframes(RATE // 2), np.int16)
    assert loudest(samples, RATE) == pytest.approx(440, abs=5)


def test_any_rate_is_read():
    sound = read_sound(as_wav(tone(1, 500, 44_100), 44_100), 10)
    with wave.open(io.BytesIO(sound.wav)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    assert loudest(samples, RATE) == pytest.approx(500, abs=3)
    assert sound.seconds == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "sound-unreadable"),
        (b"<script>alert(1)</script>" * 50, "sound-unreadable"),
        (as_wav(np.zeros(10, np.int16)), "sound-unreadable"),
        (as_wav(np.zeros(RATE * 4, np.int16)), "sound-too-long"),
    ],
)
def test_what_is_no_sound_or_too_long_is_refused(content, code):
    with pytest.raises(Rejected) as refusal:
        read_sound(content, 3)
    assert refusal.value.code == code


def test_a_broken_wav_is_no_recording(tmp_path):
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF\0\0\0\0WAVE")
    with pytest.raises(ValueError):
        encode_opus(broken, tmp_path / "broken.ogg")


def test_silence_has_no_peaks_and_full_scale_has_all():
    assert peaks_of(np.zeros(RATE, np.int16)) == [0] * PEAKS
    assert min(peaks_of(tone(1, loud=1.0))) > 90
    assert peaks_of(np.zeros(0, np.int16)) == [0] * PEAKS
