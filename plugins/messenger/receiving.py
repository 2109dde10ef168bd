"""What adapters send: stored before they are told, then made into messages, once each."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from core import intake, timeline
from core.contracts import FileIn, IntakeItem, OutboxResult, Rejected, Text
from core.db import db
from core.house import okno
from core.live import arriving_files, talk
from core.model import Interaction, Message
from core.webhook_delivery import HTTPException, Refused, exchange
from plugins.messenger import links
from plugins.messenger.links import CHANNEL
from plugins.messenger.models import MessengerLink
from plugins.messenger.shapes import EventShape

FETCH = "messenger.fetch"
LEFT = Text("The customer left the conversation", "Клиент покинул диалог")


def take_in(link: MessengerLink, webhook_id: str, body: bytes) -> int:
    """Store a request durably; the same id again changes nothing. Raises what :func:`core.intake.accept` does."""
    return intake.accept(CHANNEL, f"{link.key}:{webhook_id}", body, {"link_id": link.id})


def process(item: IntakeItem) -> None:
    """Make of a stored request what it says; runs in the transaction that settles it."""
    link = db.session.get(MessengerLink, int(item.meta["link_id"]))
    if link is None:
        return
    event = EventShape().load(json.loads(item.raw))
    if event["type"] == "receipt":
        _receipt(link, event["receipt"])
    elif event["type"] == "left":
        talk.gone(CHANNEL, links.address_of(link.key, event["person"]["id"]), LEFT)
    elif event["type"] == "message.edited":
        said = event["message"]
        talk.amend(CHANNEL, f"{link.key}:{said['id']}", said["text"].strip(), said["at"])
    else:
        _write(link, event["message"])


def _write(link: MessengerLink, said: Mapping[str, Any]) -> None:
    address = links.address_of(link.key, said["sender"]["id"])
    talk.refuse_flood(CHANNEL, address, okno().config.get("messenger.flood_messages"), 60)
    named = [file for file in said["files"] if file["url"]]
    language = str(said["sender"]["language"])[:2].lower()
    received = talk.take_in(
        talk.Said(
            channel=CHANNEL,
            address=address,
            key=f"{link.key}:{said['id']}",
            entry=link.key,
            text=said["text"].strip(),
            name=said["sender"]["name"],
            language=language if language in ("ru", "en") else "",
            files=tuple(_content(file) for file in said["files"] if not file["url"]),
            at=said["at"],
            extra={"file_names": [file["name"] for file in named]} if named else {},
        )
    )
    for place, file in enumerate(named):
        key = f"messenger:{received.message_id}:{place}"
        wanted = {name: file[name] for name in ("url", "name", "content_type")}
        arriving_files.expect(received.message_id, FETCH, key, wanted)


def _content(file: Mapping[str, Any]) -> FileIn:
    try:
        content = base64.b64decode(file["content"], validate=True)
    except binascii.Error:
        raise Rejected(Text("A file is no base64", "Файл не в base64"), "invalid") from None
    if len(content) > arriving_files.most_bytes():
        raise Rejected(Text("A file is too large", "Файл слишком велик"), "file-too-large")
    return FileIn(file["name"], file["content_type"], content)


def _receipt(link: MessengerLink, receipt: Mapping[str, Any]) -> None:
    message = db.session.get(Message, receipt["message_id"])
    interaction = db.session.get(Interaction, message.interaction_id) if message else None
    # Nobody may speak of what went through another adapter.
    if message is None or interaction is None or not _went_through(link, interaction):
        return
    if talk.receipt(message.id, receipt["status"]) and receipt["status"] == "failed":
        why = receipt["detail"] or "?"
        timeline.write(
            message.case_id,
            "messenger.failed",
            interaction_id=interaction.id,
            title_en=f"The messenger could not deliver the answer: {why}",
            title_ru=f"Мессенджер не доставил ответ: {why}",
        )


def _went_through(link: MessengerLink, interaction: Interaction) -> bool:
    return interaction.channel == CHANNEL and interaction.address.rpartition("@")[2] == link.key


def fetch(key: str, payload: Mapping[str, Any]) -> OutboxResult:
    """Bring a file into the house, from a public address only (``webhooks.allow_private``)."""
    message_id, limit = int(payload["message_id"]), arriving_files.most_bytes()
    try:
        answer = exchange("GET", str(payload["url"]), None, {}, limit + 1)
    except Refused as refusal:
        return _missed(message_id, key, str(refusal))
    except (OSError, HTTPException, ValueError) as error:
        return OutboxResult("retry", f"{type(error).__name__}: {error}")
    if answer.status != 200:
        said = f"HTTP {answer.status}"
        again = answer.status >= 500 or answer.status in (408, 429)
        return OutboxResult("retry", said) if again else _missed(message_id, key, said)
    if len(answer.body) > limit:
        return _missed(message_id, key, f"more than {limit >> 20} MB")
    file = FileIn(str(payload["name"]), str(payload["content_type"]), answer.body)
    arriving_files.arrived(message_id, key, file)
    return OutboxResult("sent", f"{len(answer.body)} bytes")


def _missed(message_id: int, key: str, why: str) -> OutboxResult:
    arriving_files.missed(message_id, key, why)
    return OutboxResult("dead", why)
