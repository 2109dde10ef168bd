"""The clients of bench/chat.py: streams, keep-alive posters, Socket.IO connections, each as small as it gets."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import socket
import struct
import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote

HEARD_BY_AGENT = re.compile(rb'"preview":"v([0-9.]+)"')
LATE = 30.0
Client = TypeVar("Client", bound="Opening")


async def opened(make: Callable[[], Client], port: int) -> Client:
    """A client once it is connected and greeted."""
    _, client = await asyncio.get_running_loop().create_connection(make, "127.0.0.1", port)
    await asyncio.wait_for(client.open, LATE * 4)
    return client


def wait_for_port(port: int) -> None:
    """Until somebody listens there. Raises ``TimeoutError`` after half a minute."""
    until = time.monotonic() + LATE
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"nobody listens on port {port}")


class Opening(asyncio.Protocol):
    """A connection whose ``open`` is done once it may be used."""

    def __init__(self) -> None:
        self.open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: Any = None
        self.rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.greet()

    def greet(self) -> None:
        """Say what opens it."""
        self.open.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.open.done():
            self.open.set_exception(ConnectionError(self.rest[:300].decode("latin-1")))


class Stream(Opening):
    """An event stream; complete lines go to :meth:`line`."""

    def __init__(self, target: str, cookie: str = "") -> None:
        super().__init__()
        self.target, self.cookie = target, cookie

    def greet(self) -> None:
        cookie = f"Cookie: {self.cookie}\r\n" if self.cookie else ""
        self.transport.write(f"GET {self.target} HTTP/1.1\r\nHost: 127.0.0.1\r\n{cookie}\r\n".encode())

    def data_received(self, data: bytes) -> None:
        moment = time.monotonic()
        self.rest += data
        if not self.open.done() and b"id: " in self.rest:
            self.open.set_result(None)
        *whole, self.rest = self.rest.split(b"\n")
        for line in whole:
            if line.startswith(b"data:"):
                self.line(line, moment)

    def line(self, line: bytes, moment: float) -> None:
        """One event."""
        raise NotImplementedError


class Desk(Stream):
    """An agent's desk."""

    def __init__(self, cookie: str, took: list[float]) -> None:
        super().__init__("/events", cookie)
        self.took = took

    def line(self, line: bytes, moment: float) -> None:
        if found := HEARD_BY_AGENT.search(line):
            self.took.append(moment - float(found.group(1)))


class Page(Stream):
    """A visitor's page."""

    def __init__(self, token: str, heard: dict[int, float]) -> None:
        super().__init__(f"/events?token={quote(token)}")
        self.heard = heard

    def line(self, line: bytes, moment: float) -> None:
        if b"chat.message" in line and (found := re.search(rb'"message_id":(\d+)', line)):
            self.heard.setdefault(int(found.group(1)), moment)


class Poster(Opening):
    """A keep-alive connection that sends one POST at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.answered: asyncio.Future[tuple[int, Any]] | None = None

    def data_received(self, data: bytes) -> None:
        self.rest += data
        head, found, body = self.rest.partition(b"\r\n\r\n")
        if not found:
            return
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        if length is None or len(body) < int(length.group(1)):
            return
        self.rest = b""
        if self.answered is not None and not self.answered.done():
            self.answered.set_result((int(head[9:12]), json.loads(body) if body else None))

    async def post(self, path: str, body: dict[str, Any], token: str, key: str = "") -> tuple[int, Any]:
        """Status and JSON of the answer."""
        self.answered = asyncio.get_running_loop().create_future()
        content = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        head += f"Idempotency-Key: {key}\r\n" if key else ""
        self.transport.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        return await asyncio.wait_for(self.answered, LATE)


class Socket(Opening):
    """A Socket.IO client (Engine.IO 4 over WebSocket, RFC 6455), of which the server's ``message`` events are timed."""

    def __init__(self, name: str, took: list[float]) -> None:
        super().__init__()
        self.name, self.took, self.upgraded = name, took, False

    def greet(self) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        self.transport.write(
            f"GET /socket.io/?EIO=4&transport=websocket&n={self.name} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        moment = time.monotonic()
        self.rest += data
        if not self.upgraded:
            _, found, rest = self.rest.partition(b"\r\n\r\n")
            if not found:
                return
            self.upgraded, self.rest = True, rest
        while (text := self._frame()) is not None:
            self._said(text, moment)

    def _frame(self) -> str | None:
        """The next whole text frame of the server, which masks none."""
        if len(self.rest) < 2:
            return None
        length, at = self.rest[1] & 0x7F, 2
        if length == 126:
            if len(self.rest) < 4:
                return None
            length, at = struct.unpack("!H", self.rest[2:4])[0], 4
        if len(self.rest) < at + length:
            return None
        text, self.rest = self.rest[at : at + length], self.rest[at + length :]
        return text.decode()

    def _said(self, text: str, moment: float) -> None:
        if text.startswith("0"):
            self._send("40")
        elif text.startswith("40") and not self.open.done():
            self.open.set_result(None)
        elif text == "2":
            self._send("3")
        elif text.startswith('42["message"'):
            self.took.append(moment - float(json.loads(text[2:])[1]))

    def say(self, to: str, text: str) -> None:
        """Emit ``say``."""
        self._send("42" + json.dumps(["say", {"to": to, "text": text}]))

    def _send(self, text: str) -> None:
        data, mask = text.encode(), os.urandom(4)
        size = (
            bytes([0x81, 0x80 | len(data)]) if len(data) < 126 else bytes([0x81, 0xFE]) + struct.pack("!H", len(data))
        )
        self.transport.write(size + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(data)))
