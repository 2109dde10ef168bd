"""Plugins as their users have them: packages installed by pip into a folder of their own, found by their entry points."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.okno_process import Okno
from tests.support.places import ROOT


@dataclass
class Installed:
    """Packages in ``folder``, beside the sources of Okno."""

    folder: Path

    @property
    def path(self) -> str:
        """The PYTHONPATH with which Okno finds them."""
        return os.pathsep.join([str(self.folder), str(ROOT)])

    def add(self, source: Path, copies: Path) -> None:
        """Install the package in ``source``, from a copy under ``copies``: building leaves files behind."""
        copy = copies / source.name
        if not copy.exists():
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--no-index",
        ]
        done = run([*command, "--no-build-isolation", "--target", str(self.folder), str(copy)])
        assert done.returncode == 0, done.stderr

    def okno(self, home: Path) -> Okno:
        """The command that finds the packages."""
        home.mkdir(exist_ok=True)
        return Okno(home, {"PYTHONPATH": self.path})

    def test(self, tests: Path) -> subprocess.CompletedProcess[str]:
        """Run a package's own tests against what is installed, away from this repository's settings."""
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-c",
            os.devnull,
            "--rootdir",
            str(tests),
            str(tests),
        ]
        return run(command, {"PYTHONPATH": self.path})

    def python(self, script: str, *arguments: str) -> str:
        """What a script prints. Raises AssertionError with what it said when it fails."""
        done = run([sys.executable, "-c", script, *arguments], {"PYTHONPATH": self.path})
        assert done.returncode == 0, done.stderr
        return done.stdout


def run(command: list[str], env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """A command without the caller's OKNO_* settings; its output is kept."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("OKNO_", "PYTEST_", "COV_"))}
    surroundings = {**inherited, "PYTHONUTF8": "1", **(env or {})}
    return subprocess.run(command, env=surroundings, cwd="/", capture_output=True, text=True, timeout=180, check=False)


def code_lines(package: Path) -> int:
    """Lines of all Python files of a package, comments and blank ones included."""
    return sum(len(path.read_text("utf-8").splitlines()) for path in package.rglob("*.py"))
