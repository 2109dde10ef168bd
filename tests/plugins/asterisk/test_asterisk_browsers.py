"""Browsers on Asterisk: their offers over SIP, what is refused, and who is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.telephony import DriverError
from tests.support.asterisk_rig import AsteriskRig
from tests.support.asterisk_sip import browser_offer
from tests.support.telephony_stage import ANNA, BORIS, hears, refused, together, told, until

Play = Callable[..., None]


def test_a_browsers_offer_reaches_asterisk_without_names_of_its_network(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        answer = await rig.driver.offer("anna", browser_offer(ANNA))
        assert "a=setup:active" in answer and "typ host" in answer
        (sent,) = rig.server.endpoint.offers
        assert ".local" not in sent and "192.0.2.77" in sent
        await told(rig, "leg.answered", leg="anna")
        (call,) = rig.server.endpoint.calls.values()
        await until(lambda: call.acknowledged, "ACK")

    play(scenario)


def test_the_same_leg_again_offers_anew_within_its_call(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        await rig.browser("anna", ANNA)
        await rig.driver.offer("anna", browser_offer(BORIS))
        assert len(rig.server.endpoint.offers) == 2 and len(rig.server.model.channels) == 1
        (call,) = rig.server.endpoint.calls.values()
        assert f";tag={call.tag}" in call.invite.header("To")

    play(scenario)


def test_asterisk_asks_the_agent_and_ends_its_call(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        await rig.browser("anna", ANNA)
        (call_id,) = rig.server.endpoint.calls
        await rig.server.endpoint.ask(call_id, "OPTIONS")
        await rig.server.endpoint.ask(call_id, "INVITE", browser_offer(ANNA))
        rig.server.model.end(rig.channel("anna"), 16)
        assert (await told(rig, "leg.hangup", leg="anna")).data["cause"] == "normal"
        await until(lambda: rig.server.endpoint.byes_answered == [call_id], "the answer to BYE")

    play(scenario)


def test_a_refused_offer_leaves_no_leg(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        for status, code in ((488, "bad-sdp"), (503, "full"), (403, "failed")):
            rig.server.endpoint.refuse = status
            assert await refused(rig.driver.offer("anna", browser_offer(ANNA))) == code
            assert (await rig.driver.snapshot()).legs == ()
        no_codec = browser_offer(ANNA).replace("opus/48000/2", "speex/8000").replace("PCMU", "GSM")
        assert await refused(rig.driver.offer("anna", no_codec)) == "bad-sdp"
        await rig.browser("anna", ANNA)

    play(scenario)


def test_a_wrong_password_of_the_endpoint_is_said(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        with pytest.raises(DriverError, match="401"):
            await rig.driver.offer("anna", browser_offer(ANNA))

    play(scenario, web_password="wrong")


def test_without_an_endpoint_for_browsers_there_is_no_softphone(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        assert not rig.driver.abilities.webrtc
        assert await refused(rig.driver.offer("anna", browser_offer(ANNA))) == "unsupported"

    play(scenario, web_user="")


def test_a_browser_whose_sound_never_comes_is_lost(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        rig.server.endpoint.connects = False
        await rig.driver.offer("anna", browser_offer(ANNA))
        assert (await told(rig, "leg.hangup", leg="anna")).data["cause"] == "lost"
        assert not [one for one in rig.events if one.kind == "leg.answered"]

    play(scenario)


def test_calls_go_on_over_a_new_connection_of_sip(play: Play) -> None:
    async def scenario(rig: AsteriskRig) -> None:
        await rig.browser("anna", ANNA)
        connection = rig.driver._phone._connection
        assert connection is not None
        await connection.close()
        await rig.browser("boris", BORIS)
        await together(rig, "talk", "anna", "boris")
        await hears(rig, anna={BORIS}, boris={ANNA})

    play(scenario)
