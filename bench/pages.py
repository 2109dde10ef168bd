"""The group queue and the list of cases in a centre with 100,000 cases, on SQLite and, where installed, on PostgreSQL.

    python -m bench.pages [--cases 100000] [--rounds 60]

Wall and CPU milliseconds of each page for an agent of one team and for an administrator who sees everything: in this
process (Flask's test client, so that only the application is measured) and over HTTP from ``okno web``. Then the number
of statements, which must not grow with the tables.
"""

from __future__ import annotations

import argparse
import http.client
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from bench.house import (
    PASSWORD,
    SERVICES,
    circumstances,
    cpu_seconds,
    free_port,
    make_house,
    percentile,
    postgresql,
    table,
)

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

GOAL_P95_MS = 60.0
PLUGINS = ("kb", "email", "sla")
CHUNK = 5000
WAITING, IN_HAND = 1000, 400
PAGES = (
    ("home, whole page", "/"),
    ("group queue, whole page", "/queue"),
    ("group queue", "/queue"),
    ("cases, mine", "/cases?scope=mine"),
    ("cases, all active", "/cases?scope=all"),
    ("cases, all closed", "/cases?scope=all&status=closed"),
    ("a case", "/cases/{case}"),
)
VIEWERS = ("support0", "admin")
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def fill(app: Flask, cases: int) -> None:
    """Contacts, cases, interactions and messages by bulk inserts: 1,000 wait, 400 are in hand, 5 % open or pending."""
    from sqlalchemy import insert, select, text

    from core.clock import now
    from core.db import db, transaction
    from core.model import Case, Contact, ContactAddress, Interaction, Message, Service, TimelineEntry, User

    chance, moment = random.Random(3), now()
    subjects = (
        "Не открывается отчёт",
        "Ошибка при подписании",
        "Перенос на новый компьютер",
        "Invoice is missing",
        "Доступ сотруднику",
    )
    with app.app_context():
        services = list(db.session.scalars(select(Service.id).order_by(Service.id)))
        agents = {user.login: user.id for user in db.session.scalars(select(User))}
        db.session.rollback()
        people = max(1, cases // 5)
        for first in range(0, people, CHUNK):
            numbers = range(first, min(people, first + CHUNK))
            with transaction():
                db.session.execute(
                    insert(Contact), [{"id": n + 1, "name": f"Клиент {n}", "language": "ru"} for n in numbers]
                )
                addresses = [{"contact_id": n + 1, "kind": "email", "value": f"c{n}@customer.example"} for n in numbers]
                db.session.execute(insert(ContactAddress), addresses)
        for first in range(0, cases, CHUNK):
            rows: dict[Any, list[dict[str, Any]]] = {Case: [], Interaction: [], Message: [], TimelineEntry: []}
            for n in range(first, min(cases, first + CHUNK)):
                left = cases - n
                state = "queued" if left <= WAITING else "active" if left <= WAITING + IN_HAND else "closed"
                status = "open" if state != "closed" else "pending" if left < cases // 20 else "closed"
                service = n % len(services)
                agent = agents[f"{SERVICES[service]}{chance.randrange(4)}"] if state != "queued" else None
                at, key = moment - timedelta(minutes=left), {"id": n + 1}
                about = {"case_id": n + 1, "interaction_id": n + 1}
                rows[Case].append(
                    {
                        **key, "number": str(10_001 + n), "thread_token": f"B{n:09d}", "subject": f"{subjects[n % 5]} {n}",
                        "status": status, "priority": chance.choice(("low", "medium", "medium", "high")), "service_id": services[service],
                        "contact_id": n % people + 1, "assignee_id": agent, "created_at": at, "updated_at": at,
                        "closed_at": at if status == "closed" else None,
                    }
                )  # fmt: skip
                rows[Interaction].append(
                    {
                        **key, "channel": "email", "case_id": n + 1, "service_id": services[service], "contact_id": n % people + 1,
                        "address": f"c{n % people}@customer.example", "state": state, "agent_id": agent, "priority": n % 3, "queued_at": at,
                        "closed_at": at if state == "closed" else None,
                    }
                )  # fmt: skip
                body = {
                    "body_text": "Здравствуйте! " + "Не получается подписать отчёт. " * 12,
                    "body_html": "<p>Здравствуйте!</p>",
                }
                rows[Message].append(
                    {
                        **key,
                        **about,
                        **body,
                        "source_key": f"bench:{n}",
                        "author": "contact",
                        "direction": "in",
                        "at": at,
                    }
                )
                rows[TimelineEntry].append({**about, "message_id": n + 1, "kind": "message", "at": at})
            with transaction():
                for model, values in rows.items():
                    db.session.execute(insert(model), values)
        if db.engine.dialect.name == "postgresql":
            with transaction():
                for model in (Contact, Case, Interaction, Message):
                    name = model.__tablename__
                    db.session.execute(
                        text(
                            f"SELECT setval(pg_get_serial_sequence('\"{name}\"', 'id'), (SELECT max(id) FROM \"{name}\"))"
                        )
                    )
        _clocks(app)
        with transaction():
            db.session.execute(text("ANALYZE"))


def _clocks(app: Flask) -> None:
    """Start the clocks of the open cases as opening them one by one would have."""
    from sqlalchemy import select

    from core.contracts import CaseChange
    from core.db import db, transaction
    from core.model import Case
    from core.snapshots import case_info

    with transaction():
        for case in db.session.scalars(select(Case).where(Case.status == "open")):
            change = CaseChange(case_info(case), {"status": (None, "open")}, "bench", case.created_at)
            app.extensions["okno"].hooks.during_case_change(change)


def a_case(cases: int) -> int:
    """The newest case that the first service has, so that all viewers may see it."""
    return cases - (cases - 1) % len(SERVICES)


def asked_by(name: str) -> dict[str, str]:
    """The headers of htmx, which fetches panels into tabs; a whole page is asked for without."""
    return {} if "whole page" in name else {"HX-Request": "true"}


def sign_in(client: FlaskClient, login: str) -> None:
    """Sign in as a browser does."""
    token = TOKEN.search(client.get("/sign-in").text)
    assert token is not None, "no token on the sign-in page"
    answer = client.post("/sign-in", data={"csrf_token": token[1], "login": login, "password": PASSWORD})
    assert answer.status_code == 302, answer.status_code


def timed(rounds: int, ask: Callable[[], None], cpu: Callable[[], float]) -> tuple[float, float, float]:
    """p50 and p95 wall milliseconds and mean CPU milliseconds of ``rounds`` calls, after three to warm up."""
    for _ in range(3):
        ask()
    walls, before = [], cpu()
    for _ in range(rounds):
        began = time.perf_counter()
        ask()
        walls.append((time.perf_counter() - began) * 1000)
    return percentile(walls, 0.5), percentile(walls, 0.95), (cpu() - before) * 1000 / rounds


def in_process(app: Flask, cases: int, rounds: int) -> Iterator[tuple[str, str, float, float, float, int]]:
    """Each page for each viewer through Flask's test client: p50, p95, CPU, statements."""
    for login in VIEWERS:
        client = app.test_client()
        sign_in(client, login)
        for name, path in PAGES:
            url, headers = path.format(case=a_case(cases)), asked_by(name)

            def ask(url: str = url, client: FlaskClient = client, headers: dict[str, str] = headers) -> None:
                answer = client.get(url, headers=headers)
                assert answer.status_code == 200, (url, answer.status_code)

            p50, p95, cpu = timed(rounds, ask, time.process_time)
            with counted() as statements:
                ask()
            yield name, login, p50, p95, cpu, statements()


@contextmanager
def counted() -> Iterator[Callable[[], int]]:
    """Count what is sent to the data base, transaction control left out."""
    from sqlalchemy import Engine, event

    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.split(None, 1)[0] not in ("BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK", "COMMIT", "PRAGMA"):
            seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield lambda: len(seen)
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@contextmanager
def serving(home: Path) -> Iterator[tuple[int, int]]:
    """``okno web`` for the house; gives port and pid."""
    port = free_port()
    command = [sys.executable, "-m", "cli", "--home", str(home), "web", "--port", str(port)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, cwd=Path(__file__).parent.parent)
    try:
        for _ in range(600):
            if _alive(port):
                break
            try:
                process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError(f"okno web ended with {process.returncode}")
        yield port, process.pid
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def _alive(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


class Browser:
    """One keep-alive connection with a cookie."""

    def __init__(self, port: int, login: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.cookie = ""
        _, page = self.ask("GET", "/sign-in")
        token = TOKEN.search(page)
        assert token is not None, "no token on the sign-in page"
        form = urlencode({"csrf_token": token[1], "login": login, "password": PASSWORD})
        status, _ = self.ask("POST", "/sign-in", form)
        assert status == 302, status

    def ask(self, method: str, url: str, form: str = "", headers: Mapping[str, str] | None = None) -> tuple[int, str]:
        headers = {**(headers or {}), "Cookie": self.cookie}
        headers |= {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        self.connection.request(method, url, form or None, headers)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        if cookie := answer.headers.get("Set-Cookie"):
            self.cookie = cookie.partition(";")[0]
        return answer.status, text


def over_http(home: Path, cases: int, rounds: int) -> Iterator[tuple[str, str, float, float, float]]:
    """Each page for each viewer over one connection; the CPU is that of the web process."""
    with serving(home) as (port, pid):
        for login in VIEWERS:
            browser = Browser(port, login)
            for name, path in PAGES:
                url, headers = path.format(case=a_case(cases)), asked_by(name)

                def ask(url: str = url, browser: Browser = browser, headers: dict[str, str] = headers) -> None:
                    status, _ = browser.ask("GET", url, headers=headers)
                    assert status == 200, (url, status)

                yield name, login, *timed(rounds, ask, lambda: cpu_seconds(pid))


def measure(kind: str, url: str, cases: int, rounds: int) -> bool:
    """Fill a house, measure, print; whether the goal is reached."""
    with tempfile.TemporaryDirectory() as folder:
        home, began = Path(folder), time.monotonic()
        app = make_house(home, PLUGINS, url)
        fill(app, cases)
        print(f"\n{kind}, {cases:,} cases (made in {time.monotonic() - began:.0f} s), {circumstances()}")
        inside = list(in_process(app, cases, rounds))
        served = {(name, login): rest for name, login, *rest in over_http(home, cases, rounds)}
        rows, reached = [], True
        for name, login, p50, p95, cpu, statements in inside:
            http50, http95, http_cpu = served[name, login]
            reached &= max(p95, http95) < GOAL_P95_MS
            numbers = (p50, p95, cpu, http50, http95, http_cpu)
            rows.append((f"{name}, as {login}", *(f"{number:.1f}" for number in numbers), statements))
        head = ("page", "p50", "p95", "CPU", "HTTP p50", "HTTP p95", "CPU", "statements")
        print(table(head, rows))
        print(f"milliseconds; goal p95 < {GOAL_P95_MS:.0f}: {'reached' if reached else 'missed'}")
        with app.app_context():
            from core.db import db

            db.engine.dispose()
    return reached


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--sqlite-only", action="store_true")
    options = parser.parse_args()
    reached = measure("SQLite", "", options.cases, options.rounds)
    if options.sqlite_only:
        return 0
    with postgresql() as url:
        if url is None:
            print("\nPostgreSQL is not installed: not measured")
        else:
            reached &= measure("PostgreSQL", url, options.cases, options.rounds)
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
