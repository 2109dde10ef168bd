"""What comes from a browser, and the one private place of aiortc that the switch uses."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from aiortc import RTCPeerConnection
from aiortc.rtcrtpreceiver import RTCRtpReceiver

from plugins.switch.frames import FRAME, RATE, SILENCE
from plugins.switch.intake import PLACE, Counts, Intake
from plugins.switch.opus import Encoder
from plugins.switch.outlet import Outlet, ReadyPacket
from tests.support.tone_parties import HEARD, strength, tone, tones_in


def packet(number: int, payload: bytes, timestamp: int | None = None, level: int | None = None) -> Any:
    """What aiortc hands on, as far as the intake looks at it."""
    said = None if level is None else (True, level)
    timestamp = number * FRAME if timestamp is None else timestamp
    return SimpleNamespace(
        sequence_number=number,
        timestamp=timestamp,
        payload=payload,
        ssrc=7,
        extensions=SimpleNamespace(audio_level=said),
    )


class Ear:
    """Somebody to whom packets are forwarded."""

    def __init__(self) -> None:
        self.heard: list[tuple[bytes, int, int]] = []

    def forward(self, payload: bytes, timestamp: int, source: int) -> None:
        self.heard.append((payload, timestamp, source))


def test_aiortc_still_has_the_place_that_the_switch_takes() -> None:
    """When this fails after an upgrade of aiortc, look at RTCRtpReceiver._handle_rtp_packet for where packets go now."""

    async def receive() -> tuple[RTCRtpReceiver, Intake]:
        connection = RTCPeerConnection()
        receiver, intake = connection.addTransceiver("audio").receiver, Intake()
        assert hasattr(getattr(receiver, PLACE), "add")
        intake.put_into(receiver)
        await connection.close()
        return receiver, intake

    receiver, intake = asyncio.run(receive())
    assert getattr(receiver, PLACE) is intake
    names = RTCRtpReceiver._handle_rtp_packet.__code__.co_names
    assert PLACE in names
    assert "payload" in names


def test_the_place_that_is_gone_is_noticed() -> None:
    with pytest.raises(AttributeError):
        Intake().put_into(object())


def packets_of(milliseconds: int, hertz: float, seconds: float) -> list[bytes]:
    """A tone in packets of another length than ours, made by FFmpeg."""
    codec: Any = av.CodecContext.create("libopus", "w")
    codec.format, codec.layout, codec.sample_rate = "s16", "mono", RATE
    codec.options = {"frame_duration": str(milliseconds)}
    made = []
    for part in tone(hertz, seconds).reshape(-1, RATE * milliseconds // 1000):
        frame: Any = av.AudioFrame.from_ndarray(part.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = RATE
        made += [bytes(one) for one in codec.encode(frame)]
    return made


@pytest.mark.parametrize("milliseconds", [10, 20, 40, 60])
def test_packets_of_any_length_become_frames(milliseconds: int) -> None:
    intake = Intake()
    intake.listen(True, ())
    heard = []
    for number, payload in enumerate(packets_of(milliseconds, 650, 0.6)):
        assert intake.add(packet(number, payload)) == (False, None)
        while len(intake._buffer) > 1:
            heard.append(intake.pull())
    assert {len(frame) for frame in heard} == {FRAME}
    assert tones_in(np.concatenate(heard[5:])) == {650}


def test_who_is_not_listened_to_is_not_decoded_but_forwarded() -> None:
    intake, ear = Intake(), Ear()
    intake.listen(False, (ear,))
    intake.add(packet(1, b"said", level=20))
    assert ear.heard == [(b"said", FRAME, 7)]
    assert intake.pull() is SILENCE
    assert intake.loudest() == -20.0


def test_rubbish_is_silence() -> None:
    intake = Intake()
    intake.listen(True, ())
    intake.add(packet(1, b"\xff\xff\xff"))
    assert not intake.pull().any()


def test_losses_are_counted_once_for_each_stretch() -> None:
    counts = Counts()
    for number in (65_530, 65_531, 65_533, 65_535, 0, 1):
        counts.add(number, number * FRAME, number * 0.02)
    assert counts.take_loss_percent() == pytest.approx(100 * 2 / 8)
    assert counts.take_loss_percent() == 0.0


def test_jitter_is_none_for_an_even_stream_and_grows_for_an_uneven_one() -> None:
    even, uneven = Counts(), Counts()
    for number in range(200):
        even.add(number, number * FRAME, number * 0.02)
        uneven.add(number, number * FRAME, number * 0.02 + (0.03 if number % 2 else 0.0))
    assert even.jitter_ms == pytest.approx(0.0, abs=0.01)
    assert uneven.jitter_ms == pytest.approx(30.0, rel=0.05)


def sent(outlet: Outlet) -> list[int]:
    async def take() -> list[int]:
        return [(await outlet.recv()).pts for _ in range(len(outlet._ready))]

    return asyncio.run(take())


def test_a_timeline_never_goes_back_when_the_source_changes() -> None:
    outlet = Outlet()
    outlet.send(b"1", 48_000)
    outlet.forward(b"2", 5, 1, 48_000)
    outlet.forward(b"3", 5 + FRAME, 1, 0)
    outlet.send(b"4", 0)
    outlet.forward(b"5", 4_000_000_000, 2, 0)
    assert sent(outlet) == [48_000 + FRAME * step for step in range(5)]


def test_a_hole_and_a_wrong_order_stay_what_they_are() -> None:
    outlet = Outlet()
    for number in (0, 1, 3, 2, 4):
        outlet.forward(b"x", (0xFFFFFFFF - FRAME + number * FRAME) & 0xFFFFFFFF, 1, 48_000)
    assert sent(outlet) == [48_000 + FRAME * step for step in (0, 1, 3, 2, 4)]


def test_what_nobody_takes_is_dropped() -> None:
    outlet = Outlet()
    for number in range(50):
        outlet.send(b"x", number * FRAME)
    assert sent(outlet) == [number * FRAME for number in range(44, 50)]


@pytest.mark.parametrize("skew", [200e-6, -200e-6])
def test_a_timeline_goes_on_evenly_when_numbers_go_round_and_a_source_drifts(skew: float) -> None:
    """Half an hour of a forwarded source whose clock is wrong, begun just before its timestamps go round."""
    outlet, begin = Outlet(), (1 << 32) - 5 * FRAME
    outlet.send(b"x", 48_000)
    (before,) = sent(outlet)
    for number in range(90_000):
        clock = 48_000 + int(number * FRAME * (1 - skew))
        outlet.forward(b"x", (begin + number * FRAME) & 0xFFFFFFFF, 1, clock)
    times = sent(outlet)
    assert times == [before + FRAME * (number + 1) for number in range(90_000 - 6, 90_000)]
    outlet.send(b"x", clock)
    (after,) = sent(outlet)
    assert after - times[-1] in (FRAME, max(FRAME, clock - times[-1]))


def test_a_switch_that_runs_for_days_sends_timestamps_of_32_bits() -> None:
    from aiortc.codecs.opus import OpusEncoder
    from aiortc.utils import uint32_add

    packet = ReadyPacket(b"payload", (1 << 34) + 7)
    payloads, timestamp = OpusEncoder().pack(packet)  # type: ignore[arg-type]
    assert (payloads, uint32_add(5, timestamp)) == ([b"payload"], 12)


def test_a_new_source_begins_anew_and_repeats_are_heard_once() -> None:
    intake, encoder = Intake(), Encoder()
    intake.listen(True, ())
    frames = tone(400, 1.0).reshape(-1, FRAME)
    payloads = [encoder.encode(frame) for frame in frames]
    heard = []
    for number, payload in enumerate(payloads):
        # In the middle the browser takes another microphone: other source, other numbers, other clock.
        at, begin = ((65_530 + number) & 0xFFFF, 0) if number < 25 else (30_000 + number, 4_000_000_000)
        for _ in range(3):
            intake.add(packet(at, payload, begin + number * FRAME))
        heard.append(intake.pull())
    assert all(strength(frame, 400) > HEARD for frame in heard[5:])
    assert intake.counted.take_loss_percent() == 0.0
