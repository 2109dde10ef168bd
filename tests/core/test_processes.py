"""The supervisor and the served process, as real processes with real signals and sockets."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.processes import bind, raise_nofile, write_state
from tests.core.small_house import make_house
from tests.support.places import ROOT

# A child that says its pid, then waits for ever; with "stubborn" it does not care for SIGTERM.
CHILD = """
import os, signal, sys, threading
def live(name):
    if name == "stubborn": signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if name == "config": sys.exit(78)
    os.write(1, f"child {name} {os.getpid()}\\n".encode())  # one write: two children share the pipe
    threading.Event().wait()
"""
SUPERVISOR = """
import os, sys
from functools import partial
from core.process_group import Child, Supervisor
exec(sys.argv[1])
children = [Child(name, partial(live, name)) for name in sys.argv[2:]]
ended = Supervisor(children, lambda pids: os.write(1, f"pids {pids}\\n".encode()), stop_seconds=1).run()
print("heavy", sorted({"flask", "uvicorn", "sqlalchemy"} & set(sys.modules)), flush=True)
sys.exit(ended)
"""


class Output:
    """The lines of a process as they come."""

    def __init__(self, *names: str) -> None:
        command = [sys.executable, "-c", SUPERVISOR, CHILD, *names]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT, start_new_session=True
        )
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line.strip())
                self._changed.notify_all()

    def wait(self, start: str, count: int = 1) -> list[str]:
        """The lines that begin with ``start``, once there are ``count`` of them."""

        def found() -> list[str]:
            return [line for line in self.lines if line.startswith(start)]

        with self._changed:
            assert self._changed.wait_for(lambda: len(found()) >= count, 20), self.lines
            return found()

    def end(self) -> int:
        """The exit code; the pipe ends only when the children are gone too."""
        code = self.process.wait(20)
        self._reader.join(20)
        assert not self._reader.is_alive(), "a child outlived the supervisor"
        return code


@pytest.fixture
def supervise() -> Iterator[Callable[..., Output]]:
    started: list[Output] = []

    def start(*names: str) -> Output:
        started.append(Output(*names))
        return started[-1]

    yield start
    for output in started:
        if output.process.poll() is None:
            os.killpg(output.process.pid, signal.SIGKILL)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_children_and_ends_with_zero(supervise: Callable[..., Output], signum: int) -> None:
    output = supervise("web", "worker")
    output.wait("child web")
    output.wait("child worker")
    output.process.send_signal(signum)
    assert output.end() == 0
    assert output.wait("heavy") == ["heavy []"]


def test_ctrl_c_in_a_terminal_asks_each_child_once(supervise: Callable[..., Output]) -> None:
    output = supervise("web", "worker")
    output.wait("child", 2)
    os.killpg(output.process.pid, signal.SIGINT)
    assert output.end() == 0
    assert not any("Traceback" in line for line in output.lines)


def test_a_child_that_dies_is_started_again(supervise: Callable[..., Output]) -> None:
    output = supervise("web")
    pid = int(output.wait("child")[0].split()[-1])
    os.kill(pid, signal.SIGKILL)
    again = int(output.wait("child", 2)[1].split()[-1])
    assert again != pid
    assert "SIGKILL" in output.wait("okno: web ended")[0]
    output.process.terminate()
    assert output.end() == 0


def test_a_child_that_does_not_stop_is_killed(supervise: Callable[..., Output]) -> None:
    output = supervise("stubborn", "web")
    output.wait("child", 2)
    output.process.terminate()
    assert output.end() == 1


def test_wrong_settings_of_a_child_end_all(supervise: Callable[..., Output]) -> None:
    assert supervise("web", "config").end() == 78


@pytest.mark.skipif(sys.platform != "linux", reason="the parent's death is signalled on Linux only")
def test_children_die_with_a_supervisor_that_is_killed(supervise: Callable[..., Output]) -> None:
    output = supervise("web", "worker")
    output.wait("child", 2)
    output.process.kill()
    assert output.end() == -signal.SIGKILL


def read_until(sock: socket.socket, mark: bytes) -> bytes:
    data = b""
    while mark not in data:
        piece = sock.recv(65536)
        assert piece, data
        data += piece
    return data


def test_stopping_ends_streams_at_once_and_lets_requests_finish(home: Path) -> None:
    url = f"sqlite:///{home / 'okno.db'}"
    make_house(url, home)
    with bind("127.0.0.1", 0) as listening:
        address = listening.getsockname()
        fd = listening.fileno()
        command = [sys.executable, "-m", "tests.core.small_house", url, str(home), str(fd)]
        process = subprocess.Popen(command, pass_fds=[fd], cwd=ROOT)
    try:
        streams = [socket.create_connection(address, timeout=20) for _ in range(50)]
        for stream in streams:
            stream.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\nCookie: who=1.1\r\n\r\n")
            read_until(stream, b"id: 0\n\n")
        answers: list[bytes] = []

        def slow() -> None:
            with urllib.request.urlopen(f"http://127.0.0.1:{address[1]}/slow", timeout=30) as response:
                answers.append(response.read())

        request = threading.Thread(target=slow)
        request.start()
        with socket.create_connection(address, timeout=20) as probe:
            while not (home / "under-way").exists():
                probe.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                read_until(probe, b"alive")
        process.terminate()
        for stream in streams:
            # The end of a chunked answer: the streams are closed properly while the slow request still runs.
            read_until(stream, b"0\r\n\r\n")
            stream.close()
        assert process.poll() is None
        (home / "go").touch()
        request.join(30)
        assert answers == [b"done"]
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()


def test_the_state_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "run" / "okno.json"
    write_state(path, {"pid": 1})
    write_state(path, {"pid": 2})
    assert json.loads(path.read_text()) == {"pid": 2}
    assert [entry.name for entry in path.parent.iterdir()] == ["okno.json"]


def test_a_taken_port_is_an_error_before_anything_starts() -> None:
    with bind("127.0.0.1", 0) as sock, pytest.raises(OSError, match="in use"):
        bind("127.0.0.1", sock.getsockname()[1])


def test_the_limit_of_open_files_is_raised_as_far_as_allowed() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))
        assert raise_nofile(300) == (300 if hard in (resource.RLIM_INFINITY,) or hard >= 300 else hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
