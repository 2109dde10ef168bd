"""One thread per web process that reads the event log as it grows: woken, or once a second."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from time import monotonic, sleep

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from core.events import log as events
from core.events.log import LoggedEvent

log = structlog.get_logger(__name__)
POLL_SECONDS = 1.0
# How often the log is read at most.
GATHER_SECONDS = 0.005
PAGE = 500


class Tailer(threading.Thread):
    """Hands every event after ``last`` to ``deliver``, in order and once each, until :meth:`stop`.

    A data base that is away only delays: the place in the log is kept and reading goes on when it is back.
    """

    def __init__(
        self, engine: Engine, deliver: Callable[[Sequence[LoggedEvent]], None], last: int, poll: float = POLL_SECONDS
    ) -> None:
        super().__init__(name="tailer", daemon=True)
        self.last = last
        self._engine, self._deliver, self._poll = engine, deliver, poll
        self._wake = threading.Event()
        self._stopping = False
        self._failing = False

    def wake(self, _name: str = "") -> None:
        """Look now; may be called from any thread."""
        self._wake.set()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stopping = True
        self._wake.set()
        self.join(5)

    def run(self) -> None:
        while not self._stopping:
            try:
                with self._connect() as connection:
                    while not self._stopping:
                        self._read_on(connection)
                        read = monotonic()
                        self._wake.wait(self._poll)
                        # Under load one reading serves all that was published meanwhile; a lone event waits for nothing.
                        sleep(max(0.0, read + GATHER_SECONDS - monotonic()))
                        self._wake.clear()
            except SQLAlchemyError as error:
                if not self._failing:
                    log.warning("event log unreadable, trying on", error=str(error))
                self._failing = True
                self._wake.wait(self._poll)
                self._wake.clear()

    def _connect(self) -> Connection:
        connection = self._engine.connect()
        if self._engine.dialect.name == "postgresql":
            # Saves two round trips a read.
            return connection.execution_options(isolation_level="AUTOCOMMIT")
        return connection

    def _read_on(self, connection: Connection) -> None:
        while not self._stopping:
            rows = events.read(connection, self.last, PAGE)
            # Ends SQLite's snapshot: the next read must see newer commits.
            connection.rollback()
            if self._failing:
                self._failing = False
                log.info("event log readable again")
            if not rows:
                return
            self.last = rows[-1].id
            self._deliver(rows)
            if len(rows) < PAGE:
                return
