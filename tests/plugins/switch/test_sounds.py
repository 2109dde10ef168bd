"""Sounds by their addresses, as samples and as packets."""

from __future__ import annotations

import os
import wave
from pathlib import Path

import numpy as np
import pytest

from core.telephony import DriverError
from plugins.switch.frames import FRAME, RATE
from plugins.switch.keys import key_tones
from plugins.switch.opus import Decoder
from plugins.switch.sounds import Player, Sound, Sounds
from tests.support.tone_parties import tone, tones_in


def write_wav(path: Path, rate: int, channels: int, hertz: float, seconds: float = 0.5) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.repeat(tone(hertz, seconds, rate), channels).astype("<i2").tobytes())
    return path


def samples(sound: Sound) -> np.ndarray:
    return np.concatenate([sound.frame(index) for index in range(len(sound))])


@pytest.fixture
def sounds(tmp_path: Path) -> Sounds:
    return Sounds(str(tmp_path))


@pytest.mark.parametrize(
    ("rate", "channels"), [(8000, 1), (16_000, 1), (22_050, 2), (44_100, 2), (48_000, 1), (96_000, 2)]
)
def test_a_wav_of_any_rate_is_heard_at_its_pitch(sounds: Sounds, tmp_path: Path, rate: int, channels: int) -> None:
    sound = sounds.find(f"file:{write_wav(tmp_path / 'a.wav', rate, channels, 950)}")
    assert len(sound) in (25, 26)
    assert tones_in(samples(sound)[RATE // 10 : RATE // 10 * 4]) == {950}


def test_a_file_that_changed_is_read_anew(sounds: Sounds, tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", 8000, 1, 400)
    first = sounds.find(f"file:{path}")
    assert sounds.find(f"file:{path}") is first
    write_wav(path, 8000, 1, 650)
    os.utime(path, (1, 1))
    assert tones_in(samples(sounds.find(f"file:{path}"))[FRAME * 5 : FRAME * 20]) == {650}


def test_tones_follow_each_other_with_pauses(sounds: Sounds) -> None:
    made = samples(sounds.find("tone:400+650/200,0/100,950/200"))
    assert tones_in(made[: RATE // 5]) == {400, 650}
    assert tones_in(made[RATE // 5 : RATE // 10 * 3]) == set()
    assert tones_in(made[RATE // 10 * 3 : RATE // 2]) == {950}


def test_silence_lasts_as_long_as_it_says(sounds: Sounds) -> None:
    assert len(sounds.find("silence:1000")) == 50


def test_the_default_music_lasts_twenty_seconds_without_a_seam(sounds: Sounds) -> None:
    music = sounds.find("music:default")
    made = samples(music).astype(int)
    assert len(music) == 1000
    assert 5000 < np.abs(made).max() < 6000
    assert abs(made[0] - made[-1]) < np.abs(np.diff(made)).max()


def test_music_of_the_house_is_found_by_its_name(sounds: Sounds, tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    write_wav(tmp_path / "music/calm.wav", 16_000, 1, 650)
    assert tones_in(samples(sounds.find("music:calm"))[FRAME * 5 : FRAME * 20]) == {650}


def test_a_level_makes_it_quieter(sounds: Sounds) -> None:
    loud, quiet = (samples(sounds.find("tone:400/200", level)) for level in (1.0, 0.25))
    assert np.abs(quiet).max() == pytest.approx(np.abs(loud).max() / 4, abs=2)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "noise:1",
        "file:relative.wav",
        "file:/nowhere/at/all.wav",
        "file:/etc/passwd",
        "tone:",
        "tone:440",
        "tone:440/0",
        "tone:440/99999999",
        "tone:a/100",
        "silence:-5",
        "silence:x",
        "music:../../etc/passwd",
        "music:nowhere",
    ],
)
def test_what_is_no_sound_is_refused(sounds: Sounds, address: str) -> None:
    with pytest.raises(DriverError) as refused:
        sounds.find(address)
    assert refused.value.code == "bad-sound"


def test_a_sound_is_the_same_in_packets(sounds: Sounds) -> None:
    sound, decoder = sounds.find("tone:650/500"), Decoder()
    packets = [sound.packet(index) for index in range(len(sound))]
    heard = np.concatenate([decoder.decode(packet) for packet in packets if packet])
    assert tones_in(heard[FRAME * 8 : FRAME * 20]) == {650}
    assert [sound.packet(index) for index in range(len(sound))] == packets


def test_packets_are_made_in_order_only(sounds: Sounds) -> None:
    assert sounds.find("tone:650/500").packet(7) is None


def test_a_player_ends_or_goes_round(sounds: Sounds) -> None:
    sound = sounds.find("tone:650/60")
    for loop, end in ((False, True), (True, False)):
        player = Player(sound, loop)
        for _ in range(3):
            player.advance()
            assert not player.done
        player.advance()
        assert player.done is end


@pytest.mark.parametrize(
    ("key", "pitches"), [("1", {697, 1209}), ("5", {770, 1336}), ("#", {941, 1477}), ("d", {941, 1633})]
)
def test_keys_have_their_two_tones(sounds: Sounds, key: str, pitches: set[int]) -> None:
    made = samples(sounds.find(key_tones(key)))
    assert tones_in(made[: RATE // 10], (697, 770, 852, 941, 1209, 1336, 1477, 1633)) == pitches


def test_a_comma_pauses_two_seconds(sounds: Sounds) -> None:
    assert len(sounds.find(key_tones("1,2"))) == 10 + 100 + 10


@pytest.mark.parametrize("digits", ["", "x", "1 2", "1" * 101])
def test_what_is_no_key_is_refused(digits: str) -> None:
    with pytest.raises(DriverError):
        key_tones(digits)
