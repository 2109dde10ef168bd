"""Updates on their way in: stored before Telegram is told, then turned into messages, once each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from core import intake, outbox
from core.clock import now
from core.contracts import IntakeItem, Text
from core.db import db, transaction
from core.house import okno
from core.live import arriving_files, talk
from plugins.telegram import bots, updates
from plugins.telegram.bots import CHANNEL
from plugins.telegram.models import TelegramBot

FETCH, SAY = "telegram.fetch", "telegram.say"
STOPPED = Text("The customer ended the conversation (/stop)", "Клиент завершил диалог (/stop)")
BLOCKED = Text(
    "The customer has blocked the bot: answers can't reach them", "Клиент заблокировал бота: ответы до него не дойдут"
)
HELLO = Text(
    "Hello! Write your question, and we will answer here.", "Здравствуйте! Напишите ваш вопрос, ответим здесь."
)
GOODBYE = Text(
    "The conversation is over. Write again to begin a new one.", "Диалог завершён. Напишите снова, чтобы начать новый."
)


def take_in(bot_id: int, raw_updates: Sequence[Mapping[str, Any]]) -> int:
    """Store updates durably, and that they need not be asked for again; returns how many. A repeat changes nothing.

    Raises what :func:`core.intake.accept` does: Telegram then gives them again.
    """
    with transaction():
        bot = db.session.get_one(TelegramBot, bot_id)
        for update in raw_updates:
            raw = json.dumps(update, ensure_ascii=False).encode()
            intake.accept(CHANNEL, f"{bot.telegram_id}:{int(update['update_id'])}", raw, {"bot_id": bot_id})
        if raw_updates:
            bot.next_update = int(raw_updates[-1]["update_id"]) + 1
            bot.heard_at = now()
    return len(raw_updates)


def process(item: IntakeItem) -> None:
    """Make of a stored update what it says; runs in the transaction that settles it."""
    bot = db.session.get(TelegramBot, int(item.meta["bot_id"]))
    happened = updates.read(json.loads(item.raw))
    if bot is None or happened is None:
        return
    address = bots.address_of(bot, happened.chat_id)
    if isinstance(happened, updates.Blocked):
        talk.gone(CHANNEL, address, BLOCKED, "telegram.blocked")
    elif happened.edited:
        talk.amend(CHANNEL, _key(bot, happened), happened.text, happened.at)
    elif happened.command == "/start":
        _say(item, address, _greeting(bot, happened))
    elif happened.command == "/stop":
        talk.gone(CHANNEL, address, STOPPED)
        _say(item, address, GOODBYE.to(happened.language))
    else:
        _write(bot, address, happened)


def _write(bot: TelegramBot, address: str, wrote: updates.Wrote) -> None:
    limit = okno().config.get("telegram.flood_messages")
    if not wrote.album:
        talk.refuse_flood(CHANNEL, address, limit, 60)
    received = talk.take_in(
        talk.Said(
            channel=CHANNEL,
            address=address,
            key=_key(bot, wrote),
            entry=bot.username,
            text=wrote.text,
            name=wrote.name,
            language=wrote.language,
            at=wrote.at,
            extra={"file_names": [wrote.file.name]} if wrote.file else {},
        )
    )
    if received.duplicate and wrote.album and wrote.text:
        talk.amend(CHANNEL, _key(bot, wrote), wrote.text, wrote.at)
    if wrote.file is not None:
        _expect(bot, received.message_id, wrote.message_id, wrote.file)


def _expect(bot: TelegramBot, message_id: int, number: int, file: updates.NamedFile) -> None:
    key = f"telegram:{bot.telegram_id}:{message_id}:{number}:{file.unique_id}"[:160]
    if file.size > arriving_files.most_bytes():
        arriving_files.missed(message_id, key, f"{file.name}: {file.size >> 20} MB")
        return
    named = {"bot_id": bot.id, "file_id": file.file_id, "name": file.name, "content_type": file.content_type}
    arriving_files.expect(message_id, FETCH, key, named)


def _key(bot: TelegramBot, wrote: updates.Wrote) -> str:
    """Pictures sent as one album are one message."""
    name = f"album:{wrote.album}" if wrote.album else str(wrote.message_id)
    return f"{bot.telegram_id}:{wrote.chat_id}:{name}"


def _greeting(bot: TelegramBot, wrote: updates.Wrote) -> str:
    found = bots.services_of(bot.username)
    own = str(found[0].texts.get("greeting") or "") if found else ""
    # A greeting with variables is meant for a conversation that has an agent.
    return own if own and "$(" not in own else HELLO.to(wrote.language)


def _say(item: IntakeItem, address: str, text: str) -> None:
    outbox.enqueue(
        SAY, f"telegram:say:{item.source_key}", {"address": address, "text": text}, stream=f"telegram:{address}"
    )
