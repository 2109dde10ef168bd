"""The embedded SMTP listener: 250 is answered only after the mail has been taken in (RFC 5321, 6.1)."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from asyncio import LimitOverrunError
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, AnyStr

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

log = logging.getLogger(__name__)

Accept = Callable[[str, tuple[str, ...], bytes, str], None]
Knows = Callable[[str], bool]


class TemporaryFailure(Exception):
    """Raised by ``accept`` when the sender shall try again later (451)."""


class PermanentFailure(Exception):
    """Raised by ``accept`` when the mail is refused for good; ``code`` is a 5xx, ``text`` goes to the sender."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")
        if not 500 <= code <= 599:
            raise ValueError("a permanent failure has a code between 500 and 599")
        self.code = code
        self.text = " ".join(text.split())


@dataclass(frozen=True, slots=True)
class ListenerSettings:
    """Where to listen and how much to take. ``timeout`` and ``stop_timeout`` in seconds, ``max_size`` in bytes."""

    host: str = "127.0.0.1"
    port: int = 0
    hostname: str = "localhost"
    max_size: int = 35 * 1024 * 1024
    max_connections: int = 200
    max_recipients: int = 100
    timeout: float = 120.0
    threads: int = 4
    tls_context: ssl.SSLContext | None = None
    stop_timeout: float = 10.0


class SmtpListener:
    """Runs the listener in a thread of its own.

    ``accept(envelope_from, recipients, raw, peer)`` is called in a pool thread, must store the mail before it returns,
    and may be called again for the same mail when the answer to the sender got lost. ``envelope_from`` is '' for the
    null sender. ``knows(recipient)`` is called in the pool as well.
    """

    def __init__(self, accept: Accept, knows: Knows, settings: ListenerSettings | None = None) -> None:
        self.settings = settings or ListenerSettings()
        self._pool = ThreadPoolExecutor(self.settings.threads, thread_name_prefix="smtp-accept")
        self._handler = _Handler(accept, knows, self._pool, self.settings)
        self._controller: _Controller | None = None

    @property
    def port(self) -> int:
        """The port listened on, also when the settings left the choice to the system."""
        if self._controller is None:
            raise RuntimeError("the SMTP listener is not running")
        return int(self._controller.port)

    def start(self) -> None:
        """Bind and serve. Raises ``OSError`` when the address can't be had."""
        family = socket.AF_INET6 if ":" in self.settings.host else socket.AF_INET
        bound = socket.create_server((self.settings.host, self.settings.port), family=family, backlog=256)
        self._controller = _Controller(self._handler, self.settings, bound)
        try:
            self._controller.start()
        except BaseException:
            self._controller = None
            bound.close()
            raise

    def stop(self) -> None:
        """Take no new mail, let the ones being stored finish, close all connections. Safe to call twice."""
        controller, self._controller = self._controller, None
        if controller is not None:
            self._handler.stopping = True
            controller.drain(self.settings.stop_timeout)
            controller.stop()
        self._pool.shutdown(wait=True)


class _Handler:
    """What aiosmtpd asks at each SMTP command."""

    def __init__(self, accept: Accept, knows: Knows, pool: ThreadPoolExecutor, settings: ListenerSettings) -> None:
        self._accept = accept
        self._knows = knows
        self._pool = pool
        self._settings = settings
        self.stopping = False
        self.busy = 0

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Sequence[str]
    ) -> str:
        if self.stopping:
            return "421 4.3.2 Shutting down, please try again"
        # aiosmtpd takes an empty string for "no MAIL yet", so the null sender keeps its brackets until accept.
        envelope.mail_from = address or "<>"
        envelope.mail_options.extend(options)
        return "250 2.1.0 Sender OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Sequence[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= self._settings.max_recipients:
            return "452 4.5.3 Too many recipients"
        address = address.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        try:
            known = await asyncio.get_running_loop().run_in_executor(self._pool, self._knows, address)
        except Exception:
            log.exception("recipient could not be looked up")
            return "451 4.3.0 Recipient could not be checked, please try again"
        if not known:
            return "550 5.1.1 No such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Recipient OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        raw = envelope.original_content or b""
        sender = "" if envelope.mail_from in (None, "<>") else str(envelope.mail_from)
        sender = sender.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        peer = str(session.peer[0]) if isinstance(session.peer, tuple) else str(session.peer or "")
        self.busy += 1
        try:
            await asyncio.get_running_loop().run_in_executor(
                self._pool, self._accept, sender, tuple(envelope.rcpt_tos), raw, peer
            )
        except PermanentFailure as failure:
            return f"{failure.code} {failure.text}"
        except TemporaryFailure as failure:
            return f"451 4.3.0 {' '.join(str(failure).split()) or 'Please try again later'}"
        except Exception:
            log.exception("mail could not be taken in")
            return "451 4.3.0 The mail could not be stored, please try again"
        finally:
            self.busy -= 1
        return "250 2.0.0 Taken in"

    async def handle_exception(self, error: Exception) -> str:
        log.error("SMTP session failed", exc_info=error)
        return "421 4.3.0 Internal error, please try again"


class _Connection(SMTP):
    """aiosmtpd's session with a fast DATA, no limit on a line's length, and a limit on connections."""

    line_length_limit = 65536

    def __init__(self, handler: _Handler, controller: _Controller, **options: Any) -> None:
        super().__init__(handler, **options)
        self._controller = controller
        self._counted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        first = self._original_transport is None
        if first and len(self._controller.connections) >= self._controller.settings.max_connections:
            assert isinstance(transport, asyncio.Transport)
            transport.write(b"421 4.7.0 Too many connections, please try again\r\n")
            transport.close()
            return
        # asyncio sets this only on sockets whose protocol number was given; without it each dialogue waits 40 ms.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._counted = True
        self._controller.connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._controller.connections.discard(self)
        if self._counted:
            super().connection_lost(error)

    def eof_received(self) -> bool | None:
        return super().eof_received() if self._counted else False

    def data_received(self, data: bytes) -> None:
        if self._counted:
            super().data_received(data)

    async def push(self, status: AnyStr) -> None:
        if isinstance(status, str) and status.startswith("552 Error: message size"):
            await super().push("552 5.3.4 Message too big")
            return
        await super().push(status)

    async def smtp_DATA(self, arg: str) -> None:
        if await self.check_helo_needed() or await self.check_auth_needed("DATA"):
            return
        assert self.envelope is not None
        if not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 Error: need RCPT command")
            return
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        content = await self._read_content()
        if content is None:
            status = "552 5.3.4 Message too big"
        else:
            self.envelope.content = self.envelope.original_content = content
            status = await self._call_handler_hook("DATA")
        self._set_post_data_state()
        await self.push(status)

    async def _read_content(self) -> bytes | None:
        """Everything up to the line with the single dot, dots unstuffed (RFC 5321, 4.5.2); None when it was too much.

        Only CRLF ends a line here: a bare LF before the dot is data, which is what stops SMTP smuggling.
        """
        # The command's own line break also starts the first line, so that an empty mail is found by the same search.
        self._reader._buffer[:0] = b"\r\n"  # type: ignore[attr-defined]
        chunks: list[bytes] = []
        size = 0
        limit = self.data_size_limit or 0
        complete = False
        while not complete:
            try:
                chunk = await self._reader.readuntil(b"\r\n.\r\n")
                complete = True
            except LimitOverrunError as overrun:
                chunk = await self._reader.readexactly(overrun.consumed)
            self._reset_timeout()
            size += len(chunk)
            if limit and size > limit + 5:
                chunks.clear()
            else:
                chunks.append(chunk)
        if limit and size > limit + 5:
            return None
        return b"".join(chunks)[:-3].replace(b"\r\n.", b"\r\n")[2:]


class _Controller(Controller):
    """aiosmtpd's controller on a socket already bound, with counted connections and a quiet stop."""

    def __init__(self, handler: _Handler, settings: ListenerSettings, bound: socket.socket) -> None:
        super().__init__(
            handler,
            hostname=settings.host,
            port=bound.getsockname()[1],
            server_hostname=settings.hostname,
            ident="Okno",
            data_size_limit=settings.max_size,
            enable_SMTPUTF8=True,
            timeout=settings.timeout,
            tls_context=settings.tls_context,
        )
        self.settings = settings
        self.connections: set[_Connection] = set()
        self._mail_handler = handler
        self._bound = bound

    def _create_server(self) -> Awaitable[asyncio.AbstractServer]:
        return self.loop.create_server(self._factory_invoker, sock=self._bound)

    def factory(self) -> _Connection:
        return _Connection(self._mail_handler, self, loop=self.loop, **self.SMTP_kwargs)

    def drain(self, timeout: float) -> None:
        """Stop listening and wait until no mail is being stored, at most ``timeout`` seconds."""
        finished = asyncio.run_coroutine_threadsafe(self._drain(timeout), self.loop)
        finished.result()

    async def _drain(self, timeout: float) -> None:
        assert self.server is not None
        self.server.close()
        deadline = self.loop.time() + timeout
        while self._mail_handler.busy and self.loop.time() < deadline:
            await asyncio.sleep(0.01)
        for connection in list(self.connections):
            if connection.transport is not None:
                connection.transport.close()
        await asyncio.sleep(0)
