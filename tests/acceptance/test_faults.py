"""What happens to letters while something is broken: they are refused for now or kept, never lost and never doubled."""

from __future__ import annotations

import json
import resource
import smtplib
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.letters import letter
from tests.support.mail_house import MailHouse, deliver, listens
from tests.support.okno_process import Served
from tests.support.waiting import wait_until

pytestmark = pytest.mark.feature("E-01")
CASES = 'SELECT count(*) FROM "case"'


@pytest.fixture
def house(home: Path) -> MailHouse:
    furnished = MailHouse(home)
    furnished.furnish()
    return furnished


@pytest.fixture
def centre(house: MailHouse, serve: Callable[..., Served]) -> Served:
    """A running centre whose listener answers."""
    served = serve()
    wait_until(lambda: listens(served.smtp_port), 30, "the SMTP listener")
    return served


def worker_pid(home: Path) -> int:
    """The worker's process number, as the supervisor has written it down."""
    return int(json.loads((home / "run/okno.json").read_text())["children"]["worker"])


def refused_for_now(port: int, raw: bytes) -> bool:
    """Whether the letter got a 4xx answer."""
    try:
        deliver(port, raw)
    except smtplib.SMTPResponseException as error:
        return 400 <= error.smtp_code < 500
    except smtplib.SMTPRecipientsRefused as error:
        return all(400 <= code < 500 for code, _ in error.recipients.values())
    return False


@pytest.mark.slow
def test_while_the_data_base_is_locked_senders_are_asked_to_come_back(centre, house):
    raw = letter()
    with closing(sqlite3.connect(house.home / "okno.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert refused_for_now(centre.smtp_port, raw)
        other.execute("ROLLBACK")
    deliver(centre.smtp_port, raw)
    wait_until(lambda: house.count(CASES) == 1, 30, "the case")
    assert house.count("SELECT count(*) FROM intake") == 1


def test_while_the_disk_is_full_senders_are_asked_to_come_back(centre, house):
    raw = letter("Важное", files=[("журнал.bin", bytes(3 << 20))])
    pid = worker_pid(house.home)
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
    assert refused_for_now(centre.smtp_port, raw)
    assert refused_for_now(centre.smtp_port, letter("Короткое"))
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))
    assert worker_pid(house.home) == pid
    deliver(centre.smtp_port, raw)
    wait_until(lambda: house.count(CASES) == 1, 30, "the case")
    assert house.rows("SELECT size FROM stored_file") == [(3 << 20,)]


def test_a_files_folder_that_cannot_be_written_refuses_for_now(centre, house):
    folder = house.home / "files"
    if folder.exists():
        folder.rename(house.home / "files.away")
    folder.write_text("not a folder")
    assert refused_for_now(centre.smtp_port, letter())
    folder.unlink()
    deliver(centre.smtp_port, letter())
    wait_until(lambda: house.count(CASES) == 1, 30, "the case")
