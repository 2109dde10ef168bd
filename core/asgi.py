"""The server's edge: ``/events`` and ``/healthz`` on the event loop, everything else in Flask behind the bridge."""

from __future__ import annotations

import asyncio
import sys

import structlog
from flask import Flask

from core.events.stream import PRESENCE_SECONDS, Ended, EventStreams, Identify, Touch
from core.web.bridge import Bridge, Receive, Scope, Send, answer

log = structlog.get_logger(__name__)
# Python's default of 5 ms lets one busy request thread hold every stream up for that long, several times over.
SWITCH_SECONDS = 0.0005


class Edge:
    """The ASGI application. ``stop`` may be called from a signal handler: streams end, requests get their answer."""

    def __init__(
        self,
        app: Flask,
        identify: Identify,
        ended: Ended | None = None,
        touch: Touch | None = None,
        *,
        touch_seconds: int = PRESENCE_SECONDS,
        threads: int = 3,
        body_limit: int = 30 << 20,
    ) -> None:
        self.streams = EventStreams(app, identify, ended, touch, touch_seconds)
        self._bridge = Bridge(app, threads, body_limit)
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1003})
        elif scope["path"] == "/events":
            await self.streams(scope, receive, send)
        elif scope["path"] == "/healthz":
            await answer(send, 200, '{"status":"alive"}\n', kind="application/json")
        else:
            await self._bridge(scope, receive, send)

    def stop(self) -> None:
        """End the streams now; safe from signal handlers and from any thread, before the start and twice."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.streams.stop)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        sys.setswitchinterval(SWITCH_SECONDS)
        self._loop = asyncio.get_running_loop()
        try:
            await self.streams.open()
        except Exception as error:
            log.exception("the server could not start")
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.streams.close()
        self._bridge.close()
        await send({"type": "lifespan.shutdown.complete"})


def make_edge(app: Flask) -> Edge:
    """The edge of an application with its own settings, sign-in and presence."""
    from core.house import Okno
    from core.presence import touch
    from core.web.auth import ended_sign_ins, stream_identity

    house: Okno = app.extensions["okno"]
    threads, body_mb = house.config.get("web.threads"), house.config.get("web.max_body_mb")
    # Several reports fit into the grace, so that a late one signs nobody off.
    often = max(1, min(PRESENCE_SECONDS, house.config.get("routing.grace_seconds") // 3))
    return Edge(
        app, stream_identity, ended_sign_ins, touch, touch_seconds=often, threads=threads, body_limit=body_mb << 20
    )
