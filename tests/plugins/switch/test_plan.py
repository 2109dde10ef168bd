"""The matrix: who hears whom after each change, and by which means."""

from __future__ import annotations

from typing import Any

import pytest

from plugins.switch.parties import Bridge, Leg
from plugins.switch.plan import Matrix, Plan, make_plan
from plugins.switch.recorder import Recording
from plugins.switch.sounds import Player, Sound
from tests.support.tone_parties import tone


class NoEnd:
    """An end that only says whether it takes packets."""

    def __init__(self, packets: bool = True) -> None:
        self.packets = packets


class House:
    """Legs a, b, c, d that are up, of which the first three are in bridge x."""

    def __init__(self) -> None:
        end: Any = NoEnd()
        self.legs = {name: Leg(name, "webrtc", "in", end, state="up") for name in "abcd"}
        self.bridges = {"x": Bridge("x")}
        for name in "abc":
            self.put("x", name)

    def put(self, bridge: str, name: str) -> None:
        leg = self.legs[name]
        if leg.bridge:
            self.bridges[leg.bridge].legs.remove(leg)
        leg.bridge = bridge
        if bridge:
            self.bridges.setdefault(bridge, Bridge(bridge)).legs.append(leg)

    def hears(self, name: str) -> set[str]:
        heard = Matrix(self.legs, self.bridges).heard_by(self.legs[name])
        return {source.name if isinstance(source, Player) else source.id for source in heard}

    def plan(self, *recordings: Recording) -> Plan:
        return make_plan(self.legs, self.bridges, recordings)


@pytest.fixture
def house() -> House:
    return House()


def player(name: str) -> Player:
    return Player(Sound(tone(400, 0.1)), loop=True, name=name)


def recording(target: str, left: str = "") -> Recording:
    nothing: Any = None
    return Recording("r", target, nothing, nothing, nothing, left=left)


def test_all_in_a_bridge_hear_all_others_and_nobody_outside(house: House) -> None:
    assert [house.hears(name) for name in "abcd"] == [{"b", "c"}, {"a", "c"}, {"a", "b"}, set()]


def test_who_is_muted_still_hears(house: House) -> None:
    house.legs["a"].muted = True
    assert [house.hears(name) for name in "abc"] == [{"b", "c"}, {"c"}, {"b"}]


def test_who_is_held_hears_music_only_and_is_not_heard(house: House) -> None:
    house.legs["a"].held, house.legs["a"].hold = True, player("music")
    assert [house.hears(name) for name in "abc"] == [{"music"}, {"c"}, {"b"}]


def test_what_is_played_to_a_held_leg_takes_the_place_of_its_music(house: House) -> None:
    leg = house.legs["a"]
    leg.held, leg.hold, leg.player = True, player("music"), player("news")
    assert house.hears("a") == {"news"}


def test_a_leg_that_is_not_up_is_neither_heard_nor_served(house: House) -> None:
    house.legs["a"].state = "new"
    plan = house.plan()
    assert house.hears("b") == {"c"}
    assert house.legs["a"] not in [*plan.silent, *plan.decoded]


def test_what_is_played_to_a_bridge_all_hear_and_to_a_leg_only_it(house: House) -> None:
    house.bridges["x"].player = player("all")
    house.legs["a"].player = player("one")
    assert [house.hears(name) for name in "abcd"] == [
        {"b", "c", "all", "one"},
        {"a", "c", "all"},
        {"a", "b", "all"},
        set(),
    ]


@pytest.mark.parametrize(
    ("mode", "heard"),
    [
        ("monitor", [{"b"}, {"a"}, {"a", "b"}]),
        ("whisper", [{"b"}, {"a", "d"}, {"a", "b"}]),
        ("barge", [{"b", "d"}, {"a", "d"}, {"a", "b"}]),
    ],
)
def test_a_supervisor_is_heard_by_the_mode(house: House, mode: Any, heard: list[set[str]]) -> None:
    house.put("", "c")
    house.legs["d"].supervises, house.legs["d"].mode = "b", mode
    assert [house.hears(name) for name in "abd"] == heard


def test_a_supervisor_follows_its_agent_into_another_bridge(house: House) -> None:
    house.legs["d"].supervises, house.legs["d"].mode = "b", "monitor"
    house.put("y", "b")
    assert house.hears("d") == {"b"}


@pytest.mark.parametrize(("mode", "heard"), [("monitor", set()), ("whisper", {"d"}), ("barge", {"d"})])
def test_an_agent_that_is_in_no_bridge_can_be_supervised(house: House, mode: Any, heard: set[str]) -> None:
    house.put("", "b")
    house.legs["d"].supervises, house.legs["d"].mode = "b", mode
    assert (house.hears("b"), house.hears("d")) == (heard, {"b"})


def test_two_who_barge_hear_each_other_and_two_who_whisper_do_not(house: House) -> None:
    for name in "cd":
        house.put("", name)
        house.legs[name].supervises, house.legs[name].mode = "b", "barge"
    assert house.hears("c") == {"a", "b", "d"}
    house.legs["d"].mode = house.legs["c"].mode = "whisper"
    assert (house.hears("c"), house.hears("b")) == ({"a", "b"}, {"a", "c", "d"})


def test_two_who_talk_are_forwarded_and_nothing_is_decoded(house: House) -> None:
    house.put("", "c")
    a, b = house.legs["a"], house.legs["b"]
    plan = house.plan()
    assert plan.forwards == {a: [b], b: [a]}
    assert (plan.mixes, plan.decoded) == ([], set())
    assert plan.silent == [house.legs["c"], house.legs["d"]]


def test_a_muted_side_is_forwarded_silence(house: House) -> None:
    house.put("", "c")
    house.legs["a"].muted = True
    plan = house.plan()
    assert plan.forwards == {house.legs["b"]: [house.legs["a"]]}
    assert house.legs["b"] in plan.silent


def test_one_who_listens_in_is_mixed_for_while_the_others_stay_forwarded(house: House) -> None:
    house.put("", "c")
    house.legs["d"].supervises, house.legs["d"].mode = "b", "monitor"
    plan = house.plan()
    assert set(plan.forwards) == {house.legs["a"], house.legs["b"]}
    assert [mix.listeners for mix in plan.mixes] == [((house.legs["d"],),)]
    assert plan.decoded == {house.legs["a"], house.legs["b"]}


def test_who_hears_the_same_is_one_group_of_the_mix(house: House) -> None:
    for name in "bc":
        house.legs[name].muted = True
    house.legs["d"].supervises, house.legs["d"].mode = "a", "monitor"
    house.bridges["x"].player = player("news")
    a, b, c, d = (house.legs[name] for name in "abcd")
    (mix,) = house.plan().mixes
    # The speaker hears the news alone, the others hear both; what is played to one of them alone sets it apart.
    assert mix.listeners == ((b, c, d),)
    c.player = player("one")
    (mix,) = house.plan().mixes
    assert mix.listeners == ((b, d), (c,)) and mix.gains.sum(axis=1).tolist() == [2.0, 3.0]
    assert house.plan().sounds == [(a, house.bridges["x"].player)]


def test_music_alone_is_sent_as_ready_packets(house: House) -> None:
    house.legs["d"].player = player("music")
    plan = house.plan()
    assert plan.sounds == [(house.legs["d"], house.legs["d"].player)]
    assert plan.players == [house.legs["d"].player]


def test_a_telephone_is_mixed_for_and_decoded_for(house: House) -> None:
    house.put("", "c")
    end: Any = NoEnd(packets=False)
    house.legs["a"].end = end
    plan = house.plan()
    assert plan.forwards == {}
    assert {mix.listeners for mix in plan.mixes} == {((house.legs["a"],), (house.legs["b"],))}


def test_a_recording_has_the_first_leg_left_and_all_others_right(house: House) -> None:
    house.bridges["x"].player = player("news")
    tape = house.plan(recording("x", left="a")).tapes[0]
    assert tape.channels[0] == (house.legs["a"],)
    assert set(tape.channels[1]) == {house.legs["b"], house.legs["c"], house.bridges["x"].player}


def test_whispering_is_not_recorded_and_barging_is(house: House) -> None:
    supervisor = house.legs["d"]
    supervisor.supervises, supervisor.mode = "b", "whisper"
    assert supervisor not in house.plan(recording("x", left="a")).tapes[0].channels[1]
    supervisor.mode = "barge"
    assert supervisor in house.plan(recording("x", left="a")).tapes[0].channels[1]


def test_what_a_leg_says_is_recorded_wherever_it_is_but_not_while_it_is_held(house: House) -> None:
    assert house.plan(recording("d")).tapes[0].channels == ((house.legs["d"],),)
    house.legs["d"].held = True
    assert house.plan(recording("d")).tapes[0].channels == ((),)
