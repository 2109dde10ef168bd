"""Okno as its users run it: the command as a process, and a whole centre served on free ports."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.support.places import ROOT

# Passwords of tests withstand nobody: a sign-in as a house checks it is a fifth of a second of work.
START = """
import sys
from argon2 import PasswordHasher
from core import passwords
passwords._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
sys.argv[0] = "okno"
from cli import main
sys.exit(main())
"""
PATIENCE = 30.0


@cache
def compiled_templates() -> tempfile.TemporaryDirectory[str]:
    """What one centre of this test process has compiled serves the others; gone with the process."""
    return tempfile.TemporaryDirectory(prefix="okno-templates-")


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str

    def json(self) -> Any:
        """What it printed with ``--json``. Raises ValueError when that is not JSON."""
        return json.loads(self.stdout)


@dataclass
class Okno:
    """Runs ``okno --home HOME …`` from the sources, away from the repository's folder."""

    home: Path
    env: dict[str, str] = field(default_factory=dict)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-c", START, "--home", str(self.home), *arguments]

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The process's variables: none of the caller's OKNO_* settings, always UTF-8."""
        # Without bytecode every process would compile all modules anew: two seconds of each start.
        left_out = ("OKNO_", "PYTHONDONTWRITEBYTECODE")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        ours = {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1", "LC_ALL": "C.UTF-8"}
        return {**inherited, **ours, **self.env, **(extra or {})}

    def __call__(
        self, *arguments: str, input: str = "", env: Mapping[str, str] | None = None, timeout: float = 60
    ) -> Result:
        """Run to the end. Raises subprocess.TimeoutExpired after ``timeout`` seconds."""
        done = subprocess.run(
            self.command(*arguments),
            input=input,
            env=self.environment(env),
            cwd=self.home,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str, log: Path, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a long-running command in a process group of its own; its output goes to ``log``."""
        if not (kept := self.home / "cache").exists():
            kept.symlink_to(compiled_templates().name)
        with log.open("ab") as output:
            return subprocess.Popen(
                self.command(*arguments),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self.environment(env),
                cwd=self.home,
                start_new_session=True,
            )


@dataclass
class Served:
    """A running centre: ``url`` of the desk, ``smtp_port`` of the listener, when the email plugin is enabled."""

    okno: Okno
    process: subprocess.Popen[bytes]
    url: str
    smtp_port: int
    log: Path

    def output(self) -> str:
        """All that it printed so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_until_ready(self, timeout: float = PATIENCE) -> None:
        """Return once ``/healthz`` answers 200. Raises AssertionError with the output when it ends or takes longer."""
        for _ in range(int(timeout / 0.05)):
            if _answers(f"{self.url}/healthz"):
                return
            try:
                # Waiting for the end of a process that should go on is the pause between two attempts.
                self.process.wait(timeout=0.05)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError(f"okno run ended with {self.process.returncode}:\n{self.output()}")
        raise AssertionError(f"okno run was not ready within {timeout} s:\n{self.output()}")

    def stop(self, timeout: float = PATIENCE) -> int:
        """Press Ctrl-C, as a terminal does: the whole group gets SIGINT. Returns the exit code."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        try:
            return self.process.wait(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"okno run did not stop within {timeout} s:\n{self.output()}") from None

    def kill(self) -> None:
        """End the whole group at once, as ``kill -9`` does."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=PATIENCE)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


@pytest.fixture
def okno(home: Path) -> Okno:
    """``okno("plugins", "list", "--json")`` runs the command for the test's home folder."""
    return Okno(home)


class DemoTemplate:
    """The demo centre's home as the command makes it, once per test process: loading it takes seconds, a copy none."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._loaded = False

    def copy(self, home: Path) -> None:
        """Put the loaded centre into an empty ``home``."""
        if not self._loaded:
            self._home.mkdir(parents=True)
            for command in (("db", "upgrade"), ("demo", "load")):
                done = Okno(self._home)(*command, timeout=180)
                assert done.code == 0, done.stdout + done.stderr
            self._loaded = True
        shutil.copytree(self._home, home, dirs_exist_ok=True)


@pytest.fixture(scope="session")
def demo_template(tmp_path_factory: pytest.TempPathFactory) -> DemoTemplate:
    """The template of this test process."""
    return DemoTemplate(tmp_path_factory.mktemp("demo") / "home")


@pytest.fixture
def serve(
    okno: Okno, new_port: Callable[[], int], tmp_path: Path, demo_template: DemoTemplate
) -> Iterator[Callable[..., Served]]:
    """Start ``okno run`` with further arguments and wait until it answers; all are stopped, cleanly, at the end.

    With ``--demo`` in a home without data the centre is copied, unless ``fresh``, rather than loaded anew.
    """
    started: list[Served] = []

    def start(*arguments: str, env: Mapping[str, str] | None = None, fresh: bool = False) -> Served:
        if "--demo" in arguments and not fresh and not any(okno.home.iterdir()):
            demo_template.copy(okno.home)
        port, smtp_port = new_port(), new_port()
        log = tmp_path / f"okno-run-{len(started)}.log"
        ports = {"OKNO_WEB_PORT": str(port), "OKNO_EMAIL_SMTP_PORT": str(smtp_port)}
        process = okno.start("run", *arguments, log=log, env={**ports, **(env or {})})
        served = Served(okno, process, f"http://127.0.0.1:{port}", smtp_port, log)
        started.append(served)
        served.wait_until_ready()
        return served

    yield start
    # A test that ended a process itself has looked at how it ended.
    running = [served for served in started if served.process.poll() is None]
    codes = [served.stop() for served in running]
    assert not any(codes), f"okno run ended with {codes}:\n" + "\n".join(served.output() for served in running)


@pytest.fixture
def served(serve: Callable[..., Served]) -> Served:
    """A running centre with the home folder's settings."""
    return serve()
