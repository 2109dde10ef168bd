"""``okno email``: each subcommand works from a shell, outside of any running process."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Here

LETTER = "From: anna@example.org\nTo: help@example.com\nMessage-ID: <one@example.org>\nSubject: Hello\n\nHelp\n"
pytestmark = pytest.mark.feature("A-01")


@pytest.fixture
def house(okno_here: Here) -> Here:
    (okno_here.home / "okno.toml").write_text("[core]\nplugins = ['email']\n", "utf-8")
    assert okno_here("init").code == 0
    return okno_here


def test_letters_are_taken_in_from_a_pipe_and_from_files_once(house: Here) -> None:
    piped = house("email", "take-in", "--json", input=LETTER).json()["data"]["intake"]
    (house.home / "letter.eml").write_text(LETTER.replace("one@", "two@"), "utf-8")
    letter = str(house.home / "letter.eml")
    filed = house("email", "take-in", letter, "--json").json()["data"]["intake"]
    assert len(piped) == len(filed) == 1 and piped != filed
    assert house("email", "take-in", letter, "--to", "help@example.com", "--json").json()["data"]["intake"] == filed
    assert "1 stored" in house("email", "take-in", letter).stdout


def test_without_a_server_they_say_what_is_missing(house: Here) -> None:
    for command, missing in (("test", "email.smtp_server"), ("poll", "email.imap_server")):
        done = house("email", command)
        assert done.code == 1 and missing in done.stderr, done


def test_a_server_that_is_not_there_is_named(house: Here) -> None:
    settings = {"OKNO_EMAIL_SMTP_SERVER": "127.0.0.1", "OKNO_EMAIL_SMTP_SERVER_PORT": "1"}
    done = house("email", "test", env=settings)
    assert done.code == 1 and "127.0.0.1" in done.stderr
