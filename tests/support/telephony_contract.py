"""What every telephony driver must do, as tests: a backend's test class inherits this, or the contract of telephones, and gives a rig."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import numpy as np
import pytest

from core.telephony import DriverError
from tests.support.telephony_stage import (
    ANNA,
    BORIS,
    GLEB,
    KNOWN,
    MOST_LEGS,
    MUSIC,
    OTHER_PROMPT,
    PROMPT,
    QUIET_SECONDS,
    VERA,
    OnStage,
    Rig,
    Stage,
    hears,
    members,
    refused,
    scenario,
    together,
    told,
    until_heard,
    view,
)
from tests.support.tones import present, rate_of, sides


class TelephonyContract(OnStage):
    """Tests for any driver."""

    # --- who hears whom ---

    @scenario
    async def test_those_in_a_bridge_hear_one_another_and_nobody_else(self, rig: Rig) -> None:
        since = len(rig.events)
        await together(rig, "talk", "anna", "boris")
        await told(rig, "bridge.joined", since, leg="anna", bridge="talk")
        await told(rig, "bridge.joined", since, leg="boris", bridge="talk")
        await hears(rig, anna={BORIS}, boris={ANNA}, vera=set())
        assert await members(rig, "talk") == ("anna", "boris")
        await rig.driver.drop("talk", "boris")
        await told(rig, "bridge.left", since, leg="boris", bridge="talk")
        await hears(rig, anna=set(), boris=set())
        assert (await view(rig, "boris")).state == "up"  # type: ignore[union-attr]

    @scenario
    async def test_a_third_makes_a_conference_and_can_be_moved_into_another_talk(self, rig: Rig) -> None:
        await together(rig, "talk", "anna", "boris", "vera")
        await hears(rig, anna={BORIS, VERA}, boris={ANNA, VERA}, vera={ANNA, BORIS})
        since = len(rig.events)
        await together(rig, "other", "vera")
        await told(rig, "bridge.left", since, leg="vera", bridge="talk")
        await told(rig, "bridge.joined", since, leg="vera", bridge="other")
        await hears(rig, anna={BORIS}, boris={ANNA}, vera=set())
        await rig.driver.destroy("talk")
        await told(rig, "bridge.left", since, leg="anna", bridge="talk")
        await hears(rig, anna=set(), boris=set())
        assert await members(rig, "talk") is None

    @scenario
    async def test_a_muted_leg_hears_and_is_not_heard(self, rig: Rig) -> None:
        await together(rig, "talk", "anna", "boris", "vera")
        await rig.driver.mute("anna", True)
        await hears(rig, anna={BORIS, VERA}, boris={VERA}, vera={BORIS})
        assert (await view(rig, "anna")).muted  # type: ignore[union-attr]
        await rig.driver.mute("anna", False)
        await hears(rig, boris={ANNA, VERA})

    @scenario
    async def test_a_held_leg_hears_music_and_stays_in_its_bridge(self, rig: Rig) -> None:
        await together(rig, "talk", "anna", "boris", "vera")
        since = len(rig.events)
        await rig.driver.hold("anna", True)
        await told(rig, "leg.held", since, leg="anna", on=True)
        await hears(rig, anna={MUSIC}, boris={VERA}, vera={BORIS})
        held = await view(rig, "anna")
        assert held is not None and held.held and held.bridge == "talk"
        assert await members(rig, "talk") == ("anna", "boris", "vera")
        await rig.driver.hold("anna", False)
        await told(rig, "leg.held", since, leg="anna", on=False)
        await hears(rig, anna={BORIS, VERA}, boris={ANNA, VERA})
        assert not any(one.kind.startswith("bridge.") for one in rig.events[since:])

    @scenario
    async def test_a_held_leg_can_hear_something_else_and_be_moved(self, rig: Rig) -> None:
        await together(rig, "talk", "anna", "boris")
        await rig.driver.hold("boris", True, f"tone:{PROMPT}/400,0/100")
        await until_heard(rig, "boris", PROMPT)
        await together(rig, "other", "vera", "boris")
        await hears(rig, anna=set(), vera=set())
        await rig.driver.hold("boris", False)
        await hears(rig, boris={VERA}, vera={BORIS}, anna=set())

    # --- sounds ---

    @scenario
    async def test_a_sound_for_a_leg_is_heard_by_it_alone(self, rig: Rig) -> None:
        await together(rig, "talk", "anna", "boris")
        since = len(rig.events)
        await rig.driver.play("anna", "p1", f"tone:{PROMPT}/900")
        await until_heard(rig, "anna", PROMPT)
        assert PROMPT not in await rig.heard("boris")
        await told(rig, "playback.done", since, playback="p1", finished=True)
        await hears(rig, anna={BORIS}, boris={ANNA})

    @scenario
    async def test_a_sound_for_a_bridge_is_heard_by_all_with_the_talk(self, rig: Rig) -> None:
        await together(rig, "talk", "anna", "boris")
        since = len(rig.events)
        await rig.driver.play("talk", "p2", f"tone:{PROMPT}/500", loop=True, level=0.5)
        await hears(rig, anna={BORIS, PROMPT}, boris={ANNA, PROMPT})
        assert "p2" in (await rig.driver.snapshot()).playbacks
        await rig.driver.play("talk", "p3", f"tone:{OTHER_PROMPT}/500", loop=True)
        await told(rig, "playback.done", since, playback="p2", finished=False)
        await hears(rig, anna={BORIS, OTHER_PROMPT}, boris={ANNA, OTHER_PROMPT})
        await rig.driver.stop_playback("p3")
        await told(rig, "playback.done", since, playback="p3", finished=False)
        await rig.driver.stop_playback("p3")
        await hears(rig, anna={BORIS}, boris={ANNA})
        assert [one.playback for one in rig.events[since:] if one.kind == "playback.done"] == ["p2", "p3"]

    @scenario
    async def test_music_waits_with_a_leg_that_is_alone(self, rig: Rig) -> None:
        await rig.driver.play("vera", "wait", "music:default", loop=True, level=0.7)
        await hears(rig, vera={MUSIC}, anna=set())
        await rig.driver.stop_playback("wait")
        await hears(rig, vera=set())

    @scenario
    async def test_what_is_no_sound_is_refused(self, rig: Rig) -> None:
        for sound in ("file:/nowhere/at/all.wav", "tone:loud", "noise:1", "tone:1/0"):
            assert await refused(rig.driver.play("anna", "bad", sound)) == "bad-sound", sound
        assert (await rig.driver.snapshot()).playbacks == ()

    # --- listening in ---

    @scenario
    async def test_a_supervisor_listens_whispers_and_takes_part(self, rig: Rig) -> None:
        await together(rig, "talk", "anna", "boris")
        await rig.driver.supervise("vera", "anna", "monitor")
        await hears(rig, vera={ANNA, BORIS}, anna={BORIS}, boris={ANNA})
        watching = await view(rig, "vera")
        assert watching is not None and (watching.supervises, watching.mode) == ("anna", "monitor")
        await rig.driver.supervise("vera", "anna", "whisper")
        await hears(rig, vera={ANNA, BORIS}, anna={BORIS, VERA}, boris={ANNA})
        await rig.driver.supervise("vera", "anna", "barge")
        await hears(rig, vera={ANNA, BORIS}, anna={BORIS, VERA}, boris={ANNA, VERA})
        await rig.driver.supervise("vera", "anna", None)
        await hears(rig, vera=set(), anna={BORIS}, boris={ANNA})
        assert (await view(rig, "vera")).supervises == ""  # type: ignore[union-attr]

    # --- recording ---

    @scenario
    async def test_a_bridge_is_recorded_with_the_first_left_and_the_others_right(self, rig: Rig) -> None:
        await together(rig, "talk", "anna", "boris")
        await hears(rig, anna={BORIS}, boris={ANNA})
        path, since = rig.folder / "talk.wav", len(rig.events)
        await rig.driver.record("talk", "r1", str(path))
        await told(rig, "recording.started", since, recording="r1")
        assert [(one.id, one.target) for one in (await rig.driver.snapshot()).recordings] == [("r1", "talk")]
        await asyncio.sleep(0.5)
        await rig.driver.add("talk", "vera")
        await asyncio.sleep(0.5)
        await rig.driver.stop_recording("r1")
        done = await told(rig, "recording.done", since, recording="r1")
        left, right = sides(path)
        assert done.data["path"] == str(path) and done.data["seconds"] == pytest.approx(
            len(left) / rate_of(path), abs=0.05
        )
        assert present(left, rate_of(path), KNOWN) == {ANNA}
        assert present(right, rate_of(path), KNOWN) == {BORIS, VERA}

    @scenario
    async def test_a_paused_recording_holds_silence_and_keeps_the_time(self, rig: Rig) -> None:
        await together(rig, "talk", "anna", "boris")
        await hears(rig, anna={BORIS}, boris={ANNA})
        path, since = rig.folder / "paused.wav", len(rig.events)
        await rig.driver.record("talk", "r2", str(path))
        await asyncio.sleep(0.6)
        await rig.driver.pause_recording("r2", True)
        assert (await rig.driver.snapshot()).recordings[0].paused
        await asyncio.sleep(0.8)
        await rig.driver.pause_recording("r2", False)
        await asyncio.sleep(0.6)
        await rig.driver.stop_recording("r2")
        await told(rig, "recording.done", since, recording="r2")
        samples, step = abs(np.stack(sides(path)).astype(int)).max(axis=0), rate_of(path) // 20
        loud = "".join(
            "x" if samples[at : at + step].max() > 500 else "." for at in range(0, len(samples) - step, step)
        )
        # 50 ms a sign: talk, at least half a second of silence, talk.
        assert re.search(r"x\.{10,}x", loud), loud

    @scenario
    async def test_what_one_leg_says_is_recorded_in_mono(self, rig: Rig) -> None:
        await together(rig, "talk", "anna", "boris")
        path, since = rig.folder / "deep" / "anna.wav", len(rig.events)
        await rig.driver.record("anna", "r3", str(path))
        await asyncio.sleep(0.6)
        await rig.driver.stop_recording("r3")
        await told(rig, "recording.done", since, recording="r3")
        (only,) = sides(path)
        assert present(only, rate_of(path), KNOWN) == {ANNA}

    # --- legs ---

    @scenario
    async def test_a_hangup_leaves_the_others_talking(self, rig: Rig) -> None:
        await rig.browser("gleb", GLEB)
        await together(rig, "talk", "anna", "boris", "gleb")
        await hears(rig, anna={BORIS, GLEB})
        since = len(rig.events)
        await rig.driver.hangup("gleb", "normal")
        over = await told(rig, "leg.hangup", since, leg="gleb")
        assert over.data["cause"] == "normal"
        await told(rig, "bridge.left", since, leg="gleb", bridge="talk")
        await hears(rig, anna={BORIS}, boris={ANNA})
        assert await view(rig, "gleb") is None and await members(rig, "talk") == ("anna", "boris")
        await rig.driver.hangup("gleb")
        await asyncio.sleep(QUIET_SECONDS)
        assert len([one for one in rig.events[since:] if one.kind == "leg.hangup"]) == 1

    @scenario
    async def test_a_far_end_that_vanishes_is_hung_up_as_lost(self, rig: Rig) -> None:
        await rig.browser("gleb", GLEB)
        since = len(rig.events)
        await rig.lose("gleb")
        assert (await told(rig, "leg.hangup", since, leg="gleb")).data["cause"] == "lost"
        assert await view(rig, "gleb") is None

    @scenario
    async def test_a_recording_survives_the_end_of_a_talk(self, rig: Rig) -> None:
        await rig.browser("gleb", GLEB)
        await together(rig, "talk", "gleb", "boris")
        await hears(rig, boris={GLEB})
        path, since = rig.folder / "ended.wav", len(rig.events)
        await rig.driver.record("talk", "r4", str(path))
        await asyncio.sleep(0.5)
        await rig.driver.hangup("gleb")
        await told(rig, "leg.hangup", since, leg="gleb")
        await rig.driver.destroy("talk")
        await told(rig, "recording.done", since, recording="r4")
        left, right = sides(path)
        assert GLEB in present(left, rate_of(path), KNOWN) and BORIS in present(right, rate_of(path), KNOWN)

    @scenario
    async def test_the_same_command_again_changes_nothing(self, rig: Rig) -> None:
        await together(rig, "talk", "anna", "boris")
        await rig.driver.mute("anna", True)
        await rig.driver.hold("boris", True)
        since, before = len(rig.events), await rig.driver.snapshot()
        await together(rig, "talk", "anna", "boris")
        await rig.driver.mute("anna", True)
        await rig.driver.hold("boris", True)
        await rig.driver.drop("talk", "vera")
        await rig.driver.destroy("nowhere")
        await rig.driver.hangup("nobody")
        await rig.driver.stop_playback("nothing")
        await asyncio.sleep(QUIET_SECONDS)
        kinds = {one.kind for one in rig.events[since:]} - {"leg.quality"}
        assert kinds == set() and await rig.driver.snapshot() == before

    @scenario
    async def test_who_is_not_there_is_refused(self, rig: Rig) -> None:
        driver = rig.driver
        await driver.bridge("talk")
        assert await refused(driver.add("talk", "nobody")) == "unknown-leg"
        assert await refused(driver.add("nowhere", "anna")) == "unknown-bridge"
        assert await refused(driver.drop("nowhere", "anna")) == "unknown-bridge"
        for work in (
            driver.mute("nobody", True),
            driver.hold("nobody", True),
            driver.answer("nobody"),
            driver.reject("nobody", "busy"),
            driver.dtmf("nobody", "1"),
            driver.supervise("nobody", "anna", "monitor"),
            driver.supervise("anna", "nobody", "monitor"),
        ):
            assert await refused(work) == "unknown-leg"
        assert await refused(driver.play("nobody", "p9", "silence:100")) in ("unknown-leg", "unknown-target")
        assert await refused(driver.record("nobody", "r9", "/nowhere.wav")) in ("unknown-leg", "unknown-target")

    @scenario
    async def test_an_offer_that_cannot_be_used_is_refused_and_leaves_nothing(self, rig: Rig) -> None:
        assert await refused(rig.driver.offer("odd", "hello")) == "bad-sdp"
        assert await view(rig, "odd") is None

    @scenario
    async def test_no_more_legs_than_are_allowed(self, rig: Rig) -> None:
        taken = len((await rig.driver.snapshot()).legs)
        names = [f"crowd{number}" for number in range(MOST_LEGS - taken)]
        for name in names:
            await rig.browser(name, GLEB)
        with pytest.raises(DriverError) as caught:
            await rig.browser("one-too-many", GLEB)
        assert caught.value.code == "full"
        since = len(rig.events)
        for name in names:
            await rig.driver.hangup(name)
        for name in names:
            await told(rig, "leg.hangup", since, leg=name)

    @scenario
    async def test_addresses_that_nobody_has_are_refused(self, rig: Rig) -> None:
        for address in ("+7 (800) hello", "tel:", "mailto:a@b", "sip:a b@c", "tel:1&PJSIP/2"):
            code = await refused(rig.driver.originate("out", address, "+78000000001", 5, {}))
            assert code == ("bad-address" if rig.driver.abilities.sip else "unsupported"), address
        assert await view(rig, "out") is None

    def test_stopping_hangs_up_all_and_completes_recordings(self, tmp_path: Path) -> None:
        """On a driver of its own."""
        stage = Stage()
        try:
            rig = stage.rig = stage.run(self.make_rig(tmp_path))
            stage.run(self._stop_in_a_call(rig))
        finally:
            stage.close()

    async def _stop_in_a_call(self, rig: Rig) -> None:
        await rig.browser("anna", ANNA)
        await rig.browser("boris", BORIS)
        await together(rig, "talk", "anna", "boris")
        await hears(rig, anna={BORIS})
        path = rig.folder / "stopped.wav"
        await rig.driver.record("talk", "r5", str(path))
        await asyncio.sleep(0.4)
        await rig.driver.stop()
        assert {one.leg: one.data["cause"] for one in rig.events if one.kind == "leg.hangup"} == {
            "anna": "lost",
            "boris": "lost",
        }
        assert [one.recording for one in rig.events if one.kind == "recording.done"] == ["r5"] and path.is_file()
        found = await rig.driver.snapshot()
        assert (found.legs, found.bridges, found.recordings) == ((), (), ())
