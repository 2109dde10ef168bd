"""One attempt to deliver an event: signed, to a public address, without redirects, within a time limit.

The name is looked up once and the connection goes to the address that was checked, so that a name which answers differently the
second time (DNS rebinding) leads nowhere else. Proxies from the environment are not used.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import SplitResult, urlsplit

from core import __version__, webhooks
from core.clock import now
from core.contracts import OutboxResult
from core.db import db
from core.house import okno
from core.model import Webhook

GONE = 410
NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Refused(Exception):
    """The address may not be called; the message says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a delivery really goes: the parts of its address, and the checked IP."""

    parts: SplitResult
    address: str

    @property
    def port(self) -> int:
        """The port that the address names or its scheme implies."""
        return self.parts.port or (443 if self.parts.scheme == "https" else 80)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; ``body`` as far as it was asked for."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, also when it is wrapped in another."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def resolve(url: str, *, allow_private: bool) -> Target:
    """Look the host up and choose an address. Raises :class:`Refused` when any of its addresses is private, ``OSError`` for none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused("not an http address")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = [str(info[4][0]) for info in socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)]
    if not allow_private and (private := [address for address in found if not is_public(address)]):
        raise Refused(f"{private[0]} is not a public address (webhooks.allow_private)")
    return Target(parts, found[0])


class _Pinned(HTTPConnection):
    """A connection to the checked address that speaks to the host by its name; ends at a deadline whatever drips in."""

    def __init__(self, target: Target, seconds: float) -> None:
        super().__init__(target.parts.hostname or "", target.port, timeout=seconds)
        self.target, self.ends = target, time.monotonic() + seconds
        self.timer = threading.Timer(seconds, self._cut)

    def connect(self) -> None:
        self.sock = socket.create_connection((self.target.address, self.target.port), self.timeout)
        self.timer.daemon = True
        self.timer.start()
        if self.target.parts.scheme == "https":
            self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.host)

    def _cut(self) -> None:
        if self.sock is not None:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                # It has ended by itself in the meantime.
                return

    def close(self) -> None:
        self.timer.cancel()
        super().close()


def signatures(webhook: Webhook, event_id: str, timestamp: int, body: bytes) -> str:
    """The header's value: one signature, two while an old secret still counts."""
    keys = [webhook.secret]
    if webhook.old_secret and webhook.old_secret_until and webhook.old_secret_until > now():
        keys.append(webhook.old_secret)
    return " ".join(f"v1,{signature(key, event_id, timestamp, body)}" for key in keys)


def signature(secret: str, event_id: str, timestamp: int, body: bytes) -> str:
    """HMAC-SHA256 in base64 over ``id.timestamp.body`` with the bytes of the secret (Standard Webhooks 1.0)."""
    key = base64.b64decode(secret.removeprefix(webhooks.SECRET_PREFIX))
    signed = f"{event_id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode("ascii")


def send(key: str, payload: Mapping[str, Any]) -> OutboxResult:
    """The handler of the outbox. Anything but 2xx is tried again; 410 switches the webhook off, as the standard asks."""
    webhook = db.session.get(Webhook, payload["webhook_id"])
    event = payload["body"]
    if webhook is None:
        return OutboxResult("dead", "the webhook was removed")
    if not webhook.active and event["type"] != webhooks.TEST:
        return OutboxResult("dead", "the webhook is switched off")
    webhook_id = webhook.id
    body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    timestamp = int(now().timestamp())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"Okno/{__version__}",
        "webhook-id": event["id"],
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signatures(webhook, event["id"], timestamp, body),
    }
    url = webhook.url
    db.session.rollback()  # no transaction stays open while the other side thinks
    try:
        status = post(url, body, headers)
    except Refused as refusal:
        webhooks.note_attempt(webhook_id, False, str(refusal))
        return OutboxResult("dead", str(refusal))
    except (OSError, HTTPException, ValueError) as error:
        text = f"{type(error).__name__}: {error}"
        webhooks.note_attempt(webhook_id, False, text)
        return OutboxResult("retry", text)
    return _judged(webhook_id, status)


def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """POST to the address; the status of the answer, whose body is not read. Raises :class:`Refused`, ``OSError``, ``HTTPException``."""
    return exchange("POST", url, body, headers).status


def exchange(method: str, url: str, body: bytes | None, headers: Mapping[str, str], most_bytes: int = 0) -> Answer:
    """Ask an address of somebody else, with all the care of this module; ``most_bytes`` of the answer are read. Raises as :func:`post`."""
    config = okno().config
    target = resolve(url, allow_private=config.get("webhooks.allow_private"))
    connection = _Pinned(target, config.get("webhooks.timeout_seconds"))
    try:
        path = (target.parts.path or "/") + (f"?{target.parts.query}" if target.parts.query else "")
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        return Answer(answer.status, dict(answer.headers.items()), answer.read(most_bytes) if most_bytes else b"")
    finally:
        connection.close()


def _judged(webhook_id: int, status: int) -> OutboxResult:
    text = f"HTTP {status}"
    if 200 <= status < 300:
        webhooks.note_attempt(webhook_id, True, text)
        return OutboxResult("sent", text)
    if 300 <= status < 400:
        text += " (redirects are not followed)"
    webhooks.note_attempt(webhook_id, False, text, disable=status == GONE)
    return OutboxResult("dead" if status == GONE else "retry", text)
