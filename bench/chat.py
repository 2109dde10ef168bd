"""Chat under load: visitors connected, messages both ways; the time from when one should have been sent to the other side's stream.

    python -m bench.chat [--visitors 5000] [--rate 200] [--seconds 15] [--only one,two,socketio]

Three rows: one ``okno web`` on SQLite, two of them on PostgreSQL and Redis, and a minimal Flask-SocketIO chat (bench/socketio_chat.py)
under the same load. Half of the messages go from visitors to the agents' desks, half from agents to visitors. Visitors, agents
and load come from this process, on the same machine; the clock runs from the planned moment, so that a server that falls behind
cannot hide it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop

from bench import chat_lines as lines
from bench.events import usage
from bench.house import circumstances, cookie_of, free_port, make_house, percentile, postgresql, table
from bench.pages import serving

GOAL_P95_MS = 50.0
TALKING = 200
AGENTS = 20
POSTERS = 48
WARM = 40
HEAD = (
    "server", "visitors", "msg/s", "to agents p50", "p95", "p99", "to visitors p50", "p95", "p99", "sent", "arrived", "KB/visitor", "CPU %",
)  # fmt: skip
Say = Callable[[int, float], Any]


@dataclass
class Measured:
    """Deliveries in seconds by direction, what was sent, what the servers used."""

    to_agents: list[float] = field(default_factory=list)
    to_visitors: list[float] = field(default_factory=list)
    sent: int = 0
    refused: int = 0
    kb_per_visitor: float = 0.0
    cpu_percent: float = 0.0

    @property
    def arrived(self) -> int:
        """How many messages the other side has heard of."""
        return len(self.to_agents) + len(self.to_visitors)

    def row(self, name: str, visitors: int, rate: float) -> list[object]:
        """A line of the table."""
        times = [
            f"{percentile(took, share) * 1000:.0f}" if took else "—"
            for took in (self.to_agents, self.to_visitors)
            for share in (0.5, 0.95, 0.99)
        ]
        used = (f"{self.kb_per_visitor:.1f}", f"{self.cpu_percent:.0f}")
        return [name, visitors, f"{rate:.0f}", *times, self.sent, self.arrived, *used]


class Okno:
    """A furnished centre: conversations in the hands of agents, tokens for all."""

    def __init__(self, home: Path, visitors: int, database_url: str = "") -> None:
        self.app = make_house(home, ["chat"], database_url)

        with self.app.app_context():
            self._people()
            self._talks()
            from plugins.chat.visitor.visitors import new_visitor

            streams = list(self.streams)
            streams += [new_visitor("bench").stream_token() for _ in range(visitors - len(streams))]
            self.streams = streams
            from core import tokens

            scopes = ["interactions:write", "interactions:read"]
            self.tokens = {user: tokens.create(user, "bench", scopes)[1] for user in self.agents}
        self.cookie = f"{self.app.config['SESSION_COOKIE_NAME']}={cookie_of(self.app, self.agents[0])}"

    def _people(self) -> None:
        from core import directory, presence, services
        from core.db import db, transaction
        from core.model import Service, Team

        service = db.session.scalars(db.select(Service).where(Service.key == "support")).one()
        services.add_entry(service.id, "chat", "bench")
        names = [f"chat{number}" for number in range(AGENTS)]
        self.agents = [directory.add_user(name, name, teams=["support"]).id for name in names]
        with transaction():
            room = {"chat": {"push": 0, "limit": TALKING}}
            db.session.execute(db.update(Team).values(capacity=room, after_sign_in="ready"))
        for user_id in self.agents:
            presence.sign_on(user_id)

    def _talks(self) -> None:
        from core import assignment
        from plugins.chat.visitor.messages import Said, say
        from plugins.chat.visitor.visitors import new_visitor

        self.streams: list[str] = []
        self.talks: list[tuple[str, int, int]] = []
        for number in range(TALKING):
            visitor = new_visitor("bench")
            message = say(visitor, Said("bench-first", "Добрый день", entry="bench", language="ru"))
            agent = self.agents[number % AGENTS]
            assignment.take(message.interaction_id, agent)
            self.streams.append(visitor.stream_token())
            self.talks.append((visitor.token(), message.interaction_id, agent))


@asynccontextmanager
async def okno_load(house: Okno, ports: list[int], measured: Measured) -> AsyncIterator[Say]:
    """Everybody connected to Okno; gives what sends the message planned for a moment."""
    posters: dict[int, asyncio.Queue[lines.Poster]] = {port: asyncio.Queue() for port in ports}
    for port in ports:
        for _ in range(POSTERS // len(ports)):
            posters[port].put_nowait(await lines.opened(lines.Poster, port))
    planned: dict[int, float] = {}
    heard: dict[int, float] = {}
    await lines.opened(lambda: lines.Desk(house.cookie, measured.to_agents), ports[0])
    many = asyncio.Semaphore(100)

    async def listen(number: int) -> None:
        async with many:
            await lines.opened(lambda: lines.Page(house.streams[number], heard), ports[number % len(ports)])

    await asyncio.gather(*(listen(number) for number in range(len(house.streams))))

    async def say(number: int, due: float) -> None:
        token, interaction, agent = house.talks[random.randrange(TALKING // 2) * 2 + number % 2]
        port = ports[number // 2 % len(ports)]
        poster = await posters[port].get()
        if number % 2:
            body = {"id": f"bench-{number:08}", "text": f"v{due:.6f}", "entry": "bench"}
            status, _ = await poster.post("/chat/messages", body, token)
        else:
            path, key = f"/api/v1/interactions/{interaction}/messages", f"bench-{number:08}"
            status, answer = await poster.post(path, {"text": f"a{due:.6f}"}, house.tokens[agent], key)
            if status == 201 and number >= WARM:
                planned[answer["id"]] = due
        measured.refused += status != 201
        posters[port].put_nowait(poster)

    yield say
    until = time.monotonic() + 5
    while time.monotonic() < until and (planned.keys() - heard.keys() or len(measured.to_agents) < measured.sent // 2):
        await asyncio.sleep(0.05)
    measured.to_visitors += [heard[message] - due for message, due in planned.items() if message in heard]


@asynccontextmanager
async def socketio_load(visitors: int, port: int, measured: Measured) -> AsyncIterator[Say]:
    """Everybody connected to the chat on Flask-SocketIO."""
    agent = await lines.opened(lambda: lines.Socket("agent", measured.to_agents), port)
    crowd: list[lines.Socket] = []
    many = asyncio.Semaphore(50)

    async def connect(number: int) -> None:
        async with many:
            crowd.append(await lines.opened(lambda: lines.Socket(str(number), measured.to_visitors), port))

    await asyncio.gather(*(connect(number) for number in range(visitors)))

    async def say(number: int, due: float) -> None:
        place = random.randrange(TALKING // 2) * 2 + number % 2
        sender, to = (crowd[place], "agent") if number % 2 else (agent, crowd[place].name)
        sender.say(to, f"{due:.6f}")

    yield say
    until = time.monotonic() + 5
    while time.monotonic() < until and measured.arrived < measured.sent:
        await asyncio.sleep(0.05)


async def press(load: Any, pids: list[int], visitors: int, rate: float, seconds: float, measured: Measured) -> None:
    """Connect, let it rest, send at the rate; memory and CPU of the servers' processes around it."""
    empty = sum(usage(pid)[0] for pid in pids)
    async with load as say:
        # The first of each statement and template is not what a day looks like.
        for number in range(WARM):
            await say(number, time.monotonic())
        until = time.monotonic() + 10
        while len(measured.to_agents) < WARM // 2 and time.monotonic() < until:
            await asyncio.sleep(0.05)
        measured.kb_per_visitor = (sum(usage(pid)[0] for pid in pids) - empty) / 1024 / visitors
        measured.to_agents.clear()
        measured.to_visitors.clear()
        measured.refused, measured.sent = 0, int(rate * seconds)
        before, begin, tasks = sum(usage(pid)[1] for pid in pids), time.monotonic(), []
        for number in range(measured.sent):
            due = begin + number / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            tasks.append(asyncio.create_task(say(number + WARM, due)))
        await asyncio.gather(*tasks)
        measured.cpu_percent = 100 * (sum(usage(pid)[1] for pid in pids) - before) / (time.monotonic() - begin)


def measure_okno(visitors: int, rate: float, seconds: float, two: bool) -> Measured | None:
    """One process on SQLite, or two on PostgreSQL and Redis; None where these are not installed."""
    measured = Measured()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(postgresql() if two else nullcontext(""))
        redis = stack.enter_context(redis_server(folder) if two else nullcontext(""))
        if url is None or redis is None:
            return None
        settings = {
            "OKNO_CHAT_FLOOD_MESSAGES": "100000",
            "OKNO_API_REQUESTS_PER_MINUTE": "0",
            "OKNO_CHAT_SESSIONS_A_MINUTE": "0",
            "OKNO_LOG_LEVEL": "error",
        }
        settings |= {"OKNO_CORE_REDIS_URL": redis} if redis else {}
        settings["OKNO_ROUTING_GRACE_SECONDS"] = "3600"
        os.environ.update(settings)
        house = Okno(folder / "home", visitors, url)
        served = [stack.enter_context(serving(folder / "home")) for _ in range(1 + two)]
        load = okno_load(house, [port for port, _ in served], measured)
        uvloop.run(press(load, [pid for _, pid in served], visitors, rate, seconds, measured))
        for name in settings:
            del os.environ[name]
    return measured


@contextmanager
def redis_server(folder: Path) -> Iterator[str | None]:
    """The address of a Redis of its own; None where it is not installed."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    try:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    except FileNotFoundError:
        yield None
        return
    try:
        lines.wait_for_port(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(20)


def measure_socketio(visitors: int, rate: float, seconds: float) -> Measured | None:
    """The same on Flask-SocketIO; None where it is not installed (``pip install okno[bench]``)."""
    try:
        import flask_socketio  # noqa: F401
        import gevent  # noqa: F401
    except ImportError:
        return None
    measured, port = Measured(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen([sys.executable, "-m", "bench.socketio_chat", folder, str(port)])
        try:
            lines.wait_for_port(port)
            load = socketio_load(visitors, port, measured)
            uvloop.run(press(load, [process.pid], visitors, rate, seconds, measured))
        finally:
            process.terminate()
            process.wait(20)
    return measured


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--visitors", type=int, default=5000)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--only", default="one,two,socketio")
    asked = parser.parse_args()
    from core.processes import raise_nofile

    raise_nofile()
    chosen, size = asked.only.split(","), (asked.visitors, asked.rate, asked.seconds)
    ways: dict[str, tuple[str, Callable[[], Measured | None]]] = {
        "one": ("okno web, SQLite", lambda: measure_okno(*size, two=False)),
        "two": ("2 × okno web, PostgreSQL, Redis", lambda: measure_okno(*size, two=True)),
        "socketio": ("Flask-SocketIO, gevent, SQLite", lambda: measure_socketio(*size)),
    }
    rows, found = [], {}
    for key in chosen:
        name, measure = ways[key]
        measured = measure()
        if measured is None:
            print(f"{name}: not installed here")
            continue
        found[key] = measured
        rows.append(measured.row(name, asked.visitors, asked.rate))
    print(table(HEAD, rows))
    print(f"milliseconds; {circumstances()}")
    one = found.get("one")
    if one is None:
        return 0
    p95 = max(percentile(one.to_agents, 0.95), percentile(one.to_visitors, 0.95)) * 1000
    reached = p95 < GOAL_P95_MS and one.arrived == one.sent
    print(
        json.dumps(
            {"bench": "chat", "p95_ms": round(p95, 1), "goal": f"p95 < {GOAL_P95_MS:.0f} ms", "reached": reached}
        )
    )
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
