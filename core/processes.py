"""The processes of a house: one that serves the web, and web and worker together under a supervisor."""

from __future__ import annotations

import http.client
import json
import os
import resource
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.process_group import Child, Supervisor

if TYPE_CHECKING:
    from core.asgi import Edge

STATE_FILE = "run/okno.json"
GRACEFUL_SECONDS = 10
LOOK_SECONDS = 0.25
# A peer that takes nothing for so long is gone, even if its network never says so: TCP alone waits a quarter of an hour.
USER_TIMEOUT_MS = 30_000
WANTED_FILES = 65_536


def raise_nofile(wanted: int = WANTED_FILES) -> int:
    """Raise the limit of open files, which every stream needs one of, as far as allowed; gives the limit now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def bind(host: str, port: int) -> socket.socket:
    """A listening TCP socket; port 0 takes a free one. Raises :class:`OSError` when the port is taken."""
    sock = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=2048)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
    return sock


def serve_web(
    home: Path,
    overrides: Mapping[str, Any] | None = None,
    host: str = "127.0.0.1",
    port: int = 8000,
    fd: int | None = None,
) -> None:
    """Serve the application kept in ``home`` until SIGINT or SIGTERM; ``fd`` is a listening socket that is there already.

    Raises what ``create_app`` raises, and :class:`OSError` when the port is taken.
    """
    from core.app import create_app
    from core.asgi import make_edge

    sock = socket.socket(fileno=fd) if fd is not None else bind(host, port)
    run_edge(make_edge(create_app(home, overrides)), sock)


def run_edge(edge: Edge, sock: socket.socket) -> None:
    """Serve ``edge`` on a listening socket until a signal: streams end at once, requests under way get their answer."""
    import uvicorn

    from core.web.server import Protocol, Server

    raise_nofile()
    config = uvicorn.Config(
        edge,
        loop="uvloop",
        http=Protocol,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        backlog=2048,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )
    Server(config, edge.stop).run([sock])


def run_all(
    home: Path,
    work: Mapping[str, Callable[[socket.socket], object]],
    overrides: Mapping[str, Any] | None = None,
    host: str = "127.0.0.1",
    port: int = 8000,
    on_ready: Callable[[str], None] | None = None,
) -> int:
    """Run processes by name under a supervisor until SIGINT or SIGTERM; gives the exit code.

    ``work`` gets the listening socket. It is bound here, once: its port is known at once, a taken one raises
    :class:`OSError` before anything starts, and while the web process is started again connections wait instead of being
    refused. ``on_ready(url)`` is called when the web answers. ``home/run/okno.json`` holds url and pids meanwhile.
    ``overrides`` reach the children as ``OKNO_…`` variables.
    """
    with bind(host, port) as sock:
        port = sock.getsockname()[1]
        url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        state = home / STATE_FILE
        variables = {**_variables(overrides or {}), "OKNO_WEB_HOST": host, "OKNO_WEB_PORT": str(port)}

        def changed(pids: dict[str, int]) -> None:
            write_state(state, {"pid": os.getpid(), "url": url, "host": host, "port": port, "children": pids})

        def announced() -> bool:
            ready = on_ready is None or _answers(host, port)
            if ready and on_ready is not None:
                on_ready(url)
            return ready

        children = [Child(name, partial(do, sock)) for name, do in work.items()]
        try:
            return Supervisor(children, changed, announced, environment=variables).run()
        finally:
            state.unlink(missing_ok=True)


def write_state(path: Path, state: Mapping[str, Any]) -> None:
    """Replace the file in one step, so that a reader never sees half of it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    half = path.with_suffix(".new")
    half.write_text(json.dumps(state, indent=1) + "\n", "utf-8")
    half.replace(path)


def _variables(overrides: Mapping[str, Any]) -> dict[str, str]:
    """Settings as the environment variables that :mod:`core.config` reads."""
    return {
        "OKNO_" + key.replace(".", "_").upper(): ",".join(value) if isinstance(value, list) else str(value)
        for key, value in overrides.items()
    }


def _answers(host: str, port: int) -> bool:
    """Whether the web answers; a short look, because the supervisor has to see to its children."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    connection = http.client.HTTPConnection(reachable, port, timeout=LOOK_SECONDS)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
