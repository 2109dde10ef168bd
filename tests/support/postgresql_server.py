"""A real PostgreSQL server for the tests that need one, started once per test process from Debian's packages."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

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
    # Nothing lives long enough to need it, and its workers come and go in data bases that are being copied.
    "autovacuum": "off",
    # Each copy writes its template to the log; unbounded, that fills a small /dev/shm.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "96MB",
    "min_wal_size": "32MB",
}
# A data base for each test is a copy of files: in memory that takes a tenth of the time.
MEMORY = Path("/dev/shm")
ROOM = 512 << 20
TRIES = 3


@dataclass
class PostgreSQLServer:
    """A running server; ``url(name)`` is what Okno's settings take."""

    port: int
    log: Path
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement outside of a transaction, in the maintenance data base; its rows, if it gives any."""
        address = f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres"
        with psycopg.connect(address, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def create(self, template: str = "template0") -> str:
        """Make a data base from a template and return its name.

        The server refuses to copy what somebody is connected to, after waiting for five seconds. Who it is gets disconnected; when
        that does not help either, RuntimeError says who was there.
        """
        name = f"okno_{next(self.numbers)}"
        seen = []
        for _ in range(TRIES):
            try:
                self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
                return name
            except psycopg.errors.ObjectInUse:
                seen += self.connected(template)
                self.disconnect(template)
        raise RuntimeError(f"{template} is in use by {seen}")

    def seal(self, template: str) -> None:
        """Let nobody connect to a data base that is to be copied, and disconnect who is."""
        self.execute(f'ALTER DATABASE "{template}" WITH ALLOW_CONNECTIONS false')
        self.disconnect(template)

    def connected(self, name: str) -> list[tuple[Any, ...]]:
        """Who is connected to a data base: process, kind, program, state, since when, last statement."""
        columns = "pid, backend_type, application_name, state, backend_start::text, left(query, 200)"
        return self.execute(f"SELECT {columns} FROM pg_stat_activity WHERE datname = '{name}'")

    def disconnect(self, name: str) -> None:
        """End all connections to a data base and wait until they are gone."""
        self.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")

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
    if find_programs() is None:
        pytest.skip("no PostgreSQL server programs (apt install postgresql)")
    with running_server() as server:
        yield server


@contextmanager
def running_server(ports: Callable[[], int] = find_free_port) -> Iterator[PostgreSQLServer]:
    """A server with a folder of its own, both gone at the end. Raises RuntimeError with its log when it does not start."""
    programs = find_programs()
    assert programs is not None
    # Not under pytest's own folder: that one is closed to the account the server runs as.
    folder = Path(tempfile.mkdtemp(prefix="okno-postgresql-", dir=_place()))
    prefix = _as_postgres(folder)
    initdb = [programs / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N"]
    subprocess.run([*prefix, *initdb, "--locale=C.UTF-8"], check=True, stdout=subprocess.DEVNULL, cwd=folder)
    try:
        server, process = _start(programs, folder, prefix, ports)
        try:
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)
    finally:
        shutil.rmtree(folder)


def _place() -> Path | None:
    """Where the server's folder goes: into memory when there is room, else where temporary files go."""
    return MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM else None


def _start(
    programs: Path, folder: Path, prefix: list[str], ports: Callable[[], int]
) -> tuple[PostgreSQLServer, subprocess.Popen[bytes]]:
    """A server that answers. A port that somebody else took first is exchanged for another."""
    log = folder / "log"
    options = [f"--{name}={value}" for name, value in SETTINGS.items()]
    for _ in range(TRIES):
        server = PostgreSQLServer(ports(), log)
        command = [*prefix, programs / "postgres", "-D", folder / "data", "-p", str(server.port), "-k", folder]
        with log.open("wb") as output:
            process = subprocess.Popen([*command, *options], stdout=output, stderr=subprocess.STDOUT, cwd=folder)
        if _answers(server, process, folder / "data"):
            return server, process
        process.wait(timeout=30)
        if "Address already in use" not in log.read_text():
            break
    raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}")


def _answers(server: PostgreSQLServer, process: subprocess.Popen[bytes], data: Path) -> bool:
    """Whether this server, and not another on its port, answers within half a minute."""
    for _ in range(300):
        try:
            if server.execute("SHOW data_directory") == [(str(data),)]:
                return True
        except psycopg.OperationalError:
            pass
        try:
            # Waiting for the end of a process that should go on is the pause between two attempts.
            process.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            continue
        return False
    process.kill()
    return False


@pytest.fixture
def postgresql_url(postgresql_server: PostgreSQLServer) -> Iterator[str]:
    """The address of an empty data base of this test's own."""
    name = postgresql_server.create()
    yield postgresql_server.url(name)
    postgresql_server.drop(name)
