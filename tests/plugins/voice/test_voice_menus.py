"""Voice menus: read with the place of each mistake, and walked by pure functions."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from core.schemas import Invalid
from plugins.voice.menus import simulator
from plugins.voice.menus.course import Input, Moment, State, begin, follow
from plugins.voice.menus.document import KINDS, Menu, read
from plugins.voice.menus.example import EXAMPLE
from tests.support.places import ROOT

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DOCUMENT: dict[str, Any] = {
    "title": {"en": "Main", "ru": "Главное"},
    "numbers": ["+78000000001"],
    "start": "hello",
    "steps": {
        "hello": {"type": "say", "text": {"ru": "Здравствуйте!", "en": "Hello!"}, "next": "hours"},
        "hours": {"type": "hours", "calendar": "office", "open": "choice", "closed": "night"},
        "choice": {
            "type": "digits",
            "text": "Поддержка — 1",
            "options": {"1": "agent", "2": "back", "9": "other"},
            "tries": 2,
            "wrong": "sorry",
            "otherwise": "agent",
        },
        "sorry": {"type": "say", "text": "Нет такого пункта", "next": "choice"},
        "agent": {"type": "queue", "service": "support", "priority": 5},
        "back": {"type": "callback", "service": "support"},
        "other": {"type": "menu", "menu": "second"},
        "night": {"type": "voicemail", "service": "support", "message": "closed"},
    },
}
SECOND: dict[str, Any] = {"steps": {"bye": {"type": "hangup", "text": "До свидания"}}}


def moment(open_: bool = True) -> Moment:
    menus = {"main": read("main", DOCUMENT), "second": read("second", SECOND)}
    return Moment(NOON, lambda _key: open_, menus.get)


def menu() -> Menu:
    return read("main", DOCUMENT)


def test_a_caller_hears_the_greeting_and_is_asked_and_reaches_the_queue():
    move = begin(menu(), moment())
    assert [(a.do, a.data["text"]) for a in move.actions] == [("say", "Здравствуйте!")]
    move = follow(move.state, Input("played"), moment())
    assert move.path == ("main/hours", "main/choice")
    assert move.state == State("main", "choice", True, "choice", 0)
    move = follow(move.state, Input("played"), moment())
    assert [(a.do, a.data) for a in move.actions] == [("collect", {"seconds": 5})]
    move = follow(move.state, Input("digit", "1"), moment())
    assert [(a.do, dict(a.data)) for a in move.actions] == [("queue", {"service": "support", "priority": 5})]
    assert move.state is None


def test_a_key_is_taken_while_the_question_is_still_being_asked():
    asked = follow(begin(menu(), moment()).state, Input("played"), moment())
    move = follow(asked.state, Input("digit", "2"), moment())
    assert [a.do for a in move.actions] == ["callback"]


def test_a_wrong_key_and_then_silence_lead_where_the_menu_says():
    asked = follow(begin(menu(), moment()).state, Input("played"), moment())
    sorry = follow(asked.state, Input("digit", "7"), moment())
    assert sorry.state.step == "sorry"
    again = follow(sorry.state, Input("played"), moment())
    assert (again.state.step, again.state.tries) == ("choice", 1)
    assert [a.do for a in follow(again.state, Input("silence"), moment()).actions] == ["queue"]


def test_outside_of_the_hours_a_message_is_played_and_taken():
    move = follow(begin(menu(), moment(False)).state, Input("played"), moment(False))
    assert [(a.do, dict(a.data)) for a in move.actions] == [
        ("message", {"key": "closed"}),
        ("voicemail", {"service": "support"}),
    ]


def test_another_menu_goes_on_and_one_that_is_gone_ends_the_call():
    asked = follow(begin(menu(), moment()).state, Input("played"), moment())
    assert [a.do for a in follow(asked.state, Input("digit", "9"), moment()).actions] == ["say", "hangup"]
    alone = Moment(NOON, lambda _key: True, lambda key: menu() if key == "main" else None)
    assert [a.do for a in follow(asked.state, Input("digit", "9"), alone).actions] == ["hangup"]
    nothing = Moment(NOON, lambda _key: True)
    assert follow(asked.state, Input("digit", "1"), nothing).state is None


def test_a_step_that_an_editor_has_removed_sends_the_caller_to_the_start():
    move = follow(State("main", "gone"), Input("played"), moment())
    assert move.state.step == "hello"


def test_states_survive_being_stored():
    state = State("main", "choice", True, "choice", 1)
    assert State.read(state.plain()) == state
    with pytest.raises(ValueError):
        State.read({"menu": "main"})


MISTAKES = [
    ({"steps": {}}, "1 to 200"),
    ({"steps": {"a": {"type": "sing"}}}, "type must be one of"),
    ({"steps": {"a": {"type": "say", "text": "x", "next": "b"}}}, "there is no step 'b'"),
    ({"steps": {"a": {"type": "say", "text": "x", "next": "a", "then": "a"}}}, "no such field 'then'"),
    ({"steps": {"a": {"type": "queue"}}}, "'service' is missing"),
    ({"steps": {"a": {"type": "digits", "options": {"10": "a"}}}}, "is not a key of a telephone"),
    ({"steps": {"a": {"type": "digits", "options": {"1": "a"}, "tries": 99}}}, "from 1 to 9"),
    ({"steps": {"a": {"type": "hangup"}}, "colour": "red"}, "no such field 'colour'"),
    ({"steps": {"a": {"type": "hangup", "text": {"fr": "Salut"}}}}, "texts by ru and en"),
    ({"steps": {"a": {"type": "hours", "open": "b", "closed": "b"}, "b": {"type": "hours", "open": "a", "closed": "a"}}}, "without a word"),
    ({"language": "fr", "steps": {"a": {"type": "hangup"}}}, "neither ru nor en"),
    ("hello", "names and values"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "said"), MISTAKES)
def test_a_mistake_is_told_with_its_place(document, said):
    with pytest.raises(Invalid) as refusal:
        read("main", document)
    assert said in refusal.value.text.en
    assert refusal.value.text.ru != refusal.value.text.en


def test_a_menu_reads_back_what_it_writes():
    assert read("main", menu().plain()) == menu()


def test_the_simulator_says_what_a_caller_would_hear():
    lines = simulator.play(menu(), ["7", "-", "1"], moment(), "en")
    assert [(line.who, line.text) for line in lines] == [
        ("menu", "Здравствуйте!"),
        ("menu", "Поддержка — 1"),
        ("caller", "7"),
        ("menu", "Нет такого пункта"),
        ("menu", "Поддержка — 1"),
        ("caller", "(presses nothing)"),
        ("end", "To the queue of the service «support»"),
    ]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(["0", "1", "2", "7", "9", "-", "*"]), max_size=12), st.booleans())
def test_whatever_is_pressed_ends_or_waits_for_a_key(keys, open_):
    at = moment(open_)
    turn = simulator.start(menu(), at, "ru")
    for key in keys:
        if turn.state is None:
            break
        assert not turn.state.playing
        turn = simulator.press(turn.state, "" if key == "-" else key, at, "ru")
    assert turn.state is None or menu().steps[turn.state.step].type == "digits"


def test_the_example_of_the_documentation_and_of_a_new_menu_are_right():
    page = (ROOT / "docs" / "voice-features.md").read_text("utf-8")
    documented = read("main", yaml.safe_load(re.search(r"```yaml\n(.*?)```", page, re.DOTALL)[1]))
    assert set(KINDS) == set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    begun = read("main", yaml.safe_load(EXAMPLE))
    assert documented.start == begun.start == "hello"
