"""``kill -9`` while letters arrive: every letter is one case and has one acknowledgement, whatever was killed when.

The killer strikes when given numbers of letters have been taken, drawn from a fixed seed; the senders do what mail servers do:
they try again after a broken connection or a 4xx answer, with the same letter.
"""

from __future__ import annotations

import json
import os
import random
import signal
import smtplib
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.letters import letter
from tests.support.mail_house import MailHouse, deliver, listens
from tests.support.mail_sink import MailSink
from tests.support.okno_process import Okno, Served
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.feature("E-01", "E-05"), pytest.mark.slow]
SENDERS = 4
PATIENCE = 120.0


def letters(count: int) -> list[tuple[str, bytes]]:
    """Sender and bytes of distinct letters, four by each person: a fifth within minutes would look like a machine."""
    people = [f"client{number // 4}@customer.example" for number in range(count)]
    return [
        (
            person,
            letter(
                f"Текст {number}",
                sender=f"Клиент <{person}>",
                subject=f"Письмо {number}",
                message_id=f"<{number}@customer.example>",
            ),
        )
        for number, person in enumerate(people)
    ]


class MailServer(threading.Thread):
    """Delivers its letters one after the other, each until it is taken."""

    def __init__(self, port: int, batch: list[tuple[str, bytes]], taken: list[int]) -> None:
        super().__init__(daemon=True)
        self.port, self.batch, self.taken = port, batch, taken
        self.attempts = 0
        self.problem: Exception | None = None

    def run(self) -> None:
        pause, deadline = threading.Event(), time.monotonic() + PATIENCE
        for sender, raw in self.batch:
            while not self._delivered(sender, raw):
                if time.monotonic() > deadline:
                    self.problem = self.problem or AssertionError(f"not taken within {PATIENCE:g} s")
                    return
                pause.wait(0.05)
            self.taken.append(1)

    def _delivered(self, sender: str, raw: bytes) -> bool:
        self.attempts += 1
        try:
            deliver(self.port, raw, sender)
        except smtplib.SMTPResponseException as error:
            if error.smtp_code >= 500:
                self.problem = error
            return False
        except (smtplib.SMTPException, OSError):
            return False
        return True


def send_all(port: int, batch: list[tuple[str, bytes]], strikes: list[int], strike: Callable[[], None]) -> int:
    """Deliver the batch by several servers and strike when so many letters are taken; returns the attempts that were needed."""
    taken: list[int] = []
    servers = [MailServer(port, batch[part::SENDERS], taken) for part in range(SENDERS)]
    for server in servers:
        server.start()
    for number in strikes:
        wait_until(lambda number=number: len(taken) >= number, PATIENCE, f"{number} letters")
        strike()
    for server in servers:
        server.join(PATIENCE)
    assert [server.problem for server in servers] == [None] * SENDERS
    assert len(taken) == len(batch)
    return sum(server.attempts for server in servers)


def check(house: MailHouse, sink: MailSink, count: int) -> None:
    """Wait until nothing is left to do, then count everything twice: in the data base and at the customers' mail server."""
    wait_until(
        lambda: not house.count("SELECT count(*) FROM intake WHERE state = 'new'"), PATIENCE, "all letters processed"
    )
    wait_until(
        lambda: not house.count("SELECT count(*) FROM outbox WHERE state = 'pending'"), PATIENCE, "all answers sent"
    )
    subjects = sorted(subject for (subject,) in house.rows('SELECT subject FROM "case"'))
    assert subjects == sorted(f"Письмо {number}" for number in range(count))
    assert house.rows("SELECT state, count(*) FROM intake GROUP BY state") == [("done", count)]
    assert house.rows("SELECT direction, count(*) FROM message GROUP BY direction ORDER BY direction") == [
        ("in", count),
        ("out", count),
    ]
    assert house.rows("SELECT state, count(*) FROM outbox GROUP BY state") == [("sent", count)]
    assert house.count("SELECT count(*) FROM interaction WHERE state = 'queued'") == count
    by_id: dict[str, set[bytes]] = defaultdict(set)
    by_letter: dict[str, set[str]] = defaultdict(set)
    for mail in sink.mails:
        by_id[str(mail.message["Message-ID"])].add(mail.raw)
        by_letter[str(mail.message["In-Reply-To"])].add(str(mail.message["Message-ID"]))
    assert sorted(by_letter) == sorted(f"<{number}@customer.example>" for number in range(count))
    # A worker killed between the server's 250 and its own note sends again: the same letter under the same Message-ID.
    assert all(len(ids) == 1 for ids in by_letter.values())
    assert all(len(raws) == 1 for raws in by_id.values())


def sending(sink: MailSink) -> dict[str, str]:
    return {
        "OKNO_EMAIL_SMTP_SERVER": sink.host,
        "OKNO_EMAIL_SMTP_SERVER_PORT": str(sink.port),
        "OKNO_EMAIL_SMTP_SECURITY": "none",
    }


def test_500_letters_are_500_cases_while_web_and_worker_are_killed(
    home: Path, serve: Callable[..., Served], mail_sink: MailSink
):
    house = MailHouse(home)
    house.furnish()
    served = serve(env=sending(mail_sink))
    wait_until(lambda: listens(served.smtp_port), 30, "the SMTP listener")
    chance = random.Random(20261121)
    pause = threading.Event()
    killed: list[int] = []

    def strike() -> None:
        name = "web" if len(killed) % 3 == 2 else "worker"

        def fresh() -> int:
            pid = json.loads((home / "run/okno.json").read_text())["children"].get(name, 0)
            return 0 if pid in killed else int(pid)

        pid = wait_until(fresh, PATIENCE, f"a {name} to kill")
        pause.wait(chance.random() * 0.1)
        os.kill(pid, signal.SIGKILL)
        killed.append(pid)

    attempts = send_all(served.smtp_port, letters(500), sorted(chance.sample(range(10, 490), 7)), strike)
    assert len(set(killed)) == 7
    assert attempts > 500
    check(house, mail_sink, 500)


@pytest.mark.postgresql
@pytest.mark.feature("A-05")
def test_two_workers_on_one_data_base_double_nothing_while_they_are_killed(
    okno: Okno, home: Path, postgresql_url: str, mail_sink: MailSink, new_port: Callable[[], int], tmp_path: Path
):
    house = MailHouse(home, postgresql_url)
    house.furnish()
    port = new_port()
    variables = {**sending(mail_sink), "OKNO_EMAIL_SMTP_PORT": str(port)}
    chance = random.Random(7)
    workers: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        workers.append(okno.start("worker", log=tmp_path / f"worker-{len(workers)}.log", env=variables))

    def strike() -> None:
        victim = workers.pop(chance.randrange(2))
        victim.kill()
        victim.wait(30)
        start()

    start()
    start()
    try:
        wait_until(lambda: listens(port), 30, "the SMTP listener")
        send_all(port, letters(200), sorted(chance.sample(range(10, 190), 4)), strike)
        check(house, mail_sink, 200)
    finally:
        for worker in workers:
            worker.terminate()
        assert [worker.wait(30) for worker in workers] == [0, 0]
