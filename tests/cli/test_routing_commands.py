"""Routing set up by commands alone, and what they say to wrong input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Here

SETUP = """
okno_config: 1
teams: [{key: first, title_en: First}, {key: experts, title_en: Experts}]
services: [{key: support, title_en: Support, teams: [{team: first}]}]
"""
HOURS = "zone: Europe/Moscow\nweekly: {mon-fri: ['09:00-18:00']}\n"


@pytest.fixture
def house(okno_here: Here) -> Here:
    """A centre with the email channel, two teams and two agents."""
    (okno_here.home / "okno.toml").write_text("[core]\nplugins = ['email', 'sla']\n", "utf-8")
    assert okno_here("init").code == 0
    assert okno_here("config", "import", "-", input=SETUP).code == 0
    for login, team in (("anna", "first"), ("boris", "experts")):
        words = ("users", "add", login, "--first-name", login.title(), "--team", team, "--no-password")
        assert okno_here(*words).code == 0
    return okno_here


def data(house: Here, *words: str, **options: Any) -> Any:
    done = house(*words, "--json", **options)
    assert done.code == 0, done.stdout + done.stderr
    return json.loads(done.stdout)["data"]


@pytest.mark.feature("R-01", "R-02", "R-03", "R-06")
def test_a_service_is_routed_by_commands_and_the_route_is_explained(house: Here, tmp_path: Path) -> None:
    hours = tmp_path / "hours.yml"
    hours.write_text(HOURS, "utf-8")
    assert (
        data(house, "calendars", "set", "office", str(hours), "--title", "Office")["settings"]["zone"]
        == "Europe/Moscow"
    )
    assert house("skills", "add", "tax", "--title", "Taxes").code == 0
    assert data(house, "skills", "user", "anna", "tax=2")["skills"] == {"tax": 2}
    routing = (
        "--calendar",
        "office",
        "--agent-choice",
        "most_skilled",
        "--target-percent",
        "90",
        "--target-seconds",
        "20",
    )
    assert data(house, "services", "set", "support", *routing)["calendar"] == "office"
    assert data(house, "services", "teams", "support", "first", "experts:2:60")["places"] == ["first", "experts:2:60"]
    assert data(house, "services", "skills", "support", "tax:3:60:1")["skills"] == ["tax:3:60:1"]
    lines = data(house, "services", "lines", "support", "1:900:3600:Первая/First", "2:1800")
    assert [(line["number"], line["title_en"], line["take_seconds"]) for line in lines] == [
        (1, "First", 900),
        (2, "Line 2", 1800),
    ]
    team = data(house, "teams", "set", "first", "--capacity", "email=2/8", "--after-work", "not_ready")
    assert team["capacity"] == {"email": {"push": 2, "limit": 8}}
    assert any("up to 2 at once" in sentence for sentence in team["meaning"])
    assert data(house, "users", "capacity", "anna", "email=3/9")["capacity"] == {"email": {"push": 3, "limit": 9}}

    found = data(house, "services", "explain", "support", "--at", "2026-06-16 12:00")
    assert found["answer"] == "Nobody would get it now: it waits in the queue."
    assert {agent["login"]: agent["text"] for agent in found["agents"]} == {
        "anna": "«Taxes» 2 of 3; enough in 00:01:00",
        "boris": "stands on line 2",
    }
    waited = data(house, "services", "explain", "support", "--at", "2026-06-16 12:00", "--waited", "60")
    assert waited["agents"][0]["text"] == "is not signed in"
    night = house("services", "explain", "support", "--at", "2026-06-16 23:00", env={"LC_ALL": "ru_RU.UTF-8"})
    assert "Закрыт до 17.06 09:00: обращение ждёт открытия." in night.stdout
    assert [row["line"] for row in data(house, "sla", "lines")] == [1, 2]


@pytest.mark.feature("R-07")
def test_addressees_and_reasons_are_set_by_commands(house: Here) -> None:
    target = data(house, "ping-targets", "set", "expert", "--team", "experts", "--field", "tried*=Пробовали/Tried")
    assert (target["team"], target["fields"]) == ("experts", ["tried*"])
    assert data(house, "ping-targets", "set", "expert", "--off")["active"] is False
    assert data(house, "reasons", "set", "walk", "--title", "Walk", "--break")["is_break"] is True
    assert "walk" in [row["key"] for row in data(house, "reasons", "list")]
    assert house("reasons", "remove", "walk").code == 0
    assert house("ping-targets", "remove", "expert").code == 0


@pytest.mark.feature("R-01")
def test_the_configuration_goes_out_and_comes_in_without_a_change(house: Here, tmp_path: Path) -> None:
    kept = tmp_path / "kept.yml"
    assert "rows of 11 sections" in house("config", "export", str(kept)).stdout
    assert house("config", "import", str(kept)).stdout.strip() == "nothing to change"
    kept.write_text(kept.read_text("utf-8").replace("offer_seconds: 30", "offer_seconds: 40"), "utf-8")
    dry = house("config", "import", str(kept), "--dry-run")
    assert "~ service support (service.change)" in dry.stdout and "offer_seconds: 30 -> 40" in dry.stdout
    assert data(house, "services", "list")[0]["offer_seconds"] == 30
    assert len(data(house, "config", "import", str(kept))["changes"]) == 1
    assert data(house, "services", "list")[0]["offer_seconds"] == 40


WRONG = (
    (("skills", "user", "anna", "tax=9"), "not-found", "«tax»"),
    (("services", "set", "support", "--overflow", "support"), "overflow-circle", "support → support"),
    (("services", "set", "support", "--calendar", "nobody"), "not-found", "no calendar «nobody»"),
    (("services", "set", "support", "--target-seconds", "-5"), "invalid", "From 1"),
    (("services", "teams", "support", "first:12"), "invalid", "From 1 to 9"),
    (("services", "lines", "support", "1:5:5", "1:6:6"), "line-twice", "number 1"),
    (("services", "explain", "nowhere"), "not-found", "«nowhere»"),
    (("services", "explain"), "usage", "name a service"),
    (("teams", "set", "first", "--capacity", "email=5/2"), "invalid", "cannot offer more"),
    (("teams", "set", "first", "--capacity", "email"), "usage", "CHANNEL=PUSH/LIMIT"),
    (("teams", "set", "first"), "usage", "nothing to change"),
    (("calendars", "remove", "default"), "built-in", "built-in"),
    (("ping-targets", "set", "expert"), "team-needed", "needs a team"),
)


def test_wrong_input_gets_a_sentence_and_a_code(house: Here) -> None:
    for words, code, text in WRONG:
        done = house(*words, "--json")
        assert done.code != 0, words
        error = json.loads(done.stdout)["error"]
        assert (error["code"], text in error["text"]) == (code, True), (words, error)
