"""The event stream: kept open, read in order, and after each gap what we believe is compared with what Asterisk has."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from websockets.exceptions import WebSocketException

from core.telephony import DriverError
from plugins.asterisk.ari import AriClient, AriError

log = structlog.get_logger("okno.asterisk")
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0

Handler = Callable[[dict[str, Any]], Awaitable[None]]


class Listener:
    """Connects again and again until stopped. ``opening`` runs before an attempt, ``opened`` before the first event of a connection is handled."""

    def __init__(
        self,
        ari: AriClient,
        handle: Handler,
        opening: Callable[[], Awaitable[None]],
        opened: Callable[[], Awaitable[None]],
        closed: Callable[[], None],
    ) -> None:
        self._ari, self._handle = ari, handle
        self._opening, self._opened, self._closed = opening, opened, closed
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to connect."""
        self._task = asyncio.create_task(self._run(), name="asterisk-events")

    async def stop(self) -> None:
        """End the connection and the attempts."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                await self._opening()
                async with self._ari.events() as stream:
                    await self._ready()
                    pause = FIRST_PAUSE
                    await self._opened()
                    async for text in stream:
                        await self._take(text)
            except (OSError, WebSocketException, AriError, DriverError) as error:
                log.info("asterisk.away", why=str(error) or type(error).__name__, again_in=pause)
            except Exception as error:
                # Whatever it was: without this task no call is heard of any more.
                log.error("asterisk.listening-failed", exc_info=error, again_in=pause)
            finally:
                self._closed()
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _ready(self) -> None:
        """The WebSocket may be open before all of ARI is loaded. Raises AriError while it is not."""
        await self._ari.get("asterisk", "info", only="system")
        await self._ari.get("applications", self._ari.address.app)

    async def _take(self, text: str | bytes) -> None:
        try:
            event = json.loads(text)
        except ValueError:
            log.warning("asterisk.event-unreadable", text=text[:200])
            return
        try:
            await self._handle(event)
        except Exception as error:
            # One strange event must not end the stream that all calls depend on.
            log.warning("asterisk.event-unhandled", text=text[:200], exc_info=error)
