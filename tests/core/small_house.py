"""The smallest application that has a data base, a wake bus and streams; also runs as a server process of its own."""

from __future__ import annotations

import argparse
import asyncio
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug import Request

from core.db import db, init_db, transaction
from core.events.log import publish
from core.events.wake import init_wake
from core.model import Event


@dataclass(frozen=True)
class Person:
    """Who a cookie ``who=<user id>.<sign-in id>`` or a ``token=<topic>`` says it is."""

    user_id: int | None
    topics: tuple[str, ...]
    sign_in_id: int | None = None


def identify(environ: dict[str, Any]) -> Person | None:
    request = Request(environ)
    if request.args.get("token"):
        # What a cookie adds would show here.
        return Person(None, (request.args["token"], *request.cookies))
    who = request.cookies.get("who")
    if not who:
        return None
    user, _, sign_in = who.partition(".")
    return Person(int(user), ("desk", f"user:{user}"), int(sign_in or 0))


def make_house(url: str, home: Path, redis_url: str = "") -> Flask:
    """The application with the event table made."""
    app = Flask("house")
    init_db(app, url)
    init_wake(app, home, redis_url)
    with app.app_context():
        Event.__table__.create(db.engine, checkfirst=True)
    return app


def tell(app: Flask, *topics: str, type: str = "happened") -> None:
    """One transaction with an event for each topic."""
    with app.app_context(), transaction():
        for number, topic in enumerate(topics):
            publish(topic, type, {"number": number})


class Signal:
    """Collects calls and lets a test wait for them."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self._changed = threading.Condition()

    def __call__(self, value: Any = None) -> None:
        with self._changed:
            self.calls.append(value)
            self._changed.notify_all()

    def wait(self, enough: Callable[[list[Any]], bool] = bool, timeout: float = 15) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: enough(self.calls), timeout)


class Client:
    """Drives an ASGI application: one request, with the answer as it arrives."""

    def __init__(self, method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        path, _, query = target.partition("?")
        self.scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in (headers or {}).items()],
            "scheme": "http",
            "http_version": "1.1",
            "server": ("localhost", 80),
            "client": ("192.0.2.1", 5000),
            "state": {},
        }
        self.status = 0
        self.headers: dict[str, str] = {}
        self.pieces: list[bytes] = []
        self.complete = False
        self.left = asyncio.Event()
        self.reads = asyncio.Event()
        self.reads.set()
        self._changed = asyncio.Condition()
        self._asked = [body[i : i + 65536] for i in range(0, len(body), 65536)] or [b""]

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    async def receive(self) -> dict[str, Any]:
        if self._asked:
            piece = self._asked.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(self._asked)}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        await self.reads.wait()
        async with self._changed:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            else:
                if message.get("body"):
                    self.pieces.append(message["body"])
                self.complete = not message.get("more_body")
            self._changed.notify_all()

    async def until(self, enough: Callable[[], bool]) -> None:
        """Wait until the answer is as asked; AssertionError with what came instead after 15 s."""
        async with self._changed:
            try:
                await asyncio.wait_for(self._changed.wait_for(enough), 15)
            except TimeoutError:
                raise AssertionError(f"{self.status} {self.body[-2000:]!r}") from None

    async def until_body(self, *parts: bytes) -> None:
        await self.until(lambda: all(part in self.body for part in parts))


def main() -> None:
    """Serve on an inherited socket."""
    from core.asgi import Edge
    from core.processes import run_edge

    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("home", type=Path)
    parser.add_argument("fd", type=int)
    arguments = parser.parse_args()
    app = make_house(arguments.url, arguments.home)
    under_way = arguments.home / "under-way"

    @app.get("/slow")
    def slow() -> str:
        under_way.touch()
        while not (arguments.home / "go").exists():
            threading.Event().wait(0.02)
        return "done"

    run_edge(Edge(app, identify), socket.socket(fileno=arguments.fd))


if __name__ == "__main__":
    main()
