"""From ASGI to WSGI with one thread hop: the event loop reads the request, a thread of a small pool answers it.

What a2wsgi does in three to four hops costs a fifth of the throughput (docs/architecture.md). The answer comes back whole if it is
small; a long one is fetched in pieces, and no thread waits for a slow client between them.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any

import structlog
from werkzeug.wsgi import FileWrapper

log = structlog.get_logger(__name__)
PIECE = 64 << 10
SPOOL = 1 << 20
# A generator that takes its time should not keep what it has said so far.
PATIENCE_SECONDS = 0.1
ERROR_PAGE = """<!doctype html><html lang="ru"><meta charset="utf-8"><title>500</title>
<h1>Ошибка на сервере</h1><p>Мы записали её в журнал. Обновите страницу или попробуйте позже.</p>
<h2 lang="en">Server error</h2><p lang="en">It has been logged. Reload the page or try again later.</p></html>"""

Scope = MutableMapping[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]
WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

SAFE_HEADERS: list[Header] = [
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]


class TooLarge(Exception):
    """The request's body is above the limit."""


class Disconnected(Exception):
    """The client left before its request was complete."""


async def answer(send: Send, status: int, text: str, headers: Iterable[Header] = (), kind: str = "text/plain") -> None:
    """A whole small answer with the headers that every answer of the server's own carries."""
    body = text.encode()
    own = [(b"content-type", f"{kind}; charset=utf-8".encode()), (b"content-length", str(len(body)).encode())]
    if status == 204:
        own = []
    await send({"type": "http.response.start", "status": status, "headers": [*own, *SAFE_HEADERS, *headers]})
    await send({"type": "http.response.body", "body": body})


def environ_of(scope: Scope, body: IO[bytes] | None = None, length: int = 0) -> dict[str, Any]:
    """The WSGI environment (PEP 3333) of an ASGI HTTP scope. ``length`` is the size of ``body`` in bytes."""
    server, port = scope.get("server") or ("localhost", 80)
    client = scope.get("client") or ("", 0)
    root = scope.get("root_path", "")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": _latin(root),
        "PATH_INFO": _latin(scope["path"].removeprefix(root)),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "REQUEST_URI": _request_uri(scope),
        "SERVER_NAME": server,
        "SERVER_PORT": str(port or 0),
        "SERVER_PROTOCOL": f"HTTP/{scope.get('http_version', '1.1')}",
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body if body is not None else tempfile.SpooledTemporaryFile(SPOOL),  # noqa: SIM115
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": _in_pieces,
    }
    _add_headers(environ, scope["headers"])
    # The body arrives decoded and measured, whatever the headers said.
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    environ["CONTENT_LENGTH"] = str(length)
    return environ


def _add_headers(environ: dict[str, Any], headers: Iterable[Header]) -> None:
    for raw_name, raw_value in headers:
        # X_Real_IP would end up under the same key as X-Real-IP, which a proxy vouches for.
        if b"_" in raw_name:
            continue
        name, value = raw_name.decode("latin-1").upper().replace("-", "_"), raw_value.decode("latin-1")
        if name not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            name = f"HTTP_{name}"
        if name in environ:
            # HTTP/2 may send each cookie in a header of its own (RFC 9113, section 8.2.3).
            value = environ[name] + ("; " if name == "HTTP_COOKIE" else ",") + value
        environ[name] = value


def _latin(text: str) -> str:
    return text.encode().decode("latin-1")


def _request_uri(scope: Scope) -> str:
    path = scope.get("raw_path", b"").decode("latin-1") or _latin(scope["path"])
    query = scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def _in_pieces(file: IO[bytes], _block_size: int = 0) -> FileWrapper:
    return FileWrapper(file, PIECE)


@dataclass(slots=True)
class Exchange:
    """One request on its way through the WSGI application; its threads change, its context stays the same."""

    app: WsgiApp
    environ: dict[str, Any]
    context: contextvars.Context = field(default_factory=contextvars.copy_context)
    status: int = 0
    headers: list[Header] = field(default_factory=list)
    written: list[bytes] = field(default_factory=list)
    iterable: Iterable[bytes] = ()
    iterator: Iterator[bytes] = field(default_factory=lambda: iter(()))

    def begin(self) -> tuple[bytes, bool]:
        """Call the application; gives the first piece of the body and whether there is more."""
        return self.context.run(self._guarded, self._begin)

    def go_on(self) -> tuple[bytes, bool]:
        """The next piece of the body and whether there is more."""
        return self.context.run(self._guarded, self._collect)

    def close(self) -> None:
        """Tell the application that its answer is no longer wanted or all sent; once is enough."""
        self.context.run(self._close)

    def _guarded(self, step: Callable[[], tuple[bytes, bool]]) -> tuple[bytes, bool]:
        try:
            body, more = step()
        except BaseException:
            self._close()
            raise
        if not more:
            self._close()
        return body, more

    def _begin(self) -> tuple[bytes, bool]:
        self.iterable = self.app(self.environ, self._start_response)
        self.iterator = iter(self.iterable)
        if self.environ["REQUEST_METHOD"] == "HEAD":
            next(self.iterator, b"")
            return b"", False
        return self._collect()

    def _collect(self) -> tuple[bytes, bool]:
        parts, size, until = self.written, sum(map(len, self.written)), time.monotonic() + PATIENCE_SECONDS
        self.written = []
        for part in self.iterator:
            parts.append(part)
            size += len(part)
            if size >= PIECE or time.monotonic() > until:
                return b"".join(parts), True
        return b"".join(parts), False

    def _start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        if self.status and exc_info is None:
            raise AssertionError("start_response called twice")
        self.status = int(status.split(" ", 1)[0])
        self.headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return self.written.append

    def _close(self) -> None:
        iterable, self.iterable, self.iterator = self.iterable, (), iter(())
        close = getattr(iterable, "close", None)
        if close is not None:
            close()


class Bridge:
    """An ASGI application around a WSGI one. ``body_limit`` is in bytes; a larger request is answered with 413."""

    def __init__(self, app: WsgiApp, threads: int = 3, body_limit: int = 30 << 20) -> None:
        self._app, self._limit = app, body_limit
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="request")

    def close(self) -> None:
        """Let the threads end after what they do now."""
        self._pool.shutdown(wait=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # A few forms are larger than memory should hold; the file goes when it is closed.
        with tempfile.SpooledTemporaryFile(SPOOL) as body:
            try:
                length = await self._read(scope, receive, body)
            except TooLarge:
                await answer(send, 413, "Content Too Large", [(b"connection", b"close")])
                return
            except Disconnected:
                return
            exchange = Exchange(self._app, environ_of(scope, body, length))
            await self._respond(exchange, receive, send)

    async def _read(self, scope: Scope, receive: Receive, body: IO[bytes]) -> int:
        """Fill ``body`` and give its size. Too much is read on for a while: a client that writes does not hear."""
        headers = dict(scope["headers"])
        declared = int(headers.get(b"content-length", b"0"))
        if declared > self._limit and headers.get(b"expect", b"").lower() == b"100-continue":
            raise TooLarge
        size, more = 0, True
        while more and size <= 4 * self._limit:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            data = message.get("body", b"")
            size += len(data)
            if max(size, declared) <= self._limit:
                body.write(data)
            more = message.get("more_body", False)
        if size > self._limit:
            raise TooLarge
        body.seek(0)
        return size

    async def _respond(self, exchange: Exchange, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        try:
            piece, more = await loop.run_in_executor(self._pool, exchange.begin)
            if not exchange.status:
                raise AssertionError("the application did not call start_response")
        except Exception:
            log.exception("request failed outside of the application", path=exchange.environ["PATH_INFO"])
            await answer(send, 500, ERROR_PAGE, kind="text/html")
            return
        await send({"type": "http.response.start", "status": exchange.status, "headers": exchange.headers})
        if more:
            await self._stream(exchange, piece, receive, send)
        else:
            await send({"type": "http.response.body", "body": piece})

    async def _stream(self, exchange: Exchange, piece: bytes, receive: Receive, send: Send) -> None:
        """Send piece by piece; between two of them no thread is held, however slow the client is."""
        loop = asyncio.get_running_loop()
        gone = loop.create_task(_disconnected(receive))
        more = True
        try:
            while not gone.done():
                await send({"type": "http.response.body", "body": piece, "more_body": more})
                if not more:
                    return
                piece, more = await loop.run_in_executor(self._pool, exchange.go_on)
        except Exception:
            # The status line is out: an answer that breaks off is all that can still be said.
            log.exception("answer broke off", path=exchange.environ["PATH_INFO"])
        finally:
            gone.cancel()
            with suppress(RuntimeError):
                await loop.run_in_executor(self._pool, exchange.close)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
