"""Scenes that break or are given up in the middle: nothing stays half done, and no call waits for another's fault."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from core.telephony import DriverError
from plugins.voice.process import arranger
from plugins.voice.process.host import Host, Refused
from plugins.voice.process.scene import Place, Scene, Sound, Tape
from tests.support.memory_driver import MemoryDriver

Scenario = Callable[[Host, MemoryDriver], Awaitable[None]]


@pytest.fixture
def play() -> Callable[[Scenario], None]:
    """Plays a scenario with legs a, b, c, d that are up."""

    def run(scenario: Scenario) -> None:
        async def whole() -> None:
            driver = MemoryDriver()
            host = Host(driver, "memory")
            await host.start()
            for leg in "abcd":
                await driver.offer(leg, "v=0")
                driver.media_flows(leg)
            await scenario(host, driver)

        asyncio.run(whole())

    return run


def talk(call: str, *legs: str, **more) -> dict:
    return Scene(call, 1, f"b-{call}", places=tuple(map(Place, legs)), **more).to_json()


def test_a_scene_that_was_given_up_in_the_middle_is_carried_out_all_the_same(play):
    async def scenario(host: Host, driver: MemoryDriver) -> None:
        add, stuck = driver.add, asyncio.Event()

        async def slow(bridge: str, leg: str) -> None:
            if leg == "b" and not stuck.is_set():
                stuck.set()
                await asyncio.Event().wait()
            await add(bridge, leg)

        driver.add = slow
        work = asyncio.create_task(host.arrange([talk("k", "a", "b")]))
        await stuck.wait()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert (await host.scenes())["versions"] == {"k": 1}
        await asyncio.wait_for(host.arranger.stirred(), 5)
        await host.settle()
        assert driver.bridges == {"b-k": ["a", "b"]}

    play(scenario)


def test_a_call_that_breaks_keeps_no_other_from_being_looked_at(play):
    async def scenario(host: Host, driver: MemoryDriver) -> None:
        add = driver.add

        async def breaks(bridge: str, leg: str) -> None:
            if bridge == "b-bad":
                raise RuntimeError("a fault of the backend")
            await add(bridge, leg)

        driver.add = breaks
        for call, legs in (("bad", "ab"), ("good", "cd")):
            host.arranger.scenes[call] = Scene.from_json(talk(call, *legs))
            host.arranger._stirred.add(call)
        await host.settle()
        assert driver.bridges["b-good"] == ["c", "d"]
        with pytest.raises((RuntimeError, Refused)):
            await host.arrange([talk("bad", "a", "b")])

    play(scenario)


def test_a_recording_that_cannot_begin_once_the_other_side_answers_is_told(play):
    async def scenario(host: Host, driver: MemoryDriver) -> None:
        async def refuses(target: str, recording: str, path: str) -> None:
            raise DriverError("failed", "no such folder")

        driver.record = refuses
        await driver.offer("late", "v=0")
        await host.arrange([talk("k", "a", "late", tapes=(Tape("r", "b-k", "/nowhere/r.wav"),))])
        driver.media_flows("late")
        await host.settle()
        told = [event["kind"] for _, event in host.ring.after(0) or []]
        assert "recording.failed" in told

    play(scenario)


def test_a_sound_that_cannot_be_played_does_not_hold_up_what_comes_after_it(play):
    async def scenario(host: Host, driver: MemoryDriver) -> None:
        async def refuses(target: str, playback: str, sound: str, loop: bool, level: float) -> None:
            raise DriverError("bad-sound", "the file is gone")

        driver.play = refuses
        await host.arrange([talk("k", "a", sounds=(Sound("k.1", "a", "file:/nowhere.wav"),))])
        await host.settle()
        told = [event for _, event in host.ring.after(0) or [] if event["kind"] == "playback.done"]
        assert [(one["playback"], one["data"]) for one in told] == [("k.1", {"finished": False})]

    play(scenario)


@pytest.mark.parametrize(("faults", "joined"), [(2, ["a", "b"]), (99, ["a"])])
def test_a_backend_in_trouble_is_asked_again_but_not_for_ever(play, monkeypatch, faults, joined):
    monkeypatch.setattr(arranger, "AGAIN_SECONDS", 0.0)

    async def scenario(host: Host, driver: MemoryDriver) -> None:
        add, left, tries = driver.add, [DriverError("failed", "no answer")] * faults, []

        async def troubled(bridge: str, leg: str) -> None:
            if leg == "b":
                tries.append(leg)
                if left:
                    raise left.pop()
            await add(bridge, leg)

        driver.add = troubled
        await host.arrange([talk("k", "a", "b")])
        for _ in range(20):
            await asyncio.sleep(0)
            await host.settle()
        assert driver.bridges == {"b-k": joined}
        assert len(tries) == min(faults, arranger.AGAIN_AT_MOST) + 1

    play(scenario)
