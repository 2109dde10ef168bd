"""What a driver that speaks to telephones must do beside what every driver does."""

from __future__ import annotations

import asyncio

from tests.support.telephony_stage import (
    ANNA,
    GLEB,
    MUSIC,
    SETTLE_SECONDS,
    OnStage,
    TelephoneRig,
    hears,
    refused,
    scenario,
    together,
    told,
    view,
)


class TelephoneContract(OnStage):
    """Tests for drivers that speak to telephones too."""

    @scenario
    async def test_a_telephone_calls_in_and_talks_with_a_browser(self, rig: TelephoneRig) -> None:
        since = len(rig.events)
        leg = await rig.call_in("+79161234567", "+78000000001", GLEB)
        came = await told(rig, "leg.incoming", since, leg=leg)
        assert came.data["address"] == "+79161234567" and came.data["to"] == "+78000000001"
        assert (await view(rig, leg)).state == "ringing"  # type: ignore[union-attr]
        await rig.driver.answer(leg)
        await told(rig, "leg.answered", since, leg=leg)
        await rig.driver.answer(leg)
        await together(rig, "talk", leg, "anna")
        await hears(rig, anna={GLEB}, **{leg: {ANNA}})
        await rig.driver.hold(leg, True)
        await hears(rig, anna=set(), **{leg: {MUSIC}})
        await rig.driver.hold(leg, False)
        await rig.press(leg, "5")
        await told(rig, "leg.dtmf", since, leg=leg, digit="5")
        await rig.give_up(leg)
        assert (await told(rig, "leg.hangup", since, leg=leg)).data["cause"] == "normal"

    @scenario
    async def test_a_call_is_rejected_and_a_caller_gives_up(self, rig: TelephoneRig) -> None:
        since = len(rig.events)
        refused_leg = await rig.call_in("101", "200", GLEB)
        await rig.driver.reject(refused_leg, "busy")
        assert (await told(rig, "leg.hangup", since, leg=refused_leg)).data["cause"] == "busy"
        impatient = await rig.call_in("102", "200", GLEB)
        await rig.give_up(impatient)
        assert (await told(rig, "leg.hangup", since, leg=impatient)).data["cause"] == "cancelled"
        assert await refused(rig.driver.reject("anna", "busy")) == "wrong-state"

    @scenario
    async def test_calls_out_are_answered_or_say_why_not(self, rig: TelephoneRig) -> None:
        since = len(rig.events)
        await rig.driver.originate("out1", rig.number("answers"), "+78000000001", 20, {"X-Case": "7"})
        await told(rig, "leg.ringing", since, leg="out1")
        await told(rig, "leg.answered", since, leg="out1")
        await together(rig, "talk", "out1", "anna")
        await hears(rig, anna={GLEB}, out1={ANNA})
        for does, cause in (("busy", "busy"), ("absent", "unreachable")):
            await rig.driver.originate(f"out-{does}", rig.number(does), "+78000000001", 20, {})
            assert (await told(rig, "leg.hangup", since, leg=f"out-{does}")).data["cause"] == cause
        await rig.driver.originate("out-late", rig.number("rings"), "+78000000001", 1, {})
        assert (await told(rig, "leg.hangup", since, leg="out-late")).data["cause"] == "no_answer"

    @scenario
    async def test_who_is_being_called_is_in_no_bridge_yet_and_can_be_given_up(self, rig: TelephoneRig) -> None:
        await rig.driver.bridge("talk")
        since = len(rig.events)
        await rig.driver.originate("out2", rig.number("rings"), "", 20, {})
        await told(rig, "leg.ringing", since, leg="out2")
        assert await refused(rig.driver.add("talk", "out2")) == "wrong-state"
        await rig.driver.originate("out2", rig.number("rings"), "", 20, {})
        await rig.driver.hangup("out2", "cancelled")
        assert (await told(rig, "leg.hangup", since, leg="out2")).data["cause"] == "cancelled"
        assert len([one for one in rig.events[since:] if one.kind == "leg.ringing"]) == 1

    @scenario
    async def test_digits_reach_the_far_end_after_their_pauses(self, rig: TelephoneRig) -> None:
        since = len(rig.events)
        await rig.driver.originate("out3", rig.number("answers"), "", 20, {})
        await told(rig, "leg.answered", since, leg="out3")
        await rig.driver.dtmf("out3", "12,*#")
        deadline = asyncio.get_running_loop().time() + SETTLE_SECONDS
        while await rig.pressed("out3") != "12*#":
            assert asyncio.get_running_loop().time() < deadline, await rig.pressed("out3")
            await asyncio.sleep(0.05)

    @scenario
    async def test_a_telephone_that_asks_for_a_transfer_is_told_of_and_left(self, rig: TelephoneRig) -> None:
        since = len(rig.events)
        leg = await rig.call_in("101", "200", GLEB)
        await rig.driver.answer(leg)
        await told(rig, "leg.answered", since, leg=leg)
        await together(rig, "talk", leg, "anna")
        await rig.refer(leg, "300")
        assert (await told(rig, "leg.transfer_requested", since, leg=leg)).data["to"] == "300"
        await hears(rig, anna={GLEB})
