"""A local server that speaks the documented shapes of the Telegram Bot API: one bot, long polling, webhooks, files both ways."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

TOKEN = "123456:TEST-token_of_a_local_server"
BOT = {"id": 123456, "is_bot": True, "first_name": "Таволга", "username": "Tavolga_Bot"}
DATE = 1_780_000_000


@dataclass
class Call:
    """A method that was called, with its values and uploads (name and content by field)."""

    method: str
    values: dict[str, Any]
    uploads: dict[str, tuple[str, bytes]] = field(default_factory=dict)


class BotApiServer:
    """Listens on 127.0.0.1. ``failures`` are answers (code, parameters) that the next calls of a method get instead."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self.calls: list[Call] = []
        self.failures: dict[str, list[tuple[int, str, dict[str, Any]]]] = {}
        self.files: dict[str, bytes] = {}
        self.webhook: dict[str, Any] = {}
        self.asked = 0
        self._updates: list[dict[str, Any]] = []
        self._next, self._message = 700, 40
        self._changed = threading.Condition()
        self._stopping = False
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())

    # --- what people do in Telegram ---

    def person(self, chat_id: int = 501, name: str = "Мария", language: str = "ru") -> dict[str, Any]:
        return {"id": chat_id, "is_bot": False, "first_name": name, "last_name": "Иванова", "language_code": language}

    def message(self, text: str = "", chat_id: int = 501, message_id: int = 0, **more: Any) -> dict[str, Any]:
        """A Message as the API gives it."""
        self._message += 1
        words = {"text": text} if text else {}
        chat = {"id": chat_id, "type": "private", "first_name": "Мария"}
        fields = {"message_id": message_id or self._message, "date": DATE, "chat": chat, "from": self.person(chat_id)}
        return {**fields, **words, **more}

    def photo(self, content: bytes, name: str = "AgAD1") -> list[dict[str, Any]]:
        """The sizes of a picture; the largest has this content."""
        self.files[f"{name}-big"] = content
        self.files[f"{name}-small"] = b"small"
        sizes = (("small", 90), ("big", 1280))
        return [
            {
                "file_id": f"{name}-{size}",
                "file_unique_id": f"u-{name}-{size}",
                "width": side,
                "height": side,
                "file_size": 90,
            }
            for size, side in sizes
        ]

    def update(self, **content: Any) -> dict[str, Any]:
        """Something happened: it waits for the one who asks, and is returned for webhooks."""
        with self._changed:
            made = {"update_id": self._next, **content}
            self._next += 1
            self._updates.append(made)
            self._changed.notify_all()
            return made

    def write(self, text: str = "", **more: Any) -> dict[str, Any]:
        return self.update(message=self.message(text, **more))

    def block(self, chat_id: int = 501) -> dict[str, Any]:
        """A person stops the bot."""
        chat, me = {"id": chat_id, "type": "private"}, {"user": BOT}
        change = {
            "old_chat_member": {**me, "status": "member"},
            "new_chat_member": {**me, "status": "kicked", "until_date": 0},
        }
        return self.update(my_chat_member={"chat": chat, "from": self.person(chat_id), "date": DATE, **change})

    def fail(self, method: str, code: int, description: str, **parameters: Any) -> None:
        self.failures.setdefault(method, []).append((code, description, parameters))

    def sent(self, *methods: str) -> list[Call]:
        """The calls of these methods, in order; all that sends when none is named."""
        wanted = methods or ("sendMessage", "sendPhoto", "sendDocument", "sendMediaGroup")
        return [call for call in self.calls if call.method in wanted]

    @property
    def texts(self) -> list[str]:
        return [call.values["text"] for call in self.sent("sendMessage")]

    # --- the server ---

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                api.answer(self)

            def do_GET(self) -> None:
                api.give_file(self)

            def log_message(self, format: str, *args: Any) -> None:
                return

        return Handler

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        raw = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        found = re.fullmatch(r"/bot([^/]+)/(\w+)", urlsplit(request.path).path)
        if found is None or found.group(1) != TOKEN:
            return self._reply(request, 401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
        call = Call(found.group(2), *_values(request.headers.get("Content-Type", ""), raw))
        with self._changed:
            failures = self.failures.get(call.method, [])
            failure = failures.pop(0) if failures else None
            if failure is None and call.method != "getUpdates":
                self.calls.append(call)
        if failure is not None:
            code, description, parameters = failure
            said = {"ok": False, "error_code": code, "description": description}
            return self._reply(request, code, {**said, **({"parameters": parameters} if parameters else {})})
        handler = getattr(self, f"_{call.method}", None)
        result = handler(call) if handler else self._sent_message(call)
        return self._reply(request, 200, {"ok": True, "result": result})

    def give_file(self, request: BaseHTTPRequestHandler) -> None:
        content = self.files.get(unquote(request.path).rpartition("/")[2])
        request.send_response(200 if content is not None else 404)
        request.send_header("Content-Length", str(len(content or b"")))
        request.end_headers()
        request.wfile.write(content or b"")

    def _reply(self, request: BaseHTTPRequestHandler, status: int, body: dict[str, Any]) -> None:
        raw = json.dumps(body).encode()
        with suppress(BrokenPipeError, ConnectionResetError):
            request.send_response(status)
            request.send_header("Content-Type", "application/json")
            request.send_header("Content-Length", str(len(raw)))
            request.end_headers()
            request.wfile.write(raw)

    def _getMe(self, call: Call) -> dict[str, Any]:
        return BOT

    def _getUpdates(self, call: Call) -> list[dict[str, Any]]:
        offset = int(call.values.get("offset", 0))
        with self._changed:
            self.asked += 1
            # An update counts as received once it is asked beyond.
            self._updates = [one for one in self._updates if one["update_id"] >= offset]
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._updates or self._stopping, float(call.values.get("timeout", 0)))
            return self._updates[: int(call.values.get("limit", 100))]

    @property
    def waiting(self) -> int:
        """Updates that nobody has asked beyond."""
        with self._changed:
            return len(self._updates)

    def _getFile(self, call: Call) -> dict[str, Any]:
        file_id = call.values["file_id"]
        return {"file_id": file_id, "file_unique_id": f"u-{file_id}", "file_path": f"photos/{file_id}"}

    def _setWebhook(self, call: Call) -> bool:
        self.webhook = call.values
        return True

    def _deleteWebhook(self, call: Call) -> bool:
        self.webhook = {}
        return True

    def _sendMediaGroup(self, call: Call) -> list[dict[str, Any]]:
        return [self._sent_message(call) for _one in call.values["media"]]

    def _sent_message(self, call: Call) -> dict[str, Any]:
        with self._changed:
            self._message += 1
            return {"message_id": self._message, "date": DATE, "chat": {"id": int(call.values["chat_id"])}, "from": BOT}


def _values(content_type: str, raw: bytes) -> tuple[dict[str, Any], dict[str, tuple[str, bytes]]]:
    if not content_type.startswith("multipart/form-data"):
        return json.loads(raw or b"{}"), {}
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    values: dict[str, Any] = {}
    uploads: dict[str, tuple[str, bytes]] = {}
    for part in BytesParser(policy=HTTP).parsebytes(head + raw).iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        content = part.get_payload(decode=True)
        if part.get_filename() is not None:
            uploads[name] = (str(part.get_filename()), content)
        else:
            text = content.decode()
            values[name] = json.loads(text) if text[:1] in "[{" else text
    return values, uploads


@pytest.fixture
def bot_api(new_port: Callable[[], int]) -> Iterator[BotApiServer]:
    """A listening Bot API."""
    server = BotApiServer(new_port())
    server.start()
    yield server
    server.stop()
