"""Listening to the bots: a thread for each asks Telegram for updates and waits there, or Telegram is told where to send them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import structlog
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from core.clock import now
from core.db import db
from core.house import okno
from plugins.telegram import bots, receiving
from plugins.telegram.bot_api import HTTP_ERRORS, BotApi, Refused
from plugins.telegram.models import TelegramBot
from plugins.telegram.updates import ALLOWED

LOOK_SECONDS = 3.0
PAUSES = (1, 2, 5, 15, 60)
# After a week of silence Telegram numbers updates anew: a number from before must not be asked for then.
NUMBERS_HOLD = timedelta(days=6)
log = structlog.get_logger("okno.telegram")


def start(app: Flask) -> Callable[[], None]:
    """The daemon: listens to every active bot until it is stopped."""
    keeper = Keeper(app)
    keeper.start()
    return keeper.stop


class Keeper(threading.Thread):
    """Sees that each active bot is listened to, also those that are added later."""

    def __init__(self, app: Flask) -> None:
        super().__init__(name="okno-telegram", daemon=True)
        self.app, self.stopping = app, threading.Event()
        self.listeners: dict[tuple[int, str], Listener] = {}

    def run(self) -> None:
        while not self.stopping.is_set():
            try:
                self.look()
            except SQLAlchemyError as error:
                log.error("data base trouble", error=str(error)[:300])
            self.stopping.wait(LOOK_SECONDS)

    def look(self) -> None:
        """Begin with bots that are new, end with those that are gone or have another token."""
        with self.app.app_context():
            active = select(TelegramBot.id, TelegramBot.token).where(TelegramBot.active)
            wanted = {(row.id, row.token) for row in db.session.execute(active)}
            db.session.rollback()
        dead = {key for key, listener in self.listeners.items() if not listener.is_alive()}
        for gone in (self.listeners.keys() - wanted) | dead:
            self.listeners.pop(gone).stop()
        for bot_id, token in wanted - self.listeners.keys():
            if not self.stopping.is_set():
                self.listeners[bot_id, token] = Listener(self.app, bot_id, token)
                self.listeners[bot_id, token].start()

    def stop(self) -> None:
        self.stopping.set()
        self.join(timeout=5)
        for listener in self.listeners.values():
            listener.stop()
        for listener in self.listeners.values():
            listener.join(timeout=5)


class Listener(threading.Thread):
    """Listens to one bot."""

    def __init__(self, app: Flask, bot_id: int, token: str) -> None:
        super().__init__(name=f"okno-telegram-{bot_id}", daemon=True)
        self.app, self.bot_id = app, bot_id
        self.stopping = threading.Event()
        with app.app_context():
            self.api = bots.api(token)

    def run(self) -> None:
        failures = 0
        while not self.stopping.is_set():
            pause = self.attempt(failures)
            failures = failures + 1 if pause else 0
            if pause and self.stopping.wait(pause):
                return

    def attempt(self, failures: int) -> float:
        """Prepare and listen until something goes wrong; returns how long to wait then, in seconds."""
        usual = float(PAUSES[min(failures, len(PAUSES) - 1)])
        with self.app.app_context():
            try:
                prepare(self.bot_id, self.api)
                if okno().config.get("telegram.mode") == "webhook":
                    bots.note_error(self.bot_id, "")
                    self.stopping.wait()
                while not self.stopping.is_set():
                    poll(self.bot_id, self.api)
            except Refused as refusal:
                return self.trouble(str(refusal), refusal.retry_after or usual)
            except (*HTTP_ERRORS, SQLAlchemyError) as error:
                return 0 if self.stopping.is_set() else self.trouble(f"{type(error).__name__}: {error}", usual)
            return 0

    def trouble(self, text: str, pause: float) -> float:
        """Show it to the administrator."""
        log.warning("telegram trouble", bot=self.bot_id, error=text[:300])
        try:
            bots.note_error(self.bot_id, text)
        except SQLAlchemyError as error:
            log.error("data base trouble", error=str(error)[:300])
        return pause

    def stop(self) -> None:
        self.stopping.set()
        self.api.abort()


def webhook_url(username: str) -> str:
    """Where Telegram sends updates of a bot."""
    return f"{okno().config.base_url}/telegram/webhook/{username}"


def prepare(bot_id: int, api: BotApi) -> None:
    """Tell Telegram how updates are to come."""
    bot = db.session.get_one(TelegramBot, bot_id)
    username, secret = bot.username, bot.webhook_secret
    db.session.rollback()
    if okno().config.get("telegram.mode") == "webhook":
        # One connection: updates come in order.
        values = {"secret_token": secret, "allowed_updates": list(ALLOWED), "max_connections": 1}
        api.call("setWebhook", url=webhook_url(username), **values)
    else:
        api.call("deleteWebhook", drop_pending_updates=False)


def poll(bot_id: int, api: BotApi) -> int:
    """Ask once, wait for up to ``telegram.poll_seconds``, take in what comes; returns how many."""
    bot = db.session.get(TelegramBot, bot_id, populate_existing=True)
    fresh = bot is not None and bot.heard_at is not None and bot.heard_at > now() - NUMBERS_HOLD
    offset = bot.next_update if bot is not None and fresh else 0
    db.session.rollback()  # nothing stays open while Telegram lets us wait
    wait = okno().config.get("telegram.poll_seconds")
    values = {"offset": offset} if offset else {}
    found = api.call("getUpdates", wait=wait, timeout=wait, limit=100, allowed_updates=list(ALLOWED), **values)
    bots.note_error(bot_id, "")
    return receiving.take_in(bot_id, found) if found else 0
