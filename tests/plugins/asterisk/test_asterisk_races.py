"""What goes on at once, and what breaks in the middle: legs that end, slow files, helpers that never come, strange answers."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from plugins.asterisk import ari, book
from plugins.asterisk.ari import AriError
from plugins.asterisk.web_phone import WebPhone
from tests.support.asterisk_rig import AsteriskRig
from tests.support.telephony_stage import ANNA, BORIS, GLEB, refused, together, told, until, view
from tests.support.tones import rate_of, sides, tones_in

Play = Callable[..., None]


async def two(rig: AsteriskRig) -> None:
    for leg, tone in (("anna", ANNA), ("boris", BORIS)):
        await rig.browser(leg, tone)
    await together(rig, "talk", "anna", "boris")


def stretches(samples: Any, rate: int) -> list[bool]:
    """Whether something is heard, one stretch after the other."""
    step = rate * 3 // 50
    heard = [bool(tones_in(samples[at : at + step], rate)) for at in range(0, len(samples) - step, step)]
    return [found for found, _ in itertools.groupby(heard)]


# --- recordings ---


def test_pauses_and_mutes_as_often_as_one_likes_leave_just_what_was_to_be_heard(play: Play) -> None:
    """Asterisk refuses to mute a recording that is only queued, and older ones forget that they unmuted one."""

    async def scenario(rig: AsteriskRig) -> None:
        await two(rig)
        path = rig.folder / "talk.wav"
        await rig.driver.mute("boris", True)
        await rig.driver.record("talk", "r", str(path))
        for _ in range(2):
            await asyncio.sleep(0.2)
            await rig.driver.pause_recording("r", True)
            await asyncio.sleep(0.2)
            await rig.driver.pause_recording("r", False)
        await asyncio.sleep(0.2)
        await rig.driver.mute("boris", False)
        await asyncio.sleep(0.3)
        await rig.driver.mute("boris", True)
        await rig.driver.stop_recording("r")
        done = await told(rig, "recording.done", recording="r")
        rate = rate_of(path)
        left, right = sides(path)
        assert done.data["seconds"] >= 1.25 and len(left) == len(right)
        assert stretches(left, rate) == [True, False, True, False, True]
        assert stretches(right, rate)[:2] == [False, True]
        assert not [path for _, path, _ in rig.server.calls if path.endswith("/mute") and path.startswith("recordings")]
        await until(lambda: len(rig.server.model.channels) == 2, "the helpers to end")

    play(scenario)


def test_no_other_command_waits_for_a_long_recording(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        await two(rig)
        await rig.driver.record("talk", "r", str(rig.folder / "talk.wav"))
        gate, download = asyncio.Event(), rig.driver._exchange.ari.download

        async def slow(*arguments: Any) -> None:
            await gate.wait()
            await download(*arguments)

        rig.driver._exchange.ari.download = slow  # type: ignore[method-assign]
        await rig.driver.stop_recording("r")
        await rig.driver.mute("anna", True)
        await rig.driver.destroy("talk")
        assert not [one for one in rig.events if one.kind == "recording.done"]
        gate.set()
        await told(rig, "recording.done", recording="r")

    play(scenario)


def test_many_files_on_their_way_leave_room_for_commands(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        gate, client = threading.Event(), rig.driver._exchange.ari
        client._download = lambda *_: gate.wait(20)  # type: ignore[method-assign, assignment]
        files = [asyncio.create_task(client.download(rig.folder / "x", "recordings")) for _ in range(20)]
        await asyncio.sleep(0)
        await asyncio.wait_for(client.get("channels"), 10)
        gate.set()
        await asyncio.gather(*files)

    play(scenario)


def test_an_empty_file_fails_its_recording_and_the_bridge_ends_all_the_same(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        await two(rig)
        await rig.driver.record("talk", "r", str(rig.folder / "talk.wav"))

        async def empty(target: Any, *path: str) -> None:
            target.write_bytes(b"")

        rig.driver._exchange.ari.download = empty  # type: ignore[method-assign]
        await rig.driver.destroy("talk")
        assert (await told(rig, "recording.failed", recording="r")).data["why"]
        assert rig.server.model.bridges == {} and (await rig.driver.snapshot()).bridges == ()
        assert not list(rig.folder.glob("*.part"))

    play(scenario)


def test_a_recording_that_asterisk_refuses_leaves_no_helper(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        await two(rig)

        def refuse(*_: Any) -> None:
            raise AriError(500, "no space")

        post = rig.driver._exchange.ari.post

        async def selective(*path: str, **more: Any) -> Any:
            return refuse() if path[-1] == "record" else await post(*path, **more)

        rig.driver._exchange.ari.post = selective  # type: ignore[method-assign]
        assert await refused(rig.driver.record("talk", "r", str(rig.folder / "talk.wav"))) == "failed"
        await until(lambda: len(rig.server.model.channels) == 2, "the helpers to end")
        assert (await rig.driver.snapshot()).recordings == ()

    play(scenario)


# --- legs that end in the middle ---


def test_a_leg_that_ends_while_it_is_put_into_a_bridge_is_in_none(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        await rig.browser("anna", ANNA)
        await rig.browser("boris", BORIS)
        await rig.driver.bridge("talk")
        post, channel = rig.driver._exchange.ari.post, rig.channel("anna")

        async def slow(*path: str, **more: Any) -> Any:
            found = await post(*path, **more)
            if path[-1] == "addChannel" and more["channel"] == channel.id:
                rig.server.model.end(channel, 16)
                await told(rig, "leg.hangup", leg="anna")
            return found

        rig.driver._exchange.ari.post = slow  # type: ignore[method-assign]
        assert await refused(rig.driver.add("talk", "anna")) == "unknown-leg"
        await rig.driver.add("talk", "boris")
        assert (await rig.driver.snapshot()).bridges[0].legs == ("boris",)
        await rig.driver.destroy("talk")
        assert (await rig.driver.snapshot()).bridges == ()
        joined = [one.leg for one in rig.events if one.kind == "bridge.joined"]
        assert joined == ["boris"]

    play(scenario)


def test_two_commands_on_one_leg_at_once_are_one_after_the_other(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        await two(rig)
        await asyncio.gather(*(rig.driver.hold("anna", True) for _ in range(3)))
        assert [one.data["on"] for one in rig.events if one.kind == "leg.held"] == [True]
        await asyncio.gather(rig.driver.destroy("talk"), rig.driver.add("talk", "boris"), return_exceptions=True)
        left = await view(rig, "anna")
        assert left is not None and left.bridge == "" and left.held

    play(scenario)


def test_a_supervisor_who_ends_while_being_connected_leaves_no_helper(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        await two(rig)
        await rig.browser("gleb", GLEB)
        work = asyncio.create_task(rig.driver.supervise("gleb", "anna", "monitor"))
        await asyncio.sleep(0)
        rig.server.model.end(rig.channel("gleb"), 16)
        await asyncio.gather(work, return_exceptions=True)
        await until(lambda: len(rig.server.model.channels) == 2, "the helpers to end")
        await until(lambda: list(rig.server.model.bridges) == ["talk"], "the supervisor's bridge to end")

    play(scenario)


def test_a_helper_that_comes_too_late_does_not_stay(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "ARRIVAL_SECONDS", 0.05)
    monkeypatch.setattr(book.Exchange, "arrived", lambda self, channel: None)

    async def scenario(rig: AsteriskRig) -> None:
        await rig.browser("anna", ANNA)
        with pytest.raises(AriError, match="did not come"):
            await rig.driver._exchange.snoop(rig.channel("anna").id, "late", "in", "none")
        await until(lambda: "late" not in rig.server.model.channels, "the helper to end")

    play(scenario)


def test_a_browser_that_asterisk_does_not_answer_is_given_up(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        post = rig.driver._exchange.ari.post

        async def selective(*path: str, **more: Any) -> Any:
            if path[-1] == "answer":
                raise AriError(500, "Failed to answer channel")
            return await post(*path, **more)

        rig.driver._exchange.ari.post = selective  # type: ignore[method-assign]
        work = asyncio.create_task(rig.browser("anna", ANNA))
        assert (await told(rig, "leg.hangup", leg="anna")).data["cause"] == "lost"
        assert (await rig.driver.snapshot()).legs == ()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    play(scenario)


# --- what Asterisk says ---


def test_a_call_that_the_dialplan_answered_comes_in_first_and_is_answered_then(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        channel = rig.server.model.new_channel("PJSIP/trunk", state="Up", caller=("", "101"), exten="200")
        rig.server.model.enter(channel, "in")
        leg = (await told(rig, "leg.incoming", address="101")).leg
        await told(rig, "leg.answered", leg=leg)
        kinds = [one.kind for one in rig.events if one.leg == leg]
        assert kinds[:2] == ["leg.incoming", "leg.answered"]

    play(scenario)


def test_a_transfer_to_nowhere_is_declined(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        channel = rig.channel(await rig.call_in("101", "200", GLEB))
        rig.server.far_ends.refer(channel, "")
        await until(lambda: channel.progress == ["channel_declined"], "the answer to the telephone")
        assert not [one for one in rig.events if one.kind == "leg.transfer_requested"]

    play(scenario)


@pytest.mark.parametrize(
    "strange", [[1, 2], "text", None, {"type": ["x"]}, {"type": "StasisStart", "channel": [], "args": 5}, {}]
)
def test_no_event_whatever_ends_the_stream(play: Play, strange: Any) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        assert rig.server._listener is not None
        rig.server._listener.put_nowait(json.dumps(strange))
        await rig.call_in("101", "200", GLEB)
        assert not [one for one in rig.events if one.kind == "driver.down"]

    play(scenario)


def test_a_fault_while_connecting_is_not_the_end_of_listening(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        since, taken = len(rig.events), rig.driver._listener._opened

        async def breaks() -> None:
            rig.driver._listener._opened = taken
            raise KeyError("a fault of ours")

        rig.driver._listener._opened = breaks
        rig.server.drop_listener()
        await told(rig, "driver.down", since)
        await told(rig, "driver.up", since)

    play(scenario)


def test_what_is_not_ari_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    class Page:
        status = 200

        def read(self) -> bytes:
            return b"<html>It works!</html>"

    client = ari.AriClient(ari.AriAddress("http://127.0.0.1:1", "okno", "x", "okno"))
    monkeypatch.setattr(client, "_send", lambda *_: Page())
    with pytest.raises(AriError, match="not ARI"):
        asyncio.run(client.get("channels"))
    client.close()


@pytest.mark.parametrize(("url", "protocol"), [("ws://a/ws", "SIP/2.0/WS "), ("wss://a/ws", "SIP/2.0/WSS ")])
def test_the_way_of_a_message_names_its_transport(url: str, protocol: str) -> None:
    async def via() -> str:
        from plugins.asterisk.web_phone import Dialog

        phone = WebPhone(url, "a", "user", "password", lambda leg: None)
        return dict(phone._headers(Dialog("leg", "call", "tag"), "INVITE"))["Via"]

    assert asyncio.run(via()).startswith(protocol)
