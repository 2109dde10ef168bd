"""Starting and ending the voice process: the backend that the settings name, its socket, a clean end on SIGTERM."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from flask import Flask

from core.telephony import Backend
from plugins.voice.process.host import Host
from plugins.voice.process.server import Server
from plugins.voice.process.socket_address import SOCKET, host_and_port

log = structlog.get_logger("okno.voice")
FOLDER = "voice"
LAST_EVENTS_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Place:
    """What the process needs to know, read before it leaves Flask behind."""

    home: Path
    listen: str
    secret: str
    backend: Backend
    settings: Mapping[str, Any]


def chosen(app: Flask) -> Backend | None:
    """The backend of ``voice.backend``, else the first there is; None without any."""
    house = app.extensions["okno"]
    backends: dict[str, Backend] = house.telephony_backends
    wanted = backends.get(str(house.config.get("voice.backend")))
    return wanted or next(iter(backends.values()), None)


def address_of(listen: str) -> tuple[str, int] | None:
    """«host:port» as a pair, None for "". Raises ``ValueError``."""
    return host_and_port(listen) if listen else None


def run(app: Flask) -> None:
    """Carry calls until SIGTERM; without a backend there is nothing to do but to wait for it."""
    house, backend = app.extensions["okno"], chosen(app)
    if backend is None:
        log.warning("no telephony backend is enabled: calls are signalled without sound")
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        signal.sigwait({signal.SIGTERM})
        return
    config = house.config
    settings = {key: value for key, value in config.values.items() if key.startswith(f"{backend.name}.")}
    place = Place(config.home, config.get("voice.listen"), config.get("voice.secret"), backend, settings)
    asyncio.run(serve(place))


async def serve(place: Place, ready: asyncio.Event | None = None) -> None:
    """Serve the backend until SIGTERM or cancelled; raises what the backend raises when it cannot start."""
    folder = place.home / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    host = Host(place.backend.make(place.settings, str(folder)), place.backend.name)
    server = Server(host, place.secret)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await host.start()
    path = place.home / SOCKET
    await server.listen(path, address_of(place.listen))
    work = asyncio.create_task(host.run())
    log.info("voice is up", backend=place.backend.name, socket=str(path))
    if ready is not None:
        ready.set()
    try:
        await ended.wait()
    finally:
        await host.stop()
        # Readers of events hear how the calls ended.
        await asyncio.sleep(LAST_EVENTS_SECONDS)
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work
        await server.close()
        with suppress(FileNotFoundError):
            path.unlink()
