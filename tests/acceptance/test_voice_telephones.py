"""Telephones and the running centre: SIP and RTP from outside, agents with a softphone inside; each says a tone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.outside_telephones import ABSENT, CUSTOMER, OUTSIDE, Outside, heard
from tests.support.tone_people import CallCentre, serve_calls
from tests.support.waiting import wait_until

pytest.importorskip("pjsua2", reason="the extra sip is not installed")
pytestmark = pytest.mark.slow
ANNA = 650


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    made = Outside()
    yield made
    made.close()


@pytest.fixture(scope="module")
def centre(migrated_templates, tmp_path_factory, outside: Outside):
    yield from serve_calls(migrated_templates, tmp_path_factory.mktemp("telephones"), outside.environment)


@pytest.fixture
def house(centre: CallCentre):
    yield centre
    centre.all_leave()


@pytest.mark.feature("V-02", "V-10")
def test_a_telephone_calls_waits_with_music_and_talks_with_an_agent(house: CallCentre, outside: Outside):
    telephone = outside.call()
    wait_until(lambda: heard(telephone) == set(), what="music and nobody")
    anna = house.agent("anna", ANNA, ready=True)
    key = anna.answer()
    (call,) = anna.calls
    assert call["number"].replace(" ", "").replace("-", "") == CUSTOMER, call
    anna.hears(OUTSIDE)
    wait_until(lambda: heard(telephone) == {ANNA}, what="the agent")
    anna.do(key, "hold")
    anna.hears()
    wait_until(lambda: heard(telephone) == set(), what="music")
    anna.do(key, "retrieve")
    wait_until(lambda: heard(telephone) == {ANNA}, what="the agent again")
    outside.hang_up(telephone)
    wait_until(lambda: anna.calls == [], what="the end of the call")


@pytest.mark.feature("V-03")
def test_an_agent_calls_a_number_presses_keys_and_hangs_up(house: CallCentre, outside: Outside):
    anna = house.agent("anna", ANNA)
    anna.connect()
    before = set(outside.exchange.calls)
    key = anna.ask("POST", "calls", {"number": CUSTOMER})["call"]["key"]
    anna.hears(OUTSIDE)
    telephone = next(call for name, call in outside.exchange.calls.items() if name not in before)
    wait_until(lambda: heard(telephone) == {ANNA}, what="the agent")
    anna.do(key, "dtmf", digits="42#")
    wait_until(lambda: telephone.digits == "42#", what="the keys")
    anna.do(key, "hangup")
    wait_until(lambda: telephone.state == "ended", what="the end at the telephone")
    wait_until(lambda: anna.calls == [])


def test_a_number_that_nobody_has_ends_the_call_and_says_so(house: CallCentre):
    anna = house.agent("anna", ANNA)
    anna.connect()
    anna.ask("POST", "calls", {"number": ABSENT})
    wait_until(lambda: anna.calls == [], what="the end of the call")
    assert house.rows("SELECT cause FROM voice_call ORDER BY id DESC LIMIT 1") == [("unreachable",)]


@pytest.mark.feature("V-01")
@pytest.mark.parametrize("nailed", [False, True], ids=["for each call", "nailed up"])
def test_an_agent_with_a_sip_telephone_talks_by_it(house: CallCentre, outside: Outside, nailed: bool):
    desk = f"desk{int(nailed)}"
    outside.exchange.does[desk] = ("answer", ANNA)
    anna = house.agent("anna", ANNA, ready=True)
    address = f"sip:{desk}@127.0.0.1:{outside.exchange.port}"
    anna.ask("POST", "phone", {"way": "sip", "address": address, "nailed": nailed, "auto_answer": False})
    customer = outside.call()
    key = anna.ringing()
    anna.do(key, "answer")
    telephone = wait_until(lambda: outside.telephone(desk), what="the agent's telephone")
    wait_until(lambda: heard(customer) == {ANNA}, what="the agent")
    wait_until(lambda: heard(telephone) == {OUTSIDE}, what="the customer")
    anna.do(key, "hangup")
    wait_until(lambda: anna.calls == [])
    if nailed:
        wait_until(lambda: heard(telephone) is None or heard(telephone) == set(), what="silence")
        assert telephone.state == "up"
        second = outside.call()
        anna.do(anna.ringing(), "answer")
        wait_until(lambda: heard(second) == {ANNA} and heard(telephone) == {OUTSIDE}, what="the same telephone again")
        assert len([one for one in outside.exchange.calls.values() if desk in one.local]) == 1
        anna.do(anna.calls[0]["key"], "hangup")
    else:
        wait_until(lambda: telephone.state == "ended", what="the end at the agent's telephone")
    wait_until(lambda: anna.calls == [])
    anna.ask("POST", "phone", {"way": "browser", "address": "", "nailed": False, "auto_answer": False})
