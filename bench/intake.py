"""Mail intake end to end: letters by SMTP into a running centre until each is a case.

    python -m bench.intake [--mails 1000] [--connections 4] [--profile]

Runs ``okno run`` with kb, email and sla on an empty SQLite data base, twice: without an acknowledgement text and with
one, where every letter is also answered and the answer sent. The CPU time is that of the worker process, in which
listener, intake, routing and outbox live; sending letters costs this process its own time on the same machine.
``--profile`` runs the worker alone instead, under cProfile in every thread, and prints where the time goes; the
profiler itself makes everything two to three times slower.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import smtplib
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path

from bench.house import SERVICES, circumstances, cpu_seconds, free_port, make_house, table

PLUGINS = ("kb", "email", "sla")
GOAL_MS = 5.0
WORDS = [
    "подпись",
    "сертификат",
    "отчёт",
    "ошибка",
    "документ",
    "контрагент",
    "сервер",
    "обновление",
    "доступ",
    "пароль",
    "счёт",
    "оплата",
    "форма",
    "выгрузка",
    "не",
    "открывается",
    "после",
    "вчера",
    "срочно",
    "помогите",
    "появляется",
    "сообщение",
    "программа",
    "установка",
    "ключ",
    "носитель",
    "кабинет",
    "сотрудник",
]


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: seconds until the last letter was accepted, was a case, and was answered; CPU seconds of the worker."""

    mails: int
    accepted: float
    cases: float
    answered: float
    cpu_cases: float
    cpu_all: float


def letters(count: int) -> list[tuple[str, str, bytes]]:
    """Sender, recipient and bytes: Russian, two alternatives, every tenth with a 20 KB attachment."""
    chance = random.Random(5)
    made = []
    for number in range(count):
        sender = f"client{number % 400}@customer{number % 40}.example"
        recipient = f"{SERVICES[number % len(SERVICES)]}@okno.example"
        paragraphs = [" ".join(chance.choices(WORDS, k=30)).capitalize() + "." for _ in range(4)]
        letter = EmailMessage()
        letter["From"], letter["To"] = f"Клиент {number % 400} <{sender}>", recipient
        letter["Subject"] = " ".join(chance.choices(WORDS, k=5)).capitalize()
        letter["Date"], letter["Message-ID"] = format_datetime(datetime.now(UTC)), make_msgid(domain="customer.example")
        letter.set_content("\n\n".join(paragraphs))
        letter.add_alternative("".join(f"<p>{paragraph}</p>" for paragraph in paragraphs), subtype="html")
        if number % 10 == 0:
            letter.add_attachment(chance.randbytes(20_000), "application", "octet-stream", filename="снимок.bin")
        made.append((sender, recipient, letter.as_bytes()))
    return made


def send(port: int, batch: list[tuple[str, str, bytes]]) -> None:
    """One connection, one letter after the other, as a mail server does it."""
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as smtp:
        for sender, recipient, raw in batch:
            smtp.sendmail(sender, [recipient], raw)


def wait_for(what: str, process: subprocess.Popen[bytes], check: Callable[[], bool], patience: float) -> None:
    """Ask ``check`` twenty times a second; AssertionError when ``process`` ends or after ``patience`` seconds."""
    until = time.monotonic() + patience
    while not check():
        if time.monotonic() > until:
            raise AssertionError(f"{what}: not within {patience:.0f} s")
        try:
            # Waiting for the end of a process that should go on is the pause between two looks.
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
        raise AssertionError(f"{what}: the centre ended with {process.returncode}")


def answers(port: int) -> bool:
    """Whether the SMTP listener greets."""
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=5):
            return True
    except (OSError, smtplib.SMTPException):
        return False


@contextmanager
def running(command: list[str], output: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A process that gets SIGINT at the end."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, cwd=Path(__file__).parent.parent)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def count(home: Path, statement: str) -> int:
    """One number from the data base, read beside the centre."""
    with closing(sqlite3.connect(f"file:{home / 'okno.db'}?mode=ro", uri=True, timeout=10)) as connection:
        return int(connection.execute(statement).fetchone()[0])


def measure(home: Path, port: int, centre: subprocess.Popen[bytes], pid: int, options: argparse.Namespace) -> Measured:
    """Send, and look until all are cases and nothing waits to be sent."""
    mails, connections = options.mails, options.connections
    batch = letters(mails)
    parts = [batch[part::connections] for part in range(connections)]
    threads = [threading.Thread(target=send, args=(port, part)) for part in parts]
    before, began = cpu_seconds(pid), time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    accepted = time.monotonic() - began
    # A count every 50 ms costs the centre nothing it would notice: WAL readers block nobody.
    wait_for("cases", centre, lambda: count(home, 'SELECT count(*) FROM "case"') >= mails, options.patience)
    cases, cpu_cases = time.monotonic() - began, cpu_seconds(pid) - before
    waiting = "SELECT count(*) FROM outbox WHERE state = 'pending'"
    wait_for("answers", centre, lambda: not count(home, waiting), options.patience)
    answered, cpu_all = time.monotonic() - began, cpu_seconds(pid) - before
    found = count(home, 'SELECT count(*) FROM "case"')
    if found != mails:
        raise AssertionError(f"{mails} letters became {found} cases")
    return Measured(mails, accepted, cases, answered, cpu_cases, cpu_all)


def run(options: argparse.Namespace, acknowledge: bool) -> Measured:
    """One measurement in a house of its own, served as ``okno run`` serves it."""
    with tempfile.TemporaryDirectory() as folder:
        home, port = Path(folder), free_port()
        make_house(home, PLUGINS, smtp_port=port, acknowledge=acknowledge)
        command = [sys.executable, "-m", "cli", "--home", folder, "run", "--port", "0"]
        with running(command, subprocess.DEVNULL) as centre:
            wait_for("the listener", centre, lambda: answers(port), options.patience)
            pid = json.loads((home / "run" / "okno.json").read_text())["children"]["worker"]
            return measure(home, port, centre, pid, options)


def profile(options: argparse.Namespace) -> None:
    """Run the worker under cProfile and print the thirty functions that took most."""
    with tempfile.TemporaryDirectory() as folder:
        home, port = Path(folder), free_port()
        make_house(home, PLUGINS, smtp_port=port, acknowledge=options.acknowledge)
        with running([sys.executable, "-m", "bench.intake", "--worker", folder]) as worker:
            wait_for("the listener", worker, lambda: answers(port), options.patience)
            print(rows([("under cProfile", measure(home, port, worker, worker.pid, options))]), flush=True)


def profiled_worker(home: Path) -> None:
    """The worker with a profiler in each of its threads, counting processor time, so that waiting is no work."""
    import cProfile
    import pstats

    from core.app import create_app
    from core.schedule import Worker

    profilers: list[cProfile.Profile] = []

    def begin(*_event: object) -> None:
        profiler = cProfile.Profile(time.thread_time)
        profilers.append(profiler)
        profiler.enable()

    app = create_app(home)
    threading.setprofile(begin)
    Worker(app).run()
    threading.setprofile(None)  # type: ignore[arg-type]
    stats = pstats.Stats(profilers[0])
    for profiler in profilers[1:]:
        stats.add(profiler)
    for order in ("cumulative", "tottime"):
        stats.sort_stats(order).print_stats(
            r"core/|plugins/|sqlalchemy|email/|aiosmtpd|nh3|posix|sqlite|charset" if order == "cumulative" else "", 60
        )


def rows(results: list[tuple[str, Measured]]) -> str:
    """The table."""
    head = ("letters", "accepted/s", "cases/s", "done/s", "CPU ms to case", "CPU ms in all", f"goal {GOAL_MS:.0f} ms")
    lines = []
    for name, result in results:
        to_case, in_all = (1000 * seconds / result.mails for seconds in (result.cpu_cases, result.cpu_all))
        rates = [f"{result.mails / seconds:.0f}" for seconds in (result.accepted, result.cases, result.answered)]
        lines.append(
            (
                f"{result.mails} {name}",
                *rates,
                f"{to_case:.2f}",
                f"{in_all:.2f}",
                "reached" if in_all <= GOAL_MS else "missed",
            )
        )
    return table(head, lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mails", type=int, default=1000)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--patience", type=float, default=120, help="seconds to wait for the last case")
    parser.add_argument("--acknowledge", action="store_true", help="profile with acknowledgements")
    parser.add_argument("--profile", action="store_true", help="print where the worker's time goes")
    parser.add_argument("--worker", type=Path, metavar="HOME", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        profiled_worker(options.worker)
        return 0
    if options.profile:
        profile(options)
        return 0
    kinds = (("taken in", False), ("taken in and acknowledged", True))
    results = [(name, run(options, acknowledge)) for name, acknowledge in kinds]
    print(f"Mail intake by SMTP, CPU of the worker process, {circumstances()}")
    print(rows(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
