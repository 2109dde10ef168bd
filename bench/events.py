"""Event delivery: many streams in one process, messages by POST, the time until the other side's stream has it.

    python bench/events.py [--streams 2000] [--rate 200] [--seconds 12]

Prints one JSON line. The clock runs from the moment the POST should have been sent, so that a server that falls behind
cannot hide it. Streams and messages come from this process over the loopback interface; both share the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

GOAL_P95_MS = 50.0
EVENT = re.compile(rb'"payload":\{"sent":([0-9.]+)\}')


@dataclass(frozen=True)
class Visitor:
    user_id: int | None
    topics: tuple[str, ...]
    sign_in_id: int | None = None


def serve(home: Path, fd: int) -> None:
    """The server process: the real edge, log, tailer and hub under a two-route application."""
    from flask import Flask, request
    from werkzeug import Request

    from core.asgi import Edge
    from core.db import db, init_db, transaction
    from core.events.log import publish
    from core.events.wake import init_wake
    from core.model import Event
    from core.processes import run_edge

    app = Flask("bench")
    init_db(app, f"sqlite:///{home / 'bench.db'}")
    init_wake(app, home)
    with app.app_context():
        Event.__table__.create(db.engine)

    @app.post("/say/<int:number>")
    def say(number: int) -> tuple[str, int]:
        with transaction():
            publish(f"session:{number}", "message.added", {"sent": float(request.get_data())})
        return "", 204

    def identify(environ: dict[str, Any]) -> Visitor:
        return Visitor(None, (Request(environ).args["token"],))

    run_edge(Edge(app, identify), socket.socket(fileno=fd))


class Stream(asyncio.Protocol):
    """One listening client; it notes how long each event took."""

    def __init__(self, number: int, took: list[float]) -> None:
        self.number, self.took = number, took
        self.open = asyncio.get_running_loop().create_future()
        self.rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        request = f"GET /events?token=session:{self.number} HTTP/1.1\r\nHost: bench\r\n\r\n"
        transport.write(request.encode())  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        moment = time.monotonic()
        if not self.open.done():
            self.rest += data
            if b"id: " in self.rest:
                self.open.set_result(None)
                self.rest = b""
            return
        for sent in EVENT.findall(data):
            self.took.append(moment - float(sent))


class Poster(asyncio.Protocol):
    """A keep-alive connection that sends one POST at a time."""

    def __init__(self) -> None:
        self.answered: asyncio.Future[bytes] | None = None
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.answered and not self.answered.done():
            self.answered.set_result(data[9:12])

    async def post(self, number: int, sent: float) -> bytes:
        body = f"{sent:.6f}"
        self.answered = asyncio.get_running_loop().create_future()
        head = f"POST /say/{number} HTTP/1.1\r\nHost: bench\r\nContent-Length: {len(body)}\r\n\r\n"
        self.transport.write((head + body).encode())
        return await asyncio.wait_for(self.answered, 20)


def usage(pid: int) -> tuple[int, float]:
    """Resident bytes and CPU seconds of a process so far."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return pages * os.sysconf("SC_PAGE_SIZE"), (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(port: int, pid: int, streams: int, rate: float, seconds: float) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    took: list[float] = []
    posters: asyncio.Queue[Poster] = asyncio.Queue()
    for _ in range(32):
        posters.put_nowait((await loop.create_connection(Poster, "127.0.0.1", port))[1])
    for number in range(32):
        poster = await posters.get()
        await poster.post(number, time.monotonic())
        posters.put_nowait(poster)
    empty, _ = usage(pid)
    many = asyncio.Semaphore(100)

    async def listen(number: int) -> None:
        async with many:
            stream = (await loop.create_connection(lambda: Stream(number, took), "127.0.0.1", port))[1]
            await asyncio.wait_for(stream.open, 30)

    await asyncio.gather(*(listen(number) for number in range(streams)))
    full, cpu = usage(pid)
    failed = 0

    async def say(sent: float) -> None:
        nonlocal failed
        poster = await posters.get()
        failed += await poster.post(random.randrange(streams), sent) != b"204"
        posters.put_nowait(poster)

    begin, posts = time.monotonic(), []
    for number in range(int(rate * seconds)):
        due = begin + number / rate
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        posts.append(asyncio.create_task(say(due)))
    busy = usage(pid)[1] - cpu
    await asyncio.gather(*posts)
    until = time.monotonic() + 5
    while len(took) < len(posts) and time.monotonic() < until:
        await asyncio.sleep(0.05)
    took.sort()
    at = {f"p{p}_ms": round(took[min(len(took) - 1, len(took) * p // 100)] * 1000, 1) for p in (50, 95, 99)}
    return {
        "streams": streams,
        "messages_per_s": rate,
        **at,
        "sent": len(posts),
        "delivered": len(took),
        "failed": failed,
        "kb_per_stream": round((full - empty) / 1024 / streams, 1),
        "server_cpu_percent": round(100 * busy / seconds),
        "goal": f"p95 < {GOAL_P95_MS:.0f} ms",
        "reached": at["p95_ms"] < GOAL_P95_MS and len(took) == len(posts),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--streams", type=int, default=2000)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--seconds", type=float, default=12)
    parser.add_argument("--serve", nargs=2, metavar=("HOME", "FD"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(Path(arguments.serve[0]), int(arguments.serve[1]))
        return 0
    from core.processes import bind, raise_nofile

    raise_nofile()
    with tempfile.TemporaryDirectory() as home, bind("127.0.0.1", 0) as listening:
        port, fd = listening.getsockname()[1], listening.fileno()
        command = [sys.executable, __file__, "--serve", home, str(fd)]
        process = subprocess.Popen(command, pass_fds=[fd], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
        try:
            work = measure(port, process.pid, arguments.streams, arguments.rate, arguments.seconds)
            result = uvloop.run(asyncio.wait_for(work, arguments.seconds + 60))
        finally:
            process.terminate()
            process.wait(20)
    print(json.dumps({"bench": "events", **result}))
    return 0 if result["reached"] else 1


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    sys.exit(main())
