"""All that the channel contributes, and all that it does."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from core import Rejected, Text, hookimpl
from core import contracts as c

FRESH_SECONDS = 300
TEMPORARY = (408, 425, 429)


@hookimpl
def register_settings() -> list[c.Setting]:
    """Where answers go, and the secret that both sides sign with."""
    url = Text("Where answers are posted; empty: nowhere", "Куда отправлять ответы; пусто: никуда")
    secret = Text("Shared secret of the signatures", "Общий секрет подписей")
    return [c.Setting("webhook.url", str, "", url), c.Setting("webhook.secret", str, "", secret, secret=True)]


@hookimpl
def register_channels() -> list[c.Channel]:
    """The channel; contacts are known by their phone."""
    return [c.Channel("webhook", Text("Webhook", "Вебхук"), "webhook", c.Capabilities(), "phone", deliver, process)]


@hookimpl
def register_outbox_handlers() -> list[c.OutboxHandler]:
    """Who posts the answers."""
    return [c.OutboxHandler("webhook.post", post)]


@hookimpl
def register_blueprints() -> list[c.BlueprintMount]:
    """The door."""
    from flask import Blueprint, request

    from core.intake import accept
    from core.permissions import public
    from core.web.security import own_proof

    blueprint = Blueprint("webhook", __name__)

    @blueprint.post("/<entry>")
    @public
    @own_proof
    def door(entry: str) -> tuple[dict[str, Any], int]:
        """Store a signed message and answer 202 with its id; the same body again gets the same id."""
        body, stamp = request.get_data(), request.headers.get("X-Okno-Timestamp", "")
        expected = signature(stamp, body)
        if not expected or not hmac.compare_digest(expected, request.headers.get("X-Okno-Signature", "")):
            return {"error": {"code": "signature", "text": "the signature is missing or wrong"}}, 401
        if not stamp.isascii() or not stamp.isdigit() or abs(time.time() - int(stamp)) > FRESH_SECONDS:
            return {"error": {"code": "stale", "text": "the timestamp is too far from now"}}, 401
        key = f"{entry[:60]}:{hashlib.sha256(body).hexdigest()}"
        return {"id": accept("webhook", key, body, {"entry": entry})}, 202

    return [c.BlueprintMount(blueprint, "/webhook", public=True)]


def signature(stamp: str, body: bytes) -> str:
    """``sha256=`` and the HMAC-SHA256 of ``<timestamp>.<body>``; "" while there is no secret."""
    from core.house import okno

    secret = okno().config.get("webhook.secret").encode()
    signed = stamp.encode("utf-8", "replace") + b"." + body
    return f"sha256={hmac.new(secret, signed, hashlib.sha256).hexdigest()}" if secret else ""


def process(item: c.IntakeItem) -> None:
    """Turn a stored body ``{"from", "text", "name"}`` into a message. A body that can't be read stays visible as failed."""
    from core.intake import receive

    try:
        said = json.loads(item.raw)
        sender, text, name = str(said["from"]).strip(), str(said["text"]), str(said.get("name", ""))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Rejected(f"not a message: {type(error).__name__}: {error}", "webhook-body") from error
    receive(
        c.Inbound(
            channel="webhook",
            source_key=f"webhook:{item.source_key}",
            sender=c.Address("phone", sender, name),
            entry=str(item.meta["entry"]),
            subject=text[:80],
            body_text=text,
        )
    )


def deliver(delivery: c.Delivery) -> None:
    """An answer leaves through the outbox, in the transaction that stores it."""
    from core.outbox import enqueue

    payload = {"to": delivery.to, "text": delivery.body_text, "case_id": delivery.case_id}
    enqueue("webhook.post", f"webhook:{delivery.message_id}", payload, delivery.message_id)


@hookimpl
def after_disposition(interaction: c.InteractionInfo, disposition: c.DispositionInfo | None) -> None:
    """Tell the other side how its conversation ended."""
    from core.db import transaction
    from core.outbox import enqueue

    if interaction.channel == "webhook" and disposition is not None:
        payload = {"ended": interaction.id, "case_id": interaction.case_id, "outcome": disposition.key}
        with transaction():
            enqueue("webhook.post", f"webhook:ended:{interaction.id}", payload)


def post(key: str, payload: Mapping[str, Any]) -> c.OutboxResult:
    """Post one answer. ``Idempotency-Key`` is the same at every attempt, so that the receiver knows a repeat."""
    from core.house import okno

    url, stamp = okno().config.get("webhook.url"), str(int(time.time()))
    if not url.startswith(("http://", "https://")):
        return c.OutboxResult("retry", "webhook.url is not set")
    body = json.dumps(payload, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": key, "X-Okno-Timestamp": stamp}
    headers["X-Okno-Signature"] = signature(stamp, body)
    try:
        with urlopen(Request(url, body, headers, method="POST"), timeout=10) as answer:  # noqa: S310
            return c.OutboxResult("sent", f"HTTP {answer.status}")
    except HTTPError as refusal:
        temporary = refusal.code >= 500 or refusal.code in TEMPORARY
        return c.OutboxResult("retry" if temporary else "dead", f"HTTP {refusal.code} {refusal.reason}")
    except (URLError, TimeoutError, OSError) as trouble:
        return c.OutboxResult("retry", str(trouble))
