"""Addresses of files that a visitor's page can show: signed, because a picture's request carries no token."""

from __future__ import annotations

from typing import Any

from flask import current_app
from itsdangerous import BadSignature, URLSafeTimedSerializer

from core.model import Attachment

SALT = "okno-chat-file"
KEEP_SECONDS = 7 * 24 * 3600
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")


def drawn(file: Attachment) -> dict[str, Any]:
    """A file as the visitor's page gets it: ``url`` below the widget's own server, good for a week, ``size`` in bytes."""
    return {
        "name": file.name,
        "type": file.content_type,
        "size": file.file.size,
        "picture": file.content_type in PICTURES,
        "url": f"/chat/files/{_serializer().dumps(file.id)}",
    }


def read(signed: str) -> int | None:
    """The attachment's id; None when the address is not ours or too old."""
    try:
        return int(_serializer().loads(signed, max_age=KEEP_SECONDS))
    except BadSignature:
        return None


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=SALT)
