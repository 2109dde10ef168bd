"""The Bot API over HTTP (core.telegram.org/bots/api): one request a call, answers as documented, errors told apart."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import quote, urlsplit

SECONDS = 20.0
LONGEST_ANSWER = 16 << 20
HTTP_ERRORS = (OSError, HTTPException)


class Refused(Exception):
    """The API said no: ``code`` as in HTTP, ``retry_after`` in seconds where it asks to wait."""

    def __init__(self, code: int, description: str, retry_after: float | None = None) -> None:
        self.code, self.description, self.retry_after = code, description, retry_after
        super().__init__(f"{code} {description}")

    @property
    def passes(self) -> bool:
        """Whether it may be different later: too many requests, trouble at the other side, a token that is being changed."""
        return self.code in (401, 404, 409, 429) or self.code >= 500


class TooLarge(Exception):
    """A file is larger than what is taken."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to send, by the name of its field."""

    field: str
    name: str
    content_type: str
    content: bytes


class BotApi:
    """Calls in the name of one bot. ``base`` is ``https://api.telegram.org`` or a server that speaks the same."""

    def __init__(self, base: str, token: str) -> None:
        self._parts, self._token = urlsplit(base.rstrip("/")), token
        self._open: HTTPConnection | None = None
        self._ended = False

    def call(self, method: str, uploads: tuple[Upload, ...] = (), *, wait: float = 0, **values: Any) -> Any:
        """The ``result`` of a method; ``wait`` in seconds is added to the time limit. Raises :class:`Refused`, ``OSError``, ``HTTPException``."""
        body, content_type = (
            _multipart(values, uploads) if uploads else (json.dumps(values).encode(), "application/json")
        )
        status, headers, raw = self._request(
            "POST", f"/bot{self._token}/{method}", body, {"Content-Type": content_type}, LONGEST_ANSWER, wait
        )
        try:
            answer = json.loads(raw)
        except ValueError:
            raise Refused(status, "the answer is no JSON") from None
        if not isinstance(answer, dict) or not answer.get("ok"):
            said = answer if isinstance(answer, dict) else {}
            after = (said.get("parameters") or {}).get("retry_after") or headers.get("Retry-After")
            number = float(after) if str(after or "").replace(".", "", 1).isdigit() else None
            raise Refused(
                int(said.get("error_code") or status), str(said.get("description") or "refused")[:300], number
            )
        return answer.get("result")

    def download(self, file_path: str, limit: int) -> bytes:
        """The content of a file that ``getFile`` named. Raises :class:`TooLarge`, and as :meth:`call`."""
        path = f"/file/bot{self._token}/{quote(file_path)}"
        status, _headers, raw = self._request("GET", path, None, {}, limit + 1, SECONDS)
        if status != 200:
            raise Refused(status, "the file cannot be had")
        if len(raw) > limit:
            raise TooLarge(f"more than {limit} bytes")
        return raw

    def abort(self) -> None:
        """End the call that waits, from another thread, and all later ones: they raise ``OSError``."""
        self._ended = True
        connection = self._open
        if connection is not None and connection.sock is not None:
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it has ended by itself in the meantime

    def _request(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], limit: int, wait: float
    ) -> tuple[int, Any, bytes]:
        kind = HTTPSConnection if self._parts.scheme == "https" else HTTPConnection
        connection = kind(self._parts.hostname or "", self._parts.port, timeout=SECONDS + wait)
        try:
            connection.connect()
            # In this order one of the two threads sees what the other has done.
            self._open = connection
            if self._ended:
                raise OSError("ended")
            connection.request(method, self._parts.path + path, body, dict(headers))
            answer: HTTPResponse = connection.getresponse()
            return answer.status, answer.headers, answer.read(limit)
        finally:
            self._open = None
            connection.close()


def _multipart(values: Mapping[str, Any], uploads: tuple[Upload, ...]) -> tuple[bytes, str]:
    boundary = secrets.token_hex(16)
    parts: list[bytes] = []
    for name, value in values.items():
        text = value if isinstance(value, str) else json.dumps(value)
        parts += [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()]
    for upload in uploads:
        name = upload.name.replace("\\", "_").replace('"', "'").replace("\r", " ").replace("\n", " ")
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{upload.field}"; filename="{name}"\r\n'
        kind = (
            upload.content_type
            if upload.content_type.isascii() and upload.content_type.isprintable()
            else "application/octet-stream"
        )
        parts += [f"{head}Content-Type: {kind}\r\n\r\n".encode(), upload.content, b"\r\n"]
    parts.append(f"--{boundary}--\r\n".encode())
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"
