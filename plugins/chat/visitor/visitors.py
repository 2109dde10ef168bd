"""Who a visitor is: a random name in a signed token that the visitor's browser keeps."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from flask import current_app
from itsdangerous import BadSignature, URLSafeTimedSerializer

from core.web.auth import visitor_token
from plugins.chat.telling import topic_of

SALT = "okno-chat-visitor"
KEEP_SECONDS = 90 * 24 * 3600
BYTES = 16


@dataclass(frozen=True, slots=True)
class Visitor:
    """``id`` is the contact's address in this channel, ``entry`` the widget's key; whoever holds the token is the visitor."""

    id: str
    entry: str = ""

    @property
    def topic(self) -> str:
        """Where the visitor's page hears what happens; the same through all conversations."""
        return topic_of(self.id)

    def token(self) -> str:
        """The proof that the browser shows with each request, good for 90 days."""
        return str(_serializer().dumps([self.id, self.entry]))

    def stream_token(self) -> str:
        """The proof for ``/events``, good for a day."""
        return visitor_token(self.topic)


def new_visitor(entry: str = "") -> Visitor:
    """Somebody who has not been here before; nothing is stored until they write."""
    return Visitor(secrets.token_urlsafe(BYTES), entry.strip().lower()[:80])


def read_token(token: str) -> Visitor | None:
    """The visitor of a token; None when it is not ours, changed or too old."""
    try:
        visitor_id, entry = _serializer().loads(token, max_age=KEEP_SECONDS)
    except (BadSignature, ValueError):
        return None
    return Visitor(str(visitor_id), str(entry))


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=SALT)
