"""``okno voice test-call`` as a command of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask

from core.db import db
from core.model import Interaction
from tests.plugins.voice.conftest import NUMBER, Centre


@pytest.fixture
def call(centre: Centre, app: Flask, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run ``okno voice test-call`` on the test's home and data base."""
    from cli import main

    monkeypatch.setenv("OKNO_CORE_PLUGINS", "voice")
    monkeypatch.setenv("OKNO_CORE_DATABASE_URL", app.config["SQLALCHEMY_DATABASE_URI"])

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(main, ["--home", app.config["OKNO_HOME"], "voice", "test-call", *arguments])

    return run


def test_a_test_call_rings_and_says_that_there_is_no_audio(call):
    told = call("--from", "+74951234567", "--to", NUMBER)
    assert told.exit_code == 0, told.output
    assert "is ringing" in told.output
    assert "no audio" in told.output
    db.session.rollback()
    assert db.session.scalars(db.select(Interaction)).one().channel == "voice"


def test_the_same_call_id_again_changes_nothing_and_json_says_so(call):
    arguments = ("--from", "+74951234567", "--to", NUMBER, "--call-id", "c1", "--json")
    first, again = json.loads(call(*arguments).stdout), json.loads(call(*arguments).stdout)
    assert (first["data"]["duplicate"], again["data"]["duplicate"]) == (False, True)
    assert first["data"]["audio"] is False


def test_a_wrong_number_is_told_in_one_sentence(call):
    told = call("--from", "123", "--to", NUMBER)
    assert told.exit_code == 1
    assert "not a number in international form" in told.output
    assert "Traceback" not in told.output
