"""The worker's ear: one thread on the leading worker reads the events of the voice process and carries them out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from core.db import db
from plugins.voice import switchboard
from plugins.voice.calls import driver_events, reconciling
from plugins.voice.process.run import chosen

log = structlog.get_logger("okno.voice")
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
LOST_SECONDS = 15.0
SWEEP_SECONDS = 30.0


class Listener(threading.Thread):
    """Reads until stopped; connects again whenever the voice process goes away."""

    def __init__(self, app: Flask) -> None:
        super().__init__(name="okno-voice-events", daemon=True)
        self.app = app
        self.stopping = threading.Event()
        self.stream: switchboard.Listening | None = None
        self.suspects: set[str] = set()
        self.swept_at = time.monotonic()

    def run(self) -> None:
        pause, away_since = FIRST_PAUSE, time.monotonic()
        while not self.stopping.is_set():
            try:
                with self.app.app_context():
                    self.read()
                pause, away_since = FIRST_PAUSE, time.monotonic()
            except switchboard.Away as away:
                log.debug("the voice process is away", why=str(away))
            except (SQLAlchemyError, switchboard.Refused) as error:
                log.error("events of voice wait", error=str(error)[:500])
            if time.monotonic() - away_since > LOST_SECONDS:
                self.give_up()
                away_since = time.monotonic()
            self.stopping.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def read(self) -> None:
        """One connection, until it ends. Raises :class:`switchboard.Away`, data base errors."""
        process, seq = driver_events.cursor()
        stream = self.stream = switchboard.Listening(switchboard.address_of(self.app), seq, process)
        try:
            if stream.process != process:
                reconciling.begin_run(stream.process)
            else:
                self.reconcile(stream.process)
            for told in stream:
                if self.stopping.is_set():
                    return
                if "event" in told:
                    self.carry_out(stream.process, told["seq"], told["event"])
                elif told.get("gap"):
                    self.catch_up(stream.process, told["seq"])
                self.sweep()
        finally:
            self.stream = None
            stream.close()

    def carry_out(self, process: str, seq: int, event: dict[str, object]) -> None:
        """One event; what breaks on it is logged and left out, so that the others come through."""
        try:
            driver_events.apply(process, seq, event)
        except SQLAlchemyError:
            raise
        except Exception as error:
            log.error("an event failed", told=event, exc_info=error)
            driver_events.skip(process, seq)
        finally:
            db.session.remove()
        if event["kind"] == "driver.up":
            self.reconcile(process)

    def catch_up(self, process: str, seq: int) -> None:
        """Events between were lost: the picture says what became of it."""
        self.reconcile(process)
        driver_events.skip(process, seq)

    def reconcile(self, process: str) -> None:
        reconciling.reconcile(process, switchboard.ask("snapshot", {}))
        reconciling.end_calls_of_others(process)

    def sweep(self) -> None:
        """Now and then: legs that nobody knows, seen twice, are ended."""
        if time.monotonic() - self.swept_at < SWEEP_SECONDS:
            return
        self.swept_at = time.monotonic()
        found = reconciling.strays(switchboard.ask("snapshot", {}))
        reconciling.end_strays(found & self.suspects)
        self.suspects = found

    def give_up(self) -> None:
        """The process has not come back for long: what it carried is over."""
        with self.app.app_context():
            try:
                reconciling.begin_run("")
            except SQLAlchemyError as error:
                log.error("lost calls could not be ended", error=str(error)[:500])
            finally:
                db.session.remove()

    def stop(self) -> None:
        """End the thread."""
        self.stopping.set()
        if (stream := self.stream) is not None:
            stream.close()
        self.join(timeout=5)


def start(app: Flask) -> Callable[[], None]:
    """Start listening, where there is a backend; gives what stops it."""
    if chosen(app) is None:
        return lambda: None
    listener = Listener(app)
    listener.start()
    return listener.stop
