"""The Asterisk REST Interface: requests over HTTP, events over one WebSocket.

Written against the API's description in Asterisk 20 and 22 (``rest-api/api-docs``). Until Asterisk has loaded its modules
``/ari`` answers 404, and an application gets events only while its WebSocket is open.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

ANSWER_SECONDS = 10.0
AT_ONCE, FILES_AT_ONCE = 8, 2
BLOCK = 1 << 16
# A snapshot of a conference's bridge is the longest event; it grows by 40 bytes a channel.
LONGEST_EVENT = 1 << 20


class AriError(Exception):
    """A request failed; ``status`` is HTTP's, 0 when nothing answered."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        super().__init__(f"{status} {text}" if status else text)


@dataclass(frozen=True, slots=True)
class AriAddress:
    """Where Asterisk's HTTP server is (``http://host:8088``), who asks, and the name of the Stasis application."""

    url: str
    user: str
    password: str
    app: str

    @property
    def authorization(self) -> str:
        """The value of the header; a password in an address would stand in logs."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()

    def websocket(self, path: str) -> str:
        """The address of a WebSocket of the same server."""
        parts = urlsplit(self.url)
        return f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}{parts.path.rstrip('/')}{path}"


class AriClient:
    """Requests run in a few threads, so that the loop never waits for Asterisk; files in others, so that no command waits for one."""

    def __init__(self, address: AriAddress) -> None:
        self.address = address
        self._threads = ThreadPoolExecutor(AT_ONCE, "ari")
        self._files = ThreadPoolExecutor(FILES_AT_ONCE, "ari-files")

    async def get(self, *path: str, **query: Any) -> Any:
        """What a resource is now. Raises :class:`AriError`."""
        return await self._ask("GET", path, query, None)

    async def post(self, *path: str, body: Mapping[str, Any] | None = None, **query: Any) -> Any:
        """Make or start something. Raises :class:`AriError`."""
        return await self._ask("POST", path, query, body)

    async def delete(self, *path: str, **query: Any) -> Any:
        """End or undo something. Raises :class:`AriError`."""
        return await self._ask("DELETE", path, query, None)

    async def download(self, target: Path, *path: str) -> None:
        """Write what a resource holds into a file. Raises :class:`AriError`, OSError."""
        await asyncio.get_running_loop().run_in_executor(self._files, self._download, target, path)

    def events(self) -> connect:
        """A connection to be opened: the application's events, one JSON object a message."""
        query = urlencode({"app": self.address.app, "subscribeAll": "false"})
        return connect(
            self.address.websocket(f"/ari/events?{query}"),
            additional_headers={"Authorization": self.address.authorization},
            subprotocols=[Subprotocol("ari")],
            max_size=LONGEST_EVENT,
            open_timeout=ANSWER_SECONDS,
            close_timeout=1,
        )

    def close(self) -> None:
        """Let the threads end."""
        for threads in (self._threads, self._files):
            threads.shutdown(wait=False, cancel_futures=True)

    async def _ask(self, method: str, path: tuple[str, ...], query: Mapping[str, Any], body: Any) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._request, method, path, query, body)

    def _request(self, method: str, path: tuple[str, ...], query: Mapping[str, Any], body: Any) -> Any:
        connection = self._connection()
        try:
            raw = self._send(connection, method, path, query, body).read()
        except (OSError, HTTPException) as error:
            raise AriError(0, f"Asterisk does not answer: {error}") from error
        finally:
            connection.close()
        try:
            return json.loads(raw) if raw else None
        except ValueError as error:
            raise AriError(0, f"this is not ARI: {raw[:80]!r}") from error

    def _download(self, target: Path, path: tuple[str, ...]) -> None:
        connection = self._connection()
        try:
            answer = self._send(connection, "GET", path, {}, None)
            with target.open("wb") as file:
                while block := answer.read(BLOCK):
                    file.write(block)
        except HTTPException as error:
            raise AriError(0, f"Asterisk does not answer: {error}") from error
        finally:
            connection.close()

    def _connection(self) -> HTTPConnection:
        parts = urlsplit(self.address.url)
        host = parts.hostname or "localhost"
        if parts.scheme == "https":
            return HTTPSConnection(
                host, parts.port or 8089, timeout=ANSWER_SECONDS, context=ssl.create_default_context()
            )
        return HTTPConnection(host, parts.port or 8088, timeout=ANSWER_SECONDS)

    def _send(
        self, connection: HTTPConnection, method: str, path: tuple[str, ...], query: Mapping[str, Any], body: Any
    ) -> HTTPResponse:
        headers = {"Authorization": self.address.authorization, "Connection": "close"}
        raw = None
        if body is not None:
            headers["Content-Type"], raw = "application/json", json.dumps(body).encode()
        given = {name: value for name, value in query.items() if value is not None}
        base = urlsplit(self.address.url).path.rstrip("/")
        where = f"{base}/ari/" + "/".join(quote(part, safe="") for part in path)
        connection.request(method, f"{where}?{urlencode(given)}" if given else where, raw, headers)
        answer = connection.getresponse()
        if answer.status >= 300:
            raise AriError(answer.status, _reason(answer))
        return answer


def _reason(answer: HTTPResponse) -> str:
    """Asterisk explains in ``{"message": …}``, its web server in HTML."""
    raw = answer.read(4096)
    try:
        return str(json.loads(raw)["message"])
    except (ValueError, KeyError, TypeError):
        return answer.reason


__all__ = ["AriAddress", "AriClient", "AriError", "ClientConnection"]
