"""The worker: due work driven by wakes with a poll behind them, APScheduler for periodic jobs, daemons, one leader."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from datetime import timedelta

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from core import assignment, calendars, faults, intake, live, notifications, outbox, presence, states_away, webhooks
from core.clock import now
from core.contracts import Daemon, Job
from core.db import db, transaction
from core.events import log as events
from core.events.wake import Listener
from core.holder import holder
from core.live import bots
from core.model import Lease
from core.routing import router
from core.workflow import engine as workflow

LEASE_SECONDS = 10
POLL_SECONDS = 1.0
DAEMON_RETRY_SECONDS = 10
log = structlog.get_logger("okno.worker")


def lead(name: str, who: str, seconds: float = LEASE_SECONDS) -> bool:
    """Take or prolong the lease ``name``; True while ``who`` holds it. Decided by the data base."""
    moment = now()
    values = {"holder": who, "expires_at": moment + timedelta(seconds=seconds)}
    with transaction():
        mine_or_free = (Lease.name == name) & ((Lease.holder == who) | (Lease.expires_at < moment))
        taken = db.session.execute(update(Lease).where(mine_or_free).values(**values))
        if taken.rowcount == 1:  # type: ignore[attr-defined]
            return True
        if db.session.get(Lease, name) is not None:
            return False
        try:
            with db.session.begin_nested():
                db.session.add(Lease(name=name, **values))
        except IntegrityError:
            return False
        return True


class Loop(threading.Thread):
    """Runs ``work`` in an application context when woken and at least every ``poll`` seconds, until stopped."""

    def __init__(self, app: Flask, name: str, work: Callable[[], int], poll: float = POLL_SECONDS) -> None:
        super().__init__(name=f"okno-{name}", daemon=True)
        self.app, self.work, self.poll = app, work, poll
        self.woken, self.stopping = threading.Event(), threading.Event()

    def run(self) -> None:
        while not self.stopping.is_set():
            woken = self.woken.wait(self.pause())
            self.woken.clear()
            if not woken and self.may_rest():
                continue
            while self.once():
                if self.stopping.is_set():
                    return

    def once(self) -> int:
        """One round; an error is logged and the next round comes after the poll."""
        try:
            with self.app.app_context():
                return self.work()
        except SQLAlchemyError as error:
            log.error("data base trouble", loop=self.name, error=str(error)[:500])
        except Exception as error:
            log.error("loop failed", loop=self.name, exc_info=error)
        return 0

    def pause(self) -> float:
        """How long to wait for a wake."""
        return self.poll

    def may_rest(self) -> bool:
        """Whether to go on waiting when no wake came."""
        return False

    def wake(self) -> None:
        self.woken.set()

    def stop(self) -> None:
        self.stopping.set()
        self.woken.set()


class RoutingLoop(Loop):
    """Offers when woken and when time alone lets something be offered; without either, a look costs one statement."""

    def __init__(self, app: Flask) -> None:
        super().__init__(app, "routing", assignment.route_due)

    def pause(self) -> float:
        with self.app.app_context():
            return router.pace().seconds(self.poll)

    def may_rest(self) -> bool:
        with self.app.app_context():
            try:
                return router.pace().may_rest()
            except SQLAlchemyError:
                return False


class Worker:
    """Everything that happens without a request."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.who = holder()
        self.leading = False
        self.stopped = threading.Event()
        self.loops = {
            "intake": Loop(app, "intake", intake.process_due),
            "routing": RoutingLoop(app),
            "outbox": Loop(app, "outbox", outbox.send_due),
            webhooks.LANE: Loop(app, webhooks.LANE, lambda: outbox.send_due(lane=webhooks.LANE)),
            live.LANE: Loop(app, live.LANE, lambda: outbox.send_due(lane=live.LANE)),
            bots.LOOP: Loop(app, bots.LOOP, bots.think_due),
            "due": Loop(app, "due", self.due),
        }
        self.scheduler = BackgroundScheduler(timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1})
        self.daemons: list[Daemon] = []
        self.stops: dict[str, Callable[[], None]] = {}

    def heard(self, name: str) -> None:
        """A wake: a loop has work, or opening hours have changed, which the router has to read anew."""
        if name == calendars.WAKE:
            with self.app.app_context():
                calendars.calendars.forget()
            name = "routing"
        self.loops[name].wake()

    def due(self) -> int:
        """Expired offers, finished wrap-ups, lost desks, workflow steps; returns 0 unless steps are left."""
        grace = self.app.extensions["okno"].config.get("routing.grace_seconds")
        assignment.expire_due()
        assignment.wrap_up_due()
        presence.drop_lost(grace)
        return workflow.run_due()

    def start(self) -> None:
        """Start loops, jobs and daemons; returns at once."""
        with self.app.app_context():
            house = self.app.extensions["okno"]
            self.leading = lead("worker", self.who)
            outbox.release_abandoned()
            jobs, daemons = house.hooks.jobs(), house.hooks.daemons()
            self.listener = Listener((*self.loops, calendars.WAKE), self.heard)
        for loop in self.loops.values():
            loop.start()
            loop.wake()
        own = (
            Job("core.faults", faults.flush, 5, leader=False),
            Job("core.away", self.away, 5),
            Job("core.prune", self.prune, 600),
            Job("core.silent_bots", bots.end_silent, 30),
        )
        self.scheduler.add_job(
            self.keep_lease, "interval", seconds=LEASE_SECONDS / 3, id="core.lease", replace_existing=True
        )
        for job in (*own, *jobs.values()):
            self.scheduler.add_job(
                self.guarded, "interval", args=(job,), seconds=job.seconds, id=job.id, replace_existing=True
            )
        self.daemons = list(daemons.values())
        for daemon in self.daemons:
            self.start_daemon(daemon)
        self.scheduler.start()

    def keep_lease(self) -> None:
        with self.app.app_context():
            try:
                self.leading = lead("worker", self.who)
            except SQLAlchemyError as error:
                self.leading = False
                log.warning("lease lost", error=str(error)[:200])
        for daemon in self.daemons:
            if daemon.leader and self.leading and daemon.name not in self.stops:
                self.start_daemon(daemon)

    def guarded(self, job: Job) -> None:
        """Run a periodic job with its faults kept apart."""
        if job.leader and not self.leading:
            return
        with self.app.app_context():
            try:
                job.run()
            except Exception as error:  # noqa: BLE001 -- a plugin's job must not end the worker
                self.app.extensions["okno"].plugins.record_fault(job.id.split(".")[0], f"job {job.id}", error)

    def away(self) -> None:
        states_away.go_away_due()

    def prune(self) -> None:
        hours = self.app.extensions["okno"].config.get("events.keep_hours")
        with transaction():
            events.prune(now() - timedelta(hours=hours))
        notifications.prune()

    def start_daemon(self, daemon: Daemon) -> None:
        """Start a daemon, once; a leader's waits until this worker leads; one that cannot start now is tried again."""
        if self.stopped.is_set() or daemon.name in self.stops or (daemon.leader and not self.leading):
            return
        try:
            self.stops[daemon.name] = daemon.start(self.app)
        except Exception as error:  # noqa: BLE001 -- a port in use, a missing certificate: counted, tried again
            self.app.extensions["okno"].plugins.record_fault(daemon.name.split("-")[0], f"daemon {daemon.name}", error)
            again = now() + timedelta(seconds=DAEMON_RETRY_SECONDS)
            self.scheduler.add_job(
                self.start_daemon,
                "date",
                args=(daemon,),
                run_date=again,
                id=f"start.{daemon.name}",
                replace_existing=True,
            )

    def stop(self) -> None:
        """Stop taking in first, then let what runs finish, then give the lease up."""
        if self.stopped.is_set():
            return
        self.stopped.set()
        for stop in self.stops.values():
            stop()
        self.listener.close()
        self.scheduler.shutdown(wait=False)
        for loop in self.loops.values():
            loop.stop()
        for loop in self.loops.values():
            loop.join(timeout=5)
        with self.app.app_context(), transaction():
            db.session.execute(update(Lease).where(Lease.holder == self.who).values(expires_at=now()))

    def run(self) -> None:
        """Work until SIGTERM or SIGINT.

        The signals are blocked in every thread and waited for here: a handler would only run once the main thread happens to wake.
        """
        ends = (
            {signal.SIGTERM} if signal.getsignal(signal.SIGINT) == signal.SIG_IGN else {signal.SIGTERM, signal.SIGINT}
        )
        signal.pthread_sigmask(signal.SIG_BLOCK, ends)
        sys.setswitchinterval(0.0005)
        self.start()
        signal.sigwait(ends)
        self.stop()
