"""A real PostgreSQL server for the tests that need one, started once per test process from Debian's packages."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg
import pytest

from tests.support.places import find_free_port

PROGRAMS = Path("/usr/lib/postgresql")
# Durability is not what tests of Okno test; without it the server starts and commits many times faster.
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "listen_addresses": "127.0.0.1",
    "timezone": "UTC",
}
# A data base for each test is a copy of files: in memory that takes a tenth of the time.
MEMORY = Path("/dev/shm")


@dataclass
class PostgreSQLServer:
    """A running server; ``url(name)`` is what Okno's settings take."""

    port: int
    log: Path
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"

    def execute(self, statement: str) -> None:
        """Run one statement outside of a transaction, in the maintenance data base."""
        address = f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres"
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement.encode())

    def create(self, template: str = "template0") -> str:
        """Make a data base from a template and return its name."""
        name = f"okno_{next(self.numbers)}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def drop(self, name: str) -> None:
        """Drop a data base, whoever is still connected."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def find_programs() -> Path | None:
    """The ``bin`` folder of the newest PostgreSQL installed, or None."""
    versions = [path.parent for path in PROGRAMS.glob("*/bin/postgres")]
    return max(versions, key=lambda path: int(path.parent.name.partition(".")[0]), default=None)


def _as_postgres(folder: Path) -> list[str]:
    """The command prefix under which the server runs: it refuses to run as root."""
    # The server must not outlive a test process that is killed.
    prefix = ["setpriv", "--pdeathsig", "INT"]
    if os.geteuid() != 0:
        return prefix
    account = pwd.getpwnam("postgres")
    os.chown(folder, account.pw_uid, account.pw_gid)
    return [*prefix, f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSQLServer]:
    """The server of this test process. Skips when PostgreSQL is not installed."""
    programs = find_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server programs (apt install postgresql)")
    # Not under pytest's own folder: that one is closed to the account the server runs as.
    folder = Path(tempfile.mkdtemp(prefix="okno-postgresql-", dir=MEMORY if MEMORY.is_dir() else None))
    prefix = _as_postgres(folder)
    data, log = folder / "data", folder / "log"
    initdb = [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"]
    subprocess.run([*prefix, *initdb], check=True, stdout=subprocess.DEVNULL, cwd=folder)
    port = find_free_port()
    options = [f"--{name}={value}" for name, value in SETTINGS.items()]
    command = [*prefix, programs / "postgres", "-D", data, "-p", str(port), "-k", folder, *options]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=folder)
    server = PostgreSQLServer(port, log)
    try:
        _wait_until_ready(server, process)
        yield server
    finally:
        process.send_signal(2)
        process.wait(timeout=30)
        shutil.rmtree(folder)


def _wait_until_ready(server: PostgreSQLServer, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        try:
            server.execute("SELECT 1")
            return
        except psycopg.OperationalError:
            try:
                # Waiting for the end of a process that should go on is the pause between two attempts.
                process.wait(timeout=0.1)
            except subprocess.TimeoutExpired:
                continue
            break
    raise RuntimeError(f"PostgreSQL did not start:\n{server.log.read_text()}")


@pytest.fixture
def postgresql_url(postgresql_server: PostgreSQLServer) -> Iterator[str]:
    """The address of an empty data base of this test's own."""
    name = postgresql_server.create()
    yield postgresql_server.url(name)
    postgresql_server.drop(name)
