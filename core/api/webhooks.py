"""Webhooks: who is told of what happens here."""

from __future__ import annotations

from typing import Any

from core import webhooks
from core.api import fields as f
from core.api.resource import Resource
from core.api.shapes import NewWebhookShape, WebhookShape
from core.contracts import Text
from core.model import Webhook

resource = Resource("webhooks", Text("Webhooks", "Вебхуки"))
ADMIN: dict[str, Any] = {"scope": "webhooks:admin", "permission": "admin.api"}
LISTED = ", ".join(webhooks.EVENTS)
NAMES = Text(f"{LISTED}, ping.*, *", f"{LISTED}, ping.*, *")


class WebhookInput(f.Input):
    url = f.text(500, required=True, least=1)
    events = f.items(f.text(40), 40, NAMES, required=True)


class WebhookChanges(f.Input):
    url = f.text(500, least=1)
    events = f.items(f.text(40), 40, NAMES)
    active = f.flag()


@resource.get("/webhooks", Text("Webhooks", "Вебхуки"), answer=WebhookShape, many=True, **ADMIN)
def list_webhooks() -> list[Webhook]:
    """At most a hundred."""
    return webhooks.listed()


@resource.get("/webhooks/<id:webhook_id>", Text("A webhook", "Вебхук"), answer=WebhookShape, **ADMIN)
def get_webhook(webhook_id: int) -> Webhook:
    """With how the last delivery went."""
    return webhooks.get(webhook_id)


@resource.post(
    "/webhooks",
    Text("Subscribe", "Подписаться"),
    body=WebhookInput,
    answer=NewWebhookShape,
    status=201,
    secret=("secret",),
    **ADMIN,
)
def create_webhook(body: dict[str, Any]) -> Webhook:
    """The secret is shown once."""
    return webhooks.add(body["url"], body["events"])


@resource.patch(
    "/webhooks/<id:webhook_id>",
    Text("Change a webhook", "Изменить вебхук"),
    body=WebhookChanges,
    answer=WebhookShape,
    **ADMIN,
)
def change_webhook(webhook_id: int, body: dict[str, Any]) -> Webhook:
    """Switching on again forgets the failures."""
    return webhooks.update(webhook_id, **body)


@resource.post(
    "/webhooks/<id:webhook_id>/rotate",
    Text("New secret", "Новый секрет"),
    answer=NewWebhookShape,
    secret=("secret",),
    **ADMIN,
)
def rotate_webhook(webhook_id: int) -> Webhook:
    """For a day deliveries carry the old one's signature as well."""
    return webhooks.rotate(webhook_id)


@resource.post("/webhooks/<id:webhook_id>/test", Text("Send a test event", "Отправить пробное событие"), **ADMIN)
def test_webhook(webhook_id: int) -> None:
    """Of type ``test``."""
    webhooks.test(webhook_id)


@resource.delete("/webhooks/<id:webhook_id>", Text("Unsubscribe", "Отписаться"), **ADMIN)
def remove_webhook(webhook_id: int) -> None:
    """What still waits for it is given up."""
    webhooks.remove(webhook_id)
