"""A small HTTP server that receives webhooks, answers as it is told, and keeps what came."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from core.webhook_delivery import signature


@dataclass(frozen=True)
class Delivery:
    """One request as it came."""

    headers: dict[str, str]
    raw: bytes
    answered: int

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    def signed_with(self, secret: str) -> bool:
        """Whether one of its signatures is of ``secret``, over the id, the time and the body that came."""
        sent = self.headers["webhook-signature"].split()
        right = signature(secret, self.headers["webhook-id"], int(self.headers["webhook-timestamp"]), self.raw)
        return f"v1,{right}" in sent


class WebhookReceiver:
    """Listens on 127.0.0.1. ``answers`` are the statuses of the next requests; 200 when there are none left."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/hook"
        self.answers: list[int] = []
        self.deliveries: list[Delivery] = []
        self.open = threading.Event()  # while it is not set, requests are taken and not answered
        self.open.set()
        self._arrived = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.receive(self)

            def log_message(self, format: str, *args: Any) -> None:
                return

        return Handler

    def receive(self, request: BaseHTTPRequestHandler) -> None:
        raw = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        with self._arrived:
            status = self.answers.pop(0) if self.answers else 200
            headers = {name.lower(): value for name, value in request.headers.items()}
            self.deliveries.append(Delivery(headers, raw, status))
            self._arrived.notify_all()
        self.open.wait(60)
        with suppress(BrokenPipeError, ConnectionResetError):
            self._answer(request, status)

    def _answer(self, request: BaseHTTPRequestHandler, status: int) -> None:
        request.send_response(status)
        if 300 <= status < 400:
            request.send_header("Location", self.url + "/elsewhere")
        request.send_header("Content-Length", "0")
        request.end_headers()

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.open.set()
        self._server.shutdown()
        self._server.server_close()

    def wait_for(self, wanted: Callable[[Delivery], bool], timeout: float = 20) -> Delivery:
        """The first delivery that is wanted, come or still coming."""

        def find() -> Delivery | None:
            return next((one for one in self.deliveries if wanted(one)), None)

        with self._arrived:
            found = self._arrived.wait_for(find, timeout)
        came = [(one.body["type"], one.answered) for one in self.deliveries]
        assert found is not None, f"no such delivery within {timeout} s; came: {came}"
        return found


@pytest.fixture
def receiver(new_port: Callable[[], int]) -> Iterator[WebhookReceiver]:
    """A listening receiver."""
    server = WebhookReceiver(new_port())
    server.start()
    yield server
    server.stop()
