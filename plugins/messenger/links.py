"""The adapters of the house: added, changed, their secret rotated, removed; and whether a request is really theirs."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from core import audit, services
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.house import okno
from core.model import Service, ServiceEntry
from core.schemas import Invalid
from core.webhook_delivery import signature
from core.webhooks import OLD_SECRET_KEPT, checked_url, new_secret
from plugins.messenger.models import MessengerLink

CHANNEL = "messenger"
KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,38}")
LONGEST_ID = 100


class Unproved(Exception):
    """A request that is not the adapter's, or is too old to be believed; ``code`` for programs."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(text)


def listed() -> list[MessengerLink]:
    """All, by key."""
    return list(db.session.scalars(select(MessengerLink).order_by(MessengerLink.key)))


def get(key: str) -> MessengerLink:
    """By key. Raises ``Rejected`` (``not-found``)."""
    found: MessengerLink | None = db.session.scalar(select(MessengerLink).where(MessengerLink.key == key))
    if found is None:
        raise Rejected(Text(f"There is no messenger «{key}»", f"Мессенджера «{key}» нет"), "not-found")
    return found


def services_of(key: str) -> list[Service]:
    """The service that the adapter leads to, if any."""
    entered = select(Service).join(ServiceEntry, ServiceEntry.service_id == Service.id)
    return list(db.session.scalars(entered.where(ServiceEntry.channel == CHANNEL, ServiceEntry.address == key)))


def address_of(key: str, person: str) -> str:
    """How a person is known: the id that the messenger gives, and which messenger."""
    return f"{person}@{key}"[:254]


def by_address(address: str) -> tuple[MessengerLink | None, str]:
    """The adapter and the person of :func:`address_of`."""
    person, _, key = address.rpartition("@")
    return db.session.scalar(select(MessengerLink).where(MessengerLink.key == key)), person


def add(key: str, title: str, url: str = "", service_key: str = "") -> MessengerLink:
    """A new adapter; its ``secret`` is to be shown once. Raises ``Rejected``: ``messenger-key``, ``exists``, and for url and service."""
    key, title = key.strip().lower(), title.strip()[:200]
    if not KEY.fullmatch(key):
        raise Rejected(
            Text("A key has Latin letters, digits, - and _", "Ключ состоит из латинских букв, цифр, - и _"),
            "messenger-key",
        )
    url = checked_url(url) if url.strip() else ""
    with transaction():
        if db.session.scalar(select(MessengerLink.id).where(MessengerLink.key == key)) is not None:
            raise Invalid({"key": Text("This key is taken.", "Такой ключ уже есть.")}, "exists")
        link = MessengerLink(key=key, title=title or key, url=url, secret=new_secret())
        db.session.add(link)
        db.session.flush()
        if service_key:
            services.add_entry(services.get_service(service_key).id, CHANNEL, key)
        audit.record("messenger.add", "messenger_link", key, after={"title": title, "url": url, "service": service_key})
        return link


def update(key: str, *, title: str | None = None, url: str | None = None, active: bool | None = None) -> MessengerLink:
    """Change what is given. Raises ``Rejected`` (``not-found``) and what is wrong with the address."""
    values: dict[str, Any] = {}
    if title is not None:
        values["title"] = title.strip()[:200] or key
    if url is not None:
        values["url"] = checked_url(url) if url.strip() else ""
    if active is not None:
        values["active"] = active
    with transaction():
        link = get(key)
        before = {name: getattr(link, name) for name in values}
        for name, value in values.items():
            setattr(link, name, value)
        audit.record("messenger.change", "messenger_link", key, before, values)
        return link


def rotate(key: str) -> MessengerLink:
    """A new secret, to be shown once; the old one is taken for a day more."""
    with transaction():
        link = get(key)
        link.old_secret, link.old_secret_until = link.secret, now() + OLD_SECRET_KEPT
        link.secret = new_secret()
        audit.record("messenger.rotate", "messenger_link", key)
        return link


def remove(key: str) -> None:
    """Forget the adapter; conversations stay, answers to them can't be sent any more."""
    with transaction():
        link = get(key)
        audit.record("messenger.remove", "messenger_link", key, before={"title": link.title, "url": link.url})
        entries = select(ServiceEntry).where(ServiceEntry.channel == CHANNEL, ServiceEntry.address == key)
        for entry in db.session.scalars(entries):
            db.session.delete(entry)
        db.session.delete(link)


def note_status(link_id: int, status: str) -> None:
    """How the last delivery went."""
    with transaction():
        link = db.session.get(MessengerLink, link_id)
        if link is not None and link.last_status != status[:200]:
            link.last_status = status[:200]


# --- signatures --------------------------------------------------------------------------------------


def keys_of(link: MessengerLink) -> list[str]:
    """The secrets that count now, the newest first."""
    old = bool(link.old_secret) and link.old_secret_until is not None and link.old_secret_until > now()
    return [link.secret, link.old_secret] if old else [link.secret]


def signed(link: MessengerLink, message_id: str, timestamp: int, body: bytes) -> str:
    """The header ``webhook-signature`` of what we send."""
    return " ".join(f"v1,{signature(secret, message_id, timestamp, body)}" for secret in keys_of(link))


def prove(link: MessengerLink, headers: Mapping[str, str], body: bytes) -> str:
    """The id of a request that is really the adapter's and not older than ``messenger.tolerance_seconds``. Raises :class:`Unproved`."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or len(message_id) > LONGEST_ID or not (timestamp.isascii() and timestamp.isdigit()):
        raise Unproved("signature-missing", "webhook-id and webhook-timestamp are needed")
    sent = [one.removeprefix("v1,") for one in headers.get("webhook-signature", "").split() if one.startswith("v1,")]
    right = [signature(secret, message_id, int(timestamp), body) for secret in keys_of(link)]
    if not any(hmac.compare_digest(one.encode(), known.encode()) for one in sent for known in right):
        raise Unproved("signature-wrong", "webhook-signature does not fit the secret, the id, the time and the body")
    if abs(now().timestamp() - int(timestamp)) > okno().config.get("messenger.tolerance_seconds"):
        raise Unproved("too-old", "webhook-timestamp is too far from the time here")
    return message_id
