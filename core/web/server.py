"""Two small extensions of uvicorn: a reader can be cut off, and streams end when the stop signal comes."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from types import FrameType

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from core.events.stream import TRANSPORT

SAME_CTRL_C_SECONDS = 1.0


class Protocol(HttpToolsProtocol):
    """Puts the connection's transport into the scope's state: ASGI itself has no way to abort a connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, TRANSPORT: transport}


class Server(uvicorn.Server):
    """Calls ``on_stop`` from the signal handler: uvicorn's own shutdown event comes after the streams it waits for."""

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop
        self._stopped_at = 0.0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        moment = time.monotonic()
        if not self.should_exit:
            self.should_exit = True
            self._stopped_at = moment
            self._on_stop()
        elif sig == signal.SIGINT and moment - self._stopped_at > SAME_CTRL_C_SECONDS:
            self.force_exit = True
