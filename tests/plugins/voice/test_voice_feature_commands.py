"""``okno voice menu``, ``message``, ``line`` and ``registration`` as commands of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from core.commands.terminal import House
from core.contracts import Rejected
from core.db import db
from plugins.voice.cli import voice
from plugins.voice.feature_contributions import add_commands
from plugins.voice.lines import directory
from plugins.voice.menus import operations as menus
from plugins.voice.messages import operations as messages
from plugins.voice.registration import links
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


def test_a_menu_is_read_tried_and_removed(run):
    assert run("menu", "import", "main", "-", input="steps: 7") == "menu-invalid"
    assert run("menu", "import", "main", "-", input=MENU)["steps"] == 2
    lines = run("menu", "try", "main", "1")["lines"]
    assert [line["who"] for line in lines] == ["menu", "caller", "end"]
    assert [row["key"] for row in run("menu", "list")] == ["main"]
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
