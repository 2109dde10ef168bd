"""Settings: types, sources, and errors that say what to write instead."""

from __future__ import annotations

import stat

import pytest

from core import config
from core.contracts import Setting, Text

EXTRA = Setting("email.smtp_port", int, 2525, Text("Port", "Порт"))
DECLARED = [*config.CORE_SETTINGS, EXTRA]


def load(home, text="", dormant=(), **overrides):
    if text:
        (home / "okno.toml").write_text(text, "utf-8")
    return config.load(home, DECLARED, dormant, {key.replace("__", "."): value for key, value in overrides.items()})


def test_defaults_apply_and_say_so(home):
    loaded = load(home)
    assert (loaded.get("web.port"), loaded.sources["web.port"]) == (8000, "default")
    assert loaded.database_url == f"sqlite:///{home}/okno.db"


def test_file_environment_and_overrides_win_in_this_order(home, monkeypatch):
    text = "[web]\nport = 1\nthreads = 7\n[core]\nlanguage = 'en'\n"
    monkeypatch.setenv("OKNO_WEB_PORT", "2")
    monkeypatch.setenv("OKNO_WEB_THREADS", "8")
    loaded = load(home, text, web__port=3)
    assert (loaded.get("web.port"), loaded.get("web.threads"), loaded.get("core.language")) == (3, 8, "en")
    assert loaded.sources["web.threads"] == "environment"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[web]\nprot = 1\n", "unknown setting 'web.prot'. Did you mean 'web.port'?"),
        ("[web]\nport = 'x'\n", "'web.port' must be a whole number, not 'x'"),
        ("[web]\nport = true\n", "'web.port' must be a whole number"),
        ("[core]\nlanguage = 'de'\n", "must be one of ru, en"),
        ("[core]\nplugins = 'kb'\n", None),
        ("[core\n", "not valid TOML"),
        ("port = 1\n", "'port' must stand in a section"),
        ("[nothing]\nx = 1\n", "unknown setting 'nothing.x'"),
        ("[core]\ndatabase_url = 5\n", "must be text, not ***"),
    ],
)
def test_a_broken_file_is_one_clear_sentence(home, text, says):
    if says is None:
        assert load(home, text).get("core.plugins") == ["kb"]
        return
    with pytest.raises(config.ConfigError) as broken:
        load(home, text)
    assert says in str(broken.value)
    assert "okno.toml" in str(broken.value)


def test_the_section_of_a_disabled_plugin_is_kept_unread(home):
    assert load(home, "[fax]\nanything = [1]\n", dormant=["fax"]).get("web.port") == 8000


def test_the_secret_key_is_made_once_for_its_owner_only(home):
    loaded = load(home)
    assert loaded.secret_key() == loaded.secret_key()
    assert stat.S_IMODE((home / "secret.key").stat().st_mode) == 0o600
