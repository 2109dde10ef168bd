"""Wakes between machines over Redis pub/sub; a Redis that is away is retried in the background."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import structlog

log = structlog.get_logger(__name__)
CHANNEL = "okno:wake"
LONGEST_PAUSE = 5.0


class RedisWakes:
    """Sends and hears wakes in threads of its own, so that no commit ever waits for Redis.

    ``hear(name)`` is called for each wake heard, ``hear_all()`` after each reconnection, because wakes may have
    been missed meanwhile. Raises :class:`ModuleNotFoundError` when the ``redis`` package is missing.
    """

    def __init__(self, url: str, hear: Callable[[str], None], hear_all: Callable[[], None]) -> None:
        import redis

        self._error = redis.RedisError
        self._client: Any = redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=2)
        self._hear, self._hear_all = hear, hear_all
        self._pending: set[str] = set()
        self._something = threading.Condition()
        self._stopped = threading.Event()
        self._sender: threading.Thread | None = None
        self._reader: threading.Thread | None = None
        self._down = False

    def wake(self, name: str) -> None:
        """Queue a wake; the same name twice before it left is sent once."""
        with self._something:
            self._pending.add(name)
            self._something.notify()
            if self._sender is None:
                self._sender = threading.Thread(target=self._send, name="wake-redis-send", daemon=True)
                self._sender.start()

    def listen(self) -> None:
        """Start to hear; once is enough."""
        with self._something:
            if self._reader is None:
                self._reader = threading.Thread(target=self._read, name="wake-redis-read", daemon=True)
                self._reader.start()

    def close(self) -> None:
        """Stop both threads; they end within the socket time-out."""
        self._stopped.set()
        with self._something:
            self._something.notify()
        for thread in (self._sender, self._reader):
            if thread:
                thread.join(3)
        self._client.close()

    def _send(self) -> None:
        while not self._stopped.is_set():
            with self._something:
                self._something.wait_for(lambda: self._pending or self._stopped.is_set())
                names, self._pending = self._pending, set()
            try:
                for name in names:
                    self._client.publish(CHANNEL, name)
                self._report(True)
            except (self._error, OSError) as error:
                self._report(False, error)
                self._stopped.wait(0.5)

    def _read(self) -> None:
        pause = 0.25
        while not self._stopped.is_set():
            subscription = self._client.pubsub(ignore_subscribe_messages=False)
            try:
                subscription.subscribe(CHANNEL)
                while not self._stopped.is_set():
                    message = subscription.get_message(timeout=1.0)
                    if message is None:
                        continue
                    pause = 0.25
                    if message["type"] == "subscribe":
                        self._report(True)
                        self._hear_all()
                    elif message["type"] == "message":
                        self._hear(message["data"].decode(errors="replace"))
            except (self._error, OSError) as error:
                self._report(False, error)
                self._stopped.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            finally:
                subscription.close()

    def _report(self, up: bool, error: Exception | None = None) -> None:
        """Log a change of state once, not at each attempt."""
        if up == self._down:
            self._down = not up
            if up:
                log.info("Redis is back")
            else:
                log.warning("Redis is away, wakes between machines fall back to polling", error=str(error))
