"""A shift of 200 agents: a desk each with live events, changes in the centre, panels fetched; what the web process takes.

    python -m bench.desk [--agents 200] [--changes 5] [--pages 5] [--seconds 15] [--cases 2000]

Runs ``okno web`` on SQLite and opens the event stream of every agent with a sign-in of its own. Then three stretches: nobody
does anything; some changes a second, each the three events that a new letter causes, told to everybody; the same while
agents open panels. Delivery is counted from the beginning of the change's transaction until an agent's stream has it. Agents
and changes come from this process on the same machine.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvloop

from bench.house import SERVICES, circumstances, cookie_of, cpu_seconds, make_house, percentile, table
from bench.pages import PLUGINS, fill, serving

if TYPE_CHECKING:
    from flask import Flask

SENT = re.compile(rb'"sent":([0-9.]+)\}')
PANELS = ("/queue", "/cases?scope=mine", "/desk/around", "/cases?scope=all")
OPEN_SECONDS, LATE_SECONDS = 60.0, 5.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """What the web process took in some seconds: CPU seconds, resident bytes at the end; milliseconds of delivery, of pages."""

    name: str
    seconds: float
    cpu: float
    resident: int
    deliveries: list[float]
    expected: int
    pages: list[float]


class Desk(asyncio.Protocol):
    """An agent's stream; it notes how long each event took, in milliseconds."""

    def __init__(self, port: int, cookie: str, took: list[float]) -> None:
        self._port, self._cookie, self._took = port, cookie, took
        self._head = b""
        self.open: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        head = f"GET /events HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nCookie: {self._cookie}\r\n\r\n"
        transport.write(head.encode())  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        moment = time.monotonic()
        if self.open.done():
            self._took += [(moment - float(sent)) * 1000 for sent in SENT.findall(data)]
            return
        self._head += data
        if b"id: " in self._head:
            self.open.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.open.done():
            self.open.set_exception(ConnectionError(self._head[:200].decode("latin-1")))


def sign_in_all(app: Flask, agents: int) -> list[str]:
    """As many agents, spread over the teams, each with a sign-in; gives their cookies."""
    from core import directory

    cookies = []
    for number in range(agents):
        with app.app_context():
            user_id = directory.add_user(
                f"shift{number}", f"Agent {number}", teams=[SERVICES[number % len(SERVICES)]]
            ).id
        cookies.append(f"{app.config['SESSION_COOKIE_NAME']}={cookie_of(app, user_id)}")
    return cookies


def change(app: Flask, number: int) -> None:
    """What a new letter tells the desk, in one transaction."""
    from core.db import transaction
    from core.events.log import publish

    with app.app_context(), transaction():
        sent = {"sent": round(time.monotonic(), 6)}
        publish("desk", "case.changed", {"case_id": number, "changes": ["status"], **sent})
        publish("desk", "message.added", {"case_id": number, "interaction_id": number, "author": "contact", **sent})
        publish("desk", "queue.changed", {"service_id": 1, "interaction_id": number, **sent})


class Panels:
    """Agents who open panels, over a few connections."""

    def __init__(self, port: int, cookies: list[str]) -> None:
        self._port, self._cookies = port, cookies
        self._pool = ThreadPoolExecutor(4)
        self.took: list[float] = []

    def fetch(self, number: int) -> asyncio.Future[None]:
        return asyncio.get_running_loop().run_in_executor(self._pool, self._fetch, number)

    def _fetch(self, number: int) -> None:
        began = time.monotonic()
        connection = HTTPConnection("127.0.0.1", self._port, timeout=30)
        headers = {"Cookie": self._cookies[number % len(self._cookies)], "HX-Request": "true"}
        connection.request("GET", PANELS[number % len(PANELS)], headers=headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        assert answer.status == 200, (PANELS[number % len(PANELS)], answer.status)
        self.took.append((time.monotonic() - began) * 1000)


def resident(pid: int) -> int:
    """Bytes in memory that are this process's own, and its share of what others have too."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:"))


async def stretch(
    name: str,
    app: Flask,
    pid: int,
    took: list[float],
    agents: int,
    seconds: float,
    changes: float,
    panels: Any,
    rate: float,
) -> Stretch:
    """Let ``changes`` a second happen, and ``rate`` panels a second be fetched, at even distances."""
    took.clear()
    panels.took.clear()
    moments = sorted(
        [(number / changes, 0, number) for number in range(int(changes * seconds))]
        + [(number / rate, 1, number) for number in range(int(rate * seconds))]
    )
    loop, tasks, before, began = asyncio.get_running_loop(), [], cpu_seconds(pid), time.monotonic()
    for due, kind, number in moments:
        await asyncio.sleep(max(0.0, began + due - time.monotonic()))
        tasks.append(panels.fetch(number) if kind else loop.run_in_executor(None, change, app, number))
    await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
    await asyncio.gather(*tasks)
    spent, cpu = time.monotonic() - began, cpu_seconds(pid) - before
    expected, late = int(changes * seconds) * 3 * agents, time.monotonic() + LATE_SECONDS
    while len(took) < expected and time.monotonic() < late:
        await asyncio.sleep(0.05)
    return Stretch(name, spent, cpu, resident(pid), list(took), expected, list(panels.took))


async def shift(app: Flask, port: int, pid: int, cookies: list[str], options: argparse.Namespace) -> list[Stretch]:
    """Open all desks, then the three stretches."""
    loop, took, desks = asyncio.get_running_loop(), [], []
    for cookie in cookies:
        _, desk = await loop.create_connection(lambda cookie=cookie: Desk(port, cookie, took), "127.0.0.1", port)
        desks.append(desk)
    await asyncio.wait_for(asyncio.gather(*(desk.open for desk in desks)), OPEN_SECONDS)
    panels, many = Panels(port, cookies), len(cookies)
    for number in range(len(PANELS)):
        await panels.fetch(number)
    plan = [
        ("nothing happens", 0.0, 0.0),
        (f"{options.changes:g} changes a second", options.changes, 0.0),
        (f"the same and {options.pages:g} panels a second", options.changes, options.pages),
    ]
    return [
        await stretch(name, app, pid, took, many, options.seconds, changes, panels, pages)
        for name, changes, pages in plan
    ]


def line(one: Stretch) -> tuple[str, ...]:
    """A row of the table."""
    deliveries = [f"{percentile(one.deliveries, share):.1f}" for share in (0.5, 0.95)] if one.deliveries else ["", ""]
    pages = [f"{percentile(one.pages, share):.0f}" for share in (0.5, 0.95)] if one.pages else ["", ""]
    lost = f"{one.expected - len(one.deliveries)}" if one.expected else ""
    share = f"{one.cpu / one.seconds:.1%}"
    return one.name, share, f"{one.resident / 2**20:.0f}", f"{len(one.deliveries)}", lost, *deliveries, *pages


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=200)
    parser.add_argument("--changes", type=float, default=5.0, help="a second")
    parser.add_argument("--pages", type=float, default=5.0, help="panels a second")
    parser.add_argument("--seconds", type=float, default=15.0, help="of each stretch")
    parser.add_argument("--cases", type=int, default=2000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        app = make_house(home, PLUGINS)
        fill(app, options.cases)
        cookies = sign_in_all(app, options.agents)
        with serving(home) as (port, pid):
            empty = resident(pid)
            found = uvloop.run(shift(app, port, pid, cookies, options))
    print(f"{options.agents} agents connected, {options.cases} cases on SQLite, {circumstances()}")
    head = ("stretch", "CPU of a core", "MiB", "deliveries", "lost", "p50 ms", "p95 ms", "panel p50", "panel p95")
    print(table(head, [line(one) for one in found]))
    print(f"web process before the first desk {empty / 2**20:.0f} MiB; MiB are proportional set size")
    return int(any(one.expected > len(one.deliveries) for one in found))


if __name__ == "__main__":
    sys.exit(main())
