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
    port = find_free_port()
    settings = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", program, *settings], stdout=subprocess.DEVNULL)
    client = redis.Redis(port=port)
    try:
        _wait_until_ready(client, process)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        client.close()
        process.terminate()
        process.wait(timeout=10)


def _wait_until_ready(client: redis.Redis, process: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        try:
            client.ping()
            return
        except redis.ConnectionError:
            try:
                process.wait(timeout=0.1)
            except subprocess.TimeoutExpired:
                continue
            break
    raise RuntimeError("Redis did not start")


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """The address of an emptied Redis."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server
