"""The ``okno`` command as an administrator uses it, as a process."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.conftest import Here
from tests.support.okno_process import Okno

pytestmark = pytest.mark.feature("A-01")
GROUPS = {
    "plugins": ("list", "enable", "disable"),
    "users": ("list", "add", "disable", "enable", "password", "roles"),
    "roles": ("list",),
    "teams": ("list", "add", "members"),
    "services": ("list", "add", "set", "entries", "teams", "disable"),
    "dispositions": ("list", "add"),
    "workflows": ("list", "define"),
    "outbox": ("list", "retry"),
    "intake": ("list", "retry"),
    "db": ("upgrade",),
    "demo": ("load",),
}
SINGLE = ("init", "run", "web", "worker", "doctor", "audit", "completion")


@pytest.fixture
def house(okno_here: Here) -> Here:
    """A centre without plugins."""
    (okno_here.home / "okno.toml").write_text("# ours\n[core]\nplugins = []  # none yet\n", "utf-8")
    assert okno_here("init").code == 0
    return okno_here


def test_help_lists_every_command_and_needs_no_centre(okno: Okno) -> None:
    shown = okno("--help")
    assert shown.code == 0
    listed = set(re.findall(r"^  (\w+)  ", shown.stdout, re.MULTILINE))
    assert {*GROUPS, *SINGLE} <= listed


def test_help_works_with_broken_settings_and_says_what_is_wrong(okno: Okno) -> None:
    (okno.home / "okno.toml").write_text("[core\n", "utf-8")
    shown = okno("--help")
    assert shown.code == 0
    assert "users" in shown.stdout
    assert "not valid TOML" in shown.stderr
    for words in (("users", "--help"), ("users", "add", "--help"), ("plugins", "enable", "--help")):
        assert okno(*words).code == 0


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ("[core\n", "not valid TOML"),
        ("[core]\nlanguag = 'ru'\n", "languag"),
        ("[web]\nport = 'many'\n", "'web.port' must be a whole number"),
        ("[core]\nlanguage = 'de'\n", "must be one of ru, en"),
    ],
)
def test_broken_settings_are_one_sentence(okno_here: Here, settings: str, sentence: str) -> None:
    (okno_here.home / "okno.toml").write_text(settings, "utf-8")
    failed = okno_here("users", "list")
    assert failed.code == 1
    assert failed.stdout == ""
    assert sentence in failed.stderr
    assert len(failed.stderr.strip().splitlines()) == 1
    told = okno_here("users", "list", "--json")
    assert told.code == 1
    assert told.json()["ok"] is False
    assert told.json()["error"]["code"] == "config"
    assert sentence in told.json()["error"]["text"]


def test_a_wrong_call_is_2_and_points_to_the_help(okno_here: Here) -> None:
    failed = okno_here("users", "add")
    assert failed.code == 2
    assert "LOGIN" in failed.stderr
    assert "okno users add --help" in failed.stderr
    assert okno_here("nothing").code == 2
    told = okno_here("users", "add", "--json")
    assert (told.code, told.json()["error"]["code"]) == (2, "usage")


def test_a_home_that_is_not_there_is_not_made_by_mistake(tmp_path: Path) -> None:
    done = Here(tmp_path / "typo")("users", "list")
    assert done.code == 1
    assert "make one with  okno --home" in done.stderr
    assert not (tmp_path / "typo").exists()


def test_init_makes_a_commented_okno_toml_and_may_be_repeated(okno_here: Here) -> None:
    first, second = okno_here("init", "--json"), okno_here("init", "--json")
    assert first.json()["data"]["created"] is True
    assert "core" in first.json()["data"]["migrated"]
    assert second.json()["data"]["created"] is False
    assert second.json()["data"]["migrated"] == []
    text = (okno_here.home / "okno.toml").read_text("utf-8")
    assert "# Enabled plugins" in text
    assert (okno_here.home / "secret.key").stat().st_mode & 0o077 == 0


def test_people_and_teams_from_first_to_last(house: Here) -> None:
    assert house("teams", "add", "experts", "--title", "Experts", "--title-ru", "Эксперты").code == 0
    added = house(
        "users", "add", "anna", "--first-name", "Анна", "--team", "experts", "--role", "agent", "--password-stdin", "--json",
        input="correct horse battery\n",
    )  # fmt: skip
    assert added.json()["data"]["teams"] == ["experts"]
    assert "correct horse" not in added.stdout + added.stderr
    again = house("users", "add", "anna", "--first-name", "Анна", "--no-password", "--json")
    assert again.json()["error"]["code"] == "exists"
    changed = house("users", "add", "anna", "--email", "anna@example.com", "--role", "admin", "--update", "--json")
    assert (
        changed.json()["data"] | {"email": "anna@example.com", "roles": ["admin"], "password": True}
        == changed.json()["data"]
    )
    refused = house("users", "disable", "anna", "--json")
    assert refused.json()["error"]["code"] == "last-admin"
    assert house("users", "add", "boss", "--first-name", "Boss", "--role", "admin", "--no-password").code == 0
    assert house("users", "disable", "anna", "--json").json()["data"]["disabled"] is True
    assert house("users", "list").stdout.count("anna@example.com") == 1
    assert house("teams", "members", "experts", "boss", "--supervisor", "boss", "--json").json()["data"][
        "supervisors"
    ] == ["boss"]
    log = house("audit", "--json").json()["data"]
    assert [entry["action"] for entry in log if entry["object_id"] == "anna"] == [
        "user.disable", "user.roles", "user.change", "user.add"]  # fmt: skip
    assert all(entry["actor"].startswith("cli:") for entry in log)


def test_a_password_is_asked_for_only_at_a_terminal(house: Here) -> None:
    failed = house("users", "add", "anna", "--first-name", "Anna")
    assert failed.code == 2
    assert "--password-stdin" in failed.stderr
    short = house("users", "add", "anna", "--first-name", "Anna", "--password-stdin", input="short\n")
    assert short.code == 1
    assert "8 to 200 characters" in short.stderr


def test_a_service_with_entries_dispositions_and_a_workflow(house: Here, tmp_path: Path) -> None:
    house("teams", "add", "experts")
    added = house(
        "services", "add", "support", "--title-ru", "Поддержка", "--team", "experts", "--offer-seconds", "45", "--json"
    )
    assert added.json()["data"] | {"offer_seconds": 45, "default": True, "title": "Поддержка"} == added.json()["data"]
    entries = house("services", "entries", "support", "email:Help@Example.com", "--json").json()["data"]["entries"]
    assert entries == ["email:help@example.com"]
    assert house("services", "entries", "support", "help@example.com").code == 2
    set_again = house("services", "set", "support", "--signature", "С уважением", "--pull", "--json").json()["data"]
    assert (set_again["texts"], set_again["push"]) == ({"signature": "С уважением"}, False)
    wrong = house("services", "set", "support", "--wrap-up-seconds", "99999")
    assert (wrong.code, "wrap_up_seconds: From 0 to 3600." in wrong.stderr) == (1, True)
    recipe = tmp_path / "survey.yml"
    recipe.write_text("key: survey\ntitle: {en: Survey, ru: Опрос}\nsteps:\n  - {type: wait, minutes: 30}\n", "utf-8")
    assert house("workflows", "define", str(recipe), "--json").json()["data"] == {"key": "survey", "version": 1}
    assert house("workflows", "define", str(recipe), "--json").json()["data"]["version"] == 1
    add = ("dispositions", "add", "--service", "support")
    assert house(*add, "solved", "--title-ru", "Решено", "--workflow", "survey").code == 0
    below = house(*add, "advice", "--parent", "solved", "--interim", "--success", "success", "--json").json()["data"]
    assert (below["closes_case"], below["success"]) == (False, "success")
    rows = house("dispositions", "list", "--service", "support", "--json").json()["data"]
    assert [(row["depth"], row["key"]) for row in rows] == [(0, "solved"), (1, "advice")]
    assert (
        house(*add, "odd", "--workflow", "nothing").stderr.strip()
        == "Error: workflow_key: There is no workflow «nothing»."
    )


def test_empty_lists_say_what_to_do(house: Here) -> None:
    for group in ("users", "teams", "services", "dispositions"):
        shown = house(group, "list")
        assert shown.code == 0
        assert f"okno {group} add" in shown.stdout
        assert house(group, "list", "--json").json() == {"ok": True, "data": []}
    assert house("outbox", "retry", "--all", "--json").json() == {"ok": True, "data": {"retried": []}}
    assert house("intake", "retry").code == 2


def test_doctor_names_what_is_wrong_and_how_to_mend_it(house: Here) -> None:
    shown = house("doctor")
    assert shown.code == 1
    assert "no worker is running" in shown.stdout
    assert "okno users add" in shown.stdout
    told = house("doctor", "--json").json()["data"]
    assert told["healthy"] is False
    assert {check["name"] for check in told["checks"] if not check["ok"]} == {"worker", "people"}
    (house.home / "secret.key").chmod(0o644)
    (house.home / "okno.toml").write_text("[core]\nplugins = ['kbb']\n", "utf-8")
    bad = {check["name"]: check for check in house("doctor", "--json").json()["data"]["checks"] if not check["ok"]}
    assert "chmod 600" in bad["secrets"]["mend"]
    assert "Did you mean 'kb'?" in bad["plugins"]["detail"]


def test_doctor_examines_a_house_that_cannot_open(okno_here: Here) -> None:
    (okno_here.home / "okno.toml").write_text("[web]\nport = 'many'\n", "utf-8")
    shown = okno_here("doctor")
    assert shown.code == 1
    assert "'web.port' must be a whole number" in shown.stdout
    (okno_here.home / "okno.toml").write_text(
        "[core]\ndatabase_url = 'postgresql+psycopg://okno:secret@127.0.0.1:1/okno'\n", "utf-8"
    )
    shown = okno_here("doctor")
    assert shown.code == 1
    assert "start the data base" in shown.stdout
    assert "secret@" not in shown.stdout


def test_a_centre_whose_migrations_have_not_run_says_so(okno_here: Here) -> None:
    (okno_here.home / "okno.toml").write_text("[core]\nplugins = []\n", "utf-8")
    told = okno_here("users", "list", "--json")
    assert told.json()["error"]["code"] == "schema"
    assert "okno db upgrade" in told.json()["error"]["text"]
    assert okno_here("db", "upgrade").code == 0
    assert okno_here("users", "list").code == 0


def test_messages_are_russian_in_a_russian_terminal(house: Here) -> None:
    failed = house("users", "disable", "nobody", env={"LC_ALL": "ru_RU.UTF-8"})
    assert failed.stderr.strip() == "Ошибка: Нет такого: пользователь «nobody»."


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(okno: Okno, shell: str) -> None:
    shown = okno("completion", shell)
    assert shown.code == 0
    assert "_OKNO_COMPLETE" in shown.stdout
