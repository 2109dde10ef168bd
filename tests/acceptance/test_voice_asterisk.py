"""The running centre on Asterisk: the same calls as on the switch, with a server that enforces ARI's rules in Asterisk's place.

What each party hears is what that server's state of channels, bridges, holds and snoops lets through.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.support.ari_server import PASSWORD, WEB_PASSWORD, AriServer
from tests.support.asterisk_model import Channel, Heard
from tests.support.asterisk_sip import browser_offer
from tests.support.softphone_house import NUMBER
from tests.support.telephony_stage import Stage
from tests.support.tone_people import Agent, CallCentre, serve_calls
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow
ANNA, BORIS, CUSTOMER = 650, 950, 1850
CUSTOMER_NUMBER, OTHER_NUMBER = "+74951112233", "+74951112244"


class Exchange:
    """Asterisk, in a loop of its own; questions are asked there."""

    def __init__(self) -> None:
        self.stage = Stage()
        self.server = AriServer()
        self.server.far_ends.does[f"PJSIP/{OTHER_NUMBER}@trunk"] = ("answer", CUSTOMER)
        self.stage.run(self.server.start())

    @property
    def environment(self) -> dict[str, str]:
        return {
            "OKNO_CORE_PLUGINS": "voice,asterisk",
            "OKNO_VOICE_BACKEND": "asterisk",
            "OKNO_ASTERISK_URL": self.server.url,
            "OKNO_ASTERISK_PASSWORD": PASSWORD,
            "OKNO_ASTERISK_WEB_PASSWORD": WEB_PASSWORD,
        }

    def call_in(self) -> Channel:
        """A customer calls our number."""

        async def calls() -> Channel:
            return self.server.far_ends.call_in(CUSTOMER_NUMBER, NUMBER, CUSTOMER)

        channel: Channel = self.stage.run(calls())
        return channel

    def hang_up(self, channel: Channel) -> None:
        async def ends() -> None:
            self.server.model.end(channel)

        self.stage.run(ends())

    def heard(self, channel: Channel) -> Heard:
        async def ask() -> Heard:
            return self.server.model.heard(channel)

        found: Heard = self.stage.run(ask())
        return found

    def of(self, tone: int) -> Channel:
        """The channel of a browser that says this tone."""
        return wait_until(
            lambda: next((one for one in list(self.server.model.channels.values()) if one.tone == tone), None)
        )  # type: ignore[return-value]

    def close(self) -> None:
        self.stage.run(self.server.stop())
        self.stage.close()


@pytest.fixture(scope="module")
def exchange() -> Iterator[Exchange]:
    made = Exchange()
    yield made
    made.close()


@pytest.fixture(scope="module")
def centre(migrated_templates, tmp_path_factory, exchange: Exchange):
    yield from serve_calls(migrated_templates, tmp_path_factory.mktemp("asterisk"), exchange.environment)


@pytest.fixture
def house(centre: CallCentre, exchange: Exchange):
    wait_until(lambda: exchange.server.listened_to, what="the driver")
    yield centre
    centre.all_leave()


def _connect(agent: Agent) -> None:
    answer = agent.ask("POST", "leg", {"sdp": browser_offer(agent.tone)})
    assert "a=setup:active" in answer["sdp"]


@pytest.mark.feature("V-10")
def test_a_call_through_asterisk_is_queued_answered_held_and_passed_on(house: CallCentre, exchange: Exchange):
    customer = exchange.call_in()
    wait_until(lambda: any(isinstance(one, str) for one in exchange.heard(customer)) or customer.playback, what="music")
    anna, boris = house.agent("anna", ANNA, ready=True), house.agent("boris", BORIS)
    key = anna.ringing()
    _connect(anna)
    anna.do(key, "answer")
    wait_until(lambda: exchange.heard(customer) == {ANNA}, what="the agent")
    at_desk = exchange.of(ANNA)
    assert exchange.heard(at_desk) == {CUSTOMER}
    anna.do(key, "hold")
    wait_until(lambda: ANNA not in exchange.heard(customer) and exchange.heard(customer), what="hold music")
    anna.do(key, "retrieve")
    wait_until(lambda: exchange.heard(customer) == {ANNA}, what="the agent again")
    anna.do(key, "mute")
    wait_until(lambda: exchange.heard(customer) == set(), what="silence")
    anna.do(key, "unmute")
    anna.do(key, "consult", target={"user_id": house.user_id("boris")})
    second = boris.ringing("ringing")
    _connect(boris)
    boris.do(second, "answer")
    wait_until(lambda: exchange.heard(at_desk) == {BORIS}, what="the colleague")
    anna.do(key, "complete")
    wait_until(lambda: exchange.heard(customer) == {BORIS}, what="the colleague with the customer")
    exchange.hang_up(customer)
    wait_until(lambda: boris.calls == [], what="the end of the call")
    anna.ask("DELETE", "leg")
    boris.ask("DELETE", "leg")
    wait_until(lambda: not exchange.server.model.channels, what="no channel left")


@pytest.mark.feature("V-10")
def test_a_call_out_through_asterisks_trunk(house: CallCentre, exchange: Exchange):
    anna = house.agent("anna", ANNA)
    _connect(anna)
    key = anna.ask("POST", "calls", {"number": OTHER_NUMBER})["call"]["key"]
    wait_until(lambda: exchange.heard(exchange.of(ANNA)) == {CUSTOMER}, what="the called person")
    anna.do(key, "dtmf", digits="12")
    wait_until(lambda: exchange.of(CUSTOMER).sent == [("12", 0)], what="the keys")
    anna.do(key, "hangup")
    wait_until(lambda: anna.calls == [])
    anna.ask("DELETE", "leg")
    wait_until(lambda: not exchange.server.model.channels, what="no channel left")


def test_an_asterisk_that_was_away_comes_back_with_its_calls(house: CallCentre, exchange: Exchange):
    customer = exchange.call_in()
    anna = house.agent("anna", ANNA, ready=True)
    key = anna.ringing()
    _connect(anna)
    anna.do(key, "answer")
    wait_until(lambda: exchange.heard(customer) == {ANNA}, what="the agent")

    async def away() -> None:
        exchange.server.loaded = False
        exchange.server.drop_listener()
        await asyncio.sleep(0.3)
        exchange.server.loaded = True

    exchange.stage.run(away())
    wait_until(lambda: exchange.server.listened_to, what="the driver's return")
    assert exchange.heard(customer) == {ANNA}
    anna.do(key, "hangup")
    wait_until(lambda: anna.calls == [])
    anna.ask("DELETE", "leg")
    wait_until(lambda: not exchange.server.model.channels, what="no channel left")
