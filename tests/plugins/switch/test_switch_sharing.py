"""Those who hear the same are encoded for once; whoever joins, leaves, speaks or is muted, all hear what they should."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from plugins.switch.opus import Encoder
from tests.plugins.switch.conftest import Centre
from tests.support.tone_parties import TONES, until

Play = Callable[..., None]


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts what is encoded."""
    count, encode = [0], Encoder.encode

    def counted(encoder: Encoder, frame: object) -> bytes:
        count[0] += 1
        return encode(encoder, frame)  # type: ignore[arg-type]

    monkeypatch.setattr(Encoder, "encode", counted)
    return count


async def packets_a_beat(centre: Centre, encoded: list[int]) -> float:
    """How many packets are encoded in a beat, over some beats."""
    beats = centre.switch.media.beats
    began, before = beats.made, encoded[0]
    await until(lambda: beats.made >= began + 25, "the beat stands")
    return (encoded[0] - before) / (beats.made - began)


def test_muted_listeners_of_a_conference_share_one_encoder(play: Play, encoded: list[int]) -> None:
    async def scenario(centre: Centre) -> None:
        legs = "abcde"
        parties = [await centre.party(leg, hertz, "call") for leg, hertz in zip(legs, TONES, strict=True)]
        # Everybody hears all but themselves.
        assert round(await packets_a_beat(centre, encoded)) == 5
        for leg in "cde":
            await centre.switch.mute(leg, True)
        # The two who speak hear each other by packets as they are; for the three others one packet is made.
        assert round(await packets_a_beat(centre, encoded)) == 1
        for party, heard in zip(parties, [{650}, {400}, *[{400, 650}] * 3], strict=True):
            await party.hears(*heard)
        # The one who encodes for the others goes, then one comes back to speaking, then one is played to alone.
        await parties[2].leave()
        await centre.told("leg.hangup", leg="c")
        for party in parties[3:]:
            await party.hears(400, 650)
        await centre.switch.mute("d", False)
        await parties[4].hears(400, 650, 1350)
        await parties[3].hears(400, 650)
        await parties[0].hears(650, 1350)
        await centre.switch.mute("d", True)
        await centre.switch.play("e", "p", "tone:950/60000")
        await parties[4].hears(400, 650, 950)
        await parties[3].hears(400, 650)

    play(scenario)
