"""``GET /events``: one resumable stream of server-sent events per client, served by the event loop itself.

Where to begin: the ``Last-Event-ID`` header of a client that returns, else ``?after=<id>`` of a page that knows what
it shows, else now. A client that was away for longer than the log is kept gets one event of type ``reset``: it has to
load again what it shows. 401 says who are you, 503 that the server is stopping: come back in a moment. ``HEAD`` tells
the status alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Protocol
from urllib.parse import parse_qs

import structlog
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from core.db import db
from core.events import log as events
from core.events.hub import STUCK_SECONDS, Hub, Send, Stream
from core.events.log import LoggedEvent
from core.events.ring import encode
from core.events.tailer import Tailer
from core.events.wake import EXTENSION, Listener
from core.web.bridge import Receive, Scope, answer, environ_of

log = structlog.get_logger(__name__)
RECHECK_SECONDS = 15.0
PRESENCE_SECONDS = 5
PRELOAD = 2_000
PAGE = 500
# Whoever is further behind than this does better to load its page again.
LONGEST_REPLAY = 5_000
# Where the server puts a connection's transport, for cutting a reader that does not read.
TRANSPORT = "okno.transport"
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]


class StreamIdentity(Protocol):
    """Who listens to which topics. ``user_id`` is None for a visitor; ``sign_in_id`` is watched for its end."""

    @property
    def user_id(self) -> int | None: ...
    @property
    def topics(self) -> tuple[str, ...]: ...
    @property
    def sign_in_id(self) -> int | None: ...


Identify = Callable[[dict[str, Any]], StreamIdentity | None]
Ended = Callable[[list[int]], set[int]]
Touch = Callable[[Iterable[int]], object]


class EventStreams:
    """The ASGI application of ``/events`` with all that feeds it.

    ``identify`` gets a WSGI environment and gives who it is, or None; ``ended`` says every 15 s which of the open
    streams' sign-ins are over; ``touch`` gets every ``touch_seconds`` the ids of the users who have a stream. All three
    run in a thread with an application context.
    """

    def __init__(
        self,
        app: Flask,
        identify: Identify,
        ended: Ended | None = None,
        touch: Touch | None = None,
        touch_seconds: int = PRESENCE_SECONDS,
    ) -> None:
        self._app, self._identify, self._ended, self._touch = app, identify, ended, touch
        self._touch_seconds = touch_seconds
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="streams")
        self._tasks: list[asyncio.Task[None]] = []
        self._tailer: Tailer | None = None
        self._listener: Listener | None = None
        self.hub: Hub | None = None

    async def open(self) -> None:
        """Load the newest events and start to follow the log. Call it on the loop that serves."""
        loop = asyncio.get_running_loop()
        recent, floor = await loop.run_in_executor(self._pool, self._preload)
        hub = self.hub = Hub(floor, present=self._report if self._touch else None)
        hub.fan_out(recent)
        with self._app.app_context():
            engine = db.engine

        def deliver(rows: Sequence[LoggedEvent]) -> None:
            # The loop is closed only while the process ends.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(hub.fan_out, rows)

        self._tailer = Tailer(engine, deliver, hub.last)
        self._tailer.start()
        bus = self._app.extensions.get(EXTENSION)
        if bus is not None:
            self._listener = Listener(["events"], self._tailer.wake, bus)
        self._tasks = [loop.create_task(self._tick(hub)), loop.create_task(self._watch_sign_ins(hub))]

    def stop(self) -> None:
        """End all streams and refuse new ones, so that the server can drain. Call it on the loop."""
        if self.hub is not None:
            self.hub.stop()

    async def close(self) -> None:
        """Stop the threads and timers."""
        self.stop()
        for task in self._tasks:
            task.cancel()
        if self._listener is not None:
            self._listener.close()
        if self._tailer is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._tailer.stop)
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hub = self.hub
        if scope["method"] not in ("GET", "HEAD"):
            await answer(send, 405, "Method Not Allowed", [(b"allow", b"GET, HEAD")])
            return
        if hub is None or hub.stopping:
            await answer(send, 503, "Stopping", [(b"retry-after", b"1")])
            return
        query = parse_qs(scope["query_string"].decode("latin-1"))
        after = _starting_point(scope, query)
        if after is not None and after < 0:
            await answer(send, 400, "after must be an event id")
            return
        try:
            identity = await self._in_thread(self._who, scope, "token" in query)
        except SQLAlchemyError as error:
            log.warning("nobody can be identified for a stream", error=str(error))
            await answer(send, 503, "No data base", [(b"retry-after", b"1"), *_open_to_all(query)])
            return
        if identity is None:
            await answer(send, 401, "Unauthorized", _open_to_all(query))
            return
        if scope["method"] == "HEAD":
            await answer(send, 204, "", _open_to_all(query))
            return
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS + _open_to_all(query)})
        await self._serve(hub, identity, after, scope, receive, send)

    async def _serve(
        self, hub: Hub, identity: StreamIdentity, after: int | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        loop = asyncio.get_running_loop()
        gone = loop.create_future()
        stream = Stream(identity.topics, send, gone, user_id=identity.user_id, sign_in_id=identity.sign_in_id)
        # Subscribed before the replay is read: nothing falls between the two.
        hub.subscribe(stream)
        watch = loop.create_task(_watch(receive, stream))
        try:
            await self._replay(hub, stream, hub.last if after is None else after)
            hub.go_live(stream)
            reading = await stream.gone
        except (TimeoutError, OSError):
            reading = False
        finally:
            hub.unsubscribe(stream)
        await _finish(stream, scope, watch, reading)

    async def _replay(self, hub: Hub, stream: Stream, after: int) -> None:
        stream.last = after
        await _write(stream, b"retry: 1000\n\n")
        blocks = hub.ring.after(stream.topics, after) if after <= hub.last else None
        if blocks is not None:
            if blocks:
                stream.last = blocks[-1].id
                await _write(stream, b"".join(block.data for block in blocks))
        else:
            await self._replay_from_log(stream)
        await _write(stream, b"id: %d\n\n" % stream.last)

    async def _replay_from_log(self, stream: Stream) -> None:
        told = 0
        while not stream.gone.done():
            rows, newest = await self._in_thread(self._missed, stream)
            if rows is None or told >= LONGEST_REPLAY:
                reset = encode(LoggedEvent(newest, "", "reset", "{}"))
                stream.last = newest
                await _write(stream, reset.data)
                return
            if rows:
                stream.last = rows[-1].id
                await _write(stream, b"".join(encode(row).data for row in rows))
            told += len(rows)
            if len(rows) < PAGE:
                return

    async def _in_thread(self, call: Callable[..., Any], *arguments: object) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._in_context, call, *arguments)

    def _in_context(self, call: Callable[..., Any], *arguments: object) -> Any:
        with self._app.app_context():
            return call(*arguments)

    def _preload(self) -> tuple[Sequence[LoggedEvent], int]:
        with self._app.app_context(), db.engine.connect() as connection:
            recent = events.latest(connection, PRELOAD)
            return recent, recent[0].id - 1 if recent else 0

    def _who(self, scope: Scope, by_token: bool) -> StreamIdentity | None:
        environ = environ_of(scope)
        if by_token:
            # The answer to a token may be read by other sites: a cookie must not add to what it may hear.
            environ.pop("HTTP_COOKIE", None)
        return self._identify(environ)

    def _missed(self, stream: Stream) -> tuple[list[LoggedEvent] | None, int]:
        """The next page and the newest id; None instead of a page when the log does not reach back to ``last``."""
        with db.engine.connect() as connection:
            oldest, newest = events.bounds(connection)
            if stream.last > newest or stream.last < oldest - 1:
                return None, newest
            return events.read(connection, stream.last, PAGE, stream.topics), newest

    def _report(self, user_ids: frozenset[int]) -> None:
        def touch() -> None:
            try:
                if self._touch is not None:
                    self._touch(user_ids)
            except SQLAlchemyError as error:
                log.warning("presence not recorded", error=str(error))

        self._pool.submit(self._in_context, touch)

    async def _tick(self, hub: Hub) -> None:
        seconds = 0
        while True:
            await asyncio.sleep(1)
            seconds += 1
            hub.beat()
            if seconds % self._touch_seconds == 0:
                hub.report_present()

    async def _watch_sign_ins(self, hub: Hub) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(hub.session_ended.wait(), RECHECK_SECONDS)
            hub.session_ended.clear()
            await self.recheck(hub)

    async def recheck(self, hub: Hub) -> None:
        """End the streams of sign-ins that have ended and of people who were disabled: one query for all."""
        watched = [stream.sign_in_id for stream in hub.streams if stream.sign_in_id is not None]
        if not watched or self._ended is None:
            return
        try:
            hub.end_sign_ins(await self._in_thread(self._ended, sorted(set(watched))))
        except SQLAlchemyError as error:
            log.warning("sign-ins not rechecked", error=str(error))


def _starting_point(scope: Scope, query: dict[str, list[str]]) -> int | None:
    """The id to go on from: None for now, -1 for nonsense. The header is newer than the address it returns to."""
    header = next((value for name, value in scope["headers"] if name == b"last-event-id"), None)
    text = header.decode("latin-1") if header else query.get("after", [""])[-1]
    if not text:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1


def _open_to_all(query: dict[str, list[str]]) -> list[tuple[bytes, bytes]]:
    """A token is proof enough for the page of another site; a cookie never is."""
    return [(b"access-control-allow-origin", b"*")] if "token" in query else []


async def _write(stream: Stream, data: bytes) -> None:
    message = {"type": "http.response.body", "body": data, "more_body": True}
    await asyncio.wait_for(stream.send(message), STUCK_SECONDS)


async def _watch(receive: Receive, stream: Stream) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
    stream.end(reading=False)


async def _finish(stream: Stream, scope: Scope, watch: asyncio.Task[None], reading: bool) -> None:
    """Close politely towards a reader, at once towards one that does not read: it would never take the last byte."""
    if reading:
        try:
            last = {"type": "http.response.body", "body": b"", "more_body": False}
            await asyncio.wait_for(stream.send(last), 1)
            watch.cancel()
            return
        except (TimeoutError, OSError):
            log.debug("stream did not take its end")
    transport = scope.get("state", {}).get(TRANSPORT)
    if transport is not None:
        transport.abort()
        await watch
    watch.cancel()
