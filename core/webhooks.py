"""Webhooks: what happens here is told to other systems, signed, as rows of the outbox written in the transaction of the change.

Headers and signature are those of Standard Webhooks 1.0 (standardwebhooks.com): ``webhook-id``, ``webhook-timestamp`` and
``webhook-signature: v1,<base64 of HMAC-SHA256 over id.timestamp.body>``. The id is the same at every attempt: receivers keep it to
know a repeat. The body is JSON with ``id``, ``type``, ``at`` and ``data``, the latter in the shapes of the REST API.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from sqlalchemy import select

from core import audit, outbox
from core.clock import now
from core.contracts import Rejected, Text
from core.db import current_work, db, transaction
from core.model import Webhook
from core.notifications import notify
from core.permissions import holders
from core.schemas import Invalid

KIND = "webhook.send"
LANE = "webhooks"
SECRET_PREFIX = "whsec_"
OLD_SECRET_KEPT = timedelta(days=1)
DISABLE_AFTER = 50
MOST = 100
EVENTS: dict[str, Text] = {
    "case.created": Text("A case was opened", "Запрос открыт"),
    "case.updated": Text("A case changed", "Запрос изменился"),
    "case.closed": Text("A case was closed", "Запрос закрыт"),
    "message.received": Text("A contact wrote", "Контакт написал"),
    "message.sent": Text("An answer was written", "Ответ написан"),
    "interaction.queued": Text("An interaction waits", "Обращение ждёт в очереди"),
    "interaction.assigned": Text("An agent has an interaction", "Обращение у оператора"),
    "interaction.closed": Text("An interaction was closed", "Обращение закрыто"),
    "agent.state_changed": Text("An agent changed state", "Оператор сменил состояние"),
    "ping.waiting": Text("A ping was sent", "Пинг отправлен"),
    "ping.taken": Text("A ping was taken", "Пинг взят"),
    "ping.answered": Text("A ping was answered", "На пинг ответили"),
    "ping.withdrawn": Text("A ping was withdrawn", "Пинг отозван"),
}
TEST = "test"
_SUBSCRIBED = select(Webhook.id, Webhook.events).where(Webhook.active)


def _missing() -> Rejected:
    return Rejected(Text("There is no such webhook.", "Такого вебхука нет."), "not-found")


def new_secret() -> str:
    """A signing secret of 32 random bytes, as Standard Webhooks writes them."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode("ascii")


def checked_url(url: str) -> str:
    """The address without blanks. Raises :class:`Invalid` for what is no absolute http(s) address, or holds a password."""
    url = url.strip()
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        fits = fits and not parts.username and not parts.password and url.isascii() and url.isprintable()
    except ValueError:
        fits = False
    if not fits or " " in url or len(url) > 500:
        text = Text(
            "An address like https://example.com/hook, without a password in it.",
            "Адрес вида https://example.com/hook, без пароля внутри.",
        )
        raise Invalid({"url": text})
    return url


def checked_events(names: Iterable[str]) -> list[str]:
    """The names in order, once each; ``*`` is all, ``ping.*`` all of a kind. Raises :class:`Invalid`."""
    chosen = sorted(set(names))
    known = {*EVENTS, "*", *(f"{name.partition('.')[0]}.*" for name in EVENTS)}
    if not chosen or set(chosen) - known:
        listed = ", ".join([*EVENTS, "ping.*", "*"])
        raise Invalid({"events": Text(f"Choose some of: {listed}.", f"Выберите из списка: {listed}.")})
    return chosen


def wants(webhook_events: Iterable[str], event: str) -> bool:
    """Whether a subscription names ``event``."""
    return bool({event, "*", f"{event.partition('.')[0]}.*"} & set(webhook_events))


# --- operations --------------------------------------------------------------------------------------


def listed() -> list[Webhook]:
    """All, by id."""
    return list(db.session.scalars(select(Webhook).order_by(Webhook.id)))


def get(webhook_id: int) -> Webhook:
    """By id; raises ``Rejected`` (``not-found``)."""
    webhook = db.session.get(Webhook, webhook_id, populate_existing=True)
    if webhook is None:
        raise _missing()
    return webhook


def add(url: str, events: Iterable[str]) -> Webhook:
    """A new subscription; its ``secret`` is to be shown once. Raises :class:`Invalid`, ``Rejected`` (``webhooks-full``)."""
    values = {"url": checked_url(url), "events": checked_events(events)}
    with transaction():
        if len(listed()) >= MOST:
            raise Rejected(Text(f"At most {MOST} webhooks.", f"Не больше {MOST} вебхуков."), "webhooks-full")
        webhook = Webhook(**values, secret=new_secret())
        db.session.add(webhook)
        db.session.flush()
        audit.record("webhook.add", "webhook", webhook.id, after=values)
        return webhook


def update(
    webhook_id: int, *, url: str | None = None, events: Iterable[str] | None = None, active: bool | None = None
) -> Webhook:
    """Change what is given; switching on again forgets the failures."""
    values: dict[str, Any] = {}
    if url is not None:
        values["url"] = checked_url(url)
    if events is not None:
        values["events"] = checked_events(events)
    if active is not None:
        values["active"] = active
    with transaction():
        webhook = get(webhook_id)
        before = {name: getattr(webhook, name) for name in values}
        for name, value in values.items():
            setattr(webhook, name, value)
        if active:
            webhook.failures = 0
        audit.record("webhook.change", "webhook", webhook_id, before, values)
        return webhook


def rotate(webhook_id: int) -> Webhook:
    """A new secret, to be shown once; deliveries carry the old one's signature as well for a day."""
    with transaction():
        webhook = get(webhook_id)
        webhook.old_secret, webhook.old_secret_until = webhook.secret, now() + OLD_SECRET_KEPT
        webhook.secret = new_secret()
        audit.record("webhook.rotate", "webhook", webhook_id)
        return webhook


def remove(webhook_id: int) -> None:
    """Unsubscribe; what still waits for it is given up."""
    with transaction():
        webhook = get(webhook_id)
        audit.record("webhook.remove", "webhook", webhook_id, before={"url": webhook.url, "events": webhook.events})
        db.session.delete(webhook)


def test(webhook_id: int) -> str:
    """Send an event of type ``test`` to this webhook alone, switched on or not; returns the event's id."""
    with transaction():
        webhook = get(webhook_id)
        event_id = f"evt_{uuid4().hex}"
        _enqueue(webhook.id, event_id, TEST, {"webhook_id": webhook_id}, now())
        return event_id


# --- telling -----------------------------------------------------------------------------------------


def subscriptions() -> list[tuple[int, list[str]]]:
    """Id and events of the active ones; one small query."""
    return [(row.id, row.events) for row in current_work().connection.execute(_SUBSCRIBED)]


def tell(event: str, data: dict[str, Any], to: Iterable[int], key: str = "") -> None:
    """Put an event into the outbox for the webhooks ``to``, in the open transaction; the same ``key`` again tells nothing new."""
    event_id = f"evt_{key}" if key else f"evt_{uuid4().hex}"
    moment = now()
    for webhook_id in to:
        _enqueue(webhook_id, event_id, event, data, moment)


def _enqueue(webhook_id: int, event_id: str, event: str, data: dict[str, Any], at: datetime) -> None:
    body = {"id": event_id, "type": event, "at": at.isoformat().replace("+00:00", "Z"), "data": data}
    outbox.enqueue(KIND, f"webhook:{webhook_id}:{event_id}"[:160], {"webhook_id": webhook_id, "body": body})


def note_attempt(webhook_id: int, ok: bool, status: str, *, disable: bool = False) -> None:
    """Remember how a delivery went; after ``DISABLE_AFTER`` failures in a row, or with ``disable``, switch it off and tell who manages."""
    with transaction():
        webhook = db.session.get(Webhook, webhook_id, with_for_update=True, populate_existing=True)
        if webhook is None:
            return
        webhook.failures = 0 if ok else webhook.failures + 1
        webhook.last_status, webhook.last_at = status[:200], now()
        if webhook.active and (disable or webhook.failures >= DISABLE_AFTER):
            webhook.active = False
            audit.record("webhook.disable", "webhook", webhook_id, {"active": True}, {"active": False})
            told = {"url": webhook.url, "text": status[:200]}
            notify(holders("admin.api"), "webhook.disabled", "/admin/webhooks", told)
