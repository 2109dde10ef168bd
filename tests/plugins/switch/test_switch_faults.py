"""Offers that nobody waits for, browsers that offer what they should not, faults in what looks after legs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.mediastreams import VideoStreamTrack

from core.telephony import DriverError
from plugins.switch import watch
from plugins.switch.browser_end import BrowserEnd
from plugins.switch.driver import Switch
from tests.plugins.switch.conftest import Centre
from tests.support.tone_parties import Party, ToneTrack, until

Play = Callable[..., None]


async def offer_of(*tracks: Any) -> tuple[RTCPeerConnection, str]:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    for track in tracks:
        connection.addTrack(track)
    await connection.setLocalDescription(await connection.createOffer())
    return connection, connection.localDescription.sdp


def media_of(sdp: str) -> list[tuple[str, str]]:
    """The media of a description with their directions."""
    parts = sdp.split("\r\nm=")[1:]
    ways = ("sendrecv", "sendonly", "recvonly", "inactive")
    return [(part.split(" ")[0], next(way for way in ways if f"a={way}\r\n" in part)) for part in parts]


def test_an_offer_that_nobody_waits_for_any_more_leaves_nothing(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(centre: Centre) -> None:
        made: list[RTCPeerConnection] = []
        stuck, make = asyncio.Event(), BrowserEnd._made

        def noted(end: BrowserEnd) -> Any:
            found = make(end)
            made.append(found[0])

            async def never() -> None:
                stuck.set()
                await asyncio.Event().wait()

            found[0].createAnswer = never  # type: ignore[method-assign]
            return found

        monkeypatch.setattr(BrowserEnd, "_made", noted)
        connection, sdp = await offer_of(ToneTrack(400))
        work = asyncio.create_task(centre.switch.offer("a", sdp))
        await stuck.wait()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        await until(lambda: made[0].connectionState == "closed", "the connection stays")
        assert (await centre.switch.snapshot()).legs == ()
        await connection.close()

    play(scenario)


@pytest.mark.parametrize("much", ["media", "candidates"])
def test_an_offer_of_more_than_a_browser_has_is_refused_before_it_costs_anything(play: Play, much: str) -> None:
    async def scenario(centre: Centre) -> None:
        connection, sdp = await offer_of(ToneTrack(400))
        await connection.close()
        audio = sdp[sdp.index("m=audio") :]
        candidate = next(line for line in sdp.split("\r\n") if line.startswith("a=candidate:"))
        more = {"media": audio * 10, "candidates": f"{candidate}\r\n" * 200}[much]
        with pytest.raises(DriverError) as refused:
            await centre.switch.offer("a", sdp + more)
        assert refused.value.code == "bad-sdp"
        assert (await centre.switch.snapshot()).legs == ()

    play(scenario)


def test_of_what_a_browser_offers_only_its_first_sound_is_taken(play: Play) -> None:
    """aiortc would decode a second one into a queue without end."""

    async def scenario(centre: Centre) -> None:
        party = Party(centre.switch, "a", 400)
        centre.parties.append(party)
        party.connection.addTrack(party.track)
        party.connection.addTrack(ToneTrack(650))
        party.connection.addTrack(VideoStreamTrack())
        party.connection.on("track", party._listen)
        await party.offer()
        answer = media_of(party.connection.remoteDescription.sdp)
        assert answer == [("audio", "sendrecv"), ("audio", "inactive"), ("video", "inactive")]
        await centre.told("leg.answered", leg="a")
        other = await centre.party("b", 950, "call")
        await centre.switch.add("call", "a")
        await other.hears(400)
        await party.hears(950)

    play(scenario)


def test_a_fault_in_looking_after_legs_is_not_the_last_look(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "EVERY_SECONDS", 0.02)
    monkeypatch.setattr(watch, "CONNECT_SECONDS", 0.2)

    async def scenario(centre: Centre) -> None:
        faults, quality = [ValueError("strange statistics")] * 2, BrowserEnd.quality

        async def breaks(end: BrowserEnd) -> Any:
            if faults:
                raise faults.pop()
            return await quality(end)

        monkeypatch.setattr(BrowserEnd, "quality", breaks)
        await centre.party("a", 400)
        await until(lambda: not faults, "nobody looked")
        connection, sdp = await offer_of(ToneTrack(650))
        await centre.switch.offer("never", sdp)
        assert (await centre.told("leg.hangup", leg="never")).data["cause"] == "lost"
        await centre.told("leg.quality", leg="a")
        await connection.close()

    play(scenario)


def test_a_sound_given_up_while_it_was_read_can_be_asked_for_again(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(centre: Centre) -> None:
        switch: Switch = centre.switch
        party = await centre.party("a", 400)
        asked, gate, find = asyncio.Event(), asyncio.Event(), asyncio.to_thread

        async def slow(*arguments: Any) -> Any:
            asked.set()
            await gate.wait()
            return await find(*arguments)

        monkeypatch.setattr(asyncio, "to_thread", slow)
        work = asyncio.create_task(switch.play("a", "p", "tone:650/60000"))
        await asked.wait()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        gate.set()
        await switch.play("a", "p", "tone:650/60000")
        assert (await switch.snapshot()).playbacks == ("p",)
        await party.hears(650)

    play(scenario)
