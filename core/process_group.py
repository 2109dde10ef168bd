"""A small supervisor over processes that it forks: they begin with what it has imported, and share that memory.

Nothing heavy is imported here: what the children share is the caller's choice, made before :meth:`Supervisor.run`.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import IO

# A child that ends with this (sysexits.h, EX_CONFIG) can't run until somebody mends its settings.
EXIT_CONFIG = 78
STOP_SECONDS = 15.0
FIRST_PAUSE, LONGEST_PAUSE, SETTLED_SECONDS = 0.2, 10.0, 30.0
TICK_SECONDS = 0.05
PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15
# Python's own.
COLLECTOR_THRESHOLDS = (700, 10, 10)


class Forked:
    """A forked child by its ``pid``; ``poll`` gives the exit code once it has ended, -N after signal N."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.code: int | None = None

    def poll(self) -> int | None:
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code

    def send(self, signum: int) -> None:
        """A signal, unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signum)

    def kill(self) -> None:
        """End it and wait for that."""
        self.send(signal.SIGKILL)
        if self.code is None:
            self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@dataclass
class Child:
    """A process to keep alive: what it does, and when it is started again."""

    name: str
    work: Callable[[], object]
    process: Forked | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    pause: float = FIRST_PAUSE


@dataclass
class Supervisor:
    """Starts children, starts those that die again (sooner the longer they lived), stops all on SIGINT or SIGTERM.

    The children die with it, even if it is killed. They stay in its process group; a Ctrl-C reaches them only through
    it, so that each is asked once. ``changed`` is called with the pids whenever they change; ``tick`` every
    ``TICK_SECONDS`` until it gives True. It must have one thread only: a fork copies no other.
    """

    children: list[Child]
    changed: Callable[[dict[str, int]], None] = lambda _pids: None
    tick: Callable[[], bool] = lambda: True
    stop_seconds: float = STOP_SECONDS
    environment: Mapping[str, str] | None = None
    output: IO[str] = field(default_factory=lambda: sys.stderr)
    _stopping: bool = False
    _ticking: bool = True
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
                self._ticking = self._ticking and not self.tick()
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
        child.process = Forked(_fork(child.name, child.work, self.environment or {}))
        child.started_at = moment

    def _next_start(self) -> float | None:
        waiting = [child.start_at for child in self.children if child.process is None]
        if self._ticking:
            return TICK_SECONDS
        return max(0.0, min(waiting) - time.monotonic()) if waiting else None

    def _stop_all(self, reader: int) -> None:
        living = [child.process for child in self.children if child.process]
        for process in living:
            process.send(signal.SIGTERM)
        until = time.monotonic() + self.stop_seconds
        while any(process.poll() is None for process in living):
            left = until - time.monotonic()
            if left <= 0:
                self._code = self._code or 1
                for process in living:
                    process.kill()
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


def _fork(name: str, work: Callable[[], object], environment: Mapping[str, str]) -> int:
    """The pid of a child that does ``work`` and ends; it dies with its parent and leaves Ctrl-C to it."""
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    # What stands in the frozen generation is not written to by the collector, so that its pages stay shared.
    gc.collect()
    gc.freeze()
    if pid := os.fork():
        return pid
    code: object = 1
    try:
        _become_child(name, parent)
        os.environ.update(environment)
        work()
        code = 0
    except SystemExit as ended:
        code = ended.code or 0
    except BaseException:  # noqa: BLE001 -- nothing of the parent's may run in the child
        traceback.print_exc()
    finally:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


def _become_child(name: str, parent: int) -> None:
    # The parent may look for garbage less often, while it imports; a child goes on for days.
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
    signal.set_wakeup_fd(-1)
    for signum in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(signum, signal.SIG_DFL)
    # An ignored SIGINT stays ignored until what runs here asks for it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        libc.prctl(PR_SET_NAME, f"okno-{name}".encode()[:15], 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
