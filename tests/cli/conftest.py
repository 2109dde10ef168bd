"""``okno_here("users", "list")`` runs the command in the test's own process, which spares starting an interpreter each time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner

from tests.support.okno_process import Result


@dataclass(frozen=True)
class Here:
    """Runs ``okno --home HOME …`` with the variables of an English terminal and none of the caller's settings."""

    home: Path

    def __call__(self, *arguments: str, input: str = "", env: Mapping[str, str] | None = None) -> Result:
        from cli import main

        inherited = {name: None for name in os.environ if name.startswith("OKNO_")}
        variables = {**inherited, "LC_ALL": "C.UTF-8", **(env or {})}
        done = CliRunner().invoke(
            main, ["--home", str(self.home), *arguments], input=input, env=variables, prog_name="okno"
        )
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Result(done.exit_code, done.stdout, done.stderr)


@pytest.fixture
def okno_here(home: Path) -> Iterator[Here]:
    """The command for the test's home folder."""
    yield Here(home)
    structlog.reset_defaults()
