"""A nudge to whoever waits for work: "look now", never what to look at.

A wake goes to the listeners of this process, to the other processes of the house through Unix datagram sockets in
``home/run``, and to other machines through Redis when one is configured. It is best effort: every listener also looks
by itself at least once a second, so a lost wake costs a moment and a failing one costs nothing.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from flask import Flask, current_app

if TYPE_CHECKING:
    from core.events.wake_redis import RedisWakes

log = structlog.get_logger(__name__)
EXTENSION = "okno_wake"
# Linux keeps a socket's path in 108 bytes, other systems in 104.
LONGEST_PATH = 100

Callback = Callable[[str], None]


class Listener:
    """Calls ``callback(name)`` for every wake of one of ``names`` until closed.

    The callback runs in a foreign thread and must return at once: set an event, notify a loop. Wakes that come while
    it is busy may be merged. Without ``bus`` it listens to the bus of the current app.
    """

    def __init__(self, names: Iterable[str], callback: Callback, bus: WakeBus | None = None) -> None:
        self.names = frozenset(names)
        self.callback = callback
        self._bus = bus or current_app.extensions[EXTENSION]
        self._bus.add(self)

    def close(self) -> None:
        self._bus.remove(self)

    def hear(self, name: str) -> None:
        """Call the callback if ``name`` is wanted; a failure is logged, because a wake must not fail a commit."""
        if name not in self.names:
            return
        try:
            self.callback(name)
        except Exception:
            log.exception("wake callback failed", name=name)


class WakeBus:
    """The wakes of one process. Nothing is opened before the first listener or the first wake."""

    def __init__(self, home: Path, redis_url: str = "") -> None:
        self.folder = home / "run"
        self._redis_url = redis_url
        self._redis: RedisWakes | None = None
        self._listeners: list[Listener] = []
        self._lock = threading.Lock()
        self._mailbox: Mailbox | None = None
        self._sender: socket.socket | None = None

    def wake(self, name: str) -> None:
        """Nudge every listener of ``name`` in the house. Never raises and never waits for the network."""
        self._hear(name)
        self._send(name)
        if self._redis_url:
            self._remote().wake(name)

    def add(self, listener: Listener) -> None:
        """Start to hear, from this and from other processes."""
        with self._lock:
            self._listeners = [*self._listeners, listener]
            if self._mailbox is None:
                self._mailbox = open_mailbox(self.folder, self._hear)
        if self._redis_url:
            self._remote().listen()

    def remove(self, listener: Listener) -> None:
        """Stop to hear."""
        with self._lock:
            self._listeners = [each for each in self._listeners if each is not listener]

    def close(self) -> None:
        """Close sockets and threads; the bus can't be used afterwards."""
        with self._lock:
            mailbox, self._mailbox, self._listeners = self._mailbox, None, []
            remote, self._redis, self._redis_url = self._redis, None, ""
            sender, self._sender = self._sender, None
        if mailbox:
            mailbox.close()
        if remote:
            remote.close()
        if sender:
            sender.close()

    def _hear(self, name: str) -> None:
        for listener in self._listeners:
            listener.hear(name)

    def _hear_all(self) -> None:
        for listener in self._listeners:
            for name in listener.names:
                listener.hear(name)

    def _remote(self) -> RedisWakes:
        with self._lock:
            if self._redis is None:
                from core.events.wake_redis import RedisWakes

                self._redis = RedisWakes(self._redis_url, self._hear, self._hear_all)
            return self._redis

    def _send(self, name: str) -> None:
        own = self._mailbox.path.name if self._mailbox else ""
        try:
            with self._lock:
                if self._sender is None:
                    self._sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
                sender = self._sender
            for other in mailboxes(self.folder):
                if other != own:
                    post(sender, self.folder, other, name)
        except OSError as error:
            log.warning("wake not sent", name=name, error=str(error))


class Mailbox(threading.Thread):
    """The datagram socket of this process and the thread that reads it."""

    def __init__(self, folder: Path, name: str, sock: socket.socket, hear: Callback) -> None:
        super().__init__(name="wake", daemon=True)
        self.hear, self._socket = hear, sock
        self.path = folder / name
        self._stopping = False

    def run(self) -> None:
        while not self._stopping:
            for name in self._drain():
                self.hear(name)

    def _drain(self) -> set[str]:
        """Wait for a datagram, then take all that are there: a burst of one name is one wake."""
        try:
            names = {self._socket.recv(200)}
            while True:
                names.add(self._socket.recv(200, socket.MSG_DONTWAIT))
        except BlockingIOError:
            pass
        except OSError:
            self._stopping = True
            return set()
        return {name.decode(errors="replace") for name in names if name}

    def close(self) -> None:
        """Stop the thread and remove the socket."""
        self._stopping = True
        # Ends the blocking read, also when somebody has removed the folder.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self.join(2)
        self._socket.close()
        self.path.unlink(missing_ok=True)


def open_mailbox(folder: Path, hear: Callback) -> Mailbox | None:
    """A started mailbox in ``folder``, or None where the system has none: then polling alone has to do."""
    name = f"wake-{os.getpid()}-{secrets.token_hex(3)}.sock"
    sock = None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with reachable(folder) as short:
            sweep(folder)
            sock.bind(f"{short}/{name}")
    except OSError as error:
        log.warning("no wake socket, polling every second instead", folder=str(folder), error=str(error))
        if sock:
            sock.close()
        return None
    mailbox = Mailbox(folder, name, sock, hear)
    mailbox.start()
    return mailbox


def mailboxes(folder: Path) -> list[str]:
    """The names of the sockets in ``folder``, living and stale."""
    try:
        return [name for name in os.listdir(folder) if name.startswith("wake-") and name.endswith(".sock")]
    except FileNotFoundError:
        return []


def sweep(folder: Path) -> None:
    """Remove the sockets of processes that are gone."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender:
        for name in mailboxes(folder):
            post(sender, folder, name, "")


def post(sender: socket.socket, folder: Path, mailbox: str, name: str) -> None:
    """Send one wake; a socket without a process is removed, a full one has a wake waiting already."""
    try:
        with reachable(folder) as short:
            sender.sendto(name.encode(), f"{short}/{mailbox}")
    except (BlockingIOError, FileNotFoundError):
        return
    except ConnectionRefusedError:
        (folder / mailbox).unlink(missing_ok=True)


@contextlib.contextmanager
def reachable(folder: Path) -> Iterator[str]:
    """A short enough path to ``folder``: itself, or a detour over an open descriptor. Raises OSError without one."""
    path = str(folder)
    if len(os.fsencode(path)) + 40 <= LONGEST_PATH:
        yield path
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def init_wake(app: Flask, home: Path, redis_url: str = "") -> WakeBus:
    """Give ``app`` its bus; opens nothing yet."""
    bus = WakeBus(home, redis_url)
    app.extensions[EXTENSION] = bus
    return bus


def wake(name: str) -> None:
    """Nudge the house's listeners of ``name``: events, intake, outbox, routing, due. Best effort, never raises."""
    bus: WakeBus | None = current_app.extensions.get(EXTENSION)
    if bus is not None:
        bus.wake(name)
