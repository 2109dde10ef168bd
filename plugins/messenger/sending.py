"""Our messages to an adapter: signed, in order for each person, with the same id at every attempt."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import current_app
from itsdangerous import BadSignature, URLSafeTimedSerializer

from core import __version__, outbox
from core.clock import now
from core.contracts import Delivery, OutboxResult
from core.db import db
from core.house import okno
from core.model import Attachment, Message
from core.webhook_delivery import Answer, HTTPException, Refused, exchange
from plugins.messenger import links

KIND = "messenger.send"
SALT, KEEP_SECONDS = "okno-messenger-file", 7 * 24 * 3600
WAIT = (408, 425, 429)


def deliver(delivery: Delivery) -> None:
    """Put the answer into the outbox; answers to one person leave in order."""
    outbox.enqueue(
        KIND,
        f"messenger:{delivery.message_id}",
        {"message_id": delivery.message_id, "address": delivery.to},
        delivery.message_id,
        stream=f"messenger:{delivery.to}",
    )


def body_of(message: Message, person: str) -> dict[str, Any]:
    """What the adapter gets; the same at every attempt but for the links to files, which are good for a week."""
    return {
        "type": "message",
        "message": {
            "id": message.id,
            "to": person,
            "conversation": message.interaction_id,
            "author": message.author,
            "name": (message.user.nickname or message.user.first_name) if message.user else "",
            "text": message.body_text,
            "buttons": list(message.data.get("buttons") or []),
            "files": [_file(one) for one in message.attachments],
            "at": message.at.isoformat().replace("+00:00", "Z"),
        },
    }


def _file(one: Attachment) -> dict[str, Any]:
    url = f"{okno().config.base_url}/messenger/files/{_serializer().dumps(one.id)}"
    return {"name": one.name, "content_type": one.content_type, "size": one.file.size, "url": url}


def attachment_of(token: str) -> Attachment | None:
    """The file of a link that we gave; None when it is not ours or too old."""
    try:
        return db.session.get(Attachment, int(_serializer().loads(token, max_age=KEEP_SECONDS)))
    except BadSignature:
        return None


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=SALT)


def send(key: str, payload: Mapping[str, Any]) -> OutboxResult:
    """Carry out one row of the outbox: one POST to the adapter."""
    message = db.session.get(Message, payload["message_id"])
    link, person = links.by_address(str(payload["address"]))
    if message is None or link is None:
        return OutboxResult("dead", "the messenger was removed" if link is None else "the message is gone")
    if not link.active or not link.url:
        return OutboxResult("dead", "the messenger is switched off" if not link.active else "no address is set for it")
    body = json.dumps(body_of(message, person), ensure_ascii=False, separators=(",", ":")).encode()
    timestamp, webhook_id = int(now().timestamp()), f"msg_{message.id}"
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"Okno/{__version__}",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": links.signed(link, webhook_id, timestamp, body),
    }
    url, link_id = link.url, link.id
    db.session.rollback()  # no transaction stays open while the other side thinks
    try:
        result = _judged(exchange("POST", url, body, headers))
    except Refused as refusal:
        result = OutboxResult("dead", str(refusal))
    except (OSError, HTTPException, ValueError) as error:
        result = OutboxResult("retry", f"{type(error).__name__}: {error}")
    links.note_status(link_id, result.detail)
    return result


def _judged(answer: Answer) -> OutboxResult:
    said = f"HTTP {answer.status}"
    if 200 <= answer.status < 300:
        return OutboxResult("sent", said)
    after = {name.lower(): value for name, value in answer.headers.items()}.get("retry-after", "")
    if answer.status in WAIT and after.isascii() and after.isdigit():
        return OutboxResult("retry", said, retry_in=float(after), counts=False)
    again = answer.status >= 500 or answer.status in WAIT
    return OutboxResult("retry" if again else "dead", said)
