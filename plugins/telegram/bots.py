"""The bots of the house: added by their token, switched on and off, removed."""

from __future__ import annotations

import re
import secrets

from sqlalchemy import select

from core import audit, services
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.house import okno
from core.model import Service, ServiceEntry
from plugins.telegram.bot_api import HTTP_ERRORS, BotApi, Refused
from plugins.telegram.models import TelegramBot

CHANNEL = "telegram"
TOKEN = re.compile(r"\d{1,20}:[A-Za-z0-9_-]{10,100}")


def api(token: str) -> BotApi:
    """Calls in the name of the bot with this token, at ``telegram.api_base``."""
    return BotApi(okno().config.get("telegram.api_base"), token)


def listed() -> list[TelegramBot]:
    """All, by name."""
    return list(db.session.scalars(select(TelegramBot).order_by(TelegramBot.username)))


def get(username: str) -> TelegramBot:
    """By the name without «@». Raises ``Rejected`` (``not-found``)."""
    found: TelegramBot | None = db.session.scalar(
        select(TelegramBot).where(TelegramBot.username == username.strip().removeprefix("@").lower())
    )
    if found is None:
        raise Rejected(Text(f"There is no bot @{username}", f"Бота @{username} нет"), "not-found")
    return found


def address_of(bot: TelegramBot, chat_id: int) -> str:
    """How a person is known to a bot: the same person at another bot is another conversation."""
    return f"{chat_id}@{bot.username}"


def by_address(address: str) -> tuple[TelegramBot | None, int]:
    """The bot and the chat of :func:`address_of`."""
    chat_id, _, username = address.partition("@")
    found = db.session.scalar(select(TelegramBot).where(TelegramBot.username == username))
    return found, int(chat_id) if chat_id.lstrip("-").isdigit() else 0


def services_of(username: str) -> list[Service]:
    """The service that the bot leads to, if any."""
    entered = select(Service).join(ServiceEntry, ServiceEntry.service_id == Service.id)
    found = entered.where(ServiceEntry.channel == CHANNEL, ServiceEntry.address == username)
    return list(db.session.scalars(found))


def add(token: str, service_key: str = "") -> TelegramBot:
    """Ask Telegram whose token it is, keep the bot, and let it lead to a service. The same bot again gets the new token.

    Raises ``Rejected``: ``telegram-token``, ``telegram-away``, ``not-found`` for the service.
    """
    token = token.strip()
    if not TOKEN.fullmatch(token):
        raise _wrong_token()
    service_id = services.get_service(service_key).id if service_key else None
    db.session.rollback()
    me = _me(token)
    username = str(me["username"]).lower()[:40]
    with transaction():
        bot = db.session.scalar(select(TelegramBot).where(TelegramBot.telegram_id == int(me["id"])))
        if bot is None:
            bot = TelegramBot(telegram_id=int(me["id"]), webhook_secret=secrets.token_urlsafe(32))
            db.session.add(bot)
        bot.username, bot.title, bot.token = username, str(me.get("first_name", ""))[:200], token
        bot.active, bot.error = True, ""
        db.session.flush()
        if service_id is not None:
            services.add_entry(service_id, CHANNEL, username)
        audit.record("telegram.add", "telegram_bot", username, after={"username": username, "service": service_key})
        return bot


def _me(token: str) -> dict[str, object]:
    try:
        return dict(api(token).call("getMe"))
    except Refused as refusal:
        if refusal.code in (401, 404):
            raise _wrong_token() from None
        why = refusal.description
    except HTTP_ERRORS as error:
        why = str(error)
    text = Text(f"Telegram does not answer: {why[:200]}", f"Telegram не отвечает: {why[:200]}")
    raise Rejected(text, "telegram-away")


def _wrong_token() -> Rejected:
    return Rejected(Text("Telegram does not know this token", "Telegram не знает такого токена"), "telegram-token")


def switch(username: str, active: bool) -> None:
    """Listen to the bot, or not; what was sent meanwhile is kept by Telegram for a day."""
    with transaction():
        bot = get(username)
        before = {"active": bot.active}
        bot.active, bot.error = active, ""
        audit.record("telegram.change", "telegram_bot", bot.username, before, {"active": active})


def remove(username: str) -> None:
    """Forget the bot and its token; conversations stay, answers to them can't be sent any more."""
    with transaction():
        bot = get(username)
        audit.record("telegram.remove", "telegram_bot", bot.username, before={"username": bot.username})
        for entry in db.session.scalars(
            select(ServiceEntry).where(ServiceEntry.channel == CHANNEL, ServiceEntry.address == bot.username)
        ):
            db.session.delete(entry)
        db.session.delete(bot)


def note_error(bot_id: int, error: str) -> None:
    """What is wrong with a bot, "" when all is well; writes only when that has changed."""
    bot = db.session.get(TelegramBot, bot_id, populate_existing=True)
    same = bot is None or bot.error == error[:500]
    db.session.rollback()
    if same:
        return
    with transaction():
        fresh = db.session.get(TelegramBot, bot_id)
        if fresh is not None:
            fresh.error = error[:500]
