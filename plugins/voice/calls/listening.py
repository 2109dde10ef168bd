"""The worker's ear: one thread on the leading worker reads the events of the voice process and carries them out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog
from flask import Flask
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError, SQLAlchemyError

from core.db import db
from plugins.voice import switchboard
from plugins.voice.calls import driver_events, reconciling
from plugins.voice.process.run import chosen

log = structlog.get_logger("okno.voice")
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
LOST_SECONDS = 15.0
SWEEP_SECONDS = 30.0
# The data base is away or busy: the same event may well succeed later. Any other error of it is the event's own.
PASSING = (OperationalError, InterfaceError)


class Listener(threading.Thread):
    """Reads until stopped; connects again whenever the voice process goes away."""

    def __init__(self, app: Flask) -> None:
        super().__init__(name="okno-voice-events", daemon=True)
        self.app = app
        self.stopping = threading.Event()
        self.stream: switchboard.Listening | None = None
        self.suspects: set[str] = set()
        self.swept_at = self.heard_at = time.monotonic()

    def run(self) -> None:
        pause = FIRST_PAUSE
        while not self.stopping.is_set():
            begun = time.monotonic()
            try:
                with self.app.app_context():
                    self.read()
            except switchboard.Away as away:
                log.debug("the voice process is away", why=str(away))
            except Exception as error:
                # It answers; that what it says cannot be kept is no reason to end its calls, nor to stop listening.
                self.heard_at = time.monotonic()
                log.error("events of voice wait", error=str(error)[:500], exc_info=not isinstance(error, PASSING))
            if time.monotonic() - self.heard_at > LOST_SECONDS:
                self.give_up()
                self.heard_at = time.monotonic()
            self.stopping.wait(pause)
            pause = FIRST_PAUSE if time.monotonic() - begun > LONGEST_PAUSE else min(pause * 2, LONGEST_PAUSE)

    def read(self) -> None:
        """One connection, until it ends. Raises :class:`switchboard.Away`, data base errors."""
        process, seq = driver_events.cursor()
        stream = self.stream = switchboard.Listening(switchboard.address_of(self.app), seq, process)
        self.heard_at = time.monotonic()
        try:
            if stream.process != process:
                reconciling.begin_run(stream.process)
            else:
                self.reconcile(stream.process)
            for told in stream:
                self.heard_at = time.monotonic()
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
        """One event; what breaks on it is logged and left out, so that the others come through. Raises when the data base is away."""
        try:
            try:
                driver_events.apply(process, seq, event)
            except IntegrityError:  # another request was quicker: it looks different now
                db.session.rollback()
                driver_events.apply(process, seq, event)
        except PASSING:
            raise
        except Exception as error:
            db.session.rollback()
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
