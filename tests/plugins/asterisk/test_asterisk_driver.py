"""What the Asterisk driver does beyond the contract: its connection, its details, and Asterisk's refusals."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from plugins.asterisk import causes
from plugins.asterisk.hooks import make, register_settings, register_telephony_backends
from tests.support.ari_server import AriServer
from tests.support.asterisk_rig import AsteriskRig
from tests.support.telephony_stage import ANNA, BORIS, GLEB, MUSIC, PROMPT, hears, refused, together, told, until, view
from tests.support.tones import rate_of, sides, tones_in

Play = Callable[..., None]


# --- the connection ---


def test_it_waits_until_ari_is_loaded(tmp_path: Path) -> None:
    async def whole() -> None:
        rig = AsteriskRig(tmp_path)
        rig.server.loaded = False
        try:
            await rig.start(wait=False)
            assert await refused(rig.driver.bridge("talk")) == "failed"
            assert rig.events == []
            rig.server.loaded = True
            await told(rig, "driver.up")
            await rig.driver.bridge("talk")
        finally:
            await rig.stop()

    asyncio.run(whole())


def test_a_new_process_ends_what_the_one_before_it_left(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        leg = await rig.call_in("101", "200", GLEB)
        await rig.driver.answer(leg)
        await together(rig, "talk", leg)
        from plugins.asterisk.driver import AsteriskDriver
        from tests.support.asterisk_rig import options

        other, events = AsteriskDriver(options(rig.server, rig.folder)), []
        await other.start(events.append)
        await until(lambda: [one for one in events if one.kind == "driver.up"], "the second driver")
        await until(lambda: not rig.server.model.channels, "the channel to end")
        assert rig.server.model.bridges == {} and (await other.snapshot()).legs == ()
        await other.stop()

    play(scenario)


def test_who_calls_while_a_new_process_connects_is_not_taken_for_what_was_left(tmp_path: Path) -> None:
    async def whole() -> None:
        rig = AsteriskRig(tmp_path)
        try:
            await rig.start(wait=False)
            while not rig.server.listened_to:
                await asyncio.sleep(0)
            # The stream is open; the driver has not begun to clear up.
            assert rig.events == []
            leg = await rig.call_in("101", "200", GLEB)
            await told(rig, "driver.up")
            await rig.driver.answer(leg)
            await told(rig, "leg.answered", leg=leg)
            assert [one.leg for one in rig.events if one.kind == "leg.hangup"] == []
        finally:
            await rig.stop()

    asyncio.run(whole())


def test_after_a_gap_in_the_events_what_ended_has_ended(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        gone, stays = [await rig.call_in(number, "200", GLEB) for number in ("101", "102")]
        for leg in (gone, stays):
            await rig.driver.answer(leg)
            await told(rig, "leg.answered", leg=leg)
        await rig.driver.originate("out", rig.number("rings"), "", 30, {})
        await told(rig, "leg.ringing", leg="out")
        since, channel = len(rig.events), rig.channel(gone)
        rig.server.loaded = False
        rig.server.drop_listener()
        await told(rig, "driver.down", since)
        rig.server.model.end(channel, 16)
        rig.server.model.channels["out"].state = "Up"
        assert (await view(rig, gone)) is not None
        rig.server.loaded = True
        await told(rig, "driver.up", since)
        assert (await told(rig, "leg.hangup", since, leg=gone)).data["cause"] == "lost"
        await told(rig, "leg.answered", since, leg="out")
        assert (await view(rig, stays)) is not None

    play(scenario)


def test_a_call_that_comes_while_nobody_listens_goes_on_in_the_dialplan(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        rig.server.loaded = False
        rig.server.drop_listener()
        await told(rig, "driver.down")
        rig.server.far_ends.call_in("101", "200", GLEB)
        assert rig.server.model.channels == {}

    play(scenario)


def test_one_strange_event_does_not_end_the_stream(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        for strange in (
            {"type": "ChannelDtmfReceived"},
            {"type": "ChannelTransfer", "referred_by": None},
            {"type": "New"},
        ):
            rig.server.model.tell(strange)
        await rig.call_in("101", "200", GLEB)
        assert not [one for one in rig.events if one.kind == "driver.down"]

    play(scenario)


def test_a_wrong_password_is_no_connection(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        assert await refused(rig.driver.originate("out", "tel:1", "", 5, {})) == "failed"
        assert (await rig.driver.snapshot()).legs == ()
        assert rig.events == []

    from plugins.asterisk.ari import AriAddress

    play(scenario, wait=False, address=AriAddress("http://127.0.0.1:1", "okno", "wrong", "okno"))


# --- details ---


def test_quality_is_told_in_the_contracts_units(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        await rig.browser("anna", ANNA)
        await told(rig, "leg.quality", leg="anna")
        since, channel = len(rig.events), rig.channel("anna")
        channel.lost = 10
        lossy = await until(
            lambda: [one for one in rig.events[since:] if one.kind == "leg.quality" and one.data["loss_percent"] > 0],
            "loss",
        )
        assert (lossy[0].data["jitter_ms"], lossy[0].data["rtt_ms"]) == (12.5, 40.0)

    play(scenario)


def test_headers_that_are_asked_for_come_with_a_call_and_ours_go_out(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        rig.server.far_ends.call_in("101", "200", GLEB, "Мария", Diversion="<sip:300@example>", Other="x")
        came = await told(rig, "leg.incoming", address="101")
        assert came.data["headers"] == {"Diversion": "<sip:300@example>"} and came.data["name"] == "Мария"
        await rig.driver.originate("out", rig.number("answers"), "+78000000001", 20, {"X-Case": "7"})
        await told(rig, "leg.answered", leg="out")
        variables = rig.server.bodies[-1]["variables"]
        assert variables == {"PJSIP_HEADER(add,X-Case)": "7", "PJSIP_TRANSFER_HANDLING()": "ari-only"}
        asked = next(asked for method, path, asked in rig.server.calls if (method, path) == ("POST", "channels/out"))
        assert asked["callerId"] == "+78000000001" and asked["timeout"] == "20"

    play(scenario)


def test_addresses_of_sip_are_called_through_the_trunk_and_telephones_by_their_name(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        rig.server.far_ends.does |= {
            "PJSIP/trunk/sip:anna@example.org": ("answer", GLEB),
            "PJSIP/101": ("answer", BORIS),
        }
        for leg, address in (("far", "sip:anna@example.org"), ("near", "sip:101@asterisk")):
            await rig.driver.originate(leg, address, "", 20, {})
            await told(rig, "leg.answered", leg=leg)
        await together(rig, "talk", "far", "near")
        await hears(rig, far={BORIS}, near={GLEB})

    play(scenario)


def test_hold_music_comes_back_after_a_sound(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        await rig.browser("anna", ANNA)
        await rig.driver.hold("anna", True)
        await rig.driver.play("anna", "p", f"tone:{PROMPT}/300")
        await told(rig, "playback.done", playback="p", finished=True)
        await hears(rig, anna={MUSIC})
        await rig.driver.hold("anna", False)
        await hears(rig, anna=set())
        assert [one.playback for one in rig.events if one.kind == "playback.done"] == ["p"]

    play(scenario)


def test_a_sound_that_asterisk_cannot_read_is_told_as_not_finished(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        await rig.browser("anna", ANNA)
        await rig.driver.play("anna", "p", "silence:500", loop=True)
        assert (await told(rig, "playback.done", playback="p")).data["finished"] is False

    play(scenario, sounds_seen_as="/a/folder/that/asterisk/lacks")


def test_what_a_muted_or_held_leg_says_is_not_recorded(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        for leg, tone in (("anna", ANNA), ("boris", BORIS), ("gleb", GLEB)):
            await rig.browser(leg, tone)
        await together(rig, "talk", "anna", "boris", "gleb")
        await rig.driver.mute("boris", True)
        await rig.driver.hold("gleb", True)
        path = rig.folder / "talk.wav"
        await rig.driver.record("talk", "r", str(path))
        await asyncio.sleep(0.4)
        await rig.driver.stop_recording("r")
        await told(rig, "recording.done", recording="r")
        left, right = sides(path)
        assert tones_in(left, rate_of(path)) == {ANNA} and tones_in(right, rate_of(path)) == set()
        assert rig.server.model.stored == {} and not list(rig.folder.glob("*.part"))
        await until(lambda: len(rig.server.model.channels) == 3, "the helpers to end")

    play(scenario)


def test_a_full_disk_fails_the_recording_and_not_the_call(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        for leg, tone in (("anna", ANNA), ("boris", BORIS)):
            await rig.browser(leg, tone)
        await together(rig, "talk", "anna", "boris")
        rig.server.model.full_disk = True
        await rig.driver.record("talk", "r", str(rig.folder / "talk.wav"))
        await rig.driver.stop_recording("r")
        assert "No space" in (await told(rig, "recording.failed", recording="r")).data["why"]
        await hears(rig, anna={BORIS}, boris={ANNA})

    play(scenario)


def test_supervision_ends_with_the_one_who_is_listened_to(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        for leg, tone in (("anna", ANNA), ("boris", BORIS)):
            await rig.browser(leg, tone)
        await rig.driver.supervise("boris", "anna", "monitor")
        await hears(rig, boris={ANNA})
        await rig.driver.hangup("anna")
        await told(rig, "leg.hangup", leg="anna")
        await until(lambda: not rig.server.model.bridges, "the supervisor's bridge to end")
        left = await view(rig, "boris")
        assert left is not None and left.supervises == "" and len(rig.server.model.channels) == 1

    play(scenario)


def test_an_attended_transfer_names_the_other_leg(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        legs = [await rig.call_in(number, "200", GLEB) for number in ("101", "102")]
        channel, other = (rig.channel(leg) for leg in legs)
        rig.server.far_ends.refer(channel, "sip:102@192.0.2.10", other)
        asked = await told(rig, "leg.transfer_requested", leg=legs[0])
        assert asked.data == {"to": "102", "leg": legs[1]}
        await until(lambda: channel.progress == ["channel_answered"], "the answer to the telephone")

    play(scenario)


@pytest.mark.parametrize(
    ("code", "dial", "answered", "incoming", "word"),
    [
        (16, "", True, False, "normal"),
        (0, "", True, True, "normal"),
        (16, "", False, True, "cancelled"),
        (17, "", False, False, "busy"),
        (0, "NOANSWER", False, False, "no_answer"),
        (16, "CHANUNAVAIL", False, False, "unreachable"),
        (57, "", False, False, "forbidden"),
        (99, "", True, False, "failed"),
    ],
)
def test_codes_of_the_network_become_words(code: int, dial: str, answered: bool, incoming: bool, word: str) -> None:
    assert causes.word(code, dial, answered, incoming) == word


def test_the_settings_make_a_driver(tmp_path: Path) -> None:
    defaults = {one.key: one.default for one in register_settings()}
    (backend,) = register_telephony_backends()
    assert (backend.name, backend.make) == ("asterisk", make)
    made = make(defaults, str(tmp_path))
    assert made.abilities.webrtc and made.abilities.sip
    assert not list(tmp_path.iterdir())


def test_the_server_of_these_tests_refuses_what_asterisk_refuses(tmp_path: Path) -> None:
    """The rules that the driver relies on, asked by hand."""

    async def whole() -> None:
        from plugins.asterisk.ari import AriAddress, AriClient, AriError

        server = AriServer()
        await server.start()
        client = AriClient(AriAddress(server.url, "okno", "secret of ari.conf", "okno"))

        async def status(work: Awaitable[Any]) -> int:
            try:
                await work
            except AriError as error:
                return error.status
            return 200

        assert await status(client.get("applications", "okno")) == 404
        server.model.new_channel("PJSIP/x", "dialplan")
        await client.post("bridges", "b", type="mixing")
        assert await status(client.post("channels", "nobody", "answer")) == 404
        assert await status(client.post("channels", "dialplan", "answer")) == 409
        assert await status(client.post("bridges", "b", "addChannel", channel="nobody")) == 400
        assert await status(client.post("bridges", "b", "addChannel", channel="dialplan")) == 422
        assert await status(client.post("bridges", "b", "removeChannel", channel="dialplan")) == 422
        assert await status(client.delete("channels", "dialplan", reason="bored")) == 400
        assert await status(client.post("channels", "x", endpoint="PJSIP/1&PJSIP/2@trunk", app="okno")) == 400
        assert await status(AriClient(AriAddress(server.url, "okno", "no", "okno")).get("channels")) == 401
        server.loaded = False
        assert await status(client.get("channels")) == 404
        client.close()
        await server.stop()

    asyncio.run(whole())
