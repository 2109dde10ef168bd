"""``okno plugins``: enable and disable, with the data base migrated and kept."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Here
from tests.support.okno_process import Okno
from tests.support.places import ROOT

pytestmark = pytest.mark.feature("A-01", "P-02")
SETTINGS = """\
# kept above
[core]
language = "en"   # kept beside
plugins = []

[web]
port = 8123
"""


@pytest.fixture
def house(okno_here: Here) -> Here:
    (okno_here.home / "okno.toml").write_text(SETTINGS, "utf-8")
    assert okno_here("init").code == 0
    return okno_here


def tables(home: Path) -> set[str]:
    with closing(sqlite3.connect(home / "okno.db")) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_enabling_migrates_and_disabling_keeps_the_data(house: Here) -> None:
    before = tables(house.home)
    assert not any(name.startswith("kb_") for name in before)
    assert "kb" not in house("--help").stdout.split()
    enabled = house("plugins", "enable", "kb", "--json").json()["data"]
    assert (enabled["plugins"], enabled["enabled"], enabled["migrated"]) == (["kb"], ["kb"], ["kb"])
    with_kb = tables(house.home)
    assert any(name.startswith("kb_") for name in with_kb - before)
    assert house("kb", "--help").code == 0
    assert "kb.edit" in str(house("roles", "list", "--json").json()["data"])
    disabled = house("plugins", "disable", "kb", "--json").json()["data"]
    assert (disabled["plugins"], disabled["disabled"]) == ([], ["kb"])
    assert tables(house.home) == with_kb
    assert house("kb", "--help").code == 2
    assert house("users", "list").code == 0
    assert house("plugins", "enable", "kb", "--json").json()["data"]["migrated"] == []


def test_comments_and_other_settings_stay(house: Here) -> None:
    house("plugins", "enable", "chat")
    text = (house.home / "okno.toml").read_text("utf-8")
    assert text == SETTINGS.replace("plugins = []", 'plugins = ["chat"]')


def test_repeating_changes_nothing(house: Here) -> None:
    assert "nothing to change" in house("plugins", "disable", "kb").stdout
    house("plugins", "enable", "chat")
    assert "nothing to change" in house("plugins", "enable", "chat").stdout


def test_an_unknown_plugin_is_refused_with_the_nearest_name(house: Here) -> None:
    failed = house("plugins", "enable", "emial")
    assert failed.code == 1
    assert "Did you mean 'email'?" in failed.stderr
    assert (house.home / "okno.toml").read_text("utf-8") == SETTINGS


def test_a_missing_extra_is_named(house: Here, okno: Okno, tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    blocker = "import importlib.util as u\nreal = u.find_spec\nu.find_spec = lambda n, p=None: None if n == 'whoosh' else real(n, p)\n"
    (hidden / "sitecustomize.py").write_text(blocker, "utf-8")
    failed = okno("plugins", "enable", "kb", env={"PYTHONPATH": f"{hidden}:{ROOT}"})
    assert failed.code == 1
    assert "pip install 'okno[kb]'" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert (house.home / "okno.toml").read_text("utf-8") == SETTINGS


def test_the_file_is_put_back_when_the_plugin_does_not_start(house: Here) -> None:
    broken = SETTINGS + '\n[email]\nsmtp_port = "many"\n'
    (house.home / "okno.toml").write_text(broken, "utf-8")
    failed = house("plugins", "enable", "email")
    assert failed.code == 1
    assert "email.smtp_port" in failed.stderr
    assert (house.home / "okno.toml").read_text("utf-8") == broken


def test_the_list_shows_state_and_missing_ones(house: Here) -> None:
    rows = {row["name"]: row for row in house("plugins", "list", "--json").json()["data"]}
    assert {"kb", "email", "sla", "chat", "voice"} <= set(rows)
    assert not any(row["enabled"] for row in rows.values())
    assert rows["kb"]["shipped"] is True
    (house.home / "okno.toml").write_text('[core]\nplugins = ["gone"]\n', "utf-8")
    gone = next(row for row in house("plugins", "list", "--json").json()["data"] if row["name"] == "gone")
    assert gone["enabled"] is True
    assert "no installed package" in gone["problem"]


def test_a_list_set_by_the_environment_is_not_edited_in_vain(house: Here) -> None:
    failed = house("plugins", "enable", "chat", env={"OKNO_CORE_PLUGINS": "kb"})
    assert failed.code == 1
    assert "OKNO_CORE_PLUGINS" in failed.stderr
