"""Calls through the switch over real WebRTC, as far as the contract of all drivers (test_switch_contract.py) does not go."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.telephony import BridgeView
from plugins.switch import watch
from tests.plugins.switch.conftest import Centre
from tests.support.tone_parties import strength, tones_in, until

CUSTOMER, AGENT, COLLEAGUE, BOSS, NEWS = 400, 650, 950, 1350, 1850
Play = Callable[..., None]


def recorded(path: str) -> np.ndarray:
    with wave.open(path) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())


def test_a_consultation_becomes_a_conference_and_an_attended_transfer(play: Play) -> None:
    async def scenario(centre: Centre) -> None:
        switch = centre.switch
        customer = await centre.party("customer", CUSTOMER, "call")
        agent = await centre.party("agent", AGENT, "call")
        colleague = await centre.party("colleague", COLLEAGUE)
        await switch.hold("customer", True, f"tone:{NEWS}/1000")
        await switch.bridge("consult")
        await switch.add("consult", "colleague")
        await switch.add("consult", "agent")
        await asyncio.gather(customer.hears(NEWS), agent.hears(COLLEAGUE), colleague.hears(AGENT))

        await switch.hold("customer", False)
        await switch.add("call", "agent")
        await switch.add("call", "colleague")
        await switch.destroy("consult")
        await asyncio.gather(
            customer.hears(AGENT, COLLEAGUE), agent.hears(CUSTOMER, COLLEAGUE), colleague.hears(CUSTOMER, AGENT)
        )
        await switch.play("call", "news", f"tone:{NEWS}/60000")
        await asyncio.gather(customer.hears(AGENT, COLLEAGUE, NEWS), agent.hears(CUSTOMER, COLLEAGUE, NEWS))
        await switch.stop_playback("news")
        assert (await centre.told("playback.done", playback="news")).data == {"finished": False}

        await switch.drop("call", "agent")
        await asyncio.gather(customer.hears(COLLEAGUE), colleague.hears(CUSTOMER), agent.hears())
        assert (await switch.snapshot()).bridges == (BridgeView("call", ("customer", "colleague")),)

    play(scenario)


def test_a_call_is_recorded_on_two_channels_with_a_pause_for_the_card(play: Play, tmp_path: Path) -> None:
    async def scenario(centre: Centre) -> None:
        switch = centre.switch
        customer = await centre.party("customer", CUSTOMER, "call")
        agent = await centre.party("agent", AGENT, "call")
        await asyncio.gather(customer.hears(AGENT), agent.hears(CUSTOMER))
        await switch.record("call", "tape", str(tmp_path / "tape.wav"))
        await switch.record("customer", "said", str(tmp_path / "said.wav"))
        await centre.told("recording.started", recording="tape")
        beats = switch.media.beats
        await until(lambda made=beats.made: beats.made > made + 50, "the beat stands still")
        await switch.pause_recording("tape", True)
        assert [view.paused for view in (await switch.snapshot()).recordings] == [True, False]
        await until(lambda made=beats.made: beats.made > made + 50, "the beat stands still")
        await switch.stop_recording("tape")
        done = await centre.told("recording.done", recording="tape")
        assert done.data["path"] == str(tmp_path / "tape.wav")
        # Recording decodes, and those who talk are still forwarded.
        await asyncio.gather(customer.hears(AGENT), agent.hears(CUSTOMER))
        await switch.hangup("customer")
        await centre.told("recording.done", recording="said")

    play(scenario)
    tape, said = recorded(str(tmp_path / "tape.wav")), recorded(str(tmp_path / "said.wav"))
    middle = tape[4000:12_000]
    assert tones_in(middle[:, 0], rate=16_000) == {CUSTOMER}
    assert tones_in(middle[:, 1], rate=16_000) == {AGENT}
    assert not tape[-8000:].any()
    assert said.shape[1] == 1
    assert strength(said[4000:12_000, 0], CUSTOMER, 16_000) > 0.5


def test_playbacks_take_each_others_place_and_tell_their_end(play: Play) -> None:
    async def scenario(centre: Centre) -> None:
        switch = centre.switch
        customer = await centre.party("customer", CUSTOMER)
        await switch.play("customer", "first", f"tone:{NEWS}/60000")
        await customer.hears(NEWS)
        await switch.play("customer", "second", f"tone:{BOSS}/100,0/10", loop=False)
        assert (await centre.told("playback.done", playback="first")).data == {"finished": False}
        assert (await centre.told("playback.done", playback="second")).data == {"finished": True}
        await customer.hears()
        await switch.play("customer", "second", f"tone:{BOSS}/100", loop=True)
        await customer.hears(BOSS)
        assert (await switch.snapshot()).playbacks == ("second",)
        await switch.dtmf("customer", "5")
        await until(lambda: strength(customer.listened(), 1336) > 0.2, "no key was heard")

    play(scenario)


def test_losses_a_cut_and_a_page_that_loads_anew_do_not_break_a_call(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "EVERY_SECONDS", 0.2)

    async def scenario(centre: Centre) -> None:
        switch = centre.switch
        customer = await centre.party("customer", CUSTOMER, "call")
        agent = await centre.party("agent", AGENT, "call")
        colleague = await centre.party("colleague", COLLEAGUE, "call")
        customer.lose(every=20)
        await asyncio.gather(agent.hears(CUSTOMER, COLLEAGUE), colleague.hears(CUSTOMER, AGENT))
        await until(
            lambda: any(e.data["loss_percent"] > 2 for e in centre.found("leg.quality", leg="customer")), "no loss"
        )
        customer.lose(every=1)
        await asyncio.gather(agent.hears(COLLEAGUE), colleague.hears(AGENT))
        customer.lose(every=0)
        await asyncio.gather(agent.hears(CUSTOMER, COLLEAGUE), colleague.hears(CUSTOMER, AGENT))
        again = await centre.party("customer", CUSTOMER)
        await asyncio.gather(again.hears(AGENT, COLLEAGUE), agent.hears(CUSTOMER, COLLEAGUE))
        await again.offer()
        await again.hears(AGENT, COLLEAGUE)
        assert not centre.found("leg.hangup")
        assert [leg.id for leg in (await switch.snapshot()).legs] == ["customer", "agent", "colleague"]

    play(scenario)


def test_a_page_without_permission_connects_though_it_hides_its_address(play: Play) -> None:
    async def scenario(centre: Centre) -> None:
        offer = centre.switch.offer

        async def hide(leg: str, sdp: str) -> str:
            return await offer(leg, sdp.replace(" 127.0.0.1 ", " 5cc7b9e7-b0f4-4a4d-8b2e-0a5d8c2f1b3a.local "))

        centre.switch.offer = hide  # type: ignore[method-assign]
        customer = await centre.party("customer", CUSTOMER)
        assert "useinbandfec=1" in customer.connection.remoteDescription.sdp
        await centre.switch.play("customer", "news", f"tone:{NEWS}/60000")
        await customer.hears(NEWS)
        await customer.leave()
        assert (await centre.told("leg.hangup", leg="customer")).data["cause"] == "lost"

    play(scenario)
