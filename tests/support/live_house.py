"""A small centre with live text channels: one service, one agent, and a driver for each channel that plays the contact."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from sqlalchemy import select

from core import assignment, casework, clock, intake, outbox, presence
from core.contracts import FileIn
from core.db import db, transaction
from core.live import LANE, bots
from core.model import Interaction, Message, Offer, Service, ServiceEntry, Team, TeamMember, User
from core.webhook_delivery import signature
from tests.support.bot_api_server import TOKEN, BotApiServer
from tests.support.webhook_receiver import WebhookReceiver

PLUGINS = ["chat", "telegram", "messenger", "bot"]


@dataclass
class LiveHouse:
    """The house behind the channels, inside an application context."""

    app: Flask
    service_id: int
    agent_id: int
    replies: int = 0

    def work(self) -> None:
        """What the worker does: take in, let bots think, send; until nothing is left."""
        while intake.process_due() + bots.think_due() + outbox.send_due(lane=LANE):
            continue

    def accept(self) -> int:
        """The agent gets ready, is offered what waits, and accepts; returns the interaction."""
        presence.sign_on(self.agent_id)
        presence.set_state(self.agent_id, presence.READY)
        assert assignment.route_due() == 1
        offer = db.session.scalars(select(Offer).where(Offer.outcome.is_(None))).one()
        return assignment.accept(offer.id, self.agent_id)

    def reply(self, interaction_id: int, text: str, *files: FileIn) -> int:
        self.replies += 1
        html = "".join(f"<p>{line}</p>" for line in text.split("\n"))
        return casework.reply(interaction_id, self.agent_id, html, command_key=f"r{self.replies}", files=files)

    def rows(self, model: Any) -> list[Any]:
        return list(db.session.scalars(select(model).order_by(model.id).execution_options(populate_existing=True)))

    @property
    def interaction(self) -> Interaction:
        found: Interaction = self.rows(Interaction)[-1]
        return found

    @property
    def texts(self) -> list[str]:
        return [message.body_text for message in self.rows(Message)]


def furnish(app: Flask) -> LiveHouse:
    """The rows of the house."""
    with transaction():
        team = Team(key="first", title_en="First line", title_ru="Первая линия")
        agent = User(login="anna", first_name="Анна", last_name="Соколова", nickname="Аня")
        service = Service(
            key="support",
            title_en="Support",
            title_ru="Поддержка",
            is_default=True,
            disposition_required=False,
            teams=[team],
        )
        service.entries.append(ServiceEntry(channel="chat", address="demo"))
        db.session.add_all([team, agent, service])
        db.session.flush()
        db.session.add(TeamMember(team_id=team.id, user_id=agent.id))
        return LiveHouse(app, service.id, agent.id)


class ChatDriver:
    """A visitor of a web page."""

    channel = "chat"
    edits = False
    leaves = False

    def __init__(self, house: LiveHouse) -> None:
        self.client, self.sent = house.app.test_client(), 0
        self.token = self.client.post("/chat/session", json={"entry": "demo"}).json["token"]

    def say(self, text: str, key: str = "") -> str:
        self.sent += 1
        key = key or f"message-{self.sent:04}"
        body = {"id": key, "text": text, "entry": "demo", "name": "Мария"}
        headers = {"Authorization": f"Bearer {self.token}", "Accept-Language": "ru"}
        assert self.client.post("/chat/messages", json=body, headers=headers).status_code == 201
        return key

    def heard(self) -> list[str]:
        headers = {"Authorization": f"Bearer {self.token}"}
        found = self.client.get("/chat/messages?after=0", headers=headers).json["messages"]
        return [message["text"] for message in found if message["author"] != "contact"]


class TelegramDriver:
    """A person in Telegram; updates come by the webhook."""

    channel = "telegram"
    edits = True
    leaves = True

    def __init__(self, house: LiveHouse, api: BotApiServer) -> None:
        from plugins.telegram import bots as telegram_bots

        self.client, self.api, self.house = house.app.test_client(), api, house
        bot = telegram_bots.add(TOKEN, "support")
        self.headers = {"X-Telegram-Bot-Api-Secret-Token": bot.webhook_secret}

    def post(self, update: dict[str, Any], **headers: str) -> int:
        path = "/telegram/webhook/tavolga_bot"
        return int(self.client.post(path, json=update, headers={**self.headers, **headers}).status_code)

    def say(self, text: str, key: str = "") -> str:
        # The same key again is the same update again, as Telegram repeats what was not answered.
        update = json.loads(key) if key else self.api.write(text)
        assert self.post(update) == 200
        self.house.work()
        return json.dumps(update)

    def edit(self, key: str, text: str) -> None:
        message = {**json.loads(key)["message"], "text": text, "edit_date": 1_780_000_100}
        assert self.post(self.api.update(edited_message=message)) == 200
        self.house.work()

    def leave(self) -> None:
        assert self.post(self.api.block()) == 200
        self.house.work()

    def heard(self) -> list[str]:
        self.house.work()
        return self.api.texts


@dataclass
class MessengerDriver:
    """An adapter of some messenger."""

    house: LiveHouse
    receiver: WebhookReceiver
    channel: str = "messenger"
    edits: bool = True
    leaves: bool = True
    sent: int = 0
    secret: str = field(default="")

    def __post_init__(self) -> None:
        from plugins.messenger import links

        self.client = self.house.app.test_client()
        self.secret = links.add("viber", "Viber", self.receiver.url, "support").secret

    def post(self, event: Any, id: str = "", **changed: str) -> Any:
        """One signed request; headers may be ``changed`` after it was signed."""
        self.sent += 1
        body = json.dumps(event).encode()
        webhook_id, timestamp = id or f"evt-{self.sent}", str(int(clock.now().timestamp()))
        headers = {
            "webhook-id": webhook_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": "v1," + signature(self.secret, webhook_id, int(timestamp), body),
        }
        names = {name.replace("_", "-"): value for name, value in changed.items()}
        answer = self.client.post("/messenger/viber", data=body, headers={**headers, **names})
        self.house.work()
        return answer

    def say(self, text: str, key: str = "", files: list[dict[str, Any]] | None = None) -> str:
        key = key or f"m{self.sent + 1}"
        message = {
            "id": key,
            "from": {"id": "u7", "name": "Мария", "language": "ru"},
            "text": text,
            "files": files or [],
        }
        assert self.post({"type": "message", "message": message}).status_code == 202
        return key

    def edit(self, key: str, text: str) -> None:
        message = {"id": key, "from": {"id": "u7"}, "text": text}
        assert self.post({"type": "message.edited", "message": message}).status_code == 202

    def leave(self) -> None:
        assert self.post({"type": "left", "from": {"id": "u7"}}).status_code == 202

    def heard(self) -> list[str]:
        self.house.work()
        return [one.body["message"]["text"] for one in self.receiver.deliveries if one.answered < 300]


def base64_of(content: bytes) -> str:
    """As adapters send the content of files."""
    return base64.b64encode(content).decode()
