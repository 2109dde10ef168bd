"""What the switch answers to commands: right, repeated, wrong and malicious ones; telephones by a gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.telephony import DriverError, LegView
from plugins.switch import watch
from plugins.switch.recorder import WavFile
from tests.plugins.switch.conftest import Centre
from tests.plugins.switch.line_gateway import LineGateway
from tests.support.tone_parties import Party, until

Play = Callable[..., None]


async def up(centre: Centre, gateway: LineGateway, *legs: str, bridge: str = "") -> None:
    """Legs that are answered, each with a tone of its own."""
    for leg, hertz in zip(legs, (400, 650, 950), strict=False):
        await centre.switch.originate(leg, f"tel:{hertz}", "", 30.0, {})
        centre.switch.answered(leg)
        if bridge:
            await centre.switch.bridge(bridge)
            await centre.switch.add(bridge, leg)


@pytest.fixture
def gateway() -> LineGateway:
    return LineGateway()


def test_telephones_ring_talk_and_end(play: Play, gateway: LineGateway) -> None:
    async def scenario(centre: Centre) -> None:
        switch = centre.switch
        await switch.originate("a", "tel:400", "+7800", 30.0, {})
        switch.ringing("a")
        assert (await switch.snapshot()).legs == (LegView("a", "sip", "out", "ringing", address="tel:400"),)
        switch.answered("a")
        line = gateway.line("b", 650)
        assert switch.incoming("b", line.end, "sip:b@x", "100", "b", "B", {})
        with pytest.raises(DriverError) as refused:
            await switch.reject("a", "busy")
        assert refused.value.code == "wrong-state"
        await switch.answer("b")
        switch.answered("b")
        await switch.bridge("call")
        await switch.add("call", "a")
        await switch.add("call", "b")
        await until(
            lambda: gateway.lines["a"].hears() == {650} and line.hears() == {400}, "they do not hear each other"
        )
        await switch.dtmf("a", "12#")
        switch.digit("b", "7")
        switch.transfer_requested("b", "sip:c@x")
        switch.held_by_far_end("b", True)
        switch.ended("b", "busy", 486)
        assert (await centre.told("leg.hangup", leg="b")).data == {"cause": "busy", "code": 486}
        await switch.hangup("a")
        assert gateway.asked == [("answer", "b"), ("dtmf", "a", "12#"), ("hangup", "a", "normal")]
        kinds = [event.kind for event in centre.events if event.leg == "b"]
        assert kinds == [
            "leg.incoming",
            "leg.answered",
            "bridge.joined",
            "leg.dtmf",
            "leg.transfer_requested",
            "leg.held",
            "bridge.left",
            "leg.hangup",
        ]
        await until(lambda: not switch.media.legs, "a leg stays")

    play(scenario, gateway)


def test_a_browser_and_a_telephone_hear_each_other(play: Play, gateway: LineGateway) -> None:
    async def scenario(centre: Centre) -> None:
        await up(centre, gateway, "phone", bridge="call")
        browser = await centre.party("browser", 1350, "call")
        await browser.hears(400)
        await until(lambda: gateway.lines["phone"].hears() == {1350}, "the telephone does not hear the browser")

    play(scenario, gateway)


def test_repeated_commands_change_nothing(play: Play, gateway: LineGateway, tmp_path: Path) -> None:
    async def scenario(centre: Centre) -> None:
        switch = centre.switch
        await up(centre, gateway, "a", "b", bridge="call")
        for _ in range(2):
            await switch.originate("a", "tel:400", "", 30.0, {})
            await switch.bridge("call")
            await switch.add("call", "a")
            await switch.play("call", "music", "music:default", loop=True)
            await switch.record("call", "tape", str(tmp_path / "a.wav"))
            await switch.hold("b", True)
            await switch.mute("a", True)
            await switch.supervise("b", "a", "monitor")
        snapshot = await switch.snapshot()
        assert [leg.id for leg in snapshot.legs] == ["a", "b"]
        assert [(one.id, one.legs) for one in snapshot.bridges] == [("call", ("a",))]
        assert (snapshot.playbacks, len(snapshot.recordings)) == (("music",), 1)
        for kind, times in (("bridge.joined", 2), ("recording.started", 1), ("leg.held", 1), ("playback.done", 0)):
            assert len(centre.found(kind)) == times
        for _ in range(2):
            await switch.hangup("b")
            await switch.stop_playback("music")
            await switch.stop_recording("tape")
            await switch.destroy("call")
        assert len(centre.found("leg.hangup", leg="b")) == 1
        await switch.hangup("never there")

    play(scenario, gateway)


@pytest.mark.parametrize(
    ("command", "arguments", "code"),
    [
        ("mute", ("no", True), "unknown-leg"),
        ("hold", ("no", True), "unknown-leg"),
        ("answer", ("no",), "unknown-leg"),
        ("reject", ("no", "busy"), "unknown-leg"),
        ("dtmf", ("no", "1"), "unknown-leg"),
        ("add", ("call", "no"), "unknown-leg"),
        ("add", ("no", "a"), "unknown-bridge"),
        ("drop", ("no", "a"), "unknown-bridge"),
        ("play", ("no", "p", "silence:100"), "unknown-target"),
        ("play", ("a", "p", "silence:0"), "bad-sound"),
        ("hold", ("a", True, "music:none"), "bad-sound"),
        ("record", ("no", "r", "/nowhere/r.wav"), "unknown-target"),
        ("record", ("a", "r", "/proc/nowhere/r.wav"), "failed"),
        ("dtmf", ("a", "hello"), "unsupported"),
        ("supervise", ("a", "no", "monitor"), "unknown-leg"),
        ("supervise", ("a", "a", "monitor"), "wrong-state"),
        ("supervise", ("a", "b", "shout"), "unsupported"),
        ("offer", ("a", "a=ice-ufrag:x m=audio"), "wrong-state"),
        ("originate", ("c", "mailto:x", "", 1.0, {}), "bad-address"),
    ],
)
def test_wrong_commands_are_refused_and_change_nothing(
    play: Play, gateway: LineGateway, command: str, arguments: tuple[Any, ...], code: str
) -> None:
    async def scenario(centre: Centre) -> None:
        await up(centre, gateway, "a", "b", bridge="call")
        before = await centre.switch.snapshot()
        with pytest.raises(DriverError) as refused:
            await getattr(centre.switch, command)(*arguments)
        assert refused.value.code == code
        assert await centre.switch.snapshot() == before

    play(scenario, gateway)


AUDIO = "m=audio 9 UDP/TLS/RTP/SAVPF 111"
HEAD = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"


@pytest.mark.parametrize(
    "sdp",
    [
        "",
        "hello",
        "a=ice-ufrag:x\r\nm=audio",
        f"{HEAD}{AUDIO}\r\na=ice-ufrag:x\r\n",
        f"{HEAD}{AUDIO}\r\na=ice-ufrag:x\r\na=ice-pwd:y\r\na=mid:0\r\na=setup:actpass\r\n",
        f"{HEAD}m=audio x y z\r\na=ice-ufrag:x\r\n",
        f"{HEAD}{AUDIO}\r\na=ice-ufrag:x\r\na=rtpmap:111 opus\r\n",
        f"{HEAD}{AUDIO}\r\na=ice-ufrag:x\r\na=ice-pwd:y\r\na=candidate:1\r\n",
        "a=ice-ufrag:x\r\nm=audio " + "9" * 200_000,
    ],
    ids=range(9),
)
def test_what_is_no_offer_is_refused_and_leaves_no_leg(play: Play, sdp: str) -> None:
    async def scenario(centre: Centre) -> None:
        with pytest.raises(DriverError) as refused:
            await centre.switch.offer("a", sdp)
        assert refused.value.code == "bad-sdp"
        assert (await centre.switch.snapshot()).legs == ()

    play(scenario)


def test_a_bad_offer_of_a_leg_that_talks_leaves_it_talking(play: Play) -> None:
    async def scenario(centre: Centre) -> None:
        party = await centre.party("a", 400)
        with pytest.raises(DriverError):
            await centre.switch.offer("a", f"{HEAD}{AUDIO}\r\na=ice-ufrag:x\r\n")
        await centre.switch.play("a", "p", "tone:650/60000")
        await party.hears(650)

    play(scenario)


def test_a_leg_that_is_hung_up_while_it_connects_leaves_nothing(play: Play) -> None:
    async def scenario(centre: Centre) -> None:
        party = Party(centre.switch, "a", 400)
        centre.parties.append(party)
        connecting = asyncio.create_task(party.connect())
        while not centre.switch.media.legs:  # at the first moment that there is a leg, long before there is an answer
            await asyncio.sleep(0)
        end: Any = centre.switch.media.legs["a"].end
        await centre.switch.hangup("a")
        with pytest.raises(DriverError) as refused:
            await connecting
        assert refused.value.code == "unknown-leg"
        await until(lambda: not end._closing, "the connection stays open")
        assert [event.kind for event in centre.events] == ["driver.up", "leg.hangup"]

    play(scenario)


def test_a_full_switch_takes_nobody_more(play: Play, gateway: LineGateway) -> None:
    async def scenario(centre: Centre) -> None:
        await up(centre, gateway, "a", "b")
        assert centre.switch.abilities.most_legs == 2
        with pytest.raises(DriverError) as refused:
            await Party(centre.switch, "c", 400).connect()
        assert refused.value.code == "full"
        assert not centre.switch.incoming("d", gateway.line("d", 400).end, "", "", "", "", {})
        await centre.switch.hangup("a")
        await centre.party("c", 400)

    play(scenario, gateway, most_legs=2)


def test_a_browser_that_never_comes_is_ended(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "CONNECT_SECONDS", 0.5)
    monkeypatch.setattr(watch, "EVERY_SECONDS", 0.05)

    async def scenario(centre: Centre) -> None:
        party = Party(centre.switch, "a", 400)
        centre.parties.append(party)
        party.connection.addTrack(party.track)
        await party.connection.setLocalDescription(await party.connection.createOffer())
        await centre.switch.offer("a", party.connection.localDescription.sdp)
        assert (await centre.told("leg.hangup", leg="a")).data["cause"] == "lost"

    play(scenario)


def test_a_browser_that_falls_silent_is_ended(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "EVERY_SECONDS", 0.05)

    async def scenario(centre: Centre) -> None:
        party = await centre.party("a", 400)
        await centre.told("leg.quality", leg="a")
        party.lose(every=1)
        assert (await centre.told("leg.hangup", leg="a")).data["cause"] == "lost"

    play(scenario, lost_seconds=1)


def test_a_recording_that_fails_does_not_end_the_call(
    play: Play, gateway: LineGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: WavFile, batch: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(WavFile, "write", fail)

    async def scenario(centre: Centre) -> None:
        await up(centre, gateway, "a", "b", bridge="call")
        await centre.switch.record("call", "tape", str(tmp_path / "a.wav"))
        assert (await centre.told("recording.failed", recording="tape")).data == {"why": "disk-full"}
        await until(lambda: gateway.lines["a"].hears() == {650}, "the call is silent")
        assert (await centre.switch.snapshot()).recordings == ()
        assert not centre.found("recording.done")
        await centre.switch.stop_recording("tape")

    play(scenario, gateway)


def test_an_end_hangs_up_all_and_completes_recordings(play: Play, gateway: LineGateway, tmp_path: Path) -> None:
    told: list[Any] = []

    async def scenario(centre: Centre) -> None:
        await up(centre, gateway, "a", "b", bridge="call")
        await centre.switch.record("call", "tape", str(tmp_path / "a.wav"))
        centre.events.clear()
        told.append(centre.events)

    play(scenario, gateway)
    kinds = [event.kind for event in told[0]]
    assert kinds.count("leg.hangup") == 2
    assert {event.data["cause"] for event in told[0] if event.kind == "leg.hangup"} == {"lost"}
    assert kinds[-2:] == ["recording.done", "driver.down"]
    assert gateway.asked[-1] == ("stop",)
    assert (tmp_path / "a.wav").stat().st_size >= 44


def test_of_two_sounds_asked_for_at_once_the_later_is_heard(play: Play, gateway: LineGateway) -> None:
    async def scenario(centre: Centre) -> None:
        await up(centre, gateway, "a")
        await asyncio.gather(
            centre.switch.play("a", "first", "tone:950/60000"), centre.switch.play("a", "second", "tone:650/60000")
        )
        await until(lambda: gateway.lines["a"].hears() == {650}, "not the second sound")
        assert (await centre.switch.snapshot()).playbacks == ("second",)
        assert centre.found("playback.done", playback="first")[0].data == {"finished": False}

    play(scenario, gateway)


def test_a_leg_taken_back_at_once_is_not_held_by_a_slow_sound(play: Play, gateway: LineGateway) -> None:
    async def scenario(centre: Centre) -> None:
        await up(centre, gateway, "a", "b", bridge="call")
        await asyncio.gather(centre.switch.hold("a", True), centre.switch.hold("a", False))
        assert not (await centre.switch.snapshot()).legs[0].held

    play(scenario, gateway)


def test_without_a_gateway_nobody_is_called(play: Play) -> None:
    async def scenario(centre: Centre) -> None:
        with pytest.raises(DriverError) as refused:
            await centre.switch.originate("a", "tel:400", "", 30.0, {})
        assert refused.value.code == "unsupported"
        assert not centre.switch.abilities.sip

    play(scenario)
