"""Samples, Opus, mixing: what goes in comes out, by its spectrum."""

from __future__ import annotations

import numpy as np
import pytest

from plugins.switch.frames import FRAME, RATE, SILENCE, crossfade, level, mix
from plugins.switch.opus import Decoder, Encoder, OpusError
from tests.support.tone_parties import tone, tones_in


def packets(hertz: float, count: int = 30) -> list[bytes]:
    encoder = Encoder()
    return [encoder.encode(frame) for frame in tone(hertz, count * 0.02).reshape(-1, FRAME)]


def test_a_tone_survives_opus() -> None:
    decoder = Decoder()
    heard = np.concatenate([decoder.decode(packet) for packet in packets(650)])
    assert len(heard) == 30 * FRAME
    assert tones_in(heard[10 * FRAME :]) == {650}


def test_a_lost_packet_is_concealed_by_more_of_the_same() -> None:
    decoder = Decoder()
    made = [decoder.conceal() if number == 20 else decoder.decode(packet) for number, packet in enumerate(packets(400))]
    assert len(made[20]) == FRAME
    assert tones_in(np.concatenate(made[15:26])) == {400}


def test_the_packet_after_a_lost_one_says_what_it_held() -> None:
    coming = packets(400)
    decoder = Decoder()
    made = [decoder.conceal(coming[21]) if number == 20 else decoder.decode(one) for number, one in enumerate(coming)]
    assert tones_in(np.concatenate(made[15:26])) == {400}


@pytest.mark.parametrize("rubbish", [b"", b"\xff" * 3, bytes(range(256)) * 4])
def test_rubbish_is_refused_or_harmless(rubbish: bytes) -> None:
    decoder = Decoder()
    try:
        made = decoder.decode(rubbish)
    except OpusError:
        return
    assert len(made) <= 5760


def test_everybody_hears_all_but_themselves() -> None:
    frames = [tone(hertz, 0.2)[:FRAME] for hertz in (400, 650, 950)]
    gains = (1 - np.eye(3)).astype(np.float32)
    heard = mix(frames, gains)
    assert heard.dtype == np.int16
    for row, missing in enumerate((400, 650, 950)):
        assert tones_in(heard[row]) == {400, 650, 950} - {missing}


def test_gains_weigh_sources() -> None:
    frames = [tone(400, 0.02), tone(650, 0.02)]
    heard = mix(frames, np.array([[1.0, 0.0], [0.5, 0.5]], np.float32))
    assert np.array_equal(heard[0], frames[0])
    assert abs(level(heard[1]) - level(frames[0])) < 4


def test_a_sum_that_is_too_loud_is_clipped_not_wrapped() -> None:
    loud = np.full(FRAME, 30_000, np.int16)
    assert mix([loud, loud], np.ones((1, 2), np.float32))[0].min() == 32_767


def test_a_level_is_in_decibels_under_full_scale() -> None:
    assert level(SILENCE) == -127.0
    assert level(np.full(FRAME, 32_767, np.int16)) == pytest.approx(0.0, abs=0.1)
    assert level(tone(400, 0.02)) == pytest.approx(-17.0, abs=0.2)


def test_a_crossfade_begins_as_the_one_and_ends_as_the_other() -> None:
    faded = crossfade(np.full(FRAME, 1000, np.int16), np.full(FRAME, -1000, np.int16))
    assert (faded[0], faded[-1]) == (1000, -1000)
    assert np.abs(np.diff(faded)).max() < 5


def test_a_stream_that_was_left_is_taken_up_without_what_was_before() -> None:
    """Whoever heard music or another's packets meanwhile hears an encoder that begins anew sooner right than one that goes on."""
    own, other = (_voice(hertz) for hertz in (130, 210))

    def wrong(anew: bool) -> float:
        encoder, between, decoder, whole = Encoder(), Encoder(), Decoder(), Decoder()
        packets = [encoder.encode(frame) for frame in own[:50]]
        for packet in packets:
            decoder.decode(packet)
        for frame in other:
            decoder.decode(between.encode(frame))
        if anew:
            encoder.begin_anew()
        heard = [decoder.decode(encoder.encode(frame)) for frame in own[50:60]]
        straight = Encoder()
        right = [whole.decode(straight.encode(frame)) for frame in own[:60]][50:]
        return float(np.mean(np.square(np.concatenate(heard).astype(float) - np.concatenate(right))))

    assert wrong(anew=True) < wrong(anew=False) / 4


def _voice(hertz: float) -> list[np.ndarray]:
    at = np.arange(RATE * 2) / RATE
    wave = sum(np.sin(2 * np.pi * hertz * number * at) / number for number in range(1, 9))
    swelling = wave * (0.5 + 0.5 * np.sin(2 * np.pi * 4 * at))
    return list((swelling / np.abs(swelling).max() * 9000).astype(np.int16).reshape(-1, FRAME))
