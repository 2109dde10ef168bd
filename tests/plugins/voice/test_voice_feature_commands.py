"""``okno voice menu``, ``message``, ``line`` and ``registration`` as commands of their own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from core.db import db
from plugins.voice.lines import directory
from plugins.voice.menus import operations as menus
from plugins.voice.messages import operations as messages
from plugins.voice.registration import links
from tests.support.voice_features_house import FeaturesHouse, beep

MENU = "steps:\n  ask: {type: digits, text: Поддержка — 1, options: {'1': go}, otherwise: go}\n  go: {type: queue, service: support}\n"


@pytest.fixture
def run(features: FeaturesHouse, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command of ``okno voice`` for programs on the test's home and data base."""
    from cli import main

    config = features.app.config
    monkeypatch.setenv("OKNO_CORE_PLUGINS", "voice,email")
    monkeypatch.setenv("OKNO_CORE_DATABASE_URL", config["SQLALCHEMY_DATABASE_URI"])

    def called(*words: str, **options: Any) -> Any:
        db.session.rollback()
        told = CliRunner().invoke(main, ["--home", config["OKNO_HOME"], "voice", *words, "--json"], **options)
        db.session.rollback()
        db.session.expire_all()
        return json.loads(told.stdout)

    return called


def test_a_menu_is_read_tried_and_removed(run):
    assert run("menu", "import", "main", "-", input="steps: 7")["error"]["code"] == "menu-invalid"
    assert run("menu", "import", "main", "-", input=MENU)["data"]["steps"] == 2
    lines = run("menu", "try", "main", "1")["data"]["lines"]
    assert [line["who"] for line in lines] == ["menu", "caller", "end"]
    assert [row["key"] for row in run("menu", "list")["data"]] == ["main"]
    assert run("menu", "remove", "main")["ok"] and menus.list_menus() == []


def test_messages_and_lines_are_kept(run, tmp_path):
    sound = tmp_path / "hours.wav"
    sound.write_bytes(beep())
    assert run("message", "add", str(sound), "--title", "Часы", "--key", "hours")["data"]["seconds"] == 1.0
    assert messages.sound_of_key("hours")
    line = ("--product", "Карты", "--title", "Cards", "--team", "first")
    assert run("line", "set", "cards", "--number", "?", *line)["error"]["code"] == "voice-line"
    assert run("line", "set", "cards", "--number", "200", *line)["data"]["teams"] == ["first"]
    assert [row.number for row in directory.find("карты")] == ["200"]


def test_calls_are_linked_and_counted(run, features):
    call, case = features.call(), features.case("Возврат")
    call_id, number = call.id, case.number
    assert [row["id"] for row in run("registration", "missing")["data"]] == [call_id]
    assert run("registration", "link", str(call_id), number)["data"]["case"] == number
    total = run("registration", "report", "--by", "agent")["data"][-1]
    assert (total["calls"], total["registered"], total["percent"]) == (1, 1, 100.0)
    assert links.calls_of_case(case.id)
