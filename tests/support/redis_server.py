"""A real Redis server, started once per test process."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.support.places import find_free_port


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the server of this test process. Skips when Redis is not installed."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server (apt install redis-server)")
    folder: Path = tmp_path_factory.mktemp("redis")
    client, process = _start(program, folder)
    try:
        yield f"redis://127.0.0.1:{client.connection_pool.connection_kwargs['port']}/0"
    finally:
        client.close()
        process.terminate()
        process.wait(timeout=10)


def _start(program: str, folder: Path) -> tuple[redis.Redis, subprocess.Popen[bytes]]:
    """A server that answers. A port that somebody else took first is exchanged for another."""
    for _ in range(3):
        port = find_free_port()
        settings = [
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            str(folder),
        ]
        process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", program, *settings], stdout=subprocess.DEVNULL)
        client = redis.Redis(port=port)
        if _answers(client, process):
            return client, process
        client.close()
        process.kill()
        process.wait(timeout=10)
    raise RuntimeError("Redis did not start")


def _answers(client: redis.Redis, process: subprocess.Popen[bytes]) -> bool:
    """Whether this server, and not another on its port, answers within ten seconds."""
    for _ in range(100):
        try:
            if client.info("server")["process_id"] == process.pid:
                return True
        except redis.ConnectionError:
            pass
        try:
            # Waiting for the end of a process that should go on is the pause between two attempts.
            process.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            continue
        return False
    return False


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """The address of an emptied Redis."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server
