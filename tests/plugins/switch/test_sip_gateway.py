"""What the SIP gateway does beyond the contract: strangers, holds, a provider's password, a process that dies."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from core.telephony import DriverError
from plugins.switch.sip import causes, dispatcher, wire
from plugins.switch.sip.gateway import SipGateway, chosen_gateway
from plugins.switch.sip.settings import chosen, declared
from tests.support.sip_telephone import Telephone
from tests.support.telephony_stage import ANNA, GLEB, refused, told, until, view

Play = Callable[..., None]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Runs a scenario with a switch and telephones of its own."""
    pytest.importorskip("pjsua2", reason="the extra sip is not installed")
    from tests.support.sip_rig import SipRig

    def run(scenario: Callable[[SipRig], Awaitable[None]], password: str = "", **changes: Any) -> None:
        async def whole() -> None:
            rig = SipRig(tmp_path, password, **changes)
            try:
                await rig.start()
                await scenario(rig)
            finally:
                await rig.stop()

        asyncio.run(whole())

    return run


@pytest.mark.slow
def test_a_process_that_dies_takes_its_calls_and_is_started_again(play: Play) -> None:
    async def scenario(rig: Any) -> None:
        leg = await rig.call_in("101", "200", GLEB)
        await rig.driver.answer(leg)
        await told(rig, "leg.answered", leg=leg)
        os.kill(rig.gateway.agents[0].process.pid, signal.SIGKILL)
        assert (await told(rig, "leg.hangup", leg=leg)).data["cause"] == "lost"
        assert await refused(rig.driver.originate("out", rig.number("answers"), "", 20, {})) == "failed"
        await until(rig.gateway.agents[0].ready.is_set, "the new process")
        await rig.driver.originate("out", rig.number("answers"), "", 20, {})
        await told(rig, "leg.answered", leg="out")

    play(scenario, sip_calls=4)


def test_more_calls_than_one_process_carries_are_spread_and_too_many_are_busy(play: Play) -> None:
    async def scenario(rig: Any) -> None:
        calling = [rig.call_in(str(100 + number), "200", GLEB) for number in range(4)]
        legs = list(await asyncio.gather(*calling))
        await rig.driver.originate("out", rig.number("answers"), "", 20, {})
        legs += [await rig.call_in(str(104 + number), "200", GLEB) for number in range(3)]
        for leg in legs:
            await rig.driver.answer(leg)
            await told(rig, "leg.answered", leg=leg)
        assert sorted(len(agent.ends) for agent in rig.gateway.agents) == [4, 4]
        late: Telephone = await rig.exchange.call("109", "200", ("127.0.0.1", rig.port), GLEB)
        await until(lambda: late.statuses and late.statuses[-1] >= 300, "the refusal")
        assert late.statuses[-1] == 486
        assert await refused(rig.driver.originate("more", rig.number("answers"), "", 20, {})) == "full"
        since = len(rig.events)
        await rig.give_up(legs[0])
        await told(rig, "leg.hangup", since, leg=legs[0])
        await rig.driver.hangup(legs[-1])
        await until(lambda: rig.telephones[legs[-1]].state == "ended", "the end at the telephone")
        await rig.driver.originate("more", rig.number("answers"), "", 20, {})
        await told(rig, "leg.answered", leg="more")

    play(scenario, sip_calls=8, most_legs=20)


def test_strangers_are_refused_and_a_full_switch_is_busy(play: Play) -> None:
    async def scenario(rig: Any) -> None:
        switch = ("127.0.0.1", rig.port)
        stranger: Telephone = await rig.exchange.call("101", "200", switch, GLEB)
        await until(lambda: stranger.statuses and stranger.statuses[-1] >= 300, "the refusal")
        assert stranger.statuses[-1] == 403 and not [one for one in rig.events if one.kind == "leg.incoming"]

    async def crowded(rig: Any) -> None:
        await rig.browser("anna", ANNA)
        late: Telephone = await rig.exchange.call("102", "200", ("127.0.0.1", rig.port), GLEB)
        await until(lambda: late.statuses and late.statuses[-1] >= 300, "the refusal")
        assert late.statuses[-1] == 486

    play(scenario, sip_trunk="")
    play(crowded, most_legs=1)


def test_a_telephone_that_holds_is_told_of(play: Play) -> None:
    async def scenario(rig: Any) -> None:
        leg = await rig.call_in("101", "200", GLEB)
        await rig.driver.answer(leg)
        await told(rig, "leg.answered", leg=leg)
        telephone = rig.telephones[leg]
        await until(lambda: telephone.state == "up", "the telephone")
        rig.exchange.hold(telephone, True)
        await told(rig, "leg.held", leg=leg, on=True)
        rig.exchange.hold(telephone, False)
        await told(rig, "leg.held", leg=leg, on=False)
        assert (await view(rig, leg)).state == "up"

    play(scenario)


def test_the_provider_is_given_our_password_and_our_number(play: Play) -> None:
    async def scenario(rig: Any) -> None:
        await until(lambda: rig.exchange.registered, "the registration")
        await rig.driver.originate("out", rig.number("answers"), "+78000000001", 20, {"X-Case": "7"})
        await told(rig, "leg.answered", leg="out")
        invite = next(one for one in rig.exchange.requests if one.method == "INVITE")
        assert invite.header("P-Preferred-Identity").startswith("<sip:+78000000001@127.0.0.1")
        assert invite.header("X-Case") == "7"
        assert rig.gateway.agents[0].failure == ""

    async def mistaken(rig: Any) -> None:
        await until(
            lambda: "401" in rig.gateway.agents[0].failure or "refuses" in rig.gateway.agents[0].failure,
            "the provider's refusal",
        )

    play(scenario, "provider's word", sip_register=True, sip_user="okno", sip_password="provider's word")
    play(mistaken, "provider's word", sip_register=True, sip_user="okno", sip_password="another")


def test_a_telephone_number_needs_a_provider() -> None:
    gateway = SipGateway(chosen({}))

    async def whole() -> None:
        for address in ("tel:+7999", "tel:", "sip:", "sip:a b@c", "mailto:a@b"):
            assert await refused(gateway.originate("out", address, "", 5, {})) == "bad-address"
        with pytest.raises(DriverError, match="away"):
            await gateway.originate("out", "sip:anna@example.org", "", 5, {})
        assert await refused(gateway.dtmf("out", "hello")) == "failed"

    asyncio.run(whole())


def test_it_is_off_unless_it_is_asked_for() -> None:
    assert chosen_gateway({one.key: one.default for one in declared()}) is None
    assert set(chosen({})) == {one.key.removeprefix("switch.") for one in declared()}


def test_words_and_sound_keep_apart_on_the_wire() -> None:
    ours, theirs = wire.pair()
    with ours, theirs:
        ours.send(wire.words(op="answer", leg="нога"))
        ours.send(wire.sound("нога", b"\x01\x02" * 960))
        assert wire.read(theirs.recv(wire.LONGEST)) == {"op": "answer", "leg": "нога"}
        assert wire.read(theirs.recv(wire.LONGEST)) == ("нога", b"\x01\x02" * 960)
        with pytest.raises(BlockingIOError):
            theirs.recv(wire.LONGEST)
    with pytest.raises(ValueError):
        wire.read(b"?")


@pytest.mark.parametrize(
    ("status", "answered", "word"),
    [
        (486, False, "busy"),
        (603, False, "rejected"),
        (404, False, "unreachable"),
        (487, False, "cancelled"),
        (480, False, "no_answer"),
        (403, False, "forbidden"),
        (500, False, "failed"),
        (200, True, "normal"),
        (503, True, "lost"),
    ],
)
def test_statuses_become_words(status: int, answered: bool, word: str) -> None:
    assert causes.word(status, answered) == word


def test_every_cause_has_a_status() -> None:
    assert causes.refusal("busy") == 486 and causes.refusal("normal") == 603


def crowd(end: socket.socket) -> None:
    """Sound until there is no room for more."""
    with suppress(BlockingIOError):
        while True:
            end.send(wire.sound("a", bytes(1920)))


def emptied(end: socket.socket) -> list[Any]:
    found = []
    with suppress(BlockingIOError):
        while True:
            found.append(wire.read(end.recv(wire.LONGEST)))
    return [words for words in found if isinstance(words, dict)]


def test_words_to_a_process_that_is_busy_wait_and_keep_their_order() -> None:
    from plugins.switch.sip.agent_process import AgentProcess

    async def whole() -> None:
        agent, (ours, theirs) = AgentProcess({}), wire.pair()
        with ours, theirs:
            agent._socket = ours
            crowd(ours)
            for number in range(3):
                agent.say(op="hangup", leg=str(number))
            heard = emptied(theirs)
            assert heard == []

            def all_came() -> bool:
                heard.extend(emptied(theirs))
                return len(heard) == 3

            await until(all_came, "the words")
            assert [one["leg"] for one in heard] == ["0", "1", "2"]
            agent.say(op="stop")
            assert emptied(theirs) == [{"op": "stop"}]
            asyncio.get_running_loop().remove_writer(ours)

    asyncio.run(whole())


def test_words_of_a_process_to_a_switch_that_is_busy_wait_too() -> None:
    pytest.importorskip("pjsua2", reason="the extra sip is not installed")
    from plugins.switch.sip.agent import Agent

    ours, theirs = wire.pair()
    with ours, theirs:
        agent: Any = Agent.__new__(Agent)
        agent._end, agent._unsaid, agent._running = ours, deque(), True
        crowd(ours)
        agent.tell("ended", leg="a", cause="normal", code=200)
        assert emptied(theirs) == []
        agent._say()
        assert [one["event"] for one in emptied(theirs)] == ["ended"] and agent._running


def test_a_name_that_is_no_unicode_comes_through_as_words() -> None:
    said = wire.read(wire.words(event="incoming", name="Мария\udcff", address="101"))
    assert said == {"event": "incoming", "name": "Мария?", "address": "101"}


def test_nothing_but_a_number_is_shown_to_whom_we_call() -> None:
    from plugins.switch.sip.agent_process import AgentProcess

    async def whole() -> None:
        gateway, said = SipGateway(chosen({"switch.sip": True})), []
        for agent in gateway.agents:
            agent.ready.set()
        agent = gateway.agents[0]
        agent.say = lambda **words: said.append(words["caller"])  # type: ignore[method-assign]
        assert isinstance(agent, AgentProcess)
        for leg, caller in (("a", "+78000000001"), ("b", "1>\r\nX-Evil: 1"), ("c", "<sip:x@y>"), ("d", "")):
            await gateway.originate(leg, "sip:anna@example.org", caller, 5, {})
            agent.ends.clear()
        assert said == ["+78000000001", "", "", ""]

    asyncio.run(whole())


def test_a_provider_whose_name_is_not_known_yet_is_looked_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a start before the network is there, or when the provider moves."""
    monkeypatch.setattr(dispatcher, "LOOK_UP_SOON", 0.0)
    monkeypatch.setattr(dispatcher, "LOOK_UP_SECONDS", 0.0)
    found: deque[list[Any] | OSError] = deque([OSError("no network"), [(0, 0, 0, "", ("192.0.2.1", 0))]])

    async def whole() -> None:
        async def look_up(host: str, port: None) -> list[Any]:
            assert host == "provider.example"
            answer = found.popleft() if len(found) > 1 else found[0]
            if isinstance(answer, OSError):
                raise answer
            return answer

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look_up)
        settings = chosen({"switch.sip_trunk": "provider.example:5070", "switch.sip_peers": ["192.0.2.9"]})
        made = dispatcher.Dispatcher(("127.0.0.1", 0), settings, lambda: None)
        await made._look_up()
        assert [made._is_known(one) for one in ("192.0.2.1", "192.0.2.9")] == [False, True]
        looking = asyncio.create_task(made._look_again())
        await until(lambda: made._is_known("192.0.2.1"), "the provider")
        found.append([(0, 0, 0, "", ("192.0.2.2", 0))])
        await until(lambda: made._is_known("192.0.2.2"), "the provider's new address")
        assert not made._is_known("192.0.2.1")
        found.append(OSError("no name service"))
        found.append(OSError("no name service"))
        await until(lambda: len(found) == 1, "the failure")
        assert made._is_known("192.0.2.2")
        looking.cancel()

    asyncio.run(whole())
