"""``okno voice menu``, ``message``, ``line``, ``registration`` and ``callbacks`` as commands of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from core import presence
from core.commands.terminal import House
from core.contracts import Rejected
from core.db import db, transaction
from plugins.voice.calls import dialling
from plugins.voice.cli import voice
from plugins.voice.feature_contributions import add_commands
from plugins.voice.lines import directory
from plugins.voice.menus import operations as menus
from plugins.voice.messages import operations as messages
from plugins.voice.models.calls import VoiceCall
from plugins.voice.registration import callbacks, links
from plugins.voice.sounds import speech
from tests.support.voice_features_house import FeaturesHouse, beep

MENU = "steps:\n  ask: {type: digits, text: Поддержка — 1, options: {'1': go}, otherwise: go}\n  go: {type: queue, service: support}\n"


@click.group()
@click.option("--home", type=click.Path(path_type=Path))
def root(home: Path) -> None:
    """Stands for ``okno``, without making the application anew for each command."""


@pytest.fixture
def run(features: FeaturesHouse, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command of ``okno voice`` in the test's application: what it tells programs, or the code of its refusal."""

    @contextmanager
    def opened(_house: House, **_options: Any) -> Iterator[Any]:
        yield features.app

    monkeypatch.setattr(House, "open", opened)
    add_commands(voice)
    root.add_command(voice)

    def called(*words: str, **options: Any) -> Any:
        told = CliRunner().invoke(
            root, ["--home", features.app.config["OKNO_HOME"], "voice", *words, "--json"], **options
        )
        db.session.rollback()
        db.session.expire_all()
        if isinstance(told.exception, Rejected):
            return told.exception.code
        assert told.exception is None, told.exception
        return json.loads(told.stdout)["data"]

    return called


def test_a_menu_is_read_tried_and_removed(run, monkeypatch):
    monkeypatch.setattr(speech, "DEFAULT", "no-such-program-here")
    assert run("menu", "import", "main", "-", input="steps: 7") == "menu-invalid"
    read = run("menu", "import", "main", "-", input=MENU)
    assert (read["steps"], read["unspoken"]) == (2, ["Поддержка — 1"])
    lines = run("menu", "try", "main", "1")["lines"]
    assert [line["who"] for line in lines] == ["menu", "caller", "end"]
    (listed,) = run("menu", "list")
    assert (listed["key"], listed["unspoken"]) == ("main", 1)
    assert run("menu", "remove", "main")["removed"] and menus.list_menus() == []


def test_messages_and_lines_are_kept(run, tmp_path):
    sound = tmp_path / "hours.wav"
    sound.write_bytes(beep())
    assert run("message", "add", str(sound), "--title", "Часы", "--key", "hours")["seconds"] == 1.0
    assert messages.sound_of_key("hours")
    line = ("--product", "Карты", "--title", "Cards", "--team", "first")
    assert run("line", "set", "cards", "--number", "?", *line) == "voice-line"
    assert run("line", "set", "cards", "--number", "200", *line)["teams"] == ["first"]
    assert [row.number for row in directory.find("карты")] == ["200"]


def test_calls_are_linked_and_counted(run, features):
    call, case = features.call(), features.case("Возврат")
    call_id, number = call.id, case.number
    assert [row["id"] for row in run("registration", "missing")] == [call_id]
    assert run("registration", "link", str(call_id), number)["case"] == number
    total = run("registration", "report", "--by", "agent")[-1]
    assert (total["calls"], total["registered"], total["percent"]) == (1, 1, 100.0)
    assert links.calls_of_case(case.id)


def test_callbacks_are_listed_called_and_cancelled(run, features, monkeypatch):
    first, second = (features.call() for _ in range(2))
    numbers = [first.from_number, second.from_number]
    ids = []
    for call in (first, second):
        interaction_id, number = call.interaction_id, call.from_number
        with transaction():
            db.session.get_one(VoiceCall, call.id).interaction_id = None
        ids.append(callbacks.wish(interaction_id, number).id)
    rows = run("callbacks", "list")
    assert [(row["id"], row["number"], row["state"], row["place"]) for row in rows] == [
        (ids[0], numbers[0], "waiting", 1),
        (ids[1], numbers[1], "waiting", 2),
    ]
    assert run("callbacks", "list", "--state", "promised") == run("callbacks", "list", "--service", "sales") == []
    assert run("callbacks", "list", "--service", "nowhere") == "not-found"
    assert run("callbacks", "cancel", str(ids[0]), "--reason", " ") == "callback-reason"
    assert run("callbacks", "cancel", str(ids[0]), "--reason", "ошиблись номером")["cancelled"]
    (gone,) = run("callbacks", "list", "--state", "cancelled")
    assert (gone["id"], gone["reason"], gone["agent"]) == (ids[0], "ошиблись номером", "")
    assert run("callbacks", "cancel", str(ids[0]), "--reason", "снова") == "callback-gone"
    assert run("callbacks", "call", str(ids[1]), "--agent", "anna") == "voice-unavailable"
    monkeypatch.setattr(dialling, "require_lines", lambda: "run")
    assert run("callbacks", "call", str(ids[1]), "--agent", "anna") == "offline"
    presence.sign_on(features.users["anna"])
    assert run("callbacks", "call", str(ids[1]), "--agent", "anna")["agent"] == "anna"
    assert [row["state"] for row in run("callbacks", "list")] == ["calling"]
