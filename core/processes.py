"""The processes of a house: one that serves the web, and a small supervisor over web and worker.

This module imports nothing heavy by itself: the supervisor starts at once and stays small.
"""

from __future__ import annotations

import ctypes
import http.client
import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.asgi import Edge

# A child that ends with this (sysexits.h, EX_CONFIG) can't run until somebody mends its settings.
EXIT_CONFIG = 78
STATE_FILE = "run/okno.json"
STOP_SECONDS = 15.0
GRACEFUL_SECONDS = 10
FIRST_PAUSE, LONGEST_PAUSE, SETTLED_SECONDS = 0.2, 10.0, 30.0
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


@dataclass
class Child:
    """A process to keep alive: ``argv``, the descriptors it inherits, and when it is started again."""

    name: str
    argv: Sequence[str]
    fds: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    pause: float = FIRST_PAUSE


@dataclass
class Supervisor:
    """Starts children, starts those that die again (sooner the longer they lived), stops all on SIGINT or SIGTERM.

    The children die with it, even if it is killed. They stay in its process group; a Ctrl-C reaches them only through
    it, so that each is asked once. ``changed`` is called with the pids whenever they change.
    """

    children: list[Child]
    changed: Callable[[dict[str, int]], None] = lambda _pids: None
    stop_seconds: float = STOP_SECONDS
    environment: Mapping[str, str] | None = None
    output: IO[str] = field(default_factory=lambda: sys.stderr)
    _stopping: bool = False
    _code: int = 0

    def run(self) -> int:
        """Run until a signal; 0 after a clean stop, 1 if a child had to be killed, 78 if a child has wrong settings."""
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        old_fd = signal.set_wakeup_fd(writer)
        handlers = {
            signum: signal.signal(signum, self._handle) for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)
        }
        try:
            while not self._stopping:
                self._look_after()
                if not self._stopping:
                    select.select([reader], [], [], self._next_start())
                    _empty(reader)
            self._stop_all(reader)
        finally:
            signal.set_wakeup_fd(old_fd)
            for signum, handler in handlers.items():
                signal.signal(signum, handler)
            os.close(reader)
            os.close(writer)
        return self._code

    def pids(self) -> dict[str, int]:
        """The living children by name."""
        return {child.name: child.process.pid for child in self.children if child.process}

    def _handle(self, signum: int, _frame: FrameType | None) -> None:
        if signum != signal.SIGCHLD:
            self._stopping = True

    def _look_after(self) -> None:
        moment = time.monotonic()
        before = self.pids()
        for child in self.children:
            if child.process and (code := child.process.poll()) is not None:
                self._bury(child, code, moment)
            if not self._stopping and child.process is None and moment >= child.start_at:
                self._start(child, moment)
        if self.pids() != before:
            self.changed(self.pids())

    def _bury(self, child: Child, code: int, moment: float) -> None:
        child.process = None
        if code == EXIT_CONFIG:
            self._stopping, self._code = True, EXIT_CONFIG
            return
        if moment - child.started_at > SETTLED_SECONDS:
            child.pause = FIRST_PAUSE
        child.start_at = moment + child.pause
        print(
            f"okno: {child.name} ended ({_how(code)}), starts again in {child.pause:.1f} s",
            file=self.output,
            flush=True,
        )
        child.pause = min(child.pause * 2, LONGEST_PAUSE)

    def _start(self, child: Child, moment: float) -> None:
        child.process = subprocess.Popen(
            child.argv,
            stdin=subprocess.DEVNULL,
            pass_fds=child.fds,
            env=None if self.environment is None else {**os.environ, **self.environment},
            preexec_fn=_before_child(os.getpid()),
        )
        child.started_at = moment

    def _next_start(self) -> float | None:
        waiting = [child.start_at for child in self.children if child.process is None]
        return max(0.0, min(waiting) - time.monotonic()) if waiting else None

    def _stop_all(self, reader: int) -> None:
        living = [child.process for child in self.children if child.process]
        for process in living:
            process.terminate()
        until = time.monotonic() + self.stop_seconds
        while any(process.poll() is None for process in living):
            left = until - time.monotonic()
            if left <= 0:
                self._code = self._code or 1
                for process in living:
                    process.kill()
                    process.wait()
                break
            select.select([reader], [], [], left)
            _empty(reader)
        for child in self.children:
            child.process = None


def _how(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _empty(reader: int) -> None:
    while select.select([reader], [], [], 0)[0]:
        os.read(reader, 512)


def _before_child(parent: int) -> Callable[[], None]:
    """What runs in the child before its program: it dies with its parent and leaves Ctrl-C to it."""
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

    def prepare() -> None:
        # An ignored SIGINT stays ignored in the new program until that asks for it.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if libc is not None:
            libc.prctl(1, signal.SIGTERM, 0, 0, 0)  # PR_SET_PDEATHSIG
            if os.getppid() != parent:
                os._exit(1)

    return prepare


def child_command(home: Path, *arguments: str) -> list[str]:
    """The command line of ``okno --home HOME …`` under the interpreter that runs now."""
    return [sys.executable, "-m", "cli", "--home", str(home), *arguments]


def run_all(
    home: Path,
    overrides: Mapping[str, Any] | None = None,
    host: str = "127.0.0.1",
    port: int = 8000,
    on_ready: Callable[[str], None] | None = None,
) -> int:
    """Run web and worker under a supervisor until SIGINT or SIGTERM; gives the exit code.

    The port is bound here, once: it is known at once, a taken one raises :class:`OSError` before anything starts, and
    while the web process is started again connections wait instead of being refused. ``on_ready(url)`` is called from
    a thread when the web answers. ``home/run/okno.json`` holds url and pids meanwhile. ``overrides`` reach the children
    as ``OKNO_…`` variables.
    """
    with bind(host, port) as sock:
        port = sock.getsockname()[1]
        url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        state = home / STATE_FILE
        web = Child("web", child_command(home, "web", "--fd", str(sock.fileno())), (sock.fileno(),))
        worker = Child("worker", child_command(home, "worker"))
        variables = {**_variables(overrides or {}), "OKNO_WEB_HOST": host, "OKNO_WEB_PORT": str(port)}

        def changed(pids: dict[str, int]) -> None:
            write_state(state, {"pid": os.getpid(), "url": url, "host": host, "port": port, "children": pids})

        supervisor = Supervisor([web, worker], changed, environment=variables)
        done = threading.Event()
        if on_ready is not None:
            threading.Thread(target=_announce, args=(host, port, url, on_ready, done), daemon=True).start()
        try:
            return supervisor.run()
        finally:
            done.set()
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


def _announce(host: str, port: int, url: str, on_ready: Callable[[str], None], done: threading.Event) -> None:
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    while not done.wait(0.05):
        connection = http.client.HTTPConnection(reachable, port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                on_ready(url)
                return
        except (OSError, http.client.HTTPException):
            continue
        finally:
            connection.close()
