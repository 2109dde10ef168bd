"""Pages of the desk in a centre with 100,000 cases, on SQLite and, where installed, on PostgreSQL.

    python -m bench.pages [--cases 100000] [--rounds 60]

Wall and CPU milliseconds of each page for an agent of one team and for an administrator who sees everything: in this
process (Flask's test client, so that only the application is measured) and over HTTP from ``okno web``. Then the number
of statements, which must be the same in a centre of 10,000 cases.
"""

from __future__ import annotations

import argparse
import http.client
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from bench.house import (
    SERVICES,
    circumstances,
    cookie_of,
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
CHUNK, FEWER = 5000, 10_000
WAITING, IN_HAND = 1000, 400
ENTRIES = 500
PAGES = (
    ("home, whole page", "/"),
    ("group queue, whole page", "/queue"),
    ("group queue", "/queue"),
    ("cases, mine", "/cases?scope=mine"),
    ("cases, all active", "/cases?scope=all"),
    ("cases, all closed", "/cases?scope=all&status=closed"),
    ("a case", "/cases/{case}"),
    ("a case of 500 entries", "/cases/{long}"),
    ("search", "/search?q=подписании"),
    ("search, as typed", "/search/quick?q=10{number}"),
)
VIEWERS = ("support0", "admin")


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
        _lengthen(a_long_case(cases), cases, moment)
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


def _lengthen(case_id: int, cases: int, moment: datetime) -> None:
    """Write 499 further entries into a case, half of them messages."""
    from sqlalchemy import insert

    from core.db import db, transaction
    from core.model import Message, TimelineEntry

    messages, entries = [], []
    for number in range(ENTRIES - 1):
        about = {"case_id": case_id, "interaction_id": case_id, "at": moment + timedelta(seconds=number)}
        if number % 2:
            entries.append(
                {**about, "message_id": None, "kind": "note", "data": {"text": f"Уточнили по телефону, {number}"}}
            )
            continue
        message_id = cases + 1 + number
        key = {"id": message_id, "source_key": f"bench:long:{number}", "author": "contact", "direction": "in"}
        messages.append({**about, **key, "body_text": f"Ответ {number}. " * 20, "body_html": f"<p>Ответ {number}.</p>"})
        entries.append({**about, "message_id": message_id, "kind": "message", "data": {}})
    with transaction():
        db.session.execute(insert(Message), messages)
        db.session.execute(insert(TimelineEntry), entries)


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


def a_long_case(cases: int) -> int:
    """The one with 500 entries, of the same service."""
    return a_case(cases) - len(SERVICES)


def url_of(path: str, cases: int) -> str:
    """The address of one of PAGES in a house of so many cases."""
    url = path.format(case=a_case(cases), long=a_long_case(cases), number=cases % 1000)
    return quote(url, safe="/?=&")


def asked_by(name: str) -> dict[str, str]:
    """The headers of htmx, which fetches panels into tabs; a whole page is asked for without."""
    return {} if "whole page" in name else {"HX-Request": "true"}


def cookies_of(app: Flask) -> dict[str, str]:
    """A session cookie for each of VIEWERS."""
    from core.directory import find_user

    with app.app_context():
        ids = {login: user.id for login in VIEWERS if (user := find_user(login))}
    return {login: cookie_of(app, user_id) for login, user_id in ids.items()}


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
    for login, cookie in cookies_of(app).items():
        client = app.test_client()
        client.set_cookie(app.config["SESSION_COOKIE_NAME"], cookie)
        for name, path in PAGES:
            url, headers = url_of(path, cases), asked_by(name)

            def ask(url: str = url, client: FlaskClient = client, headers: dict[str, str] = headers) -> None:
                answer = client.get(url, headers=headers)
                assert answer.status_code == 200, (url, answer.status_code)

            p50, p95, cpu = timed(rounds, ask, time.process_time)
            yield name, login, p50, p95, cpu, min(statements_of_one(ask) for _ in range(3))


def statements_of_one(ask: Callable[[], None]) -> int:
    """How many statements a page sends; some ask more when what they keep for seconds is due, so take the least of several."""
    with counted() as statements:
        ask()
    return statements()


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

    def __init__(self, port: int, cookie: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.cookie = cookie

    def ask(self, url: str, headers: Mapping[str, str]) -> int:
        """Get a page, read it whole; its status."""
        self.connection.request("GET", url, headers={**headers, "Cookie": self.cookie})
        answer = self.connection.getresponse()
        answer.read()
        return answer.status


def over_http(app: Flask, home: Path, cases: int, rounds: int) -> Iterator[tuple[str, str, float, float, float]]:
    """Each page for each viewer over one connection; the CPU is that of the web process."""
    with serving(home) as (port, pid):
        for login, cookie in cookies_of(app).items():
            browser = Browser(port, f"{app.config['SESSION_COOKIE_NAME']}={cookie}")
            for name, path in PAGES:
                url, headers = url_of(path, cases), asked_by(name)

                def ask(url: str = url, browser: Browser = browser, headers: dict[str, str] = headers) -> None:
                    status = browser.ask(url, headers)
                    assert status == 200, (url, status)

                yield name, login, *timed(rounds, ask, lambda: cpu_seconds(pid))


def statements_of(cases: int) -> dict[tuple[str, str], int]:
    """How many statements each page sends in a house of so many cases, on SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        app = make_house(Path(folder), PLUGINS)
        fill(app, cases)
        return {(name, login): statements for name, login, *_, statements in in_process(app, cases, 1)}


def measure(kind: str, url: str, cases: int, rounds: int, fewer: Mapping[tuple[str, str], int]) -> bool:
    """Fill a house, measure, print; whether the goal is reached, with as many statements as in a house of fewer cases."""
    with tempfile.TemporaryDirectory() as folder:
        home, began = Path(folder), time.monotonic()
        app = make_house(home, PLUGINS, url)
        fill(app, cases)
        print(f"\n{kind}, {cases:,} cases (made in {time.monotonic() - began:.0f} s), {circumstances()}")
        inside = list(in_process(app, cases, rounds))
        served = {(name, login): rest for name, login, *rest in over_http(app, home, cases, rounds)}
        rows, reached = [], True
        for name, login, p50, p95, cpu, statements in inside:
            http50, http95, http_cpu = served[name, login]
            reached &= max(p95, http95) < GOAL_P95_MS
            reached &= statements == fewer[name, login]
            numbers = (p50, p95, cpu, http50, http95, http_cpu)
            rows.append(
                (f"{name}, as {login}", *(f"{number:.1f}" for number in numbers), statements, fewer[name, login])
            )
        head = ("page", "p50", "p95", "CPU", "HTTP p50", "HTTP p95", "CPU", "statements", f"at {FEWER:,}")
        print(table(head, rows))
        print(f"milliseconds; goal p95 < {GOAL_P95_MS:.0f}, statements the same: {'reached' if reached else 'missed'}")
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
    fewer = statements_of(min(FEWER, options.cases))
    reached = measure("SQLite", "", options.cases, options.rounds, fewer)
    if options.sqlite_only:
        return 0
    with postgresql() as url:
        if url is None:
            print("\nPostgreSQL is not installed: not measured")
        else:
            reached &= measure("PostgreSQL", url, options.cases, options.rounds, fewer)
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
