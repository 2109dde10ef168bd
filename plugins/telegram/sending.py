"""Answers on their way out, one call a part: text in pieces that Telegram takes, pictures as an album, other files as they are.

What has been sent of a message is remembered, so that a retry goes on behind it. The Bot API knows no idempotency key: when the
process dies between Telegram's answer and our commit, that one part goes out twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core import outbox, storage
from core.contracts import Delivery, FileIn, OutboxResult
from core.db import db, transaction
from core.live import arriving_files, talk
from core.model import Message
from plugins.telegram import bots, receiving
from plugins.telegram.bot_api import HTTP_ERRORS, BotApi, Refused, TooLarge, Upload
from plugins.telegram.bots import CHANNEL
from plugins.telegram.models import TelegramBot

KIND = "telegram.send"
LONGEST, ALBUM = 4000, 10
PHOTO_TYPES, PHOTO_BYTES = ("image/jpeg", "image/png"), 10 << 20
FORBIDDEN = 403


@dataclass(frozen=True, slots=True)
class File:
    """A file of the message, whose content is read when it is sent."""

    sha256: str
    name: str
    content_type: str
    size: int

    @property
    def is_photo(self) -> bool:
        """Whether Telegram shows it as a picture."""
        return self.content_type in PHOTO_TYPES and self.size <= PHOTO_BYTES


@dataclass(frozen=True, slots=True)
class Part:
    """One call: a piece of text, or files (several: an album of pictures)."""

    text: str = ""
    files: tuple[File, ...] = ()
    markup: Mapping[str, Any] | None = None


def deliver(delivery: Delivery) -> None:
    """Put the answer into the outbox; answers to one person leave in order."""
    outbox.enqueue(
        KIND,
        f"telegram:{delivery.message_id}",
        {"message_id": delivery.message_id, "address": delivery.to},
        delivery.message_id,
        stream=f"telegram:{delivery.to}",
    )


def send(key: str, payload: Mapping[str, Any]) -> OutboxResult:
    """Carry out one row of the outbox."""
    message = db.session.get(Message, payload["message_id"])
    bot, chat_id = bots.by_address(str(payload["address"]))
    if message is None or bot is None:
        return OutboxResult("dead", "the bot was removed" if bot is None else "the message is gone")
    parts, done = parts_of(message), len(message.data.get("telegram_ids", []))
    token, message_id = bot.token, message.id
    db.session.rollback()  # the network may take long: no transaction stays open meanwhile
    api = bots.api(token)
    for part in parts[done:]:
        try:
            ids = _send_part(api, chat_id, part)
        except Refused as refusal:
            return _judged(str(payload["address"]), refusal)
        except HTTP_ERRORS as error:
            return OutboxResult("retry", f"{type(error).__name__}: {error}")
        _note(message_id, ids)
    return OutboxResult("sent", f"{len(parts)} parts")


def parts_of(message: Message) -> list[Part]:
    """The calls that a message takes, the same at every attempt."""
    buttons = message.data.get("buttons") or []
    keyboard = {
        "keyboard": [[{"text": words}] for words in buttons],
        "resize_keyboard": True,
        "one_time_keyboard": True,
    }
    markup = keyboard if buttons else {"remove_keyboard": True}
    pieces = pieces_of(message.body_text)
    texts = [
        Part(text=piece, markup=markup if place == len(pieces) - 1 else None) for place, piece in enumerate(pieces)
    ]
    files = [File(one.sha256, one.name, one.content_type, one.file.size) for one in message.attachments]
    photos = [file for file in files if file.is_photo]
    albums = [Part(files=tuple(photos[start : start + ALBUM])) for start in range(0, len(photos), ALBUM)]
    return [*texts, *albums, *(Part(files=(file,)) for file in files if not file.is_photo)]


def pieces_of(text: str) -> list[str]:
    """A text in pieces that Telegram takes, cut at lines or words where it can be."""
    pieces: list[str] = []
    left = text.strip()
    while len(left) > LONGEST:
        cut = (
            max(left.rfind("\n", LONGEST // 2, LONGEST), 0) or max(left.rfind(" ", LONGEST // 2, LONGEST), 0) or LONGEST
        )
        pieces.append(left[:cut].rstrip())
        left = left[cut:].lstrip()
    return [*pieces, left] if left else pieces


def _send_part(api: BotApi, chat_id: int, part: Part) -> list[int]:
    if not part.files:
        markup = {"reply_markup": part.markup} if part.markup else {}
        return [int(api.call("sendMessage", chat_id=chat_id, text=part.text, **markup)["message_id"])]
    if len(part.files) > 1:
        return _send_album(api, chat_id, part.files)
    file = part.files[0]
    if file.is_photo:
        try:
            return [_send_file(api, "sendPhoto", "photo", chat_id, file)]
        except Refused as refusal:
            # Dimensions that Telegram does not show as a picture: then as a file.
            if refusal.code != 400 or "chat not found" in refusal.description.lower():
                raise
    return [_send_file(api, "sendDocument", "document", chat_id, file)]


def _send_file(api: BotApi, method: str, field: str, chat_id: int, file: File) -> int:
    upload = Upload(field, file.name, file.content_type, storage.get(file.sha256))
    return int(api.call(method, (upload,), chat_id=str(chat_id))["message_id"])


def _send_album(api: BotApi, chat_id: int, files: Sequence[File]) -> list[int]:
    uploads = tuple(
        Upload(f"file{number}", file.name, file.content_type, storage.get(file.sha256))
        for number, file in enumerate(files)
    )
    media = [{"type": "photo", "media": f"attach://file{number}"} for number in range(len(files))]
    return [int(one["message_id"]) for one in api.call("sendMediaGroup", uploads, chat_id=str(chat_id), media=media)]


def _note(message_id: int, ids: list[int]) -> None:
    """One more part is there."""
    with transaction():
        message = db.session.get_one(Message, message_id, with_for_update=True, populate_existing=True)
        message.data = {**message.data, "telegram_ids": [*message.data.get("telegram_ids", []), ids]}


def _judged(address: str, refusal: Refused) -> OutboxResult:
    if refusal.retry_after is not None:
        return OutboxResult("retry", str(refusal), retry_in=refusal.retry_after, counts=False)
    if refusal.passes:
        return OutboxResult("retry", str(refusal))
    if refusal.code == FORBIDDEN:
        talk.gone(CHANNEL, address, receiving.BLOCKED, "telegram.blocked")
    return OutboxResult("dead", str(refusal))


def say(key: str, payload: Mapping[str, Any]) -> OutboxResult:
    """A few words of the bot itself that belong to no case: the greeting, the goodbye."""
    bot, chat_id = bots.by_address(str(payload["address"]))
    if bot is None:
        return OutboxResult("dead", "the bot was removed")
    token = bot.token
    db.session.rollback()
    try:
        bots.api(token).call(
            "sendMessage", chat_id=chat_id, text=str(payload["text"]), reply_markup={"remove_keyboard": True}
        )
    except Refused as refusal:
        return _judged(str(payload["address"]), refusal)
    except HTTP_ERRORS as error:
        return OutboxResult("retry", f"{type(error).__name__}: {error}")
    return OutboxResult("sent")


def fetch(key: str, payload: Mapping[str, Any]) -> OutboxResult:
    """Bring a file of a message into the house."""
    bot, message_id = db.session.get(TelegramBot, payload["bot_id"]), int(payload["message_id"])
    if bot is None:
        return _missed(message_id, key, "the bot was removed")
    token, limit = bot.token, arriving_files.most_bytes()
    db.session.rollback()
    api = bots.api(token)
    try:
        found = api.call("getFile", file_id=payload["file_id"])
        content = api.download(str(found["file_path"]), limit)
    except TooLarge as error:
        return _missed(message_id, key, str(error))
    except Refused as refusal:
        if refusal.retry_after is not None:
            return OutboxResult("retry", str(refusal), retry_in=refusal.retry_after, counts=False)
        return OutboxResult("retry", str(refusal)) if refusal.passes else _missed(message_id, key, refusal.description)
    except HTTP_ERRORS as error:
        return OutboxResult("retry", f"{type(error).__name__}: {error}")
    arriving_files.arrived(message_id, key, FileIn(str(payload["name"]), str(payload["content_type"]), content))
    return OutboxResult("sent", f"{len(content)} bytes")


def _missed(message_id: int, key: str, why: str) -> OutboxResult:
    arriving_files.missed(message_id, key, why)
    return OutboxResult("dead", why)
