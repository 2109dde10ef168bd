"""The socket of the voice process: one JSON object a line each way.

``{"id", "op", "args"}`` is answered by ``{"id", "ok"}`` or ``{"id", "error": {"code", "text"}}``, in whatever order. The operation
``events`` with ``{"after", "process"}`` turns the connection into a stream: ``{"seq", "event"}`` in order, ``{"beat"}`` while nothing
happens, ``{"gap": true}`` when something between is lost, after which the reader asks for a snapshot.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from plugins.voice.process.host import Host, Refused
from plugins.voice.process.socket_address import address_of_file

log = structlog.get_logger("okno.voice")
LONGEST_LINE = 1 << 20
BEAT_SECONDS = 5.0
SLOWEST_COMMAND = 20.0
# How long somebody on another machine may be connected without a word.
IDLE_SECONDS = 30.0


class Server:
    """Serves a host on a Unix socket, and on a TCP address for other machines, where each request carries the secret."""

    def __init__(self, host: Host, secret: str = "") -> None:
        self.host, self.secret = host, secret
        self._servers: list[asyncio.Server] = []
        self._open: set[asyncio.Task[None]] = set()

    async def listen(self, path: Path, address: tuple[str, int] | None = None) -> None:
        """Begin. Raises :class:`OSError` when the address is taken."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            path.unlink()
        with address_of_file(path) as reachable:
            ours = _only_for_us(reachable)
        local = await asyncio.start_unix_server(lambda r, w: self._serve(r, w, ""), sock=ours, limit=LONGEST_LINE)
        self._servers.append(local)
        if address is not None:
            if not self.secret:
                raise OSError("voice.listen needs voice.secret")
            serve = lambda r, w: self._serve(r, w, self.secret)  # noqa: E731 -- the same handler with the secret asked for
            self._servers.append(await asyncio.start_server(serve, *address, limit=LONGEST_LINE))

    async def close(self) -> None:
        """End all connections."""
        for server in self._servers:
            server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, secret: str) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        answers: set[asyncio.Task[None]] = set()
        try:
            while line := await _line(reader, IDLE_SECONDS if secret else None):
                request = _request(line)
                if secret and not hmac.compare_digest(str(request.get("secret", "")).encode(), secret.encode()):
                    await _write(writer, {"id": request.get("id"), "error": {"code": "forbidden", "text": "secret"}})
                    return
                if request.get("op") == "events":
                    await self._stream(writer, request)
                    return
                answer = asyncio.create_task(self._answer(writer, request))
                answers.add(answer)
                answer.add_done_callback(answers.discard)
            await asyncio.gather(*answers, return_exceptions=True)
        except (ConnectionError, TimeoutError, ValueError) as error:
            log.info("connection ended", why=str(error) or type(error).__name__)
        except asyncio.CancelledError:
            log.debug("connection closed")
        finally:
            self._open.discard(task)
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, request: Mapping[str, Any]) -> None:
        told: dict[str, Any] = {"id": request.get("id")}
        try:
            work = self.host.handle(str(request.get("op")), request.get("args") or {})
            told["ok"] = await asyncio.wait_for(work, SLOWEST_COMMAND)
        except Refused as refused:
            told["error"] = {"code": refused.code, "text": refused.text}
        except TimeoutError:
            told["error"] = {"code": "failed", "text": "the backend did not answer in time"}
        except Exception as error:
            log.error("operation failed", op=request.get("op"), exc_info=error)
            told["error"] = {"code": "failed", "text": f"{type(error).__name__}: {error}"}
        with suppress(ConnectionError):
            await _write(writer, told)

    async def _stream(self, writer: asyncio.StreamWriter, request: Mapping[str, Any]) -> None:
        host, arguments = self.host, request.get("args") or {}
        seq = int(arguments.get("after") or 0)
        same = arguments.get("process") == host.process
        await _write(writer, {"id": request.get("id"), "ok": {"process": host.process, "seq": host.ring.last}})
        if not same:
            seq = 0
        while True:
            found = host.ring.after(seq)
            if found is None:
                seq = host.ring.last
                await _write(writer, {"gap": True, "seq": seq})
                continue
            for number, event in found:
                await _write(writer, {"seq": number, "event": event})
                seq = number
            if not found and not await host.ring.wait(seq, BEAT_SECONDS):
                await _write(writer, {"beat": seq})


def _only_for_us(path: str) -> socket.socket:
    """A socket file that nobody else could open, not even for a moment. Raises OSError."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        made.bind(path)
    except OSError:
        made.close()
        raise
    finally:
        os.umask(before)
    return made


async def _line(reader: asyncio.StreamReader, seconds: float | None) -> bytes:
    """The next line, b"" at the end. Raises TimeoutError, and ValueError for one that is too long."""
    async with asyncio.timeout(seconds):
        return await reader.readline()


def _request(line: bytes) -> dict[str, Any]:
    """What a line asks. Raises ValueError for what is no object."""
    try:
        found = json.loads(line)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(found, dict) or not isinstance(found.get("args") or {}, dict):
        raise ValueError("not an object with arguments")
    return found


async def _write(writer: asyncio.StreamWriter, told: Mapping[str, Any]) -> None:
    """A line. Telephone networks say what they like: what is no Unicode must not end the stream that all calls depend on."""
    line = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    writer.write(line.encode(errors="replace") + b"\n")
    await writer.drain()
